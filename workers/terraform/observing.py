"""What ``inspect`` sees of a state: lineage and serial, the objects in it, what made it, and what drifted."""

from __future__ import annotations

from typing import Any

from reign.core.resource import Observation
from reign.executor import Context
from workers.terraform.inputs import WithVariables
from workers.terraform.planning import Values, make
from workers.terraform.record import Applied, Record
from workers.terraform.session import Session, opened
from workers.terraform.state import State


def observe(ctx: Context, inputs: WithVariables) -> Observation:
    """The state of the directory's workspace. Drift is what ``plan -refresh-only`` finds with these variables."""
    with opened(ctx, inputs) as session:
        return observe_in(session, inputs)


def observe_in(session: Session, inputs: WithVariables) -> Observation:
    state = session.state()
    drift = _drift(session, inputs) if state.addresses else []
    return observation(session, state, drift)


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
            "state": ctx.blobs.put(state.raw) if session.backend.path is not None and state.raw else None,
            "applied": applied.model_dump(mode="json") if applied else None,
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


def _drift(session: Session, inputs: WithVariables) -> list[dict[str, Any]]:
    """Objects that are not as the state has them. Without the state's lock, as nothing is written."""
    made = make(session, Values.given(session.ctx, inputs), refresh_only=True, lock=False)
    made.forget()
    return [change.model_dump(mode="json") for change in made.changes.drift]
