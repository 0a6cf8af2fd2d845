"""Steps in the order in which they happen, and the `needs` of tasks that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reign.planner.keyword.clauses import Clause, Join
from reign.planner.keyword.drafts import Draft

_REDUCED = 300  # with more tasks than this, needs that others imply are left in


@dataclass(eq=False)
class Step:
    """What one clause asks for: tasks that run side by side, and what they require first."""

    drafts: list[Draft]
    join: Join = Join.AND
    together: bool = False
    before: list[Draft] = field(default_factory=list)  # made on the way: the network that a container is to join
    guards: list[Draft] = field(default_factory=list)  # checks that must pass
    failing: list[Draft] = field(default_factory=list)  # it runs only if one of these fails
    rejoins: list[Draft] = field(default_factory=list)  # of the same failure, and before it
    one_by_one: bool = False  # its tasks run one after the other
    sentence: int = -1
    leads_together: bool = False  # "in parallel, ...": what follows in the sentence runs beside it
    clause: Clause | None = None  # that asks for it
    gated: bool = False  # hangs on a condition: nothing of it happens before

    @property
    def reads(self) -> bool:
        return all(draft.entry.spec.effect.value == "read" for draft in self.drafts)


class Timeline:
    """Grows in the order of the text; order words put steps elsewhere."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @property
    def last(self) -> Step | None:
        return self.steps[-1] if self.steps else None

    @property
    def drafts(self) -> list[Draft]:
        return [draft for step in self.steps for draft in (*step.before, *step.drafts)]

    def run_together(self, step: Step) -> None:
        """``... in parallel``: with all that the clauses before it in the sentence join by "and", or with the next."""
        if step.join is Join.AND:
            step.together = True
            for other in reversed(self.steps):
                if other.sentence != step.sentence or other.join is not Join.AND:
                    break
                other.together = True
        else:
            step.leads_together = True

    def insert(self, at: int, step: Step) -> None:
        """Puts a step before the one that is at that place now, which then waits for it."""
        self.steps.insert(at, step)
        if at + 1 < len(self.steps):
            self.steps[at + 1].join = Join.THEN
            self.steps[at + 1].together = False

    def precedence(self, draft: Draft) -> int | None:
        """Where a check belongs by its nature: before the first step on the same thing that it precedes."""
        entry = draft.entry
        if not entry.phrase.comes_before:
            return None
        key = next((slot.inputs[0] for slot in entry.slots if slot.bare), "")
        for place, step in enumerate(self.steps):
            for other in step.drafts:
                if other.uses in entry.phrase.comes_before and other.inputs.get(key) == draft.inputs.get(key):
                    return place
        return None

    def needs(self) -> dict[str, list[str]]:
        """Each draft's id to those that must have succeeded."""
        needs: dict[str, list[str]] = {}
        sinks: list[str] = []
        base: list[str] = []
        branched: set[str] = set()  # what runs only after a failure: nothing else can wait for it
        previous: Step | None = None
        for step in self.steps:
            base = self._base(step, previous, sinks, base)
            first = [*base, *_ids(step.guards)] if step.gated else []
            for draft in step.before:
                needs[draft.id] = list(dict.fromkeys(first))
            for number, draft in enumerate(step.drafts):
                if step.one_by_one and number:
                    draft.links.append(step.drafts[number - 1].id)
                wanted = _ids([*step.failing, *step.rejoins]) if step.failing else [*base, *_ids(step.guards)]
                links = [link for link in draft.links if link in needs and (step.failing or link not in branched)]
                needs[draft.id] = [n for n in dict.fromkeys([*wanted, *links, *_ids(step.before)]) if n != draft.id]
            own = [*_ids(step.before), *_ids(step.drafts)]
            used = {need for name in own for need in needs[name]}
            branched |= set(own) if step.failing else set()
            if not step.failing:
                sinks = [name for name in sinks if name not in used] + _ids(step.drafts)
                previous = step
        if len(needs) > _REDUCED:
            return needs
        # What hangs on a failure asks how its own needs ended: the failed task stays one of them.
        rejoined = {draft.id: needs[draft.id] for step in self.steps if step.rejoins for draft in step.drafts}
        return reduced(needs) | rejoined

    def _base(self, step: Step, previous: Step | None, sinks: list[str], base: list[str]) -> list[str]:
        """What all of the step's tasks wait for."""
        if previous is None:
            return []
        if previous.leads_together and previous.sentence == step.sentence and step.join is Join.AND:
            step.together = step.leads_together = True
        if step.together and not step.gated:
            return base
        if step.join is not Join.AND or step.gated:
            return list(sinks)
        before = set(_ids(previous.drafts))
        linked = [before & set(draft.links) for draft in step.drafts]
        if all(linked) and (len(linked) != 1 or linked[0] == before):
            return []
        same = {d.uses for d in step.drafts} == {d.uses for d in previous.drafts}
        if step.reads and previous.reads and same:
            return base
        return [name for name in sinks if name in before] or list(sinks)


def _ids(drafts: Iterable[Draft]) -> list[str]:
    return [draft.id for draft in drafts]


def reduced(needs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Without the needs that another need already implies. In ``needs``, needed tasks come first."""
    above: dict[str, set[str]] = {}
    result = {}
    for task, wanted in needs.items():
        implied: set[str] = set().union(*(above.get(need, set()) for need in wanted))
        result[task] = [need for need in wanted if need not in implied]
        above[task] = implied | set(wanted)
    return result
