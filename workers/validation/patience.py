"""Waiting for something that may not be up yet: tries until a deadline, and stops at once when the attempt must end."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from reign.core.findings import Finding
from reign.executor import Context

T = TypeVar("T")
_LOOK_EVERY = 0.1  # seconds between looks at the cancel flag
_SPARE = 0.5  # seconds left of the attempt's time to say in words what was wrong, instead of just timing out


def run(ctx: Context, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, or cancel it when the attempt is cancelled or out of time."""
    # Not asyncio.run: closing it waits for its threads, and a name lookup that hangs would hold up a cancel.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_watched(ctx, work))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _watched(ctx: Context, work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_LOOK_EVERY)
            if not task.done():
                ctx.check()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def until_passed(
    ctx: Context,
    within: float,
    every: float,
    attempt: Callable[[float], Awaitable[tuple[T, list[Finding]]]],
) -> tuple[T, list[Finding], int]:
    """Try until there are no findings or ``within`` seconds are over; at least once.

    ``attempt`` is given the seconds it may take and returns what it saw and the findings about it. Returns the last
    try's, and how many there were; the one's before it if the last was cut short, which tells nothing of why.
    """
    deadline = time.monotonic() + min(within, max(0.0, ctx.remaining() - _SPARE))
    tries, former = 0, None
    while True:
        tries += 1
        started = time.monotonic()
        limit = max(1.0, deadline - started)
        seen, findings = await attempt(limit)
        left = deadline - time.monotonic()
        if not findings:
            return seen, findings, tries
        if left <= 0:
            cut_short = time.monotonic() - started >= limit
            return *(former if former and cut_short else (seen, findings)), tries
        former = seen, findings
        ctx.progress(f"try {tries}: {findings[0].message}; {left:.0f} s left")
        await asyncio.sleep(min(every, left))


def in_words(error: BaseException) -> str:
    """Why a connection did not come about, without the layers of libraries around it."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection: {cause.reason or cause}".lower()
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, TimeoutError):
            return cause.strerror.lower()
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error's causes, the innermost first."""
    inner = [*(getattr(error, "exceptions", ())), error.__cause__ or error.__context__]
    for cause in inner:
        if cause is not None:
            yield from _causes(cause)
    yield error


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine by definition."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
