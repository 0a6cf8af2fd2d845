"""What lies at a place, complete enough to put it back: content, mode and owner, and which folders were missing."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reign.core.resource import Observation
from reign.executor import Context, FailureKind, TaskFailed
from workers.bash.limits import amount
from workers.bash.places import Place

#: Larger files are not taken into the state for an undo; an operator changes it with the option `keep_files`.
KEEP_MOST = 64 << 20


def observe(ctx: Context, place: Place) -> Observation:
    """What is there now. Raises TaskFailed."""
    status = place.status()
    if status is None:
        return Observation(resource=place.resource, exists=False, state={"missing": place.missing()})
    state: dict[str, Any] = {
        "kind": kind_of(status.st_mode),
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "owner": [status.st_uid, status.st_gid],
    }
    if state["kind"] == "file":
        state |= _content(ctx, place)
    return Observation(resource=place.resource, exists=True, state=state)


def _content(ctx: Context, place: Place) -> dict[str, Any]:
    most = amount(ctx.options.get("keep_files", KEEP_MOST))
    total, kept, sha = 0, bytearray(), hashlib.sha256()
    for data in place.chunks():
        ctx.check()
        total += len(data)
        sha.update(data)
        if total <= most:
            kept += data
    content = ctx.blobs.put(bytes(kept)) if total <= most else None
    return {"size": total, "sha256": sha.hexdigest(), "content": content}


def kind_of(mode: int) -> str:
    """file, folder, link or special."""
    for name, test in (("file", stat.S_ISREG), ("folder", stat.S_ISDIR), ("link", stat.S_ISLNK)):
        if test(mode):
            return name
    return "special"


def require_ordinary(path: Path, kind: str) -> None:
    """Raises TaskFailed for anything but an ordinary file."""
    if kind == "link":
        raise TaskFailed(
            f"{path} is a symbolic link, and links are not followed",
            kind=FailureKind.PERMISSION,
            hint="name the file that it points to",
        )
    if kind != "file":
        what = "a folder" if kind == "folder" else "no ordinary file"
        raise TaskFailed(f"{path} is {what}", kind=FailureKind.WRONG_INPUT, hint="give the path of a file")


def require_replaceable(place: Place, seen: Observation) -> None:
    """Raises TaskFailed unless an ordinary file that can be put back, or nothing, is there."""
    if not seen.exists:
        return
    require_ordinary(place.path, seen.state["kind"])
    if seen.state["content"] is None:
        raise TaskFailed(
            f"{place.path} has {seen.state['size']} bytes, more than is kept for an undo",
            kind=FailureKind.WRONG_INPUT,
            hint="let the operator raise `keep_files` of the bash agent, or do it with bash.run",
        )


def put_back(ctx: Context, place: Place, before: Observation) -> None:
    """Make the place look as ``before`` shows it. Raises TaskFailed if that cannot be done."""
    now = observe(ctx, place)
    if before.same_as(now):
        return
    if not before.exists:
        status = place.status()
        if status is not None and stat.S_ISDIR(status.st_mode):
            _leave_unless_empty(ctx, place)
        else:
            place.remove()
        for path in reversed(before.state.get("missing", [])):
            _leave_unless_empty(ctx, Place(place.root, Path(path).relative_to(place.root).parts))
        return
    if before.state["kind"] == "folder":
        place.make_folder(int(before.state["mode"], 8))
        return
    uid, gid = before.state["owner"]
    mode = int(before.state["mode"], 8)
    if now.state.get("sha256") == before.state["sha256"]:
        place.set_mode(mode, (uid, gid))
        return
    if before.state["content"] is None:
        raise TaskFailed(f"{place.path} was too large to be kept, so it cannot be put back")
    place.replace(iter([ctx.blobs.get(before.state["content"])]), mode=mode, owner=(uid, gid))


def _leave_unless_empty(ctx: Context, place: Place) -> None:
    if not place.remove_folder():
        ctx.log(f"{place.path} stays: others have put something into it")


def checked_stream(ctx: Context, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, ending early with Cancelled or TimedOut when the attempt must."""
    for data in chunks:
        ctx.check()
        yield data
