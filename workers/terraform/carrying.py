"""Carrying out a plan: back up the state, write down what is begun, apply, write down what was done."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from reign.executor import Context
from workers.terraform.changes import PlanChanges
from workers.terraform.diagnostics import failure
from workers.terraform.record import Applied, Record
from workers.terraform.session import Session
from workers.terraform.state import State
from workers.terraform.stream import Stream


def begun_by(ctx: Context, plan: str | None) -> str | None:
    """How the record names the task that began to carry out a saved plan."""
    return f"{ctx.run}/{ctx.task}/{plan}" if plan else None


def carry_out(
    session: Session,
    file: Path,
    base: State,
    applied: Applied | None,
    changes: PlanChanges,
    *,
    plan: str | None = None,
    parallelism: int | None = None,
) -> State:
    """Apply a plan file made against ``base``; the state afterwards. ``applied`` is what is recorded as having made it.

    A failure half way leaves what was done in terraform's state and says so; the same task goes on from there.
    """
    ctx, record = session.ctx, session.record
    if record.in_flight:
        ctx.log(
            "an earlier apply was cut off while it worked on " + ", ".join(record.in_flight)
            + ": if the state does not know them, look whether they exist outside", "stderr",
        )  # fmt: skip
    if session.backend.path is not None and base.raw:
        record.backed_up(ctx.blobs.put(base.raw))
    begun = applied or record.applied
    record.begun = begun and begun.model_copy(update={"lineage": base.lineage, "serial": base.serial})
    record.open, record.plan, record.in_flight = True, begun_by(ctx, plan), []
    record.save(ctx, session.resource)

    def flying(addresses: Collection[str]) -> None:
        record.in_flight = list(addresses)
        record.save(ctx, session.resource)

    stream = Stream(ctx, changes.counts.steps, flying)
    try:
        result = session.run(
            "apply",
            str(file),
            stream=stream,
            input=False,
            json=True,
            lock_timeout=f"{session.lock_timeout:g}s",
            parallelism=parallelism,
        )
    finally:
        file.unlink(missing_ok=True)  # it holds secrets, and may not be applied twice
        for name in session.work.carry_back():
            ctx.log(f"written beside the configuration: {name}")
    if result.exit_code != 0:
        words = ctx.masker.mask(result.tail())
        error = failure(
            "terraform apply", stream.diagnostics, exit_code=result.exit_code, last_words=words, converges=True
        )
        _settle_failed(session, record, base, error.details)
        raise error
    state = session.state()
    _settle(session, record, applied, state)
    return state


def _settle(session: Session, record: Record, applied: Applied | None, state: State) -> None:
    record.applied = applied and applied.model_copy(update={"lineage": state.lineage, "serial": state.serial})
    record.begun, record.open, record.plan, record.in_flight = None, False, None, []
    record.save(session.ctx, session.resource)


def _settle_failed(session: Session, record: Record, base: State, details: dict[str, object]) -> None:
    """Terraform came to an end of its own: what it tells of the state is true, nothing is in flight."""
    state = session.state()
    done = sorted(set(state.addresses) ^ set(base.addresses))
    details["state"] = {"serial": state.serial, "lineage": state.lineage, "changed_addresses": done}
    if record.begun is not None:
        record.begun = record.begun.model_copy(update={"lineage": state.lineage, "serial": state.serial})
    record.open, record.in_flight = False, []
    record.save(session.ctx, session.resource)
