"""A damaged or lost local state answered with the newest good one that is kept, before an undo goes on."""

from __future__ import annotations

from pathlib import Path

from reign.core.resource import Observation
from reign.executor import Context, TaskFailed
from workers.terraform.files import write_private
from workers.terraform.inputs import Where
from workers.terraform.planning import blob
from workers.terraform.record import Record
from workers.terraform.session import opened, resource_of
from workers.terraform.state import newest_backup, parse


def mend(ctx: Context, inputs: Where, before: Observation, now: Observation | None) -> str | None:
    """Put the newest kept state in the place of a local one that is damaged or lost ``now``; a damaged file is kept
    beside it. The blob of what is in its place now; None if nothing was put there."""
    if now is None or not ("damaged" in now.state or _lost(ctx, inputs, before, now)):
        return None
    damaged = None
    try:
        with opened(ctx, inputs) as session:
            path = session.backend.path
    except TaskFailed as error:
        if "state_file" not in error.details:
            raise
        path = damaged = Path(error.details["state_file"])
    if path is None or (path.exists() and damaged is None):
        return None
    resource = resource_of(ctx, inputs)
    found = newest_backup(ctx, path, Record.load(ctx, resource), resource)
    states = [found[1]] if found else []
    if ref := before.state.get("state"):
        states.append(parse(blob(ctx, ref)))
    newest = max(states, key=lambda state: state.serial, default=None)
    if newest is None:
        return None
    if damaged is not None:
        kept = _free_name(path)
        path.replace(kept)
        ctx.log(f"the damaged state file is kept as {kept.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, newest.raw)
    ctx.log(f"the newest good state, serial {newest.serial}, is in its place again")
    return ctx.blobs.put(newest.raw)


def _lost(ctx: Context, inputs: Where, before: Observation, now: Observation) -> bool:
    """Whether there was a state, by what is to come back or by what this machine applied last, and is none now."""
    if now.state.get("lineage"):
        return False
    return bool(before.state.get("state")) or Record.load(ctx, resource_of(ctx, inputs)).applied is not None


def _free_name(path: Path) -> Path:
    """A name beside it that overwrites nothing which an earlier damage left."""
    names = (path.with_name(f"{path.name}.damaged{end}") for end in ("", *(f".{n}" for n in range(1, 1000))))
    return next(name for name in names if not name.exists())
