"""When a started container counts as started: healthy, running, or ended well."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from reign.core.duration import readable
from reign.executor import Context, FailureKind, TaskFailed
from workers.docker import kept
from workers.docker.record import find

if TYPE_CHECKING:
    from docker import DockerClient

Wait = Literal["healthy", "started", "exit", "none"]
#: A container without a health check that still runs after this many seconds counts as started.
_SETTLED_AFTER = 0.5
_LAST_LINES = 20  # of what failed
_JOB_LINES = 1000  # of what has ended well; the rest is in the container's own log


def wait_until(ctx: Context, client: DockerClient, name: str, wait: Wait | None, within: float) -> None:
    """Wait for what ``wait`` says (see docker.run). Raises TaskFailed with the container's last lines if it fails."""
    if wait == "none":
        return
    started = time.monotonic()
    while True:
        found = find(client, name)
        if found is None:
            raise TaskFailed(
                f"container {name} was removed by someone else while it started", kind=FailureKind.CONFLICT
            )
        if _reached(ctx, client, found, wait, time.monotonic() - started):
            return
        if time.monotonic() - started > within:
            raise _failed(ctx, client, name, found, f"is not {_goal(wait, found)} after {readable(within)}")
        ctx.wait(0.1)


def _checked(found: dict[str, Any]) -> bool:
    return bool((found["State"].get("Health") or {}).get("Status", "none") != "none")


def _goal(wait: Wait | None, found: dict[str, Any]) -> str:
    if wait == "exit":
        return "at its end"
    return "healthy" if wait == "healthy" or (wait is None and _checked(found)) else "running"


def _reached(ctx: Context, client: DockerClient, found: dict[str, Any], wait: Wait | None, passed: float) -> bool:
    state, name = found["State"], found["Name"].lstrip("/")
    if state["Status"] in ("exited", "dead"):
        if state["ExitCode"] == 0 and wait in (None, "exit", "started"):
            _told(ctx, client, found, _JOB_LINES)
            return True
        raise _failed(ctx, client, name, found, f"ended with exit code {state['ExitCode']}")
    if wait == "exit":
        return False
    if state["Restarting"]:
        return False
    if wait == "started" or not _checked(found):
        if wait == "healthy":
            raise TaskFailed(
                f"container {name} has no health check to wait for",
                kind=FailureKind.WRONG_INPUT,
                hint="give `health`, e.g. {command: wget -qO- http://127.0.0.1/}, or `wait: started`",
            )
        return bool(state["Running"]) and passed >= _SETTLED_AFTER
    health = state["Health"]
    ctx.progress(f"waiting for {name} to be healthy ({health['Status']})")
    if health["Status"] == "unhealthy":
        raise _failed(ctx, client, name, found, f"is unhealthy after {health['FailingStreak']} failed checks")
    return bool(health["Status"] == "healthy")


def _failed(ctx: Context, client: DockerClient, name: str, found: dict[str, Any], what: str) -> TaskFailed:
    lines = _told(ctx, client, found, _LAST_LINES)
    checks = (found["State"].get("Health") or {}).get("Log") or ()
    said = ctx.masker.mask(str(checks[-1]["Output"]).strip()) if checks else ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    told = f": its check says {said[:200]!r}" if said else f": {last[:200]}" if last else ""
    if found["State"].get("OOMKilled"):
        told = ": it needed more memory than it may have"
    return TaskFailed(
        f"container {name} {what}{told}",
        kind=FailureKind.UNKNOWN,
        hint="its last lines are in the log (`reign logs`)",
        details={"exit_code": found["State"]["ExitCode"], "check": said, "lines": lines},
    )


def _told(ctx: Context, client: DockerClient, found: dict[str, Any], most: int) -> list[str]:
    """What a container has printed, its last lines, which go to the log; masked. None of a log that cannot be read."""
    from docker.errors import APIError

    kept.teach(ctx, found)
    try:
        output = client.api.logs(found["Id"], tail=most).decode(errors="replace")
    except APIError:  # a log driver that only sends away
        return []
    lines = [ctx.masker.mask(line) for line in output.splitlines()]
    for line in lines:
        ctx.log(line, "container")
    return lines
