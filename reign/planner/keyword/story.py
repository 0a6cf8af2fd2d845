"""What has been understood so far: the steps, what later words can mean, and notes for the reader of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reign.core.errors import NotUnderstood
from reign.core.lexicon import Kind
from reign.core.plan import OnFailure
from reign.planner.keyword import background, english, narration, questions, values
from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.discourse import MADE, OBJECT, Discourse, Entity
from reign.planner.keyword.drafts import (
    Draft,
    Ids,
    contradiction,
    drafts,
    entities,
    has_inputs,
    in_turn,
    merged,
    prerequisites,
    share_numbers,
    share_place,
    twofold,
    uneven,
)
from reign.planner.keyword.frame import Match
from reign.planner.keyword.inflection import Form
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.timeline import Step, Timeline
from reign.planner.keyword.understand import Understanding
from reign.planner.keyword.vocabulary import Vocabulary


class Story:
    """Grows clause by clause: turns what a clause asks for into tasks, and remembers what it speaks of."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.understanding = Understanding(vocabulary, text)
        self.discourse = Discourse()
        self.timeline = Timeline()
        self.on_failure: OnFailure | None = None
        self.notes: list[tuple[Token, str]] = []
        self.warnings: list[str] = []
        self.lead: list[Token] = []  # words that hold for all clauses of the sentence
        self.asking = False  # the next step asks a person first
        self._ids = Ids()
        self._made: dict[str, Draft] = {}
        self._number = 0  # of the clause being read

    # --- clauses into steps

    def tell(
        self, step: Step, clause: Clause, following: Sequence[Clause] = (), unless_said: bool = False
    ) -> Clause | None:
        """Understands a clause and puts its tasks into the step; ``unless_said``: only those that are new.

        Gives the rest of the clause that is to be read after it, if there is one. Raises NotUnderstood.
        """
        lent = [self.lead] if self.lead else []
        borrowed = _borrowed(clause, following)
        try:
            matches, rest = self.understanding.clause(clause, self.discourse, lent)
            if borrowed and self._names_tool(matches):
                matches, rest = self._with(clause, lent, borrowed)
        except NotUnderstood:
            if (another := self._another(clause)) is not None:
                matches, rest = [another], None
            elif borrowed:
                matches, rest = self._with(clause, lent, borrowed)
            else:
                raise
        matches = self._like_before(clause, matches)
        self.add(step, matches, unless_said)
        if self.asking and step.drafts:
            self.ask_first(step)
            self.asking = False
        return rest

    def _another(self, clause: Clause) -> Match | None:
        """``create volume a, then B``: a name alone is one more of what the clause before is about."""
        last = self.timeline.last
        if not clause.copied or last is None or last.clause is None or not last.drafts or not clause.body:
            return None
        noun = next((token for token in last.clause.body if self.vocabulary.is_noun(token)), None)
        if noun is None or any(self.vocabulary.is_noun(token) for token in clause.body):
            return None
        whole = replace(clause, body=[noun, *clause.body])
        found = next((m for m in self.understanding.ranked(whole, self.discourse) if m.fits), None)
        if found is None or found.operation != last.drafts[-1].uses:
            return None
        clause.body = whole.body
        return found

    def _like_before(self, clause: Clause, matches: list[Match]) -> list[Match]:
        """``execute `a` in container web and, if that works, `b```: in the same place as the command before it."""
        last = self.timeline.last
        if not clause.copied or last is None or last.clause is None or not last.drafts or len(matches) != 1:
            return matches
        before = last.drafts[-1]
        if before.uses == matches[0].operation or not isinstance(before.inputs.get("command"), str):
            return matches
        place = [token for token in last.clause.body if token.shape is not Shape.CODE]
        whole = replace(clause, body=[*clause.body, *place])
        again = next((m for m in self.understanding.ranked(whole, self.discourse) if m.fits), None)
        return [again] if again is not None and again.operation == before.uses else matches

    def _with(
        self, clause: Clause, lent: Sequence[Sequence[Token]], borrowed: Sequence[Token]
    ) -> tuple[list[Match], Clause | None]:
        """Reads the clause with words of the clause after it. Raises NotUnderstood."""
        matches, rest = self.understanding.clause(clause, self.discourse, [*lent, borrowed])
        self.understanding.matcher.excused.update(token for match in matches for token in match.used)
        return matches, rest

    def _names_tool(self, matches: Sequence[Match]) -> bool:
        """Whether a bare command line begins with an agent's tool: ``run terraform init and terraform plan in ./x``."""
        return any(
            match.entry.phrase.programs and (fill.tokens[0].word,) in self.vocabulary.cues
            for match in matches
            for fill in match.fills.values()
            if fill.tokens and fill.tokens[0].shape is Shape.WORD
        )

    def introduce(self, clause: Clause) -> bool:
        """``take ./app, ...``: puts what later words mean before the reader; whether there was anything."""
        self._number += 1
        found = self._introduce_values(clause.body)
        found = (self._only_names(clause.body) and self._introduce_things(clause.body)) or found
        if found:
            self.note(clause.tokens, "what is spoken of")
        return found

    def _introduce_values(self, body: Sequence[Token]) -> bool:
        """What looks like nothing else: paths, images, repositories, addresses; whether there was any."""
        found = False
        for token in body:
            for kind, things in _INTRODUCED:
                reading = values.read(kind, token)
                if kind is Kind.PATH and values.looks_like_file(token.text):
                    things = ("file",)
                for thing in things if reading is not None and reading.strength == 3 else ():
                    assert reading is not None
                    self.discourse.add(Entity(thing, reading.value, self._number, OBJECT))
                    found = True
        return found

    def _only_names(self, body: Sequence[Token]) -> bool:
        """Whether the words are nouns, names and small words: "the compose file ./x.yml", and not "web offline"."""
        named = {token for _, token in background.things(body, self.vocabulary)}
        small = english.ARTICLES | english.PREPOSITIONS | english.NAMING
        return all(token in named or token.word in small or self.vocabulary.is_noun(token) for token in body)

    def _introduce_things(self, body: Sequence[Token]) -> bool:
        """What a noun says of a name or a path: ``the compose file ./x.yml``, ``the container web``."""
        found = False
        for kinds, token in background.things(body, self.vocabulary):
            for thing in kinds:
                value = token.value if token.shape is Shape.NUMBER else token.text
                self.discourse.add(Entity(thing, value, self._number, OBJECT))
                for (agent, scoped), names in self.vocabulary.scopes.items():
                    if scoped == thing and thing in _SCOPES:
                        for name in names:
                            self.discourse.set_scope(agent, name, token.text)
            found = True
        return found

    def set_the_scene(self, clause: Clause, following: Sequence[Clause] = ()) -> bool:
        """``the container web hangs.``: later words can mean what it names; whether it was such a statement."""
        told = narration.is_told(clause, self.text, following, self.vocabulary)
        told = told or (bool(following) and narration.wants_for_somebody(clause, self.vocabulary))
        if not (told or background.is_background(clause, self.vocabulary)) or self._is_destroyed(clause):
            return False
        self._number += 1
        self._introduce_values(clause.body)
        self._introduce_things(clause.body)
        for token in clause.body:
            if (repository := values.read(Kind.REPO, token)) is not None:
                self.discourse.add(Entity("repository", repository.value, self._number, OBJECT))
        self.note(clause.tokens, "how things stand; asks for nothing")
        self.warnings.append(f"taken as background: {questions.phrase(self.text, clause.tokens)}")
        return True

    def _is_destroyed(self, clause: Clause) -> bool:
        """Whether it speaks of what an earlier task destroys: ``remove web. The container web must stay.``"""
        names = {str(token.value or token.text) for _, token in background.things(clause.body, self.vocabulary)}
        destroying = (draft for draft in self._made.values() if draft.entry.spec.effect.value == "destroy")
        return any(names & set(map(str, draft.inputs.values())) for draft in destroying)

    def asks_for(self, clause: Clause) -> bool:
        """Whether what is denied is just what an earlier task does: ``delete web and do not delete web``."""
        match = next(iter(self.understanding.ranked(replace(clause, negated=False), self.discourse)), None)
        if match is None or not match.fits or not any(fill.tokens for fill in match.fills.values()):
            return False
        denied = drafts(match, Ids())
        return all((other := self.said(draft)) and other.inputs == draft.inputs for draft in denied)

    def speak_of(self, clause: Clause) -> None:
        """``don't stop worker``: what is not to be done names things all the same."""
        match = next(iter(self.understanding.ranked(replace(clause, negated=False), self.discourse)), None)
        if match is None or not match.fits:
            self._number += 1
            self._introduce_things(clause.body)  # "we do not NEED the container web any more"
            return
        self._number += 1
        for draft in drafts(match, Ids()):
            for entity in entities(draft, self._number):
                if entity.task is None or entity.salience < MADE:
                    self.discourse.add(replace(entity, task=None))

    def add(self, step: Step, matches: Sequence[Match], unless_said: bool = False) -> list[Draft]:
        """Makes the tasks of what was understood; gives those that stand for them, new or said before."""
        made: list[Draft] = []
        for match in matches:
            if uneven(match):
                said = questions.phrase(self.text, match.clause.tokens)
                raise questions.ask(self.text, said, "which of these go together?", [match.entry.phrase.example])
            if (setting := twofold(match)) is not None:
                said = questions.phrase(self.text, match.clause.tokens)
                raise questions.ask(self.text, said, f"which {setting} is meant?", [match.entry.phrase.example])
            self.notes += match.notes
            self._warn(match)
            for draft in prerequisites(match, self._made.values(), self._ids, self.vocabulary.first_of):
                step.before.append(draft)
                self._remember([draft])
            made += drafts(match, self._ids)
            self._require(match, made[-1])
        if (against := contradiction(made)) is not None:
            said = questions.phrase(self.text, matches[0].clause.tokens)
            raise questions.ask(self.text, said, f"which {against} is right?", [matches[0].entry.phrase.example])
        made = in_turn([draft for draft in merged(made) if not self._settles(draft)])
        if len(matches) > 1:
            share_place(made)
            if any(token.word in english.EACH for token in matches[-1].clause.body):
                share_numbers(made)
        made = [draft for draft in made if not self._goes_on(step, draft) and not self._repeats(step, draft, matches)]
        standing = [(unless_said and (self.said(draft) or self._tightens(step, draft))) or draft for draft in made]
        new = [draft for draft in made if draft in standing]
        if not step.gated and any(self._is_there(draft, new[:at]) for at, draft in enumerate(new)):
            said = questions.phrase(self.text, matches[0].clause.tokens)
            question = f"what is said of {new[0].inputs.get('name')} in all?"
            raise questions.ask(self.text, f"{said} starts the same again", question, [])
        step.drafts += new
        self._remember(new)
        return standing

    def _is_there(self, draft: Draft, beside: Sequence[Draft]) -> bool:
        """``run a:1 as web, ..., run it as WEB on port 8081``: whether an earlier task starts one of that name."""
        name = draft.inputs.get("name")
        if name is None or draft.inputs.get("replace") or not _RUNNING & {g.thing for g in draft.entry.phrase.gives}:
            return False
        there: Draft | None = None
        for other in (*self._made.values(), *beside):
            if other.inputs.get("name") == name and other.uses == draft.uses:
                there = other
            elif name in other.inputs.values() and other.entry.spec.effect.value != "read":
                there = None  # it was stopped, or taken away
        return there is not None and there.inputs != draft.inputs

    def _tightens(self, step: Step, draft: Draft) -> Draft | None:
        """``wait for web, and if it is not ready within 2 minutes, ...``: more of the check before it."""
        last = self.timeline.last
        if last is None or len(last.drafts) != 1 or draft.entry.spec.effect.value != "read":
            return None
        old = last.drafts[0]
        said = {name: value for name, value in draft.inputs.items() if name not in draft.unsaid}
        more = {name: value for name, value in said.items() if name not in old.inputs or name in old.unsaid}
        agrees = all(old.inputs.get(name) == value for name, value in said.items() if name not in more)
        durations = {slot.inputs[0] for slot in draft.entry.slots if slot.kind is Kind.DURATION}
        if old.uses != draft.uses or not agrees or not set(more) <= durations:
            return None
        old.inputs.update(more)
        return old

    def _goes_on(self, step: Step, draft: Draft) -> bool:
        """``open http://x and make sure it returns 200``: more of the check before it, and no second one."""
        last = self.timeline.last
        if step.join is not Join.AND or last is None or step.gated or last.gated or len(last.drafts) != 1:
            return False
        old, phrase = last.drafts[0], draft.entry.phrase
        if not phrase.merges or old.uses != draft.uses or not (old.links == draft.links or old.id in draft.links):
            return False
        said = {name: value for name, value in draft.inputs.items() if name not in draft.unsaid}
        if any(old.inputs.get(name, value) != value for name, value in said.items()):
            return False
        old.inputs.update(said)
        old.unsaid -= said.keys()
        return True

    def _repeats(self, step: Step, draft: Draft, matches: Sequence[Match]) -> bool:
        """``I am trying to get rid of web, can you remove it?``: what was just asked for, in other words.

        Only of what does the same however often it is done: to read, and to destroy.
        """
        last = self.timeline.last
        if last is None or step.gated or last.gated or draft.entry.spec.effect.value not in ("read", "destroy"):
            return False
        if any(token.word in _ANEW for match in matches for token in match.clause.tokens):
            return False
        said = {name: value for name, value in draft.inputs.items() if name not in draft.unsaid}
        return any(
            old.uses == draft.uses and all(old.inputs.get(name) == value for name, value in said.items())
            for old in last.drafts
        )

    def amend(self, clause: Clause) -> bool:
        """``run nginx as web, publish port 8080 to 80``: more about what the step before makes; whether it was that."""
        last = self.timeline.last
        if (
            clause.lemma.partition(" ")[0] not in english.AMENDS
            or last is None
            or last.clause is None
            or len(last.drafts) != 1
        ):
            return False
        said = clause.body
        if said and said[0].word in english.IT | english.THEM:
            said = said[1:]
        if not said or not last.clause.body:
            return False
        old = last.drafts[0]
        start = said[0].start
        found = None
        for link in (Token(",", start, start, Shape.PUNCT), Token("with", start, start, Shape.WORD)):
            whole = replace(last.clause, body=[*last.clause.body, link, *said])
            match = next(iter(self.understanding.ranked(whole, self.discourse)), None)
            if match is not None and match.fits and match.operation == old.uses and not uneven(match):
                found = match, whole
                break
        if found is None:
            return False
        match, whole = found
        made = drafts(match, Ids())
        kept = {name: value for name, value in old.inputs.items() if name not in old.unsaid}
        if len(made) != 1 or any(made[0].inputs.get(name) != value for name, value in kept.items()):
            return False
        last.before += prerequisites(match, self._made.values(), self._ids, self.vocabulary.first_of)
        old.inputs, old.unsaid, old.assumed = made[0].inputs, made[0].unsaid, made[0].assumed
        old.links = list(dict.fromkeys([*old.links, *(link for link in made[0].links if link != old.id)]))
        self.notes += [note for note in match.notes if note not in self.notes]
        self.note(clause.head.tokens if clause.head else (), match.operation)
        last.clause = whole
        self._remember([*last.before, old])
        return True

    def _settles(self, draft: Draft) -> bool:
        """``build ./api and tag it api:2``: names what an earlier task makes, if that was not named before."""
        if draft.entry.phrase.settles is None:
            return False
        uses, name = draft.entry.phrase.settles
        maker = next((m for link in draft.links if (m := self._made.get(link)) and m.uses == uses), None)
        given = next((draft.inputs[slot.inputs[0]] for slot in draft.entry.slots if slot.input == "target"), None)
        if maker is None or name not in maker.unsaid or given is None:
            return False
        maker.inputs[name] = given
        maker.unsaid.discard(name)
        maker.assumed = [line for line in maker.assumed if not line.startswith(f"{name} ")]
        self._remember([maker])
        return True

    def _require(self, match: Match, draft: Draft) -> None:
        """Raises NotUnderstood for an input that was to be made from another one and could not be."""
        slot = next((slot for slot in match.entry.slots if slot.required and not has_inputs(draft, slot)), None)
        if slot is not None:
            said = questions.phrase(self.text, match.clause.tokens)
            raise questions.ask(self.text, said, slot.ask, [match.entry.phrase.example], operation=match.operation)

    def said(self, draft: Draft) -> Draft | None:
        """The earlier task that does the same, whatever it was not told to do."""
        asked = {name: value for name, value in draft.inputs.items() if name not in draft.unsaid}
        for other in self._made.values():
            if other.uses == draft.uses and all(other.inputs.get(name) == value for name, value in asked.items()):
                return other
        return None

    def _remember(self, made: Sequence[Draft]) -> None:
        """Lets later clauses speak of what these tasks make and touch."""
        self._number += 1
        for draft in made:
            self._made[draft.id] = draft
            entry = draft.entry
            self._give_back(draft)
            for entity in entities(draft, self._number):
                self.discourse.add(entity)
                if entity.task == draft.id and any(entity.thing == gives.thing for gives in entry.phrase.gives):
                    for name in self.vocabulary.scopes.get((entry.agent, entity.thing), ()):
                        self.discourse.set_scope(entry.agent, name, entity.value)
            if isinstance(command := draft.inputs.get("command"), str):
                self.discourse.mention(command)
            for name in entry.places:
                if name in draft.inputs:
                    self.discourse.set_scope(entry.agent, name, draft.inputs[name])
            self.discourse.agent = entry.agent

    def _give_back(self, draft: Draft) -> None:
        """Where a task is at work holds for the earlier tasks whose things it takes up: ``apply it to workspace x``."""
        for link in draft.links:
            other = self._made.get(link)
            if other is None or other.entry.agent != draft.entry.agent:
                continue
            for name in draft.entry.places & other.entry.places:
                if name in draft.inputs:
                    other.inputs.setdefault(name, draft.inputs[name])

    # --- order

    def place(self, step: Step, clause: Clause) -> None:
        """Puts a step into the timeline where its order words say."""
        step.sentence = clause.sentence
        if clause.together:
            self.timeline.run_together(step)
        if clause.join is Join.FIRST:
            self.timeline.insert(0, step)
        elif clause.join is Join.BEFORE_PREVIOUS and self.timeline.steps:
            self.timeline.insert(len(self.timeline.steps) - 1, step)
        else:
            self.timeline.steps.append(step)

    def share_place(self, step: Step) -> None:
        """Where a clause is at work holds for the one whose verb it shares: ``run a, then b in ./web``."""
        last = self.timeline.last
        if last is not None:
            share_place([*last.drafts, *step.drafts])

    def ask_first(self, step: Step) -> None:
        for draft in step.drafts:
            draft.options["approval"] = "required"

    # --- for the reader of the plan

    def note(self, tokens: Sequence[Token], meaning: str) -> None:
        self.notes += [(token, meaning) for token in tokens]

    def suggestions(self) -> list[str]:
        return questions.suggestions(self.text, self.vocabulary)

    def not_understood(self, tokens: Sequence[Token]) -> NotUnderstood:
        return questions.not_understood(self.text, questions.phrase(self.text, tokens), self.suggestions())

    def _warn(self, match: Match) -> None:
        if match.passed_over:
            words = ", ".join(questions.quoted(token.text) for token in match.passed_over)
            self.warnings.append(f"passed over: {words}")
        head = match.clause.head
        if head is not None and head.read_as:
            self.warnings.append(f"{head.tokens[0].text!r} was read as {head.read_as!r}")

    def end_sentence(self) -> None:
        """Raises NotUnderstood if the words that were to hold for the whole sentence went nowhere."""
        lead, self.lead = self.lead, []
        used = {token for token, _ in self.notes} if lead else set()
        lost = [t for t in lead if t not in used and (t.shape in _VALUES or self._commands(t))]
        if lead and (lost or not any(token in used for token in lead)):
            raise self.not_understood(lead)

    def _commands(self, token: Token) -> bool:
        """Whether a word is a verb and nothing else that operations know."""
        bases = [base for base, form in self.vocabulary.first_words.get(token.word, ()) if form is Form.BASE]
        known = self.vocabulary.is_noun(token) or self.vocabulary.is_cue(token) or token.word in _LEADS
        return not known and any(base in self.vocabulary.by_verb for base in bases)


_ANEW = frozenset({"again", "twice", "once", "more", "another", "anew"})
_VALUES = frozenset({Shape.TYPED, Shape.QUOTED, Shape.CODE, Shape.PAIR, Shape.NUMBER, Shape.FLAG})
#: Things that hold for all that follows once they were spoken of.
_SCOPES = frozenset({"namespace"})
#: Things of which only one can run under a name.
_RUNNING = frozenset({"container", "process"})
_LEADS = english.PREPOSITIONS | {"use", "start", "work"}
#: What a value that is only mentioned can be.
_INTRODUCED = (
    (Kind.PATH, ("folder", "file")),
    (Kind.IMAGE, ("image",)),
    (Kind.REPO, ("repository",)),
    (Kind.URL, ("endpoint",)),
)


def _borrowed(clause: Clause, following: Sequence[Clause]) -> list[Token]:
    """The words that a verb without an object shares with the verb after it: ``stop and remove web``."""
    if any(token.shape not in (Shape.WORD, Shape.PUNCT) for token in clause.body) or len(clause.body) > 3:
        return []
    for other in following:
        if other.sentence != clause.sentence or other.role is not Role.DO or other.head is None or other.headed:
            break
        if other.negated and (clause.body or other.lemma == clause.lemma):
            break
        if other.body:
            return other.body  # also of what is not to be done: "plan but do not apply ./infra"
    return []
