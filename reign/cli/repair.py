"""``reign repair``: what would repair a failed run, and doing it."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Any

import typer

from reign.cli.follow import outcome
from reign.cli.output import Format, Output, console, counted, escape, short, write_json
from reign.client import Client
from reign.core.errors import Conflict, InvalidInput, Refused, ReignError, RunFailed

RunName = Annotated[str, typer.Argument(help="the run's name, or @latest")]


def register(app: typer.Typer) -> None:
    app.command("repair")(repair)


def repair(
    name: RunName = "@latest",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="do not ask; approves what the changed tasks ask for")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="show the repair and change nothing")] = False,
    model: Annotated[bool, typer.Option("--model/--no-model", help="ask the planner's model if no rule knows")] = True,
    output: Output = Format.TEXT,
) -> None:
    """Show what would repair a failed run, ask, and go on with the changed plan."""
    with Client() as client:
        run = client.run(name)
        found: dict[str, Any] = client.get(f"/runs/{run.name}/repair")
        if model and not found["proposed"] and found["failures"]:
            found = client.post(f"/runs/{run.name}/repair/proposal")
        if output is Format.TEXT:
            show_repair(found)
        if dry_run and output is Format.JSON:
            write_json(found)
        if dry_run and (found["failures"] or output is Format.JSON):
            if output is Format.TEXT and not found["proposed"]:
                console.print(f"  no repair: {escape(found['why_not'])}", style="dim", soft_wrap=True)
            return
        if not found["proposed"]:
            raise Conflict(f"there is no repair of {run.name}", hint=found["why_not"])
        if not yes:
            _ask(output)
        elif guessed(found):
            raise Refused(
                "a model or memory proposed what this repair runs: --yes alone does not apply it",
                hint=f"look at it and say yes yourself: reign repair {run.name}, or the run's page",
            )
        client.post(f"/runs/{run.name}/repair", {"digest": found["digest"], "requested_by": getpass.getuser()})
        run.wait()
        if output is Format.JSON:
            write_json(run.data)
        else:
            outcome(run)
        if run.state != "succeeded":
            raise RunFailed(
                f"run {run.name} {run.state.replace('_', ' ')}: {run.cause or 'see its tasks'}",
                hint=f"`reign repair {run.name}` looks again",
            )


def guessed(found: dict[str, Any]) -> bool:
    """Whether something runs that only a model or memory proposed; both read what others wrote. Tries and time do not
    count."""
    by_guess = any(failure["source"] in ("model", "memory") for failure in found["failures"] if failure["proposal"])
    runs = any(line["kind"] == "added" or line["path"].startswith(("with", "uses")) for line in found["diff"])
    return by_guess and runs


def _ask(output: Format) -> None:
    if output is Format.JSON or not sys.stdin.isatty():
        raise InvalidInput("nobody is there to say yes", hint="add --yes, or --dry-run to look only")
    if not typer.confirm("Repair it?"):
        raise Refused("not repaired")


def show_repair(found: dict[str, Any]) -> None:
    """A repair as ``GET /runs/NAME/repair`` gives it: the failures, what is proposed, and the diff of the plan."""
    for failure in found["failures"]:
        sort = failure["class"].replace("_", " ")
        console.print(
            f"[red]✗[/red] [bold]{escape(failure['task'])}[/bold] [dim]{escape(failure['uses'])}[/dim] "
            f"{escape(failure['message'])} [dim]({sort})[/dim]",
            soft_wrap=True,
        )
        if failure["proposal"]:
            by = f"[dim](by {escape(failure['source'])})[/dim]"
            console.print(f"  [green]→[/green] {escape(failure['proposal'])} {by}", soft_wrap=True)
        elif failure["hint"]:
            console.print(f"  {escape(failure['hint'])}", style="dim", soft_wrap=True)
    for line in found["diff"]:
        _line(line)
    if found["proposed"]:
        for risk in found["risks"]:
            console.print(f"  [yellow]risk:[/yellow] {escape(risk)}", soft_wrap=True)
        if not found["risks"]:
            console.print("  adds no risk", style="dim")


def _line(line: dict[str, Any]) -> None:
    if line["kind"] == "added":
        task = line["after"]
        console.print(f"  [green]+ {escape(line['task'])}[/green]  {escape(task['uses'])}", soft_wrap=True)
        for key, value in task.get("with", {}).items():
            console.print(f"      [green]{escape(key)}:[/green] {escape(short(value))}", soft_wrap=True)
        return
    was = "[dim]nothing[/dim]" if line["before"] is None else f"[red]{escape(short(line['before'], 50))}[/red]"
    now = "[dim]nothing[/dim]" if line["after"] is None else f"[green]{escape(short(line['after'], 50))}[/green]"
    path = escape(line["path"].removeprefix("with."))
    console.print(f"  [yellow]~ {escape(line['task'])}[/yellow]  {path}: {was} → {now}", soft_wrap=True)


def tell(client: Client, name: str) -> None:
    """After a failure: that a repair is proposed, and the command. Says nothing if there is none."""
    try:
        found = client.get(f"/runs/{name}/repair")
    except ReignError:
        return
    if not found["proposed"]:
        return
    reasons = [failure["proposal"] for failure in found["failures"] if failure["proposal"]]
    if rounds := found.get("rounds"):
        console.print(f"  [dim]repaired before: {counted(rounds, 'time')}[/dim]")
    console.print(f"  [green]a repair is proposed:[/green] {escape('; '.join(reasons))}", soft_wrap=True)
    console.print(f"  repair it:    reign repair {name}")
