"""The marks by which what a task made on GitHub is found again: in texts a comment nobody sees, in commits a trailer.

An answer may be lost after GitHub did what was asked. The next attempt, and an undo, look for the mark first.
"""

from __future__ import annotations

import re

from reign.executor import Context

_TRAILER = "Reign-Task"


def mark(ctx: Context) -> str:
    """The comment that stands in the body of an issue, a pull request, a comment or a release."""
    run, task = ctx.origin
    return f"<!-- reign:{run}/{task} -->"


def with_mark(ctx: Context, body: str | None) -> str:
    return f"{body}\n\n{mark(ctx)}" if body else mark(ctx)


def is_marked(ctx: Context, body: str | None) -> bool:
    """Whether this very task wrote that text."""
    return mark(ctx) in (body or "")


def of_run(ctx: Context, body: str | None) -> bool:
    """Whether any task of the run wrote that text."""
    return f"<!-- reign:{ctx.origin[0]}/" in (body or "")


def without_mark(body: str | None) -> str:
    """The text as a person wrote it."""
    return re.sub(r"\s*<!-- reign:\S+/\S+ -->\s*$", "", body or "")


def with_trailer(ctx: Context, message: str) -> str:
    """A commit message with the trailer in a paragraph of its own. The commit of an undo belongs to what it takes back
    and to the undo itself, which can be taken back in turn."""
    owners = dict.fromkeys([ctx.origin, (ctx.run, ctx.task)])
    trailers = "\n".join(f"{_TRAILER}: {run}/{task}" for run, task in owners)
    return f"{message.rstrip()}\n\n{trailers}" if message.strip() else trailers


def commit_of_run(ctx: Context, message: str) -> bool:
    """Whether any task of the run made the commit of that message."""
    return re.search(rf"^{_TRAILER}: {re.escape(ctx.origin[0])}/", message, re.MULTILINE) is not None
