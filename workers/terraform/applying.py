"""terraform.apply and terraform.destroy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from reign.core.catalog import Effect, OperationResult
from reign.core.expressions import has_expression
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, NeedsApproval, Operation, Proposal, TaskFailed
from reign.executor.contract import Observations, Pinning
from reign.executor.scope import Scope
from workers.terraform import changes as plan_changes
from workers.terraform import rehearsing, undoing
from workers.terraform.carrying import begun_by, carry_out
from workers.terraform.changes import Counts, rest_of
from workers.terraform.configuration import Configuration
from workers.terraform.inputs import Planned, foreseen
from workers.terraform.observing import observe
from workers.terraform.planning import (
    MadePlan,
    SavedPlan,
    Values,
    blob,
    carried_out,
    contents,
    lay_out,
    load,
    make,
    save,
    stale,
)
from workers.terraform.record import Applied
from workers.terraform.repairs import initialise
from workers.terraform.session import Session, opened, resource_of
from workers.terraform.state import State

#: How many objects an apply may destroy (replacements count) before a person is asked (``max_destroy``).
MAX_DESTROY = 3


class ChangedResult(OperationResult):
    outputs: dict[str, Any] = Field(default_factory=dict, description="values of the outputs that are not sensitive")
    sensitive: list[str] = Field(default_factory=list, description="outputs whose values are not shown")
    changes: Counts
    resources: list[str] = Field(default_factory=list, description="addresses of what the state holds now")
    state_serial: int
    lineage: str


def changed_result(state: State, counts: Counts) -> ChangedResult:
    return ChangedResult(
        outputs=state.outputs,
        sensitive=sorted(state.secret_outputs),
        changes=counts,
        resources=state.addresses,
        state_serial=state.serial,
        lineage=state.lineage,
    )


def may_destroy(ctx: Context, inputs: Any, destroyed: Sequence[str], everything: bool = False) -> None:
    """Ask, if more would be destroyed than may be without a yes. Raises NeedsApproval."""
    asks = _asks(ctx, inputs, destroyed, everything)
    if asks and not ctx.approved:
        raise NeedsApproval(
            asks,
            hint="approve it, or raise `max_destroy` if this is meant",
            details={"destroys": list(destroyed), "limit": _limit(ctx, inputs)},
        )


def _asks(ctx: Context, inputs: Any, destroyed: Sequence[str], everything: bool = False) -> str | None:
    """Why a person is asked before so much is destroyed; None if nobody is."""
    limit = _limit(ctx, inputs)
    if not (len(destroyed) > limit or (everything and destroyed)):
        return None
    listed = ", ".join(destroyed[:5]) + (", ..." if len(destroyed) > 5 else "")
    why = "the plan takes everything away" if everything else f"more than {limit} may not be destroyed without a yes"
    return f"{len(destroyed)} object{'s' if len(destroyed) != 1 else ''} would be destroyed: {listed}; {why}"


def _limit(ctx: Context, inputs: Any) -> int:
    own = getattr(inputs, "max_destroy", None)
    return int(ctx.options.get("max_destroy", MAX_DESTROY)) if own is None else int(own)


class Pinned(BaseModel):
    """What a plan was shown for; nothing else is changed by it."""

    lineage: str = Field(description="of the state; empty: there was none")
    serial: int
    configuration: str = Field(description="digest of the configuration's code")

    @classmethod
    def of(cls, session: Session, state: State) -> Pinned:
        return cls(lineage=state.lineage, serial=state.serial, configuration=session.content.code_digest)


class Changed(Planned):
    pinned: Pinned | None = Field(None, description="the state and the code that were shown; no others are changed")


def as_pinned(session: Session, inputs: Changed, now: State) -> None:
    """Raises TaskFailed if this is not what the plan was shown for. A task's own cut-off attempt may have moved it."""
    if inputs.pinned is None or session.ctx.attempt > 1:
        return
    found = Pinned.of(session, now)
    if found == inputs.pinned:
        return
    if found.configuration != inputs.pinned.configuration:
        what = "the configuration was changed"
    elif found.lineage != inputs.pinned.lineage:
        what = "there is another state"
    else:
        what = f"the state moved from serial {inputs.pinned.serial} to {found.serial}"
    raise TaskFailed(
        f"{what} since the plan was shown; nothing was changed", kind=FailureKind.CONFLICT, hint="plan again"
    )


class _Changing(Operation[Any, ChangedResult]):
    Result: ClassVar = ChangedResult
    variables = ("variables", "env")
    undo = Undo.COMPENSATING
    timeout = 3600.0
    #: Terraform's state says what is done: an apply that was cut off goes on with the rest.
    converges = True
    pinning = Pinning.SHOWN

    def pins(self, ctx: Context, inputs: Any) -> dict[str, Any]:
        if has_expression(list(dict(inputs).values())) or getattr(inputs, "plan_file", None):
            return {}
        with opened(ctx, inputs) as session:
            state = session.state()
            return {"pinned": Pinned.of(session, state).model_dump()}

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.moved(inputs, scope)

    def foreseen(self, inputs: Mapping[str, Any], before: Sequence[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
        return foreseen(inputs, before)

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return [resource_of(ctx, inputs)]

    def inspect(self, ctx: Context, inputs: Any) -> Observations:
        return [observe(ctx, inputs)]

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        return initialise(ctx, inputs, failure)


class Apply(_Changing):
    name = "terraform.apply"
    summary = "Make what a terraform configuration says, or carry out a saved plan"
    undo_note = (
        "the former configuration and variables are applied again, or everything is destroyed if there was nothing;"
        " what the apply destroyed or replaced is made anew, without its data"
    )

    class Inputs(Changed):
        plan_file: str | None = Field(None, description="a saved plan: exactly that is applied, or nothing")
        replace: list[str] = Field(default_factory=list, description="objects to make anew")
        max_destroy: int | None = Field(
            None, ge=0, description=f"objects that may be destroyed without a person's yes (default {MAX_DESTROY})"
        )

    def inspect(self, ctx: Context, inputs: Inputs) -> Observations:
        """Before the apply: with the plan that ``done`` and ``apply`` go on with, which tells all drift unless it is
        limited to targets. What looks for drift or takes something back (``undoes``) only looks."""
        limited = inputs.plan_file is not None or bool(inputs.targets)
        ahead = not limited and ctx.undoes is None and not carried_out(ctx)
        return [observe(ctx, inputs, partial(self._pinned_plan, inputs) if ahead else None)]

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> ChangedResult | None:
        if inputs.plan_file is not None:
            return self._saved_done(ctx, inputs)
        with opened(ctx, inputs) as session:
            made = self._pinned_plan(inputs, session, session.state())
            if made.empty:
                return changed_result(made.base, Counts())
            may_destroy(ctx, inputs, made.changes.destroyed)
        return None

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> ChangedResult:
        if inputs.plan_file is not None:
            return self._saved_apply(ctx, inputs)
        with opened(ctx, inputs) as session:
            made = self._plan(session, inputs)
            as_pinned(session, inputs, made.base)
            _as_seen(made.base, seen)
            may_destroy(ctx, inputs, made.changes.destroyed)
            values = Values.given(ctx, inputs)
            applied = Applied(
                configuration=ctx.blobs.put(session.content.pack()),
                variables=inputs.variables,
                var_files=values.keep(ctx),
                targets=inputs.targets,
            )
            state = carry_out(session, made.file, made.base, applied, made.changes, parallelism=inputs.parallelism)
            return changed_result(state, made.changes.counts)

    def restore(self, ctx: Context, inputs: Inputs, before: Observations, now: Observations) -> None:
        undoing.restore(ctx, inputs, before[0], _plan_of(ctx, inputs), now[0] if now else None)

    def preview(self, ctx: Context, inputs: Inputs) -> str:
        if inputs.plan_file is not None:
            return _loaded(ctx, inputs).diff
        with opened(ctx, inputs) as session:
            made = self._plan(session, inputs, lock=False)  # nobody waits for a lock to be shown a preview
            asks = _asks(ctx, inputs, made.changes.destroyed)
            told = [made.changes.diff(), *([f"asks: {asks}"] if asks else [])]
            return "" if made.empty else ctx.masker.mask("\n".join(told))

    def _pinned_plan(self, inputs: Inputs, session: Session, state: State) -> MadePlan:
        as_pinned(session, inputs, state)
        return self._plan(session, inputs, base=state)

    def _plan(self, session: Session, inputs: Inputs, *, lock: bool = True, base: State | None = None) -> MadePlan:
        return make(
            session,
            Values.given(session.ctx, inputs),
            targets=inputs.targets,
            replace=inputs.replace,
            lock=lock,
            parallelism=inputs.parallelism,
            base=base,
        )

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        if (new := failure.details.get("planned_again")) is None:
            return super().repair(ctx, inputs, failure)
        changes = failure.details["changes"]
        return Proposal(reason=f"the state has moved; planned again: {changes}", inputs={"plan_file": new})

    # --- a saved plan ----------------------------------------------------------------------------------------------

    def _saved_done(self, ctx: Context, inputs: Inputs) -> ChangedResult | None:
        saved = _loaded(ctx, inputs)
        with _frozen(ctx, inputs, saved) as session:
            state = session.state()
            if stale(saved, state) is not None:
                try:
                    nothing = _again(session, inputs, saved, state).empty
                except TaskFailed:  # that the plan is stale is what must be told
                    nothing = False
            else:
                nothing = saved.empty
                may_destroy(ctx, inputs, saved.destroyed, saved.destroy)
            return changed_result(state, Counts()) if nothing else None

    def _saved_apply(self, ctx: Context, inputs: Inputs) -> ChangedResult:
        saved = _loaded(ctx, inputs)
        with _frozen(ctx, inputs, saved) as session:
            state = session.state()
            old = stale(saved, state)
            if old is None:
                may_destroy(ctx, inputs, saved.destroyed, saved.destroy)
                file = lay_out(ctx, saved)
                # What is secret in it is not told by what is printed while it is carried out.
                changes = plan_changes.read(contents(session, file), ctx.masker)
                carried = carry_out(
                    session, file, state, saved.applied, changes, plan=inputs.plan_file, parallelism=inputs.parallelism
                )
                return changed_result(carried, saved.counts)
            # Only this very task's own cut-off attempt may have moved the state: then what is left of the plan is done.
            if session.record.plan != begun_by(ctx, inputs.plan_file):
                raise _planned_again(session, inputs, saved, state, old)
            made = _again(session, inputs, saved, state)
            if other := rest_of(saved.fingerprints, made.changes):
                old.details["not_in_the_plan"] = list(other)
                raise old
            ctx.log(f"an earlier attempt carried out part of the plan; the rest: {made.changes.counts}")
            carried = carry_out(
                session,
                made.file,
                state,
                saved.applied,
                made.changes,
                plan=inputs.plan_file,
                parallelism=inputs.parallelism,
            )
            return changed_result(carried, made.changes.counts)


def _loaded(ctx: Context, inputs: Any) -> SavedPlan:
    if inputs.targets or inputs.replace or inputs.var_files:
        raise TaskFailed(
            "targets, replace and var_files belong to the plan, not to its application",
            kind=FailureKind.WRONG_INPUT,
            hint="give them to terraform.plan",
        )
    return load(ctx, inputs.plan_file, inputs)


def _frozen(ctx: Context, inputs: Any, saved: SavedPlan) -> Any:
    configuration = Configuration.unpack(blob(ctx, saved.configuration))
    return opened(ctx, inputs, configuration=configuration, lock_file=saved.lock_file)


def _again(session: Session, inputs: Any, saved: SavedPlan, state: State) -> MadePlan:
    """What is left to do of a saved plan, planned from its own frozen configuration and values."""
    values = Values.kept(session.ctx, saved.variables | inputs.variables, saved.var_files)
    return make(session, values, targets=saved.targets, destroy=saved.destroy, base=state)


def _planned_again(session: Session, inputs: Any, saved: SavedPlan, state: State, old: TaskFailed) -> TaskFailed:
    """The refusal of a stale plan, with a new one to say yes to: the same code and values, the state as it is now.

    Another state than the plan's is not planned for.
    """
    if saved.lineage and saved.lineage != state.lineage:
        return old
    try:
        values = Values.kept(session.ctx, saved.variables | inputs.variables, saved.var_files)
        made = make(session, values, targets=saved.targets, destroy=saved.destroy, base=state)
    except TaskFailed as error:
        session.ctx.log(f"it cannot be planned again: {error.message}")
        return old
    session.ctx.log(f"planned again:\n{session.ctx.masker.mask(made.changes.diff())}")
    new = save(session, made, values, targets=saved.targets, destroy=saved.destroy)
    return TaskFailed(
        f"{old.message}; planned again: {made.changes.counts}",
        kind=old.kind,
        hint="`reign logs` shows the new plan, `reign repair` applies it",
        details={**old.details, "planned_again": new, "changes": str(made.changes.counts)},
    )


def _plan_of(ctx: Context, inputs: Any) -> SavedPlan | None:
    return load(ctx, inputs.plan_file, inputs) if inputs.plan_file else None


def _as_seen(now: State, seen: Observations) -> None:
    """The before-state that was recorded must be what is changed. Raises TaskFailed."""
    if not seen:
        return
    was = seen[0].state
    if (was.get("lineage", ""), was.get("serial", 0)) != (now.lineage, now.serial):
        raise TaskFailed(
            f"the state moved from serial {was.get('serial', 0)} to {now.serial} while this task was looking at it",
            kind=FailureKind.CONFLICT,
            hint="somebody else changes it too; try again",
            retryable=True,
        )


class Destroy(_Changing):
    name = "terraform.destroy"
    summary = "Destroy all that a terraform configuration made in a workspace"
    effect = Effect.DESTROY
    undo_note = "all is made again from the recorded configuration and variables, without the data that it held"

    class Inputs(Changed):
        pass

    def inspect(self, ctx: Context, inputs: Inputs) -> Observations:
        """Without a record of what made it, the configuration as it stands now is what an undo can go by."""
        found = observe(ctx, inputs)
        if found.exists and not found.is_damaged and found.state["applied"] is None:
            with opened(ctx, inputs) as session:
                values = Values.given(ctx, inputs)
                applied = Applied(
                    configuration=ctx.blobs.put(session.content.pack()),
                    variables=inputs.variables,
                    var_files=values.keep(ctx),
                    lineage=found.state["lineage"],
                    serial=found.state["serial"],
                )
            return [found.model_copy(update={"state": found.state | {"applied": applied.model_dump(mode="json")}})]
        return [found]

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> ChangedResult | None:
        if seen[0].exists:
            return None
        return ChangedResult(
            changes=Counts(), state_serial=seen[0].state.get("serial", 0), lineage=seen[0].state.get("lineage", "")
        )

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> ChangedResult:
        with opened(ctx, inputs) as session:
            values = Values.given(ctx, inputs)
            made = make(session, values, targets=inputs.targets, destroy=True, parallelism=inputs.parallelism)
            as_pinned(session, inputs, made.base)
            _as_seen(made.base, seen)
            state = carry_out(session, made.file, made.base, None, made.changes, parallelism=inputs.parallelism)
            return changed_result(state, made.changes.counts)

    def restore(self, ctx: Context, inputs: Inputs, before: Observations, now: Observations) -> None:
        undoing.restore(ctx, inputs, before[0], None, now[0] if now else None)

    def preview(self, ctx: Context, inputs: Inputs) -> str:
        with opened(ctx, inputs) as session:
            values = Values.given(ctx, inputs)
            made = make(
                session, values, targets=inputs.targets, destroy=True, lock=False, parallelism=inputs.parallelism
            )
            return "" if made.empty else ctx.masker.mask(made.changes.diff())
