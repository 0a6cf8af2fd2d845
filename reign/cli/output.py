"""What the commands print: for people by rich, for programs by ``-o json``; errors on stderr in one line."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from reign.core.errors import ReignError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
#: A pipe has no edge to wrap at: what is cut there cannot be found by grep.
_PIPED = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200  # columns
console = Console(highlight=False, width=_PIPED)
errors = Console(stderr=True, highlight=False)


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


Output = Annotated[Format, typer.Option("--output", "-o", help="text for people, json for programs")]

STYLES = {
    "succeeded": "green",
    "failed": "red",
    "running": "cyan",
    "needs_attention": "bold yellow",
    "awaiting_approval": "yellow",
    "cancelled": "magenta",
    "cancelling": "magenta",
    "blocked": "yellow",
    "paused": "yellow",
}
MARKS = {
    "succeeded": "✓",
    "failed": "✗",
    "running": "▶",
    "skipped": "↷",
    "cancelled": "⊘",
    "needs_attention": "!",
    "awaiting_approval": "?",
    "blocked": "⧗",
}


def write_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def fail(error: ReignError, output: Format) -> int:
    """Say what is wrong and what to do next. Returns the exit code of the error."""
    if output is Format.JSON:
        write_json(error.as_dict())
    errors.print(f"[red]reign:[/red] {escape(error.message)}", soft_wrap=True)
    problems = (error.details or {}).get("problems", []) if isinstance(error.details, dict) else []
    if error.hint:
        errors.print(f"       {escape(error.hint)}", style="dim", soft_wrap=True)
    for problem in problems[1:10]:
        hint = f" ({problem['hint']})" if problem["hint"] else ""
        errors.print(f"       {escape(problem['text'] + hint)}", soft_wrap=True)
    return error.exit_code


def escape(text: Any) -> str:
    """Text from outside, so that square brackets in it are not taken for markup, and it does not command the terminal:
    colours are left out, other control characters are shown."""
    from rich.markup import escape as rich_escape

    return rich_escape(_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _COLOUR.sub("", str(text))))


def state(name: str) -> str:
    """A state in its colour."""
    style = STYLES.get(name)
    shown = f"{MARKS.get(name, '·')} {name.replace('_', ' ')}"
    return f"[{style}]{shown}[/{style}]" if style else shown


def ago(at: float | None) -> str:
    """``3m ago``; an empty text for None."""
    from reign.core.duration import readable

    return f"{readable(max(0.0, time.time() - at))} ago" if at else ""


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def short(value: Any, width: int = 70) -> str:
    """A value in one line of at most ``width`` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
