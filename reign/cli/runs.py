"""``reign runs``, ``show``, ``logs``: what was run, and what became of it."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from reign.cli.output import Format, Output, ago, console, escape, short, state, write_json
from reign.cli.repair import tell
from reign.client import Client
from reign.core.duration import readable
from reign.core.states import RunState

RunName = Annotated[str, typer.Argument(help="the run's name, or @latest")]


def register(app: typer.Typer) -> None:
    app.command("runs")(listing)
    app.command("show")(show)
    app.command("logs")(logs)


def listing(
    environment: Annotated[
        str | None, typer.Option("--environment", "--env", "-e", help="only runs in this environment")
    ] = None,
    states: Annotated[
        list[RunState] | None, typer.Option("--state", "-s", help="only runs in this state; may be given several times")
    ] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="RUN", help="only runs older than this one")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="at most so many")] = 20,
    output: Output = Format.TEXT,
) -> None:
    """Runs, newest first."""
    wanted = [state.value for state in states or ()] or None
    with Client() as client:
        found = [run.data for run in client.runs(environment=environment, state=wanted, before=before, limit=limit)]
    if output is Format.JSON:
        write_json(found)
        return
    if not found and (environment or wanted or before):
        console.print("no such runs")
        return
    if not found:
        console.print('no runs yet; `reign run "..."` starts one')
        return
    name, stands, counts = (Column(title, no_wrap=True) for title in ("run", "state", "tasks"))
    table = Table(name, stands, "plan", "environment", counts, "", box=None, header_style="dim")
    for run in found:
        tasks = run["tasks_by_state"]
        waiting = tasks.get("awaiting_approval", 0)
        asks = f" [yellow]{waiting} to approve[/yellow]" if waiting else ""
        table.add_row(
            f"[bold]{run['name']}[/bold]",
            state(run["state"]),
            escape(run["plan"]),
            escape(run["environment"]),
            f"{tasks.get('succeeded', 0)}/{run['task_count']}{asks}",
            f"[dim]{ago(run['created_at'])}[/dim]",
        )
    console.print(table)
    if len(found) == limit and sys.stdout.isatty():
        console.print(f"[dim]older ones: reign runs --before {escape(found[-1]['name'])}[/dim]")


def show(name: RunName = "@latest", output: Output = Format.TEXT) -> None:
    """One run: its tasks, results, changes, and what it waits for."""
    with Client() as client:
        data = client.run(name).data
    if output is Format.JSON:
        write_json(data)
        return
    console.print(f"[bold]{data['name']}[/bold]  {state(data['state'])}  {escape(data['plan'])}")
    about = f"{data['kind']} in {data['environment']}, by {data['requested_by']}, {ago(data['created_at'])}"
    console.print(f"  {escape(about)}", style="dim")
    if data["request"]:
        console.print(f"  “{escape(data['request'])}”", style="dim")
    if data["cause"]:
        console.print(f"  {escape(data['cause'])}", soft_wrap=True)
    for task in data["tasks"]:
        _task(task)
    for change in data["changes"]:
        console.print(f"  [dim]{change['kind']}[/dim] {escape(change['resource'])}")
    for sentence in data["waits_for"]:
        console.print(f"  [yellow]waits:[/yellow] {escape(sentence)}", soft_wrap=True)
    if data["state"] == "failed" and data["kind"] == "apply":
        with Client() as client:
            tell(client, data["name"])
    if data["rolled_back_by"]:
        console.print(f"  taken back by {data['rolled_back_by']}")
    _tell_archived(data)


def _tell_archived(data: dict[str, Any]) -> None:
    if kept := data["archived"]:
        where = f"are in archive/{kept['file']} of the data folder" if kept["file"] else "were not kept"
        said = f"  its events and logs were taken out {ago(kept['at'])}, and {where}"
        console.print(said, style="dim", soft_wrap=True)


def _task(task: dict[str, Any]) -> None:
    began = task["started_at"]
    took = readable((task["ended_at"] or time.time()) - began) if began else ""
    told = task["error"]["message"] if task["error"] else short(task["result"]) if task["result"] else ""
    console.print(
        f"  {state(task['state'])} [bold]{escape(task['id'])}[/bold] [dim]{escape(task['uses'])} {took}[/dim]  "
        f"{escape(told)}",
        soft_wrap=True,
    )


def logs(
    name: RunName = "@latest",
    task: Annotated[str | None, typer.Argument(help="only this task")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until the run has ended")] = False,
    output: Output = Format.TEXT,
) -> None:
    """What the tools of a run printed."""
    after = 0
    collected: list[dict[str, Any]] = []
    with Client() as client:
        while True:
            page = client.get(f"/runs/{name}/logs", task=task, after=after)
            name = page["run"]
            for line in page["lines"]:
                after = line["id"]
                if output is Format.JSON:
                    collected.append(line)
                else:
                    console.print(f"[dim]{escape(line['task'])}[/dim] {escape(line['text'])}", soft_wrap=True)
            over = page["state"] in ("succeeded", "failed", "cancelled", "needs_attention")
            if not page["lines"] and (over or not follow):
                break
            if not page["lines"]:
                client.get(f"/runs/{name}", wait=0.5)
        if not after and output is Format.TEXT:
            _tell_archived(client.run(name).data)
    if output is Format.JSON:
        write_json(collected)
