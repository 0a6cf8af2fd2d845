"""Taking an apply or a destroy back: the former configuration applied again, or all destroyed if none was."""

from __future__ import annotations

from typing import Any

from reign.core.resource import Observation
from reign.executor import Context, FailureKind, TaskFailed
from workers.terraform.carrying import carry_out
from workers.terraform.configuration import Configuration
from workers.terraform.inputs import Planned
from workers.terraform.mending import mend
from workers.terraform.planning import SavedPlan, Values, blob, make
from workers.terraform.record import Applied, Record
from workers.terraform.session import Session, opened, resource_of
from workers.terraform.state import State, parse, put_back, remove


def restore(
    ctx: Context, inputs: Planned, before: Observation, saved: SavedPlan | None, now: Observation | None = None
) -> None:
    """Bring the workspace back to ``before``. Raises TaskFailed if what made it is not known.

    A state that is damaged or lost ``now`` is first put back from the newest that was kept: without it terraform would
    leave what is there, or make all of it a second time.
    """
    former = Applied.model_validate(before.state["applied"]) if before.state.get("applied") else None
    mended = mend(ctx, inputs, before, now)
    if mended is not None and former is None and mended == before.state.get("state"):
        return
    if before.exists and former is None:
        raise TaskFailed(
            f"{before.resource} was last changed by somebody else, so the configuration from before is not known here",
            kind=FailureKind.CONFLICT,
            hint="check the former configuration out and apply it; the state from before is kept",
            details={"state": before.state.get("state"), "serial": before.state.get("serial")},
        )
    if before.exists and former is not None:
        _apply_again(ctx, inputs, before, former)
    else:
        _destroy(ctx, inputs, before, saved)


def _apply_again(ctx: Context, inputs: Planned, before: Observation, former: Applied) -> None:
    configuration = Configuration.unpack(blob(ctx, former.configuration))
    values = Values.kept(ctx, former.variables, former.var_files)
    with opened(ctx, inputs, configuration=configuration) as session:
        made = make(session, values, targets=former.targets, parallelism=inputs.parallelism)
        ctx.log(f"back to the former configuration: {made.changes.counts}")
        state = made.base
        if not made.empty:
            state = carry_out(session, made.file, made.base, former, made.changes, parallelism=inputs.parallelism)
        made.forget()
        state = put_state_back(session, before, state)
        session.record.applied = former.model_copy(update={"lineage": state.lineage, "serial": state.serial})
        session.record.save(ctx, session.resource)


def _destroy(ctx: Context, inputs: Planned, before: Observation, saved: SavedPlan | None) -> None:
    configuration, values = _what_was_applied(ctx, inputs, saved)
    with opened(ctx, inputs, configuration=configuration, lock_file=saved.lock_file if saved else None) as session:
        state = session.state()
        if state.addresses or state.content.get("outputs"):
            made = make(session, values, destroy=True, parallelism=inputs.parallelism, base=state)
            ctx.log(f"nothing was there before: {made.changes.counts}")
            if not made.empty:
                state = carry_out(session, made.file, made.base, None, made.changes, parallelism=inputs.parallelism)
            made.forget()
        # First: a state that is gone while the record still knows of an apply is taken for lost.
        session.record.applied = None
        session.record.save(ctx, session.resource)
        if before.state.get("lineage"):
            put_state_back(session, before, state)
        else:
            take_state_away(session)


def _what_was_applied(ctx: Context, inputs: Planned, saved: SavedPlan | None) -> tuple[Configuration | None, Values]:
    """What to destroy by: the plan that was carried out, else the configuration as recorded or as it stands."""
    if saved is not None:
        kept = Values.kept(ctx, saved.variables | inputs.variables, saved.var_files)
        return Configuration.unpack(blob(ctx, saved.configuration)), kept
    record = Record.load(ctx, resource_of(ctx, inputs))
    made_by: Any = record.begun or record.applied
    configuration = Configuration.unpack(blob(ctx, made_by.configuration)) if made_by else None
    return configuration, Values.given(ctx, inputs)


def put_state_back(session: Session, before: Observation, state: State) -> State:
    """The former local state, byte for byte, if it describes what is there again; new objects have new identities,
    and a state that named the old ones would be a lie."""
    ref = before.state.get("state")
    if session.backend.path is None or not ref:
        return state
    kept = parse(blob(session.ctx, ref))
    if kept.raw == state.raw or not kept.describes_the_same(state):
        return state
    put_back(session.ctx, session.backend.path, kept)
    return kept


def take_state_away(session: Session) -> None:
    """An empty state where there was none before: its file, or its workspace."""
    if session.backend.path is not None:
        remove(session.ctx, session.backend.path)
        own = session.backend.path.parent
        for folder in (own, own.parent) if session.workspace != "default" else ():
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    elif session.workspace != "default":
        deleted = session.run("workspace delete", session.workspace, no_color=True)
        session.need(deleted, "terraform workspace delete")
