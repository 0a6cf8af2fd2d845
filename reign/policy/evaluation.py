"""From a plan and rules to decisions, each with the rule and the reason that it comes from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from reign.core.catalog import Effect
from reign.core.findings import Finding
from reign.core.plan import Plan, Task
from reign.core.resource import Undo
from reign.policy.rules import DEFAULT_RULES, Effective, Rule


class Assessed(Protocol):
    """What an operation says of a task with these inputs (the executor contract's Assessment)."""

    @property
    def effect(self) -> Effect: ...

    @property
    def undo(self) -> Undo: ...

    @property
    def asks(self) -> str | None: ...

    @property
    def refuses(self) -> str | None: ...

    @property
    def findings(self) -> Sequence[Finding]: ...


class Decision(BaseModel):
    """What is to happen with one task, and why."""

    model_config = ConfigDict(frozen=True)

    task: str
    uses: str
    decision: Effective
    rule: str = Field(description="the rule that decides; `operation` for the operation's own word, `none` for no rule")
    reason: str
    also: tuple[str, ...] = Field(default=(), description="what other rules say, as 'rule: decision: reason'")


def evaluate(
    plan: Plan,
    assessments: Mapping[str, Assessed],
    rules: Sequence[Rule] = (),
    defaults: Sequence[Rule] = DEFAULT_RULES,
) -> list[Decision]:
    """One Decision for each task of a bound plan, in the plan's order.

    ``assessments``: task id -> what its operation says; a task without one is judged by the rules alone, as a change
    that cannot be undone. Who decides: what an operation refuses is denied; then the strictest of the ``rules`` that
    speak of the task, so that a written `allow` settles what the ``defaults`` or the operation would ask; then the
    strictest of those. A rule whose inputs are not known yet asks if it would deny or ask, and allows nothing.
    """
    return [
        _decide(plan, task_id, task, assessments.get(task_id), rules, defaults) for task_id, task in plan.tasks.items()
    ]


def strictest(decisions: Iterable[Decision]) -> Effective:
    """What the decisions mean for the plan as a whole: deny if one does, ask if one does, else allow."""
    return max((decision.decision for decision in decisions), key=lambda d: d.rank, default=Effective.ALLOW)


_Say = tuple[Effective, str, str]  # decision, rule, reason


def _decide(
    plan: Plan, task_id: str, task: Task, said: Assessed | None, rules: Sequence[Rule], defaults: Sequence[Rule]
) -> Decision:
    written = _says(rules, plan, task, said)
    usual = _says(defaults, plan, task, said)
    own: list[_Say] = []
    if said and said.asks:
        own = [(Effective.ASK, "operation", said.asks)]
    refused: list[_Say] = [(Effective.DENY, "operation", said.refuses)] if said and said.refuses else []
    deciding = refused or written or [*usual, *own] or [(Effective.ALLOW, "none", "no rule speaks against it")]
    chosen = max(deciding, key=lambda say: say[0].rank)
    others = [say for say in (*refused, *written, *usual, *own) if say is not chosen]
    return Decision(
        task=task_id,
        uses=task.uses,
        decision=chosen[0],
        rule=chosen[1],
        reason=chosen[2],
        also=tuple(f"{rule}: {decision}: {reason}" for decision, rule, reason in others),
    )


def _says(rules: Sequence[Rule], plan: Plan, task: Task, said: Assessed | None) -> list[_Say]:
    effect = said.effect if said else Effect.CHANGE
    undo = said.undo if said else Undo.NONE
    dangers = [finding.rule for finding in said.findings] if said else []
    found: list[_Say] = []
    for rule in rules:
        if not rule.match.speaks_of(task.uses, plan.environment, effect, undo, dangers):
            continue
        holds = rule.match.inputs_hold(task.with_)
        if holds:
            found.append((rule.decision, rule.name, rule.reason))
        elif holds is None and rule.decision is not Effective.ALLOW:
            names = ", ".join(rule.match.inputs)
            reason = f"{rule.reason} (whether it is so depends on {names}, known only during the run)"
            found.append((Effective.ASK, rule.name, reason))
    return found
