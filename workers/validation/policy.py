"""validation.policy: what the policy says of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from reign.core import planfile
from reign.core.check import checked, parse_plan
from reign.core.errors import InvalidInput, ReignError
from reign.core.findings import Finding, Severity
from reign.core.plan import Plan
from reign.executor import Context, FailureKind, TaskFailed, registry
from reign.executor.assessing import assess
from reign.executor.contract import Observations
from workers.validation.checking import Check, CheckInputs, CheckResult, conclude, kept

_SEVERITY = {"deny": Severity.HIGH, "ask": Severity.LOW}


class TaskDecision(BaseModel):
    """What the policy says of one task."""

    task: str
    uses: str
    decision: str = Field(description="allow, ask or deny")
    rule: str
    reason: str


class Policy(Check["Policy.Inputs", "Policy.Result"]):
    """A task that the policy denies is a high finding, one that a person must say yes to a low one."""

    name: ClassVar[str] = "validation.policy"
    summary: ClassVar[str] = "Tell what the policy says of a plan"

    class Inputs(CheckInputs):
        path: str | None = Field(default=None, description="a plan file")
        plan: dict[str, Any] | str | None = Field(
            default=None, description="a plan, as a plan file has it; default: the one of this task"
        )
        params: dict[str, Any] = Field(default_factory=dict, description="values for the plan's parameters")
        environment: str | None = Field(default=None, description="instead of the plan's own")
        rules: str | list[dict[str, Any]] | None = Field(
            default=None, description="the rules: a YAML file's path, or a list; default: the built-in ones"
        )

    class Result(CheckResult):
        decisions: list[TaskDecision] = Field(description="one for each task, in the plan's order")
        decision: str = Field(description="the strictest of them")

    def apply(self, ctx: Context, inputs: Policy.Inputs, seen: Observations) -> Policy.Result:
        from reign.policy import evaluate, strictest

        try:
            plan = checked(_plan(ctx, inputs), registry.catalog(), inputs.params, inputs.environment)
            assessments = {name: assess(task, registry.catalog()) for name, task in plan.tasks.items()}
            decisions = evaluate(plan, assessments, _rules(ctx, inputs))
        except ReignError as error:
            raise TaskFailed(error.message, kind=FailureKind.WRONG_INPUT, hint=error.hint) from None
        findings = [
            Finding(
                rule=f"policy-{decision.decision}",
                severity=_SEVERITY[decision.decision],
                message=f"{decision.task} ({decision.uses}): {decision.reason} [{decision.rule}]",
                remedy="change the task, or the policy" if decision.decision == "deny" else "a person must say yes",
                path=inputs.path,
            )
            for decision in decisions
            if decision.decision in _SEVERITY
        ]
        judged = conclude(ctx, f"plan {plan.name}", findings, inputs)
        return self.Result(
            decisions=[TaskDecision.model_validate(decision.model_dump(mode="json")) for decision in decisions],
            decision=strictest(decisions).value,
            findings=kept(judged),
            summary=judged.sentence(),
        )


def _plan(ctx: Context, inputs: Policy.Inputs) -> Plan:
    if inputs.path is not None:
        return planfile.parse(_text(ctx, inputs.path))[0]
    given = inputs.plan if inputs.plan is not None else ctx.options.get("plan")
    if given is None:
        raise InvalidInput("there is no plan to judge", hint="give `plan` or `path`")
    return planfile.parse(given)[0] if isinstance(given, str) else parse_plan(given)


def _rules(ctx: Context, inputs: Policy.Inputs) -> Sequence[Any]:
    from reign.policy import load_rules, parse_rules

    given = inputs.rules if inputs.rules is not None else ctx.options.get("rules")
    if given is None:
        return ()
    return load_rules(_text(ctx, given), given) if isinstance(given, str) else parse_rules(given)


def _text(ctx: Context, path: str) -> str:
    try:
        return ctx.path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidInput(f"{path} cannot be read: {reason}", hint="the path starts in the work folder") from None
