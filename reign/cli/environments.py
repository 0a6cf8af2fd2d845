"""``reign environments``, with freeze and thaw, and ``reign promote``."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli import requests
from reign.cli.follow import follow
from reign.cli.names import unknown_environment
from reign.cli.output import Format, Output, ago, console, escape, short, write_json
from reign.cli.show_plan import show_plan
from reign.client import Client, Run
from reign.core.errors import InvalidInput, Refused

group = typer.Typer(help="dev, staging, prod, ...: what is special to each.", no_args_is_help=False)
Name = Annotated[str, typer.Argument(help="dev, staging, prod, ...")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="environments", invoke_without_command=True)
    app.command("promote")(promote)


@group.callback()
def listing(context: typer.Context, output: Output = Format.TEXT) -> None:
    """All environments."""
    if context.invoked_subcommand is not None:
        return
    with Client() as client:
        found = client.get("/environments")
    if output is Format.JSON:
        write_json(found)
        return
    table = Table("environment", "runs", "resources", "", "parameters", box=None, header_style="dim")
    for item in found:
        about = []
        if item["frozen"]:
            frozen = item["frozen"]
            about.append(f"[red]frozen[/red] by {escape(frozen['by'])}, {ago(frozen['at'])}: {escape(frozen['why'])}")
        if item["protected"]:
            about.append("protected")
        if item["next"]:
            about.append(f"then {escape(item['next'])}")
        given = short(" ".join(f"{name}={short(value, 30)}" for name, value in item["params"].items()), 60)
        table.add_row(
            f"[bold]{escape(item['name'])}[/bold]",
            str(item["runs"]),
            str(item["resources"]),
            ", ".join(about),
            escape(given),
        )
    console.print(table)


@group.command("freeze")
def freeze(
    name: Name,
    why: Annotated[str, typer.Option("--why", help="shown to whoever is refused")],
    output: Output = Format.TEXT,
) -> None:
    """Start nothing new there, rollbacks aside. Runs under way go on."""
    with Client() as client:
        meant = unknown_environment(client, name)
        found = client.post(f"/environments/{name}/freeze", {"why": why, "by": getpass.getuser()})
    if output is Format.JSON:
        write_json(found)
    else:
        console.print(f"{escape(name)} is frozen: {escape(found['frozen']['why'])}")
        if meant:
            console.print(f"  [yellow]note:[/yellow] nothing ran in {escape(name)} so far; {escape(meant)}")


@group.command("thaw")
def thaw(name: Name, output: Output = Format.TEXT) -> None:
    """End a freeze."""
    with Client() as client:
        found = client.post(f"/environments/{name}/thaw", {"requested_by": getpass.getuser()})
    if output is Format.JSON:
        write_json(found)
    else:
        console.print(f"{escape(name)} is not frozen any more")


def promote(
    name: Annotated[str, typer.Argument(help="a run that succeeded, or @latest")],
    to: Annotated[str | None, typer.Option("--to", help="default: what the settings name as next")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="a parameter of the plan")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask; approves what is shown as asking")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Run the plan of a run in the next environment: show the differences, ask, run and follow."""
    values = requests.params(param or [])
    with Client() as client:
        run = client.run(name).name
        found = client.post(f"/runs/{run}/promotion", {"to": to, "params": values})
        if output is Format.TEXT:
            _show(found)
        for task in found["plan"]["tasks"]:
            if task["refuses"]:
                raise Refused(f"task {task['id']} ({task['uses']}): {task['refuses']}")
        if not yes:
            if output is Format.JSON or not sys.stdin.isatty():
                raise InvalidInput("nobody is there to say yes", hint="add --yes to run without asking")
            if not typer.confirm(f"Run it in {found['to']}?"):
                raise Refused("not run")
        body = {"to": found["to"], "params": values, "approve": "all", "requested_by": getpass.getuser()}
        follow(client, Run(client, client.post(f"/runs/{run}/promote", body)), output)


def _show(found: dict[str, Any]) -> None:
    show_plan(found["plan"])
    console.print(f"\n[bold]{escape(found['from'])} → {escape(found['to'])}[/bold]")
    if not found["differences"]:
        console.print("  the same in both", style="dim")
    for item in found["differences"]:
        console.print(
            f"  {escape(item['at'])}: [red]{escape(_value(item['here']))}[/red] → "
            f"[green]{escape(_value(item['there']))}[/green]",
            soft_wrap=True,
        )
    for warning in found["warnings"]:
        console.print(f"  [yellow]![/yellow] {escape(warning)}", soft_wrap=True)


def _value(value: Any) -> str:
    return "nothing" if value is None else short(value, 60)
