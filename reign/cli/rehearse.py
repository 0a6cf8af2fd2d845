"""``reign rehearse``: a plan tried where it does no harm, undone, with the proof that all came back."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Any

import typer

from reign.cli import requests
from reign.cli.differences import diff_lines
from reign.cli.follow import follow
from reign.cli.output import Format, Output, console, escape, write_json
from reign.cli.plans import Environment, Params, Words
from reign.cli.show_plan import show_plan
from reign.cli.state import Yes, agreed
from reign.client import Client, Run
from reign.core.errors import RunFailed, Unavailable

_UNDONE_WITHIN = 1800.0  # seconds for which the undo and its proof are waited for


def register(app: typer.Typer) -> None:
    app.command("rehearse")(rehearse)


def rehearse(
    words: Words,
    param: Params = None,
    environment: Environment = None,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Apply a plan under other names, in a copy of the work folder, then undo it and show that everything came back.

    Exit code 0: it worked and everything came back; 1: it did not; 4: a task cannot be rehearsed.
    """
    request, content, _ = requests.read(words)
    body: dict[str, Any] = {
        "request": request,
        "plan": content,
        "params": requests.params(param or []),
        "environment": environment,
        "workdir": str(Path.cwd()),
    }
    with Client() as client:
        found = client.post("/rehearsals/plan", body)
        if output is Format.TEXT:
            show_plan(found)
        agreed("Rehearse it?", yes, output)
        run = Run(client, client.post("/rehearsals", {**body, "requested_by": getpass.getuser()}))
        if output is Format.TEXT:
            _followed(client, run)
        report = _finished(client, run)
    if output is Format.JSON:
        write_json(report)
        raise typer.Exit(0 if report["came_back"] and report["state"] == "succeeded" else 1)
    _show(report)
    if report["state"] != "succeeded":
        raise RunFailed(f"the rehearsal {run.name} {report['state']}: {report['cause']}", hint=f"reign show {run.name}")
    if not report["came_back"]:
        raise RunFailed(f"not everything that {run.name} made came back", hint=f"reign rollback {run.name}")


def _followed(client: Client, run: Run) -> None:
    """The run itself; a failure is told with the proof."""
    try:
        follow(client, run, Format.TEXT)
    except RunFailed:
        return


def _finished(client: Client, run: Run) -> dict[str, Any]:
    """The report, once the undo has ended."""
    run.wait()
    deadline = time.monotonic() + _UNDONE_WITHIN
    while True:
        report: dict[str, Any] = client.get(f"/rehearsals/{run.name}")
        if report["came_back"] is not None:
            return report
        if time.monotonic() > deadline:
            raise Unavailable(f"the undo of {run.name} has not ended", hint="is `reign general` running?")
        if report["undone_by"]:
            Run(client, {"name": report["undone_by"]}).wait(_UNDONE_WITHIN)
        time.sleep(0.2)


def _show(report: dict[str, Any]) -> None:
    console.print(f"undone by [bold]{escape(report['undone_by'] or 'nothing: it changed nothing')}[/bold]")
    for item in report["proof"]["resources"]:
        mark = "[green]✓ came back[/green]" if item["came_back"] else "[red]✗ did not come back[/red]"
        console.print(
            f"  {mark} {escape(item['address'])}  [dim]{item['before']} → {item['applied']} → "
            f"{item['before'] if item['came_back'] else escape(item['why'])}[/dim]",
            soft_wrap=True,
        )
        for line in diff_lines(item["differences"], "before", "after"):
            console.print(f"      {line}", soft_wrap=True)
