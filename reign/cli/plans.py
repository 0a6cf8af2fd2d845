"""``reign plan``, ``run``, ``operations``, ``schema``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli import requests
from reign.cli.follow import follow
from reign.cli.output import Format, Output, console, escape, write_json
from reign.cli.show_plan import explain, show_plan
from reign.client import Client
from reign.config import Settings
from reign.core.errors import InvalidInput, Refused
from reign.executor import registry

Words = Annotated[list[str], typer.Argument(help="a sentence, a plan file, or - for a plan on standard input")]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="a parameter of the plan")
]
Environment = Annotated[str | None, typer.Option("--environment", "--env", "-e", help="dev, staging, prod, ...")]


def register(app: typer.Typer) -> None:
    app.command("plan")(plan)
    app.command("run")(run)
    app.command("operations")(operations)
    app.command("schema")(schema)


def _preview(words: list[str], given: list[str], environment: str | None) -> tuple[dict[str, Any], str | None, Any]:
    """The plan, planned in this very process: showing a plan needs no server."""
    from reign.core.check import checked, parse_plan
    from reign.engine.general import ReignGeneral, Submission
    from reign.engine.runtime import Runtime
    from reign.planner.choose import make_planner

    settings = Settings.load()
    request, content, locations = requests.read(words)
    values = requests.params(given)
    if content is not None:  # faults are told with their line and column
        checked(parse_plan(content, locations), registry.catalog(), values, environment, locations)
    general = ReignGeneral(Runtime(settings), make_planner)
    shown, about = general.plan(
        Submission(request=request, plan=content, params=values, environment=environment, workdir=str(Path.cwd()))
    )
    return {**shown.as_dict(), **about}, request, content


def plan(
    words: Words,
    param: Params = None,
    environment: Environment = None,
    show_explanation: Annotated[bool, typer.Option("--explain", help="say which words led to what")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Show what would happen, and run nothing. Needs no server."""
    found, request, _ = _preview(words, param or [], environment)
    if output is Format.JSON:
        write_json(found)
        return
    show_plan(found)
    if show_explanation and request:
        explain(found, request)


def run(
    words: Words,
    param: Params = None,
    environment: Environment = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="do not ask; approves what the plan shows as asking")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="submit and do not follow")] = False,
    key: Annotated[str | None, typer.Option("--idempotency-key", help="the same key gives the same run")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Plan, show, ask, run and follow."""
    found, request, content = _preview(words, param or [], environment)
    if output is Format.TEXT:
        show_plan(found)
    for task in found["tasks"]:
        if task["refuses"]:
            raise Refused(f"task {task['id']} ({task['uses']}): {task['refuses']}")
    if not yes:
        _ask(output)
    with Client() as client:
        submitted = client.submit(
            request if request is not None else content,
            params=requests.params(param or []),
            environment=environment,
            approve="all",
            idempotency_key=key,
        )
        if detach:
            if output is Format.JSON:
                write_json(submitted.data)
            else:
                console.print(f"run [bold]{submitted.name}[/bold]; `reign show {submitted.name}` shows it")
            return
        follow(client, submitted, output)
        if output is Format.TEXT:
            console.print(f"  see it:       {client.url}/run/{submitted.name}")
            console.print(f"  take it back: reign rollback {submitted.name}")


def _ask(output: Format) -> None:
    import sys

    if output is Format.JSON or not sys.stdin.isatty():
        raise InvalidInput("nobody is there to say yes", hint="add --yes to run without asking")
    if not typer.confirm("Run it?"):
        raise Refused("not run")


def operations(
    name: Annotated[str | None, typer.Argument(help="one operation, or the name of an agent")] = None,
    output: Output = Format.TEXT,
) -> None:
    """What can be done: all operations, those of an agent, or one with its inputs."""
    catalog = registry.catalog()
    if name and name not in catalog.agents:
        spec = catalog.find(name)
        if output is Format.JSON:
            write_json(spec.describe())
        else:
            _operation(spec.describe())
        return
    specs = [spec for spec in catalog.values() if not name or spec.agent == name]
    if output is Format.JSON:
        write_json([spec.describe() for spec in specs])
        return
    table = Table("operation", "does", "undo", box=None, header_style="dim")
    for spec in specs:
        table.add_row(f"[bold]{spec.name}[/bold]", escape(spec.summary), spec.undo.value)
    console.print(table)


def _operation(found: dict[str, Any]) -> None:
    console.print(f"[bold]{found['name']}[/bold]  {escape(found['summary'])}")
    console.print(f"  undo: {found['undo']}. {escape(found['undo_note'])}", style="dim")
    for title, key in (("inputs", "inputs"), ("result", "result")):
        console.print(f"\n[dim]{title}[/dim]")
        required = set(found[key].get("required", ()))
        for name, field in found[key].get("properties", {}).items():
            mark = "*" if name in required and key == "inputs" else ""
            default = (
                f" (default {json.dumps(field['default'])})" if field.get("default") not in (None, "", [], {}) else ""
            )
            kind = field.get("type") or " or ".join(
                sorted({a.get("type", "object") for a in field.get("anyOf", ())} - {"null"})
            )
            about = escape(field.get("description", ""))
            console.print(
                f"  [bold]{name}{mark}[/bold] [dim]{kind or 'object'}[/dim] {about}{escape(default)}", soft_wrap=True
            )


def schema() -> None:
    """The JSON Schema of plan files, for editors."""
    from reign.core.schema import plan_schema

    write_json(plan_schema(registry.catalog()))
