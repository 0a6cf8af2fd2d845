"""Terraform's state: read, told apart from a damaged one, backed up, and put back. Never unlocked by force."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.core.errors import ReignError
from reign.core.resource import canonical
from reign.executor import Context, FailureKind, TaskFailed
from workers.terraform.files import write_private
from workers.terraform.record import Record

#: What a provider keeps for itself beside an object when it keeps nothing: the JSON null, in base64.
_NULL_PRIVATE = "bnVsbA=="


@dataclass(frozen=True)
class State:
    """One snapshot of a state. ``lineage`` is empty where there is none yet."""

    lineage: str = ""
    serial: int = 0
    content: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""

    @property
    def addresses(self) -> list[str]:
        """Addresses of the managed objects, sorted."""
        found = []
        for resource in self.content.get("resources", ()):
            if resource.get("mode") != "managed":
                continue
            module = f"{resource['module']}." if resource.get("module") else ""
            for instance in resource.get("instances", ()):
                key = instance.get("index_key")
                index = "" if key is None else f"[{json.dumps(key)}]"
                found.append(f"{module}{resource['type']}.{resource['name']}{index}")
        return sorted(found)

    @property
    def outputs(self) -> dict[str, Any]:
        """Values of the outputs that are not sensitive."""
        found = self.content.get("outputs", {})
        return {name: out.get("value") for name, out in sorted(found.items()) if not out.get("sensitive")}

    @property
    def secret_outputs(self) -> dict[str, Any]:
        found = self.content.get("outputs", {})
        return {name: out.get("value") for name, out in sorted(found.items()) if out.get("sensitive")}

    def describes_the_same(self, other: State) -> bool:
        """Whether both hold the same objects and outputs, whatever their serials."""

        def held(state: State) -> str:
            content = state.content
            return canonical([state.lineage, _essence(content.get("resources", [])), content.get("outputs", {})])

        return held(self) == held(other)


def _essence(value: Any) -> Any:
    """Without what says nothing: terraform writes an empty or null part the one time and leaves it out the other."""
    if isinstance(value, dict):
        made = {key: _essence(item) for key, item in value.items() if key != "attributes"}
        kept = {key: item for key, item in made.items() if item not in (None, [], {}, "", False, _NULL_PRIVATE)}
        return kept | ({"attributes": value["attributes"]} if "attributes" in value else {})
    return [_essence(item) for item in value] if isinstance(value, list) else value


def parse(raw: bytes) -> State:
    """The state in these bytes; nothing is no state yet. Raises ValueError for what is not one."""
    if not raw.strip():
        return State()
    content = json.loads(raw)
    if not isinstance(content, dict) or not ({"version", "encrypted_data"} & content.keys()):
        raise ValueError("no state version in it")
    if content.get("version") != 4:
        # Older formats are brought up to date by terraform itself; what an encrypted one holds only tofu knows.
        return State(str(content.get("lineage", "")), int(content.get("serial", 0)), {}, raw)
    if not isinstance(content.get("resources", []), list) or "lineage" not in content or "serial" not in content:
        raise ValueError("no resources, lineage or serial in it")
    return State(str(content["lineage"]), int(content["serial"]), content, raw)


def read_file(ctx: Context, path: Path, record: Record, resource: str) -> State:
    """The local state. Raises TaskFailed for a damaged file, naming the newest good backup; leaves the file alone."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise TaskFailed(f"{path} cannot be read: {error.strerror}", kind=FailureKind.PERMISSION) from None
    if not raw.strip() and _held_something(ctx, path, resource):
        raise _damaged(ctx, path, record, resource, "it is empty")
    try:
        return parse(raw)
    except (ValueError, UnicodeDecodeError) as error:
        raise _damaged(ctx, path, record, resource, getattr(error, "msg", None) or str(error)) from None


def _held_something(ctx: Context, path: Path, resource: str) -> bool:
    """Whether the state had objects when it was last seen: terraform takes an emptied file for no state, and would
    make everything a second time."""
    last = ctx.recorded(resource)
    return bool(last is not None and last.state.get("addresses")) or any(state.addresses for _, state in _beside(path))


def _beside(path: Path) -> Iterator[tuple[Path, State]]:
    """Terraform's own backups of a local state that can be read."""
    for backup in path.parent.glob(f"{path.name}.*backup*"):
        with contextlib.suppress(OSError, ValueError):
            yield backup, parse(backup.read_bytes())


def _damaged(ctx: Context, path: Path, record: Record, resource: str, reason: str) -> TaskFailed:
    found = newest_backup(ctx, path, record, resource)
    message = f"the state file {path} is damaged ({reason}); it was left as it is"
    if found is None:
        return TaskFailed(
            message,
            kind=FailureKind.CONFLICT,
            hint="no good backup is known here; bring one back by hand, or import what exists into a new state",
            details={"state_file": str(path)},
        )
    backup, state = found
    return TaskFailed(
        message,
        kind=FailureKind.CONFLICT,
        hint=f"the newest good backup is serial {state.serial}: mv {path} {path}.damaged && cp {backup} {path}",
        details={"state_file": str(path), "backup": str(backup), "serial": state.serial, "lineage": state.lineage},
    )


def newest_backup(ctx: Context, path: Path, record: Record, resource: str) -> tuple[Path, State] | None:
    """The readable backup with the highest serial: terraform's own beside the file, those kept before changes, and what
    was last recorded. One of another lineage counts only if none of the known lineage is left."""
    last = ctx.recorded(resource)
    recorded = last.state if last is not None and not last.is_damaged else {}
    candidates = list(_beside(path))
    for ref in (*record.backups, *filter(None, (recorded.get("state"),))):
        with contextlib.suppress(KeyError, ValueError, ReignError):
            raw = ctx.blobs.get(ref)
            state = parse(raw)
            kept = ctx.state_dir / "backups" / f"{state.lineage}.{state.serial}.tfstate"
            write_private(kept, raw)
            candidates.append((kept, state))
    made = [applied.lineage for applied in (record.applied, record.begun) if applied is not None]
    known = {*made, str(recorded.get("lineage", ""))} - {""}
    good = [item for item in candidates if item[1].lineage]
    return max(
        [item for item in good if item[1].lineage in known] or good, key=lambda item: item[1].serial, default=None
    )


def put_back(ctx: Context, path: Path, kept: State) -> None:
    """Write a former local state that describes what is there, under the lock that terraform itself uses."""
    with locked(ctx, path) as handle:
        os.ftruncate(handle, 0)
        os.pwrite(handle, kept.raw, 0)
        os.fsync(handle)


def remove(ctx: Context, path: Path) -> None:
    """Take away a local state that holds nothing, where none was before."""
    if not path.exists():
        return
    with locked(ctx, path):
        path.unlink(missing_ok=True)
    path.with_name(path.name + ".backup").unlink(missing_ok=True)


@contextmanager
def locked(ctx: Context, path: Path) -> Iterator[int]:
    """The lock on a local state file, as terraform takes it: a POSIX record lock on the file itself."""
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def taken() -> bool:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    try:
        ctx.until(taken)
        yield handle
    finally:
        os.close(handle)
