"""Whether a model's plan may be shown: what is wrong with it is told to the model, what is risky is marked by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reign.core.catalog import Catalog, Effect
from reign.core.check import InvalidPlan, checked, parse_plan
from reign.core.errors import ReignError
from reign.core.plan import Plan
from reign.executor.assessing import assess
from reign.executor.contract import Assessment
from reign.planner.llm import grounding, targets
from reign.planner.llm.answer import ProposedPlan, plan_content
from reign.planner.llm.privacy import Veil
from reign.planner.llm.talk import Wrong
from reign.planner.protocol import PlanRequest
from reign.policy import Effective, Rule, evaluate


@dataclass(frozen=True)
class Examined:
    """A plan without faults. ``proposed``: tasks that only the model proposed -> why they must be approved by name."""

    plan: Plan
    proposed: Mapping[str, str]
    denied: tuple[str, ...] = ()


@dataclass
class Examination:
    """The checks for one request. ``words``: what the keyword planner makes of it, None if it makes nothing."""

    catalog: Catalog
    request: PlanRequest
    environment: str
    veil: Veil
    words: Plan | None
    rules: Sequence[Rule] = ()
    shown: str = ""  # the request as the model saw it
    # How often a plan is sent back that the policy denies, or of which tasks quote no words of the request. After that
    # the refusal is for the user to read, and those tasks wait for a yes by name.
    denials_left: int = 1
    quotes_left: int = 1

    def examine(self, answer: ProposedPlan) -> Examined:
        """Raises Wrong with everything that the model can repair."""
        plan = self._valid(answer)
        problems = [
            f"{name} stands for no secret of the request"
            for name in self.veil.unknown([task.with_ for task in plan.tasks.values()])
        ]
        problems += targets.invented(plan, self.catalog, self.shown, self.request.resources)
        if problems:
            raise Wrong(problems)
        plan = self._revealed(plan)
        assessments = self._assessed(plan)
        denied = self._denied(plan, assessments)
        if denied and self.denials_left > 0:
            self.denials_left -= 1
            raise Wrong(denied)
        unasked = self._unasked(answer, plan, assessments)
        proposed = {
            name: grounding.doubt(plan.tasks[name], assessments[name]) or unasked.get(name, "")
            for name in grounding.alone(plan, self.words, self.catalog)
        }
        return Examined(_guarded(plan, proposed), proposed, tuple(denied))

    def start(self, *, sending_back: int) -> None:
        """For another answer: how often it may be sent back for what a person could accept."""
        self.denials_left = self.quotes_left = sending_back

    def _valid(self, answer: ProposedPlan) -> Plan:
        text = self.veil.mask_stand_ins(self.shown)
        content = plan_content(answer, name=self.request.name, text=text, environment=self.environment)
        try:
            return checked(parse_plan(content), self.catalog)
        except InvalidPlan as error:
            raise Wrong(
                [f"{p.place}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in error.problems]
            ) from None

    def _revealed(self, plan: Plan) -> Plan:
        """The plan with the request's secrets where the model put their stand-ins."""
        tasks = {
            name: task.model_copy(update={"with_": self.veil.reveal(task.with_)}) for name, task in plan.tasks.items()
        }
        try:
            return checked(plan.model_copy(update={"tasks": tasks}), self.catalog)
        except InvalidPlan as error:  # its message may hold the secret: only the place is told
            raise Wrong([f"{p.place}: a secret does not fit here" for p in error.problems]) from None

    def _assessed(self, plan: Plan) -> dict[str, Assessment]:
        found: dict[str, Assessment] = {}
        problems: list[str] = []
        for name, task in plan.tasks.items():
            try:
                found[name] = assess(task, self.catalog)
            except (ReignError, ValueError) as error:
                problems.append(f"tasks.{name}: {error}")
        if problems:
            raise Wrong(problems)
        return found

    def _unasked(self, answer: ProposedPlan, plan: Plan, assessments: Mapping[str, Assessment]) -> dict[str, str]:
        """Tasks that change something and that no words of the request ask for, with the reason to doubt them."""
        changing = [name for name in plan.tasks if assessments[name].effect is not Effect.READ]
        unquoted = [name for name in changing if not grounding.quotes(answer.tasks[name].because, self.shown)]
        if unquoted and self.quotes_left > 0:
            self.quotes_left -= 1
            raise Wrong(
                [
                    f"tasks.{name}.because: quote, verbatim, the words of the request that ask for this task; a task "
                    "that the request does not ask for is left out"
                    for name in unquoted
                ]
            )
        doubted = dict.fromkeys(unquoted, "only the model proposed this; no words of the request ask for it")
        if self.request.context or self.request.hints:  # others wrote those: what only they name is asked about
            for name in changing:
                if thing := targets.unnamed(plan.tasks[name], self.catalog, self.shown):
                    doubted.setdefault(name, f"only the model proposed this, and the request does not name {thing!r}")
        return doubted

    def _denied(self, plan: Plan, assessments: Mapping[str, Assessment]) -> list[str]:
        return [
            f"tasks.{d.task}: the policy forbids it: {d.reason} ({d.rule}); do what the request asks in a permitted "
            "way, or send the plan again as it is if there is none"
            for d in evaluate(plan, assessments, self.rules)
            if d.decision is Effective.DENY
        ]


def _guarded(plan: Plan, proposed: Mapping[str, str]) -> Plan:
    """The plan in which every doubted task waits for its own yes: `--yes` alone does not grant it."""
    tasks = {
        name: task.model_copy(update={"approval": "required"}) if proposed.get(name) else task
        for name, task in plan.tasks.items()
    }
    return plan.model_copy(update={"tasks": tasks})
