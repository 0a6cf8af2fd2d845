"""Clauses that ask for no task: roll back if it fails, go on, ask first, try again, wait at most so long, leave out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from reign.core.lexicon import CHECK, SHOW, UNDO, WAIT, Kind
from reign.core.plan import OnFailure
from reign.planner.keyword import english, options, questions
from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.conditions import condition
from reign.planner.keyword.normalise import Shape
from reign.planner.keyword.story import Story

_LIMITS = frozenset({("at", "most"), ("up", "to")})
_TIMES = {"once": 1, "twice": 2}
_OUTCOMES = frozenset({"result", "results", "outcome", "outcomes", "happened", "went"})
_UNTOUCHED = frozenset({"alone", "untouched", "be", "it", "as", "is", "running", "intact"})
_KEPT_AS = frozenset({"as", "at", "in", "to", "under"})
_USUAL_RETRIES = 3
_MOST_ATTEMPTS = 100


def is_remark(story: Story, clause: Clause, conditions: Sequence[Clause]) -> bool:
    """Whether the clause only says something about what was said before; does what it says.

    A condition that it takes up is spent: its role becomes that of a reason.
    """
    if clause.lemma == "wait" and _limits(story, clause):
        return True
    if _tries_again(story, clause, conditions):
        return True
    if _orders(story, clause) or _shows_outcome(story, clause):
        return True
    if not options.without_object(clause):
        return False
    return _rolls_back(story, clause, conditions) or _goes_on(story, clause, conditions) or _asks(story, clause)


def waits_anyway(story: Story, clause: Clause) -> bool:
    """``install it, wait for it``: what the step before does ends only when that is ready."""
    last = story.timeline.last
    small = english.WENT_WELL | english.PREPOSITIONS | english.AUXILIARIES
    if any(token.word in english.NEGATIONS for token in clause.body):
        return False
    if clause.lemma not in WAIT or clause.head is None or last is None or not last.drafts:
        return False
    told = not story.text[clause.head.tokens[0].start :].lower().startswith(WAIT)  # "let me know when it is done"
    if not told and not all("wait" in draft.entry.spec.inputs.model_fields for draft in last.drafts):
        return False
    rest = [token for token in clause.body if token.word not in small]
    if not options.without_object(replace(clause, body=rest)):
        return False
    story.note(clause.tokens, "told by every run" if told else "waits until it is ready, as always")
    return True


def spend(clause: Clause) -> None:
    """Marks a condition as taken up."""
    clause.role, clause.body = Role.BECAUSE, []


def _shows_outcome(story: Story, clause: Clause) -> bool:
    """``and show me the result``: every run does."""
    small = english.ARTICLES | english.POLITE | english.PRONOUNS | english.PREPOSITIONS | {"its", "their"}
    said = [token for token in clause.body if token.word not in small]
    last = story.timeline.last
    if last is None or not all(token.word in _OUTCOMES for token in said):
        return False
    again = not said and last.reads and clause.role is Role.DO  # "what is in the state of ./x, can you show it?"
    if not (again and clause.lemma in (*SHOW, *CHECK)) and not (said and clause.lemma in SHOW):
        return False
    story.note(clause.tokens, "shown by every run")
    return True


def _orders(story: Story, clause: Clause) -> bool:
    """``do it in this order``: of all that was said before."""
    small = english.PRONOUNS | english.QUANTIFIERS | english.POLITE | {"steps", "things", "tasks", "the", "of"}
    if not clause.one_by_one or clause.lemma not in ("do", "perform", "carry out") or not story.timeline.steps:
        return False
    if not all(token.word in small or token.shape is Shape.PUNCT for token in clause.body):
        return False
    for step in story.timeline.steps:
        step.join = Join.THEN if step.join is Join.AND else step.join
    story.note(clause.tokens, "one after the other")
    return True


def _rolls_back(story: Story, clause: Clause, conditions: Sequence[Clause]) -> bool:
    if clause.lemma not in UNDO or not conditions or all(step.reads for step in story.timeline.steps):
        return False
    found = condition(conditions[0], story.understanding, story.discourse)
    if found.well or found.check is not None:
        return False
    story.on_failure = OnFailure.ROLLBACK
    story.note([*clause.tokens, *conditions[0].body], "on_failure: rollback")
    spend(conditions[0])
    return True


def _goes_on(story: Story, clause: Clause, conditions: Sequence[Clause]) -> bool:
    if clause.lemma not in english.GO_ON:
        return False
    for when in conditions:
        if not condition(when, story.understanding, story.discourse).well:
            story.on_failure = OnFailure.CONTINUE
            story.note(when.body, "on_failure: continue")
            spend(when)
    story.note(clause.tokens, "goes on")
    return True


def _asks(story: Story, clause: Clause) -> bool:
    if clause.lemma != "ask" and not any(token.word in english.APPROVAL for token in clause.body):
        return False
    story.note(clause.tokens, "approval: required")
    if clause.join is Join.FIRST and story.timeline.last is not None:
        story.ask_first(story.timeline.last)
    else:
        story.asking = True
    return True


def _limits(story: Story, clause: Clause) -> bool:
    """``wait at most 5 minutes``: a limit for what came before."""
    last = story.timeline.last
    durations = [token for token in clause.body if token.shape is Shape.DURATION]
    words = [token.word for token in clause.body if token.shape is Shape.WORD]
    limit = any(pair in _LIMITS for pair in itertools.pairwise(words))
    if last is None or not limit or len(durations) != 1 or len(words) > 3 or len(words) + 1 != len(clause.body):
        return False
    for draft in last.drafts:
        own = next((slot for slot in draft.entry.phrase.slots if slot.kind is Kind.DURATION), None)
        if own is not None:
            draft.inputs[own.inputs[0]] = durations[0].value
        else:
            draft.options["timeout"] = durations[0].value
    story.note(clause.tokens, "timeout")
    return True


def _tries_again(story: Story, clause: Clause, conditions: Sequence[Clause]) -> bool:
    """``retry twice``; a retry is a try after the first, and only ever after a failure."""
    if clause.lemma not in english.RETRY or story.timeline.last is None:
        return False
    for when in conditions:
        if not condition(when, story.understanding, story.discourse).well:
            spend(when)
    said = (token.value for token in clause.body if token.shape is Shape.NUMBER and isinstance(token.value, int))
    number = next(said, None) or next((_TIMES[t.word] for t in clause.body if t.word in _TIMES), _USUAL_RETRIES)
    for draft in story.timeline.last.drafts:
        draft.options["retry"] = {"attempts": min(number + 1, _MOST_ATTEMPTS)}
    story.note(clause.tokens, "retry")
    return True


def _stands_alone(story: Story, clause: Clause) -> bool:
    """Whether what is spared is a thing of its own, and not a part of what is destroyed."""
    found = next(iter(story.understanding.ranked(replace(clause, negated=False), story.discourse)), None)
    return found is not None and found.fits


def _is_elsewhere(story: Story, clause: Clause) -> bool:
    """``delete web in namespace test, but leave THE ONE IN NAMESPACE PROD alone``: another place than each task's."""
    tokens = clause.tokens
    at = next((i for i, token in enumerate(tokens) if token.word in ("one", "ones")), None)
    last = story.timeline.last
    if at is None or last is None or at + 2 >= len(tokens) or tokens[at + 1].word not in english.PREPOSITIONS:
        return False
    end = next((i for i in range(at + 2, len(tokens)) if tokens[i].shape in (Shape.PUNCT, Shape.BREAK)), len(tokens))
    said = [token for token in tokens[at + 2 : end] if token.word not in _UNTOUCHED | english.ARTICLES]
    if any(token.word in english.AND | english.PREPOSITIONS for token in said):
        return False
    names = {token.text for token in said if not story.vocabulary.is_noun(token)}
    places = [{str(draft.inputs[n]) for n in draft.entry.places if n in draft.inputs} for draft in last.drafts]
    return len(names) == 1 and all(places) and not any(names & own for own in places)


def _spares_a_value(story: Story, clause: Clause) -> bool:
    """``keep it AT 5 REPLICAS``, ``keep the old one AS ./app.conf.bak``: no sparing, but something to be done.

    What is only spared has been spoken of, or has a noun beside it: ``leave the volume data alone``.
    """
    spoken = story.text[: clause.body[0].start].lower().split() if clause.body else []
    if not spoken or spoken[-1] not in ("keep", "leave", "preserve"):
        return False
    values = [t for t in clause.body if t.shape in (Shape.TYPED, Shape.NUMBER, Shape.PAIR)]
    governed = (b for a, b in itertools.pairwise(clause.body) if a.word in _KEPT_AS and b in values)
    return any(not story.discourse.spoken_of(token.text) for token in governed)


def leave_out(story: Story, clause: Clause) -> None:
    """What is not to be done makes no task. Where something is destroyed, it must be understood what is spared.

    Raises NotUnderstood.
    """
    said = questions.phrase(story.text, clause.tokens)
    if story.asks_for(clause):
        raise questions.ask(story.text, f"{said} is asked for, and denied", "what should be done?", [])
    if _spares_a_value(story, clause):
        raise questions.ask(story.text, f"{said} says how something is kept", "what should be done?", [])
    known = clause.head is not None and (clause.lemma in story.vocabulary.by_verb or clause.lemma in english.LIGHT)
    last = story.timeline.last
    destroys = last is not None and any(draft.entry.spec.effect.value == "destroy" for draft in last.drafts)
    part = clause.copied and not _stands_alone(story, clause)  # "destroy ./infra but not the database"
    if destroys and _is_elsewhere(story, clause):
        story.note(clause.tokens, "left out")
        return
    if destroys and (part or not (known and clause.role is Role.DO)):
        raise questions.ask(story.text, f"leaving out {said}", "what should be spared?", story.suggestions())
    story.note(clause.tokens, "left out")
    story.warnings.append(f"not done, as asked: {said}")
