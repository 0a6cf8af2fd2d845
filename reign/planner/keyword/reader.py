"""From clauses to steps, in the order of the text: what is done, under which condition, before or after what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from reign.core.errors import NotUnderstood
from reign.planner.keyword import english, namesakes, options, questions, remarks
from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.conditions import Condition, condition
from reign.planner.keyword.drafts import Draft
from reign.planner.keyword.inflection import Form
from reign.planner.keyword.normalise import Shape
from reign.planner.keyword.story import Story
from reign.planner.keyword.timeline import Step
from reign.planner.keyword.vocabulary import Vocabulary

_CONDITIONS = (Role.IF, Role.UNLESS)
_SENTENCE = 200  # clauses of one sentence that are looked at ahead


@dataclass(frozen=True)
class _Branch:
    """The condition under which a clause is reached: these tasks end well, or one of them fails."""

    well: bool
    sources: list[Draft]

    @property
    def other(self) -> _Branch:
        return _Branch(not self.well, self.sources)


class Reader:
    """Reads one request."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.story = Story(vocabulary, text)
        self.ahead: list[Clause] = []  # conditions and times that stand before their main clause
        self.branch: _Branch | None = None  # of the last condition, for "otherwise"
        self.stopped: _Branch | None = None  # "stop if it answers": what follows is for the other case
        self.failed: tuple[_Branch, Step] | None = None  # "if it fails, restart web AND ...": holds for the sentence
        self.coming: Sequence[Clause] = ()  # the clauses behind the one being read, of any sentence
        self.later: list[Step] = []  # "before you remove web, ..." above a heading: after what it heads

    def read(self, clauses: Sequence[Clause]) -> Story:
        """Raises NotUnderstood."""
        for index, clause in enumerate(clauses):
            self.coming = clauses[index + 1 : index + 1 + _SENTENCE]
            if index == 0 or clause.sentence != clauses[index - 1].sentence:
                self.story.end_sentence()
                self.failed = None
            following = [c for c in islice(clauses, index + 1, index + _SENTENCE) if c.sentence == clause.sentence]
            clause.first = index == 0
            self._clause(clause, following)
        self.story.end_sentence()
        self.story.timeline.steps += self.later
        if self.ahead:
            raise self.story.not_understood(self.ahead[0].tokens)
        if self.story.asking and self.story.timeline.last is not None:
            self.story.ask_first(self.story.timeline.last)
        namesakes.settle(self.story.timeline.drafts)
        return self.story

    def _clause(self, clause: Clause, following: Sequence[Clause]) -> None:
        if clause.role is Role.LEAD:
            self.story.lead = list(clause.body)
        elif clause.role is Role.BECAUSE:
            self.story.note(clause.body, "a reason, passed over")
        elif clause.role is Role.ASIDE:
            self.story.note(clause.body, "how things stand; asks for nothing")
            self.story.warnings.append(f"taken as background: {questions.phrase(self.story.text, clause.body)}")
        elif clause.role is Role.WITHOUT or clause.negated:
            remarks.leave_out(self.story, clause)
            self.story.speak_of(clause)
        elif clause.role is Role.DO:
            self._main(clause, following)
        elif self._looks_ahead(clause, following):
            self.ahead.append(clause)
        else:
            self._behind(clause)

    def _looks_ahead(self, clause: Clause, following: Sequence[Clause]) -> bool:
        """Whether a condition belongs to the clause after it rather than to the one before."""
        main = any(other.role is Role.DO for other in following)
        return main and (clause.separated or self.story.timeline.last is None)

    # --- what is to be done

    def _main(self, clause: Clause, following: Sequence[Clause]) -> None:
        ahead, self.ahead = self.ahead, []
        conditions = [c for c in ahead if c.role in _CONDITIONS]
        behind = [c for c in following[:1] if c.role in _CONDITIONS]
        if clause.lemma in english.STOP and (conditions or behind) and options.without_object(clause):
            self._stops(clause, (conditions or behind)[0])
            return
        if not clause.body and any(c.headed for c in following) and self._is_heading(clause, following):
            return
        if remarks.is_remark(self.story, clause, conditions or behind):
            return
        if self._is_had(clause) and self.story.set_the_scene(clause):
            return
        step = Step([], join=clause.join, one_by_one=clause.one_by_one)
        afterwards, self.later = self.later, []
        for before in ahead:
            if before.role is Role.BEFORE and self._is_private(before):
                self._pass_over(before)
            elif before.role is Role.BEFORE and before.head is not None:
                later = Step([], join=Join.THEN, sentence=clause.sentence)
                self.story.tell(later, replace(before, role=Role.DO))
                afterwards.append(later)
            else:
                self._subject_to(step, before)
        self._reached(step, clause, bool(conditions or behind))
        try:
            rest = self.story.tell(step, clause, following)
        except NotUnderstood:
            introduced = clause.lemma in english.INTRODUCES and following and self.story.introduce(clause)
            small = introduced or self.story.amend(clause) or remarks.waits_anyway(self.story, clause)
            if not (small or self.story.set_the_scene(clause, self.coming) or self._is_heading(clause, following)):
                raise
            self.later = afterwards
            if conditions and not small:
                raise self.story.not_understood(conditions[0].tokens) from None
            return
        step.clause = clause
        if clause.copied:
            self.story.share_place(step)
        self.story.place(step, clause)
        self.story.timeline.steps += afterwards
        if rest is not None:
            self._main(rest, following)

    def _pass_over(self, clause: Clause) -> None:
        self.story.note(clause.tokens, "how things stand; asks for nothing")
        self.story.warnings.append(f"taken as background: {questions.phrase(self.story.text, clause.tokens)}")

    def _is_had(self, clause: Clause) -> bool:
        """``we HAVE a release tonight``: says how things stand, and asks to show nothing."""
        if clause.head is None or clause.head.tokens[0].word not in ("have", "had"):
            return False
        said = self.story.text[: clause.head.tokens[0].start].lower().split()
        return said[-1:] in (["we"], ["i"], ["they"]) and said[-2:-1] not in (["do"], ["can"], ["could"], ["did"])

    def _is_private(self, clause: Clause) -> bool:
        """``before I go home, ...``: a time of the speaker's own, without a value or a word that operations know."""
        vocabulary = self.story.vocabulary
        spoken = self.story.text[: clause.tokens[0].start].lower().split() if clause.tokens else []
        if spoken[-1:] == ["i"] and spoken[-2:-1] == ["before"]:
            return True  # "before I merge it": what the speaker does
        known = clause.lemma in vocabulary.by_verb
        small = (t for t in clause.tokens if t.shape is not Shape.WORD or vocabulary.is_noun(t) or vocabulary.is_cue(t))
        return not known and spoken[-1:] in (["i"], ["we"], ["you"]) and next(small, None) is None

    def _is_heading(self, clause: Clause, following: Sequence[Clause]) -> bool:
        """``restart the stack: take compose project x down, ...``: what is to be done stands behind the colon, or in
        the lines below; a heading holds no value, for that would be lost.
        """
        headed = next((at for at, other in enumerate(following) if other.headed and other.head is not None), None)
        above = [clause, *following[:headed]] if headed is not None else [clause]
        title = not self.story.timeline.steps and clause.first and "\n" in self.story.text.strip()
        if clause.negated or (headed is None and not title) or any(map(_holds_value, above)):
            return False
        self.story.note(clause.tokens, "a heading")
        self.story.warnings.append(f"taken as a heading: {questions.phrase(self.story.text, clause.tokens)}")
        return True

    def _reached(self, step: Step, clause: Clause, conditional: bool) -> None:
        """Binds a step to the other case of the last condition, where the words ask for it, or to the case in which
        the step before it in the sentence runs.
        """
        failed = self.failed
        if conditional or (failed is not None and clause.join not in (Join.AND, Join.THEN)):
            self.failed = failed if failed is not None and failed[1] is step else None
        elif failed is not None:
            step.rejoins = [*failed[1].rejoins, *failed[1].drafts]
            _bind(step, failed[0])
            self.failed = failed[0], step
            return
        if clause.join is Join.OTHERWISE:
            last = self.story.timeline.last
            branch = self.branch or _Branch(True, list(last.drafts) if last else [])
            _bind(step, branch.other)
            self.failed = (branch.other, step) if step.failing else None
        elif self.stopped is not None and self.stopped.well:
            _bind(step, self.stopped.other)

    def _stops(self, clause: Clause, when: Clause) -> None:
        """``stop if any are found``: what follows is for the other case."""
        found = self._condition(when)
        self.story.note(clause.tokens, "what follows depends on it")
        self.branch = self.stopped = _Branch(found.well, self._sources(found, when))
        remarks.spend(when)

    # --- conditions and times before their main clause

    def _subject_to(self, step: Step, clause: Clause) -> None:
        """Makes a step wait for a condition, or for an action that comes before it."""
        if clause.role is Role.WHILE:
            step.together = True
            if clause.head is not None:  # "while pulling redis:7, build ./api"
                beside = Step([], join=step.join, sentence=clause.sentence)
                self.story.tell(beside, replace(clause, role=Role.DO), unless_said=True)
                if beside.drafts:
                    self.story.timeline.steps.append(beside)
            return
        action = clause if clause.head is not None else None
        found = None
        if action is None:
            try:
                last = self.story.timeline.last
                found = self._condition(clause, before=last.drafts if last else [])
            except NotUnderstood:
                action = self._passive(clause)
                if action is None:
                    raise
        if action is not None:
            self._action_before(step, action)
        elif found is not None and found.approval:
            self.story.asking = True
        elif found is not None:
            sources = self._sources(found, clause)
            if clause.role is Role.AFTER and found.check is None:
                step.join = Join.THEN if step.join is Join.AND else step.join
                return
            self.branch = _Branch(found.well, sources)
            _bind(step, self.branch)
            self.failed = (self.branch, step) if step.failing else None

    def _passive(self, clause: Clause) -> Clause | None:
        """``once redis:7 has been pulled`` as the pulling of redis:7."""
        vocabulary = self.story.vocabulary
        for at in range(len(clause.body) if clause.role is Role.AFTER else 0):
            head = vocabulary.head_at(clause.body, at, (Form.PAST,))
            if head is not None and head.lemma in vocabulary.by_verb:
                body = [t for t in clause.body if t not in head.tokens and t.word not in english.AUXILIARIES]
                return replace(clause, role=Role.DO, head=head, body=body)
        return self._ended(clause)

    def _ended(self, clause: Clause) -> Clause | None:
        """``once terraform apply in ./net is through`` as the applying."""
        body, vocabulary = clause.body, self.story.vocabulary
        end = next((at for at in range(len(body) - 1, 0, -1) if body[at].word not in english.WENT_WELL), 0)
        while end > 0 and body[end].word in english.AUXILIARIES:
            end -= 1
        if clause.role is not Role.AFTER or end == 0 or end + 1 >= len(body):
            return None
        said = body[: end + 1]
        for at in range(min(len(said), 3)):
            head = vocabulary.head_at(said, at, (Form.BASE, Form.NOUN))
            if head is not None and head.lemma in vocabulary.by_verb:
                rest = [token for token in said if token not in head.tokens]
                return replace(clause, role=Role.DO, head=head, body=rest)
        return None

    def _action_before(self, step: Step, clause: Clause) -> None:
        """``after pulling nginx:1.27``: done first, unless it was already said."""
        first = Step([], join=step.join, sentence=clause.sentence)
        end = len(clause.body)
        while end > 1 and clause.body[end - 1].word in english.WENT_WELL:
            end -= 1
        if end < len(clause.body) and clause.body[end - 1].word in english.AUXILIARIES:
            clause = replace(clause, body=clause.body[: end - 1])  # "once terraform apply in ./x is through"
        self.story.tell(first, replace(clause, role=Role.DO), unless_said=True)
        step.join = Join.THEN
        if first.drafts:
            self.story.timeline.steps.append(first)

    # --- conditions and times behind their main clause

    def _behind(self, clause: Clause) -> None:
        """``apply it if it is valid``, ``build it before deploying it``."""
        timeline, step = self.story.timeline, self.story.timeline.last
        if step is None:
            raise self.story.not_understood(clause.tokens)
        if clause.role in (Role.BEFORE, Role.WHILE):
            self._action_behind(clause)
            return
        if clause.head is not None:
            timeline.steps.pop()
            self._action_before(step, clause)
            timeline.steps.append(step)
            return
        try:
            before = timeline.steps[-2].drafts if len(timeline.steps) > 1 else []
            found = self._condition(clause, alone=not before, before=before)
        except NotUnderstood:
            action = self._passive(clause)
            if action is None:
                raise
            timeline.steps.pop()
            self._action_before(step, action)
            timeline.steps.append(step)
            return
        if found.approval:
            self.story.ask_first(step)
            return
        place = len(timeline.steps) - 1
        # "once its checks have passed" of nothing that was said is a condition, and no condition is passed over.
        stated = any(token.word in english.WENT_WELL for token in clause.body)
        if found.check is None and clause.role is Role.AFTER and (place > 0 or not stated):
            step.join = Join.THEN if step.join is Join.AND else step.join
            return
        sources = self._sources(found, clause, place)
        self.branch = _Branch(found.well, [draft for draft in sources if draft not in step.drafts])
        _bind(step, self.branch)

    def _action_behind(self, clause: Clause) -> None:
        """An action of its own behind the main clause: ``before running it``, ``while pulling redis:7``."""
        if clause.role is Role.BEFORE and self._is_private(clause):
            self._pass_over(clause)
            return
        if clause.head is None:
            if not all(token.word in english.PRONOUNS for token in clause.body):
                raise self.story.not_understood(clause.tokens)
            return
        together = clause.role is Role.WHILE
        step = Step([], join=Join.AND if together else Join.THEN, together=together, sentence=clause.sentence)
        self.story.tell(step, replace(clause, role=Role.DO), unless_said=True)
        if step.drafts:
            self.story.timeline.steps.append(step)

    # --- conditions

    def _condition(self, clause: Clause, alone: bool = False, before: Sequence[Draft] = ()) -> Condition:
        lent = [self.story.lead] if self.story.lead else []
        found = condition(clause, self.story.understanding, self.story.discourse, lent, alone, before)
        if found.check is None:
            outcome = "success" if found.well else "failure"
            self.story.note(found.tokens, f"{clause.role.value}: {outcome} of what came before")
        return found

    def _sources(self, found: Condition, clause: Clause, place: int | None = None) -> list[Draft]:
        """The tasks on whose outcome a condition hangs; adds the check that it asks for.

        ``place``: where its main clause stands, if that was read before it.
        """
        timeline = self.story.timeline
        if found.check is None:
            at = len(timeline.steps) - 1 if place is None else place - 1
            if at < 0:
                said = questions.phrase(self.story.text, clause.tokens)
                question = "what does it mean? nothing was said before it"
                raise questions.ask(self.story.text, f"the condition {said}", question, self.story.suggestions())
            return list(timeline.steps[at].drafts)
        check = Step([], sentence=clause.sentence)
        standing = self.story.add(check, [found.check], unless_said=True)
        if check.drafts:
            places = [timeline.precedence(draft) for draft in check.drafts] + [place, len(timeline.steps)]
            timeline.insert(next(at for at in places if at is not None), check)
        return standing


def _holds_value(clause: Clause) -> bool:
    return any(token.shape not in (Shape.WORD, Shape.PUNCT, Shape.BREAK) for token in clause.tokens) or any(
        token.word in english.LIMITING - {"out"} for token in clause.tokens
    )


def _bind(step: Step, branch: _Branch) -> None:
    """Makes a step hang on a condition."""
    step.gated = True
    if branch.well:
        step.guards = [*step.guards, *branch.sources]
    else:
        step.failing = branch.sources
    if step.join is Join.AND:
        step.join = Join.THEN
