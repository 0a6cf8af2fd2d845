"""Operations that change nothing: init, validate, plan, output, show, state_list, list_workspaces."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from reign.core.catalog import Effect, OperationResult
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.terraform import changes as plan_changes
from workers.terraform import rehearsing
from workers.terraform.changes import Counts, ResourceChange
from workers.terraform.diagnostics import Diagnostic, distinct, failure, from_json
from workers.terraform.inputs import InWorkspace, Planned, Where, foreseen
from workers.terraform.planning import MadePlan, Values, make, save
from workers.terraform.record import Init as InitSettings
from workers.terraform.record import save_init
from workers.terraform.repairs import initialise
from workers.terraform.session import Session, directory_of, opened, settings_for


class _Reading(Operation[Any, Any]):
    effect = Effect.READ
    undo = Undo.UNNEEDED
    undo_note = "changes nothing"
    variables = ("variables", "env")

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        return initialise(ctx, inputs, failure)

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.moved(inputs, scope)

    def foreseen(self, inputs: Mapping[str, Any], before: Sequence[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
        return foreseen(inputs, before)


class Init(_Reading):
    name = "terraform.init"
    summary = "Initialise a terraform configuration: backend, modules, providers; later tasks use the same settings"
    timeout = 900.0

    class Inputs(Where):
        upgrade: bool = Field(False, description="choose provider versions anew, whatever was chosen before")

    class Result(OperationResult):
        providers: dict[str, str] = Field(description="source address -> version")
        backend: str = Field(description="where the state is: local, s3, ...")
        engine: str = Field(description="terraform or tofu, and its version")

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        return initialise(ctx, inputs, failure, itself=True)

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        settings = settings_for(ctx, inputs)
        if inputs.upgrade:
            settings = settings.model_copy(update={"lock_file": None})
            save_init(ctx, directory_of(ctx, inputs), settings)
        with opened(ctx, inputs, anew=True) as session:
            kept = InitSettings.model_validate(settings.model_dump() | {"lock_file": session.lock_file})
            save_init(ctx, session.directory, kept)
            return self.Result(
                providers=_locked(session.lock_file or ""),
                backend=session.backend.kind,
                engine=str(session.binary),
            )


def _locked(text: str) -> dict[str, str]:
    """The provider versions in a lock file."""
    return dict(re.findall(r'(?s)provider\s+"([^"]+)"\s*\{.*?version\s*=\s*"([^"]+)"', text))


class Validate(_Reading):
    name = "terraform.validate"
    summary = "Check a terraform configuration; fails with every error's file, line and remedy"

    class Inputs(Where):
        pass

    class Result(OperationResult):
        valid: bool
        diagnostics: list[Diagnostic] = Field(description="warnings; errors fail the task")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        with opened(ctx, inputs, backend=False) as session:
            result = session.run("validate", json=True, quiet=True)
            try:
                found = json.loads(result.stdout[result.stdout.index("{") :])
            except ValueError:
                words = ctx.masker.mask(result.tail())
                raise failure("terraform validate", [], exit_code=result.exit_code, last_words=words) from None
        diagnostics = distinct([from_json(entry, ctx.masker) for entry in found["diagnostics"]])
        for diagnostic in diagnostics:
            ctx.log(f"{diagnostic.severity}: {diagnostic.sentence()}")
        if not found["valid"]:
            failed = failure("the configuration is not valid", diagnostics, exit_code=result.exit_code)
            raise TaskFailed(
                failed.message, kind=FailureKind.CHECK_FAILED, hint=failed.hint, retryable=False, details=failed.details
            )
        return self.Result(valid=True, diagnostics=diagnostics)


class Plan(_Reading):
    name = "terraform.plan"
    summary = "Show what a terraform apply would change, and keep that plan so that exactly it can be applied"
    timeout = 1800.0

    class Inputs(Planned):
        destroy: bool = Field(False, description="plan to destroy everything")
        replace: list[str] = Field(default_factory=list, description="objects to make anew")

    class Result(OperationResult):
        changes: Counts
        plan_file: str = Field(description="for terraform.apply")
        diff: str = Field(description="what changes, as text, without sensitive values")
        resources: list[ResourceChange]
        outputs: list[ResourceChange]
        drift: list[ResourceChange] = Field(description="what was changed outside terraform")
        diagnostics: list[Diagnostic] = Field(default_factory=list, description="warnings")
        lineage: str = Field(description="of the state that the plan was made against; empty if there was none")
        state_serial: int

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        values = Values.given(ctx, inputs)
        with opened(ctx, inputs) as session:
            made = self._made(session, values, inputs)
            name = save(session, made, values, targets=inputs.targets, destroy=inputs.destroy)
            made.forget()
        diff = made.changes.diff()
        ctx.log(diff)
        return self.Result(
            changes=made.changes.counts,
            plan_file=name,
            diff=ctx.masker.mask(diff),
            resources=made.changes.resources[:1000],
            outputs=made.changes.outputs,
            drift=made.changes.drift,
            diagnostics=[found for found in distinct(made.diagnostics) if found.severity == "warning"],
            lineage=made.base.lineage,
            state_serial=made.base.serial,
        )

    def preview(self, ctx: Context, inputs: Inputs) -> str:
        values = Values.given(ctx, inputs)
        with opened(ctx, inputs) as session:
            made = self._made(session, values, inputs, lock=False)
            return "" if made.empty else ctx.masker.mask(made.changes.diff())

    def _made(self, session: Session, values: Values, inputs: Inputs, *, lock: bool = True) -> MadePlan:
        return make(
            session,
            values,
            targets=inputs.targets,
            replace=inputs.replace,
            destroy=inputs.destroy,
            lock=lock,
            parallelism=inputs.parallelism,
        )


class Output(_Reading):
    name = "terraform.output"
    summary = "The outputs of a terraform state"

    class Inputs(InWorkspace):
        name: str | None = Field(None, description="only this one; it must be there and not sensitive")

    class Result(OperationResult):
        outputs: dict[str, Any]
        sensitive: list[str] = Field(description="outputs whose values are not shown")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        with opened(ctx, inputs) as session:
            state = session.state()
        for value in state.secret_outputs.values():
            if isinstance(value, str):
                ctx.masker.add("", value)
        outputs, secret = state.outputs, sorted(state.secret_outputs)
        if inputs.name is not None:
            if inputs.name not in outputs:
                known = f"there are: {', '.join(outputs)}" if outputs else "the state has no outputs; apply first"
                why = "is sensitive and not shown" if inputs.name in secret else "is not there"
                raise TaskFailed(f"the output {inputs.name!r} {why}", kind=FailureKind.WRONG_INPUT, hint=known)
            outputs = {inputs.name: outputs[inputs.name]}
        return self.Result(outputs=outputs, sensitive=secret)


class StateResource(OperationResult):
    address: str
    type: str
    name: str
    provider: str
    values: dict[str, Any] = Field(description="attributes, sensitive ones as (sensitive)")


class Show(_Reading):
    name = "terraform.show"
    summary = "What a terraform state holds, attribute by attribute"

    class Inputs(InWorkspace):
        pass

    class Result(OperationResult):
        resources: list[StateResource]
        outputs: dict[str, Any]
        lineage: str
        state_serial: int

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        with opened(ctx, inputs) as session:
            state = session.state()
            shown = session.document("show", what="terraform show") if state.raw or state.content else {}
        plan_changes.learn(shown, ctx.masker)
        root = (shown.get("values") or {}).get("root_module") or {}
        found = [
            StateResource(
                address=entry["address"],
                type=entry["type"],
                name=entry["name"],
                provider=entry.get("provider_name", ""),
                values=plan_changes.masked(entry.get("values") or {}, entry.get("sensitive_values")),
            )
            for entry in plan_changes.resources_of(root)
            if entry.get("mode") == "managed"
        ]
        return self.Result(resources=found, outputs=state.outputs, lineage=state.lineage, state_serial=state.serial)


class StateList(_Reading):
    name = "terraform.state_list"
    summary = "The addresses of what a terraform state holds"

    class Inputs(InWorkspace):
        pass

    class Result(OperationResult):
        addresses: list[str]
        lineage: str
        state_serial: int

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        with opened(ctx, inputs) as session:
            state = session.state()
        return self.Result(addresses=state.addresses, lineage=state.lineage, state_serial=state.serial)


class ListWorkspaces(_Reading):
    name = "terraform.list_workspaces"
    summary = "The workspaces of a terraform configuration's backend"

    class Inputs(Where):
        pass

    class Result(OperationResult):
        workspaces: list[str]

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        with opened(ctx, inputs) as session:
            return self.Result(workspaces=session.workspaces())
