"""From clauses to steps, in the order of the text: who does what, under which condition, with what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reign.core.lexicon import UNDO, Kind
from reign.core.plan import OnFailure
from reign.planner.keyword import english, options, questions
from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.conditions import Condition, condition
from reign.planner.keyword.discourse import Discourse
from reign.planner.keyword.drafts import Draft, Ids, drafts, entities, prerequisites, uneven
from reign.planner.keyword.frame import Match
from reign.planner.keyword.inflection import Form
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.timeline import Step, Timeline
from reign.planner.keyword.understand import Understanding
from reign.planner.keyword.vocabulary import Vocabulary


@dataclass
class _Branch:
    """The condition under which the clauses that follow are reached."""

    well: bool
    sources: list[Draft]


@dataclass
class Reading:
    """What was understood of a request."""

    timeline: Timeline = field(default_factory=Timeline)
    on_failure: OnFailure | None = None
    notes: list[tuple[Token, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Reader:
    """Reads one request."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.understanding = Understanding(vocabulary, text)
        self.known = {entry.operation: entry for entry in reversed(vocabulary.entries)}
        self.discourse = Discourse()
        self.ids = Ids()
        self.result = Reading()
        self.number = 0  # of the step being read
        self.ahead: list[Clause] = []  # conditions and times that stand before their main clause
        self.lead: list[Token] = []
        self.branch: _Branch | None = None
        self.asking = False  # the next step asks a person first
        self.together = False  # the clauses of this sentence run side by side

    @property
    def timeline(self) -> Timeline:
        return self.result.timeline

    def read(self, clauses: Sequence[Clause]) -> Reading:
        """Raises NotUnderstood."""
        for index, clause in enumerate(clauses):
            following = clauses[index + 1 :]
            if index == 0 or clause.sentence != clauses[index - 1].sentence:
                self._end_lead()
                self.together = False
            self._clause(clause, following)
        self._end_lead()
        if self.ahead:
            raise questions.not_understood(
                self.text, questions.phrase(self.text, self.ahead[0].tokens), self._suggestions()
            )
        if self.asking and self.timeline.last is not None:
            self._ask_first(self.timeline.last)
        return self.result

    def _suggestions(self) -> list[str]:
        return questions.suggestions(self.text, self.vocabulary)

    def _clause(self, clause: Clause, following: Sequence[Clause]) -> None:
        match clause.role:
            case Role.LEAD:
                self.lead = list(clause.body)
            case Role.BECAUSE:
                self._note(clause.body, "a reason, passed over")
            case Role.WITHOUT:
                self._left_out(clause)
            case Role.DO if clause.negated:
                self._left_out(clause)
            case Role.DO:
                self._main(clause, following)
            case _:
                if self._looks_ahead(clause, following):
                    self.ahead.append(clause)
                else:
                    self._behind(clause)

    def _looks_ahead(self, clause: Clause, following: Sequence[Clause]) -> bool:
        """Whether a condition belongs to the clause after it rather than to the one before."""
        main = next((c for c in following if c.sentence == clause.sentence and c.role is Role.DO), None)
        return main is not None and (clause.separated or self.timeline.last is None)

    # --- what is to be done

    def _main(self, clause: Clause, following: Sequence[Clause]) -> None:
        ahead, self.ahead = self.ahead, []
        conditions = [c for c in ahead if c.role in (Role.IF, Role.UNLESS)]
        behind = [c for c in following[:1] if c.sentence == clause.sentence and c.role in (Role.IF, Role.UNLESS)]
        if clause.lemma in english.STOP and (conditions or behind) and options.without_object(clause):
            self._stops(clause, (conditions or behind)[0], consumed=not conditions)
            return
        if self._about_the_plan(clause, conditions or behind):
            return
        step = Step([], join=clause.join, together=clause.together, one_by_one=clause.one_by_one)
        afterwards: list[Step] = []
        for before in ahead:
            if before.role is Role.BEFORE and before.head is not None:
                later = Step([], join=Join.THEN)
                self._fill(later, replace(before, role=Role.DO), ())
                afterwards.append(later)
            else:
                self._subject_to(step, before)
        self._otherwise(step, clause)
        self._fill(step, clause, following)
        if clause.copied and self.timeline.last is not None:
            _share_scope([*self.timeline.last.drafts, *step.drafts])
        if self.asking and step.drafts:
            self._ask_first(step)
            self.asking = False
        if clause.together:
            self._run_together(step, clause)
        self.timeline.add(step, clause)
        for later in afterwards:
            self.timeline.add(later)

    def _fill(self, step: Step, clause: Clause, following: Sequence[Clause]) -> None:
        """Understands a clause and puts its tasks into the step."""
        lent = [self.lead] if self.lead else []
        borrowed = self._borrowed(clause, following)
        try:
            matches = self.understanding.clause(clause, self.discourse, lent)
        except questions.NotUnderstood:
            if not borrowed:
                raise
            matches = self.understanding.clause(clause, self.discourse, [*lent, borrowed])
            self.understanding.matcher.excused.update(token for match in matches for token in match.used)
        self._tasks(step, matches)

    @staticmethod
    def _borrowed(clause: Clause, following: Sequence[Clause]) -> list[Token]:
        """The words that a verb without an object shares with the verb after it: ``stop and remove web``."""
        if any(t.shape not in (Shape.WORD, Shape.PUNCT) for t in clause.body) or len(clause.body) > 3:
            return []
        for other in following:
            if other.sentence != clause.sentence or other.role is not Role.DO or other.negated or other.head is None:
                break
            if other.body:
                return other.body
        return []

    def _tasks(self, step: Step, matches: Sequence[Match]) -> None:
        made: list[Draft] = []
        for match in matches:
            if uneven(match):
                raise questions.ask(
                    self.text,
                    questions.phrase(self.text, match.clause.tokens),
                    "which of these go together?",
                    [match.entry.phrase.example],
                )
            self.result.notes += match.notes
            self._warn(match)
            for draft in prerequisites(match, [*self.timeline.drafts, *step.before], self.ids, self.known):
                step.before.append(draft)
                self._remember([draft])
            made += drafts(match, self.ids)
        made = _merged(made)
        if len(matches) > 1:
            _share_scope(made)
        step.drafts += made
        self._remember(made)

    def _remember(self, made: Sequence[Draft]) -> None:
        """Lets later clauses speak of what these tasks make and touch."""
        self.number += 1
        for draft in made:
            assert draft.entry is not None
            self._give_back(draft)
            for entity in entities(draft, self.number):
                self.discourse.add(entity)
            for slot in draft.entry.slots:
                name = slot.inputs[0]
                if slot.scope and name in draft.inputs:
                    self.discourse.set_scope(draft.entry.agent, name, draft.inputs[name], self.number)
            for gives in draft.entry.phrase.gives:
                self._at_work_in(draft, gives.thing)
            self.discourse.agent = draft.entry.agent

    def _at_work_in(self, draft: Draft, thing: str) -> None:
        """A repository or namespace just made is where the agent's next clauses are at work."""
        latest = self.discourse.latest((thing,))
        if latest is None or draft.entry is None or latest.task != draft.id:
            return
        for entry in self.vocabulary.of_agent(draft.entry.agent):
            for slot in entry.slots:
                if slot.scope and thing in slot.things:
                    self.discourse.set_scope(draft.entry.agent, slot.inputs[0], latest.value, self.number)

    def _give_back(self, draft: Draft) -> None:
        """Where a task is at work holds for the earlier tasks whose things it takes up: ``apply it to workspace x``."""
        assert draft.entry is not None
        scope = [slot.inputs[0] for slot in draft.entry.slots if slot.scope]
        there = {other.id: other for other in self.timeline.drafts}
        for link in draft.links:
            other = there.get(link)
            if other is None or other.entry is None or other.entry.agent != draft.entry.agent:
                continue
            own = {name for slot in other.entry.slots for name in slot.inputs if slot.scope}
            for name in scope:
                if name in draft.inputs and name in own:
                    other.inputs.setdefault(name, draft.inputs[name])

    # --- conditions and times

    def _subject_to(self, step: Step, clause: Clause) -> None:
        """Makes a step wait for a condition, or for an action that comes before it."""
        if clause.role is Role.WHILE:
            step.together = True
            return
        if clause.head is not None:
            self._before(step, clause)
            return
        try:
            found = self._condition(clause)
        except questions.NotUnderstood:
            action = self._passive(clause)
            if action is None:
                raise
            self._before(step, action)
            return
        if found.approval:
            self._ask_first(step)
            self.asking = self.asking or not step.drafts
            return
        sources = self._sources(found, clause)
        if clause.role is Role.AFTER and found.check is None:
            if step.join is Join.AND:
                step.join = Join.THEN
            return
        self.branch = _Branch(found.well, sources)
        self._bound(step, self.branch)

    def _passive(self, clause: Clause) -> Clause | None:
        """``once redis:7 has been pulled`` as the pulling of redis:7."""
        if clause.role is not Role.AFTER:
            return None
        for at, token in enumerate(clause.body):
            head = self.vocabulary.head_at(clause.body, at, (Form.PAST,))
            if head is not None and head.lemma in self.vocabulary.by_verb:
                body = [t for t in clause.body if t not in head.tokens and t.word not in english.AUXILIARIES]
                return replace(clause, role=Role.DO, head=head, body=body) if token.word else None
        return None

    def _before(self, step: Step, clause: Clause) -> None:
        """``after pulling nginx:1.27``: done first, unless it was already said."""
        first = Step([], join=step.join)
        self._fill(first, clause, ())
        first.drafts = [draft for draft in first.drafts if not self._said_already(draft)]
        step.join = Join.THEN
        if first.drafts:
            self.timeline.add(first)

    def _said_already(self, draft: Draft) -> bool:
        earlier = [other for other in self.timeline.drafts if other.uses == draft.uses and other is not draft]
        said = {name: value for name, value in draft.inputs.items() if name not in draft.unsaid}
        return any(all(other.inputs.get(name) == value for name, value in said.items()) for other in earlier)

    def _condition(self, clause: Clause) -> Condition:
        lent = [self.lead] if self.lead else []
        found = condition(clause, self.understanding, self.discourse, lent)
        if found.check is None:
            self._note(
                found.tokens, f"{clause.role.value}: {'success' if found.well else 'failure'} of what came before"
            )
        return found

    def _sources(self, found: Condition, clause: Clause, place: int | None = None) -> list[Draft]:
        """The tasks on whose outcome a condition hangs; adds the check that it asks for."""
        if found.check is None:
            last = self.timeline.steps[place - 1] if place else self.timeline.last
            if last is None and found.well is not None:
                raise questions.ask(
                    self.text,
                    f"the condition {questions.phrase(self.text, clause.tokens)}",
                    "nothing was said before that it could mean",
                    self._suggestions(),
                )
            return list(last.drafts) if last is not None else []
        check = Step([], join=Join.AND)
        self._tasks(check, [found.check])
        same = [other for other in self.timeline.drafts for draft in check.drafts if self._same(other, draft)]
        if same:
            return same
        natural = next((p for draft in check.drafts if (p := self.timeline.precedence(draft)) is not None), None)
        if natural is not None:
            self.timeline.insert(natural, check)
        elif place is not None:
            self.timeline.insert(place, check)
        else:
            self.timeline.steps.append(check)
        return check.drafts

    @staticmethod
    def _same(one: Draft, other: Draft) -> bool:
        if one is other or one.uses != other.uses:
            return False
        return all(
            one.inputs.get(name, value) == value for name, value in other.inputs.items() if name not in other.unsaid
        )

    def _bound(self, step: Step, branch: _Branch) -> None:
        step.gated = True
        if branch.well:
            step.guards = branch.sources
        else:
            step.failing = branch.sources
        if step.join is Join.AND:
            step.join = Join.THEN

    def _otherwise(self, step: Step, clause: Clause) -> None:
        if clause.join is not Join.OTHERWISE:
            return
        branch = self.branch
        if branch is None:
            last = self.timeline.last
            branch = _Branch(True, list(last.drafts) if last else [])
        self._bound(step, _Branch(not branch.well, branch.sources))

    def _behind(self, clause: Clause) -> None:
        """A condition or time after its main clause: ``apply it if it is valid``, ``... before deploying it``."""
        step = self.timeline.last
        if step is None:
            raise questions.not_understood(self.text, questions.phrase(self.text, clause.tokens), self._suggestions())
        if clause.role is Role.BEFORE:
            self._action(clause, Join.THEN)
            return
        if clause.role is Role.WHILE:
            self._action(clause, Join.AND, together=True)
            return
        if clause.head is not None:
            self.timeline.steps.pop()
            self._before(step, clause)
            self.timeline.steps.append(step)
            return
        found = self._condition(clause)
        if found.approval:
            self._ask_first(step)
            return
        place = len(self.timeline.steps) - 1
        if found.check is None and place == 0:
            if clause.role is Role.AFTER:
                return
            raise questions.ask(
                self.text,
                f"the condition {questions.phrase(self.text, clause.tokens)}",
                "nothing was said before that it could mean",
                self._suggestions(),
            )
        sources = self._sources(found, clause, place)
        if clause.role is not Role.AFTER or found.check is not None:
            self.branch = _Branch(found.well, [draft for draft in sources if draft not in step.drafts])
            self._bound(step, self.branch)

    def _action(self, clause: Clause, join: Join, together: bool = False) -> None:
        """A time clause that is an action of its own: ``before running it``."""
        if clause.head is None:
            if all(t.word in english.PRONOUNS for t in clause.body):
                return
            raise questions.not_understood(self.text, questions.phrase(self.text, clause.tokens), self._suggestions())
        step = Step([], join=join, together=together)
        self._fill(step, replace(clause, role=Role.DO), ())
        step.drafts = [draft for draft in step.drafts if not self._said_already(draft)]
        if self.asking and step.drafts:
            self._ask_first(step)
            self.asking = False
        if step.drafts:
            self.timeline.add(step)

    # --- what is said about the plan

    def _stops(self, clause: Clause, when: Clause, consumed: bool) -> None:
        """``stop if any are found``: what follows hangs on the opposite."""
        found = self._condition(when)
        self._note(clause.tokens, "what follows depends on it")
        self.branch = _Branch(found.well, self._sources(found, when))
        if consumed:
            when.role, when.body = Role.BECAUSE, []

    def _about_the_plan(self, clause: Clause, conditions: Sequence[Clause]) -> bool:
        """Clauses that ask for no task: roll back on failure, go on, ask first, try again, wait at most so long."""
        if clause.lemma == "wait" and self._limits(clause):
            return True
        if not options.without_object(clause):
            return self._tries_again(clause)
        if clause.lemma in UNDO and conditions and self.timeline.last is not None:
            found = self._condition(conditions[0])
            if not found.well and found.check is None:
                self.result.on_failure = OnFailure.ROLLBACK
                self._note(clause.tokens, "on_failure: rollback")
                conditions[0].role, conditions[0].body = Role.BECAUSE, []
                return True
        if options.keeps_going(clause):
            for when in conditions:
                found = self._condition(when)
                if not found.well:
                    self.result.on_failure = OnFailure.CONTINUE
                    when.role, when.body = Role.BECAUSE, []
            self._note(clause.tokens, "goes on")
            return True
        if clause.lemma == "ask" or any(t.word in english.APPROVAL for t in clause.body):
            self._note(clause.tokens, "approval: required")
            if clause.join is Join.FIRST and self.timeline.last is not None:
                self._ask_first(self.timeline.last)
            else:
                self.asking = True
            return True
        return self._tries_again(clause)

    def _limits(self, clause: Clause) -> bool:
        """``wait at most 5 minutes``: a limit for what came before."""
        last = self.timeline.last
        durations = [t for t in clause.body if t.shape is Shape.DURATION]
        words = [t.word for t in clause.body if t.shape is Shape.WORD]
        limit = any(pair in (("at", "most"), ("up", "to")) for pair in zip(words, words[1:], strict=False))
        if last is None or len(durations) != 1 or len(words) + 1 != len(clause.body) or not limit or len(words) > 3:
            return False
        for draft in last.drafts:
            assert draft.entry is not None
            own = next((s for s in draft.entry.phrase.slots if s.kind is Kind.DURATION), None)
            if own is not None:
                draft.inputs[own.inputs[0]] = durations[0].value
            else:
                draft.options["timeout"] = durations[0].value
        self._note(clause.tokens, "timeout")
        return True

    def _tries_again(self, clause: Clause) -> bool:
        if clause.lemma not in english.RETRY or self.timeline.last is None:
            return False
        number = next((t.value for t in clause.body if t.shape is Shape.NUMBER and isinstance(t.value, int)), None)
        times = {"once": 1, "twice": 2}
        number = number or next((times[t.word] for t in clause.body if t.word in times), 3)
        for draft in self.timeline.last.drafts:
            draft.options["retry"] = {"attempts": min(number + 1, 100)}
        self._note(clause.tokens, "retry")
        return True

    def _left_out(self, clause: Clause) -> None:
        """What is not to be done. It makes no task; where something is destroyed it must be understood."""
        said = questions.phrase(self.text, clause.tokens)
        known = clause.head is not None and (clause.lemma in self.vocabulary.by_verb or clause.lemma in english.LIGHT)
        step = self.timeline.last
        destroys = step is not None and any(
            d.entry is not None and d.entry.spec.effect.value == "destroy" for d in step.drafts
        )
        if destroys and not (known and clause.role is Role.DO):
            raise questions.ask(self.text, f"leaving out {said}", "what should be spared?", self._suggestions())
        self._note(clause.tokens, "left out")
        self.result.warnings.append(f"not done, as asked: {said}")

    def _run_together(self, step: Step, clause: Clause) -> None:
        """``... in parallel`` at the end of a list of clauses holds for all that it joins with "and"."""
        if clause.join is not Join.AND:
            step.together = False
            self.together = True

    def _ask_first(self, step: Step) -> None:
        for draft in step.drafts:
            draft.options["approval"] = "required"

    def _warn(self, match: Match) -> None:
        if match.passed_over:
            words = ", ".join(questions.quoted(t.text) for t in match.passed_over)
            self.result.warnings.append(f"passed over: {words}")
        head = match.clause.head
        if head is not None and head.read_as:
            self.result.warnings.append(f"{head.tokens[0].text!r} was read as {head.read_as!r}")

    def _note(self, tokens: Sequence[Token], meaning: str) -> None:
        self.result.notes += [(token, meaning) for token in tokens]

    def _end_lead(self) -> None:
        lead, self.lead = self.lead, []
        used = {token for token, _ in self.result.notes}
        if lead and not any(token in used for token in lead):
            raise questions.not_understood(self.text, questions.phrase(self.text, lead), self._suggestions())


def _merged(made: list[Draft]) -> list[Draft]:
    """Checks of one host that were said as one: ``22 is closed and 443 is open on 10.0.0.5``."""
    result: list[Draft] = []
    for draft in made:
        last = result[-1] if result else None
        merges = draft.entry is not None and draft.entry.phrase.merges
        if last is None or not merges or last.uses != draft.uses or not _agree(last, draft):
            result.append(draft)
            continue
        for name, value in draft.inputs.items():
            if isinstance(value, list):
                last.inputs[name] = [*last.inputs.get(name, ()), *value]
            elif name not in draft.unsaid or name not in last.inputs:
                last.inputs[name] = value
                last.unsaid.discard(name)
    return result


def _agree(one: Draft, other: Draft) -> bool:
    for name, value in other.inputs.items():
        mine = one.inputs.get(name, value)
        if not isinstance(value, list) and mine != value and name not in other.unsaid | one.unsaid:
            return False
    return True


def _share_scope(made: Sequence[Draft]) -> None:
    """A place said with the last of several holds for all: ``scale web to 3 and api to 5 in namespace shop``."""
    last = made[-1]
    if last.entry is None:
        return
    for draft in made[:-1]:
        assert draft.entry is not None
        own = {name for slot in draft.entry.slots if slot.scope for name in slot.inputs}
        for slot in last.entry.slots:
            name = slot.inputs[0]
            if slot.scope and name in last.inputs and name in own:
                draft.inputs.setdefault(name, last.inputs[name])
