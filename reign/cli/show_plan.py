"""A plan, drawn: a tree of its tasks with inputs and what can be undone."""

from __future__ import annotations

from typing import Any

from rich.tree import Tree

from reign.cli.output import console, escape, short

_UNDO = {
    "exact": "[green]exact undo[/green]",
    "compensating": "[yellow]best-effort undo[/yellow]",
    "none": "[red]cannot be undone[/red]",
    "unneeded": "[dim]changes nothing[/dim]",
}


def show_plan(plan: dict[str, Any]) -> None:
    """Print a plan as ``POST /plan`` (or ``Preview.as_dict``) gives it."""
    title = f"[bold]{escape(plan['name'])}[/bold]  [dim]environment[/dim] {escape(plan['environment'])}"
    tree = Tree(f"{title}  [dim]{len(plan['tasks'])} tasks[/dim]")
    for task in plan["tasks"][:200]:
        tree.add(_task(task))
    if len(plan["tasks"]) > 200:
        tree.add(f"[dim]... and {len(plan['tasks']) - 200} more; `-o json` has all[/dim]")
    console.print(tree)
    console.print(f"  {escape(plan['undo']['summary'])}", style="dim")
    for warning in plan.get("warnings", ()):
        console.print(f"  [yellow]note:[/yellow] {escape(warning)}")


def _task(task: dict[str, Any]) -> Tree:
    after = f" [dim]after {', '.join(map(escape, task['needs']))}[/dim]" if task["needs"] else ""
    branch = Tree(f"[bold]{escape(task['id'])}[/bold]  {escape(task['uses'])}{after}  {_UNDO[task['undo']]}")
    for name, value in task["with"].items():
        branch.add(f"[dim]{escape(name)}:[/dim] {escape(short(value))}")
    for name in ("if", "for_each", "retry", "timeout", "on_failure"):
        if name in task:
            branch.add(f"[dim]{name}:[/dim] {escape(short(task[name]))}")
    if task.get("refuses"):
        branch.add(f"[red]refused: {escape(task['refuses'])}[/red]")
    elif task.get("asks"):
        branch.add(f"[yellow]asks: {escape(task['asks'])}[/yellow]")
    return branch


def explain(plan: dict[str, Any], request: str) -> None:
    """Which words led to what."""
    console.print(f"\n[dim]{escape(request)}[/dim]")
    for note in plan.get("explanation", ()):
        console.print(f"  [cyan]{escape(note['text'])}[/cyan] → {escape(note['meaning'])}")
