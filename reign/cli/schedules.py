"""``reign schedule``: runs that start by themselves at set times."""

from __future__ import annotations

import getpass
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli import requests
from reign.cli.output import Format, Output, ago, console, escape, short, write_json
from reign.client import Client
from reign.core.duration import readable

group = typer.Typer(help="Runs that start by themselves at set times.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="the schedule's name")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="schedule")


@group.command("add")
def add(
    name: Name,
    when: Annotated[str, typer.Argument(help="'0 7 * * MON-FRI', '@daily', 'every 10m'")],
    words: Annotated[list[str] | None, typer.Argument(help="a plan file, or a sentence")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="a parameter of the plan")
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "--env", "-e", help="dev, staging, prod, ...; default: the plan's")
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="of a cron expression, as Europe/Berlin")] = "UTC",
    misfire: Annotated[
        str, typer.Option(help="due times that nobody was there for: run the last one once, or skip them")
    ] = "once",
    overlap: Annotated[str, typer.Option(help="when the run before still goes on: skip, or queue")] = "skip",
    approve: Annotated[
        bool, typer.Option("--approve", help="grant now, for every run, what the plan asks approval for")
    ] = False,
    action: Annotated[str, typer.Option(help="what the schedule does: run, or another that is installed")] = "run",
    output: Output = Format.TEXT,
) -> None:
    """Make a schedule. It holds the plan or the words as they are now."""
    request, plan, _ = requests.read(words) if words else (None, None, None)
    body = {
        "name": name,
        "spec": when,
        "timezone": timezone,
        "action": action,
        "request": request,
        "plan": plan,
        "params": requests.params(param or []),
        "environment": environment,
        "workdir": str(Path.cwd()),
        "approve": "all" if approve else [],
        "misfire": misfire,
        "overlap": overlap,
        "requested_by": getpass.getuser(),
    }
    with Client() as client:
        _told(client.post("/schedules", body), output)


def _told(found: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        write_json(found)
    else:
        console.print(f"schedule [bold]{escape(found['name'])}[/bold]: {_next(found)}", soft_wrap=True)


def _next(found: dict[str, Any]) -> str:
    if found["paused"]:
        return "paused"
    if found["next_due"] is None:
        return "never due again"
    left = max(0.0, found["next_due"] - time.time())
    at = datetime.fromtimestamp(found["next_due"]).astimezone()
    return f"next in {readable(left)} ({at:%Y-%m-%d %H:%M:%S %Z})"


@group.command("list")
def listing(output: Output = Format.TEXT) -> None:
    """All schedules and when each is next due."""
    with Client() as client:
        found = client.get("/schedules")
    if output is Format.JSON:
        write_json(found)
        return
    if not found:
        console.print("no schedules yet; `reign schedule add` makes one")
        return
    table = Table("schedule", "when", "what", "environment", "", box=None, header_style="dim")
    for item in found:
        zone = "" if item["timezone"] == "UTC" else f" {item['timezone']}"
        table.add_row(
            f"[bold]{escape(item['name'])}[/bold]",
            escape(item["spec"] + zone),
            escape(short(item["what"], 40)),
            escape(item["environment"] or ""),
            f"[dim]{_next(item)}[/dim]",
        )
    console.print(table)


@group.command("show")
def show(name: Name, output: Output = Format.TEXT) -> None:
    """One schedule and what became of its last due times."""
    with Client() as client:
        found = client.get(f"/schedules/{name}")
    if output is Format.JSON:
        write_json(found)
        return
    _told(found, output)
    console.print(
        f"  {escape(found['spec'])} {escape(found['timezone'])}, misfire: {found['misfire']}, "
        f"overlap: {found['overlap']}, by {escape(found['created_by'])}",
        style="dim",
    )
    for firing in found["firings"]:
        what = f"run {firing['run']}" if firing["run"] else firing["note"] or ""
        console.print(f"  {firing['state']:<9} [dim]{ago(firing['due_at'])}[/dim]  {escape(what)}", soft_wrap=True)


def _verb(verb: str, about: str) -> None:
    def act(name: Name, output: Output = Format.TEXT) -> None:
        with Client() as client:
            found = client.post(f"/schedules/{name}/{verb}", {"requested_by": getpass.getuser()})
        if verb == "remove" and output is Format.TEXT:
            console.print(f"schedule {escape(name)} is gone; its runs stay")
        else:
            _told(found, output)

    group.command(verb, help=about)(act)


_verb("pause", "It is due no more until it is resumed.")
_verb("resume", "Go on from now; what was due meanwhile is not made up for.")
_verb("remove", "The schedule goes, its runs stay.")


@group.command("run-now")
def run_now(name: Name, output: Output = Format.TEXT) -> None:
    """One run out of turn."""
    with Client() as client:
        fired = client.post(f"/schedules/{name}/run", {"requested_by": getpass.getuser()})
    if output is Format.JSON:
        write_json(fired)
    elif fired["run"]:
        console.print(f"run [bold]{fired['run']}[/bold]; `reign show {fired['run']}` shows it")
    else:
        console.print("done")
