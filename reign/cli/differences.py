"""Differences of configurations, for people: a line a place, the lines that changed of a longer text."""

from __future__ import annotations

import difflib
from typing import Any

from reign.cli.output import escape, short

_WIDTH = 120  # characters of a line of text


def diff_lines(found: list[dict[str, Any]], was: str, now: str, most: int = 40) -> list[str]:
    """Differences for people: one line a place, with what is there on one side only as + or -."""
    lines = []
    for item in found[:most]:
        place, old, new = escape(item["path"] or "state"), _kept(item[was]), _kept(item[now])
        if old is None:
            lines.append(f"[green]+ {place}: {escape(short(new, 100))}[/green]")
        elif new is None:
            lines.append(f"[red]- {place}: {escape(short(old, 100))}[/red]")
        elif isinstance(old, str) and isinstance(new, str) and "\n" in old.strip() + new.strip():
            lines += [f"[yellow]~ {place}:[/yellow]", *_text_lines(old, new)]
        else:
            lines.append(f"[yellow]~ {place}:[/yellow] {escape(short(old, 60))} → {escape(short(new, 60))}")
    if len(found) > most:
        lines.append(f"[dim]... and {len(found) - most} more; `-o json` has all[/dim]")
    return lines


def _text_lines(old: str, new: str, most: int = 30) -> list[str]:
    """The lines of a text that changed, each with one beside it."""
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    lines = []
    for line in found[:most]:
        colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
        lines.append(f"    [{colour}]{escape(line[:_WIDTH])}[/{colour}]")
    return lines + ([f"    [dim]... and {len(found) - most} more lines[/dim]"] if len(found) > most else [])


def _kept(value: Any) -> Any:
    """Content that is kept apart is shown by the first digits of its digest."""
    return f"kept content {value[5:17]}" if isinstance(value, str) and value.startswith("blob:") else value
