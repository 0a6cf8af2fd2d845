"""A plan, drawn: a tree of its tasks with inputs and what can be undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.tree import Tree

from reign.cli.memory import memory_lines, similar_line
from reign.cli.output import console, counted, escape, short
from reign.core.duration import readable
from reign.security.masking import MASK
from reign.security.sealed import PREFIX
from reign.security.secretlike import looks_secret

_DIGEST = re.compile(r"(?:\w+:)?[0-9a-f]{40,}")
_SEALED = re.compile(rf"({PREFIX})[\w-]+\.")

_UNDO = {
    "exact": "[green]exact undo[/green]",
    "compensating": "[yellow]best-effort undo[/yellow]",
    "none": "[red]cannot be undone[/red]",
    "unneeded": "[dim]changes nothing[/dim]",
}


def show_plan(plan: dict[str, Any]) -> None:
    """Print a plan as ``POST /plan`` (or ``Preview.as_dict``) gives it."""
    title = f"[bold]{escape(plan['name'])}[/bold]  [dim]environment[/dim] {escape(plan['environment'])}"
    tree = Tree(f"{title}  [dim]{counted(len(plan['tasks']), 'task')}[/dim]")
    gates = {gate["id"]: gate for gate in plan.get("gates", ())}
    for gate in gates.values():
        tree.add(_gate(gate))
    memory = plan.get("memory", {})
    for task in plan["tasks"][:200]:
        branch = _task(task)
        for line in memory_lines(memory.get(task["id"], {})):
            branch.add(line)
        tree.add(branch)
    if len(plan["tasks"]) > 200:
        tree.add(f"[dim]... and {len(plan['tasks']) - 200} more; `-o json` has all[/dim]")
    console.print(tree)
    console.print(f"  {escape(plan['undo']['summary'])}", style="dim")
    if plan.get("expected_seconds"):
        console.print(f"  It takes about {readable(plan['expected_seconds'])}, as far as memory tells.", style="dim")
    for past in plan.get("similar", ()):
        console.print(f"  [dim]asked before:[/dim] {similar_line(past)}", soft_wrap=True)
    for finding in plan.get("findings", ()):
        _finding(finding)
    for warning in plan.get("warnings", ()):
        console.print(f"  [yellow]note:[/yellow] {escape(warning)}")


def _gate(gate: dict[str, Any]) -> Tree:
    before = ", ".join(map(escape, gate["before"]))
    return Tree(f"[cyan]gate[/cyan] {escape(gate['id'])}  {escape(gate['uses'])} [dim]before {before}[/dim]")


def _finding(finding: dict[str, Any]) -> None:
    style = {"critical": "bold red", "high": "red", "medium": "yellow"}.get(finding["severity"], "dim")
    waived = f" [dim](waived: {escape(finding['waived']['reason'])})[/dim]" if finding["waived"] else ""
    what = (
        f"{escape(finding['place'])}: {escape(finding['message'])} [dim]{escape(finding['rule'])} {finding['id']}[/dim]"
    )
    console.print(f"  [{style}]{finding['severity']}[/] {what}{waived}", soft_wrap=True)
    if finding["remedy"] and not finding["waived"]:
        console.print(f"      {escape(finding['remedy'])}", style="dim", soft_wrap=True)


def _task(task: dict[str, Any]) -> Tree:
    after = f" [dim]after {', '.join(map(escape, task['needs']))}[/dim]" if task["needs"] else ""
    branch = Tree(f"[bold]{escape(task['id'])}[/bold]  {escape(task['uses'])}{after}  {_UNDO[task['undo']]}")
    if task.get("proposed_by") == "model":
        branch.add("[magenta]proposed by the model alone[/magenta]")
    for name, value in task["with"].items():
        branch.add(f"[dim]{escape(name)}:[/dim] {escape(short(_veiled(value, name)))}")
    for name in ("if", "for_each", "retry", "timeout", "on_failure"):
        if name in task:
            branch.add(f"[dim]{name}:[/dim] {escape(short(task[name]))}")
    takes_back = "undo_of" in task or "restore_of" in task  # its note says what, not how it would be undone
    if task["undo"] in ("compensating", "none") and task.get("undo_note") and not takes_back:
        branch.add(f"[dim]undo:[/dim] {escape(task['undo_note'])}")
    if pins := task.get("pins"):
        branch.add(f"[dim]pinned to:[/dim] {escape(', '.join(_pinned(pins)))}")
    if rehearsal := task.get("preview"):
        _rehearsal(branch, rehearsal)
    if task.get("refuses"):
        branch.add(f"[red]refused: {escape(task['refuses'])}[/red]")
    elif asks := _asks(task):
        branch.add(f"[yellow]asks: {escape(asks)}[/yellow]")
    return branch


def _pinned(pins: dict[str, Any]) -> Iterator[str]:
    """``name value`` of each pin, those of groups too. A digest says enough by its first letters."""
    for name, value in pins.items():
        if isinstance(value, dict):
            yield from _pinned(value)
        elif value is not None:
            text = str(value)
            yield f"{name} {f'{text[:12]}...' if _DIGEST.fullmatch(text) else text}"


def _asks(task: dict[str, Any]) -> str | None:
    """Why a person must say yes, and how where ``--yes`` does not count as one."""
    wanted = task.get("approval") == "required"
    reason: str | None = task.get("asks") or ("its author wants a person to approve it" if wanted else None)
    by_name = wanted or task.get("policy", {}).get("by_name")
    return f"{reason}; answered by `reign approve RUN {task['id']}`, not by `--yes`" if reason and by_name else reason


def _veiled(value: Any, name: str = "") -> Any:
    """An input fit for a terminal that others may see: without what looks like a secret, and with sealed ones cut."""
    if isinstance(value, dict):
        return {key: _veiled(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_veiled(item) for item in value]
    if not isinstance(value, str):
        return value
    key, equals, rest = value.partition("=")
    if equals and " " not in key and "://" not in key and looks_secret(key, rest):
        return f"{key}={MASK}"
    return MASK if looks_secret(name, value) else _SEALED.sub(rf"\1{MASK}", value)


def _rehearsal(branch: Tree, rehearsal: dict[str, Any]) -> None:
    if rehearsal["not_previewed"]:
        branch.add(f"[dim]not previewed: {escape(rehearsal['not_previewed'])}[/dim]")
        return
    lines = rehearsal["diff"].splitlines()
    for line in lines[:60] or ["nothing would change"]:
        sign = line.lstrip()[:1]
        style = {"+": "green", "-": "red", "~": "yellow"}.get(sign, "dim")
        branch.add(f"[{style}]{escape(line)}[/]")
    if len(lines) > 60:
        branch.add(f"[dim]... {len(lines) - 60} more lines; `-o json` has all[/dim]")


def explain(plan: dict[str, Any], request: str) -> None:
    """Which words led to what."""
    words = re.sub(r"\S+", lambda word: str(_veiled(word[0])), request)
    console.print(f"\n[dim]{escape(words)}[/dim]")
    for note in plan.get("explanation", ()):
        console.print(f"  [cyan]{escape(note['text'])}[/cyan] → {escape(note['meaning'])}")
