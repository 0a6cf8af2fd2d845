"""``reign cancel``, ``pause``, ``resume``, ``retry``, ``approve`` and ``resolve``."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from reign.cli.output import Format, Output, console, state, write_json
from reign.cli.runs import RunName
from reign.client import Client
from reign.core.errors import InvalidInput

TaskName = Annotated[str, typer.Argument(help="the task's id")]


def register(app: typer.Typer) -> None:
    for verb, about in (
        ("cancel", "Start nothing new and end what runs."),
        ("pause", "Let running tasks end and start no other."),
        ("resume", "Go on with a paused run."),
        ("retry", "Run again what did not succeed; results that stand are kept."),
    ):
        app.command(verb, help=about)(_simple(verb))
    app.command("approve")(approve)
    app.command("resolve")(resolve)


def _simple(verb: str) -> Any:
    def act(name: RunName, output: Output = Format.TEXT) -> None:
        with Client() as client:
            _told(client.post(f"/runs/{client.run(name).name}/{verb}", {"requested_by": getpass.getuser()}), output)

    act.__name__ = verb
    return act


def _told(run: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        write_json(run)
    else:
        console.print(f"run [bold]{run['name']}[/bold] {state(run['state'])}")


def approve(
    name: RunName,
    task: TaskName,
    no: Annotated[bool, typer.Option("--no", help="say no: the task fails")] = False,
    note: Annotated[str | None, typer.Option("--note", help="why")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Say yes (or no) to a task that waits for it."""
    with Client() as client:
        body = {"by": getpass.getuser(), "yes": not no, "note": note}
        _told(client.post(f"/runs/{client.run(name).name}/tasks/{task}/approve", body), output)


def resolve(
    name: RunName,
    task: TaskName,
    verdict: Annotated[str, typer.Argument(help="done, retry or fail")],
    output: Output = Format.TEXT,
) -> None:
    """Settle a task of which nobody can tell whether its change happened."""
    if verdict not in ("done", "retry", "fail"):
        raise InvalidInput(f"{verdict!r} settles nothing", hint="done, retry or fail")
    with Client() as client:
        body = {"by": getpass.getuser(), "verdict": verdict}
        _told(client.post(f"/runs/{client.run(name).name}/tasks/{task}/resolve", body), output)
