"""What ``inspect`` sees of a state: lineage and serial, the objects in it, what made it, and what drifted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reign.core.resource import Observation
from reign.executor import Context, TaskFailed
from workers.terraform.configuration import Configuration
from workers.terraform.inputs import WithVariables
from workers.terraform.planning import MadePlan, SavedPlan, Values, blob, load, make
from workers.terraform.record import Applied, Record
from workers.terraform.session import Session, opened, resource_of
from workers.terraform.state import State


def observe(
    ctx: Context, inputs: WithVariables, plan: Callable[[Session, State], MadePlan] | None = None
) -> Observation:
    """The state of the directory's workspace. Drift is what ``plan -refresh-only`` finds with these variables; or what
    ``plan`` finds, which is made for this attempt anyway, so that all objects are looked at once and not twice.

    An undo sees a damaged state as such, if there is a good backup to go on from. Raises TaskFailed for it otherwise.
    """
    saved = _saved(ctx, inputs)
    frozen = Configuration.unpack(blob(ctx, saved.configuration)) if saved else None
    try:
        with opened(ctx, inputs, configuration=frozen, lock_file=saved.lock_file if saved else None) as session:
            return observe_in(session, inputs, saved, plan)
    except TaskFailed as error:
        if ctx.undoes is None or "backup" not in error.details:
            raise
        return Observation.damaged(resource_of(ctx, inputs), error.message)


def observe_in(
    session: Session,
    inputs: WithVariables,
    saved: SavedPlan | None = None,
    plan: Callable[[Session, State], MadePlan] | None = None,
) -> Observation:
    state = session.state()
    if not state.addresses:
        return observation(session, state, [])
    if plan is not None:
        return observation(session, state, _listed(plan(session, state)))
    values = _values(session.ctx, inputs, saved)
    return observation(session, state, [] if values is None else _drift(session, values, state))


def _saved(ctx: Context, inputs: WithVariables) -> SavedPlan | None:
    """The saved plan that is applied, as far as it is still kept: its code and its values are in it alone."""
    name = getattr(inputs, "plan_file", None)
    try:
        return load(ctx, name, inputs) if name else None
    except TaskFailed:
        return None  # applying it says why


def _values(ctx: Context, inputs: WithVariables, saved: SavedPlan | None) -> Values | None:
    """None if a value is in the plan file itself alone: nothing can be planned without it."""
    if saved is None:
        return Values.given(ctx, inputs)
    try:
        return Values.kept(ctx, saved.variables | inputs.variables, saved.var_files)
    except TaskFailed:
        return None


def observation(session: Session, state: State, drift: list[dict[str, Any]]) -> Observation:
    """As recorded. The state's own content is a blob; it is kept for local states only: others have a history."""
    ctx = session.ctx
    for value in state.secret_outputs.values():
        if isinstance(value, str):
            ctx.masker.add("", value)
    applied = known(session, state)
    return Observation(
        resource=session.resource,
        exists=bool(state.addresses),
        state={
            "lineage": state.lineage,
            "serial": state.serial,
            "addresses": state.addresses,
            "applied": applied.model_dump(mode="json") if applied else None,
            "state": ctx.blobs.put(state.raw) if session.backend.path is not None and state.raw else None,
            "drift": drift,
        },
        facts={
            "engine": str(session.binary),
            "backend": session.backend.kind,
            "outputs": state.outputs,
            "sensitive_outputs": sorted(state.secret_outputs),
            "unfinished": session.record.in_flight,
        },
    )


def known(session: Session, state: State) -> Applied | None:
    """The configuration that this state came from, as far as REIGN applied it; from another machine's record if need
    be. None if somebody else changed the state since."""
    if found := session.record.made(state.lineage, state.serial):
        return found
    last = session.ctx.recorded(session.resource)
    if last is None or not last.state.get("applied"):
        return None
    return Record(applied=Applied.model_validate(last.state["applied"])).made(state.lineage, state.serial)


def _drift(session: Session, values: Values, state: State) -> list[dict[str, Any]]:
    """Objects that are not as the state has them. Without the state's lock, as nothing is written."""
    made = make(session, values, refresh_only=True, lock=False, base=state)
    made.forget()
    return _listed(made)


def _listed(made: MadePlan) -> list[dict[str, Any]]:
    return [change.model_dump(mode="json") for change in made.changes.drift]
