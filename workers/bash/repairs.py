"""Repairs that the bash agent knows: a process whose port is taken is started on the next free one."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import Any

from reign.executor import Context, FailureKind, PortMoved, Proposal, TaskFailed
from workers.bash.readiness import Ready, is_open

_NEXT = 100  # ports above the taken one that are looked at


def another_port(ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
    """The next free port, if the command or a variable names the taken one; else the process has it from elsewhere."""
    was = failure.details.get("port")
    if failure.kind is not FailureKind.CONFLICT or not isinstance(was, int) or inputs.ready is None:
        return None
    now = next((port for port in range(was + 1, min(was + _NEXT, 65535)) if _free(port)), None)
    if now is None:
        return None
    named = re.compile(rf"(?<!\d){was}(?!\d)")
    command = named.sub(str(now), inputs.command)
    env = {name: named.sub(str(now), value) for name, value in inputs.env.items()}
    changed: dict[str, Any] = {}
    if command != inputs.command:
        changed["command"] = command
    if env != dict(inputs.env):
        changed["env"] = env
    if not changed or ctx.masker.mask(str(changed)) != str(changed):  # a secret in it would not come back as one
        return None
    return Proposal(
        reason=f"port {was} is taken by another program; {now} is free",
        inputs={**changed, "ready": _ready(inputs.ready, was, now)},
        moved=PortMoved(was=was, now=now),
        sure=True,
    )


def _ready(ready: Ready, was: int, now: int) -> dict[str, Any]:
    given = ready.model_dump(exclude_none=True, exclude_defaults=True)
    if ready.url:
        return {**given, "url": re.sub(rf":{was}(?!\d)", f":{now}", ready.url)}
    return {**given, "port": now}


def _free(port: int) -> bool:
    if is_open(port):
        return False
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
