"""``reign plan``, ``run``, ``operations``, ``schema``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli import requests
from reign.cli.follow import follow
from reign.cli.output import Format, Output, console, escape, fail, write_json
from reign.cli.show_plan import explain, show_plan
from reign.client import Client, Run
from reign.config import Settings
from reign.core.errors import InvalidInput, Refused
from reign.core.plan import Plan
from reign.executor import registry
from reign.planner.choose import Kind

Words = Annotated[list[str], typer.Argument(help="a sentence, a plan file, or - for a plan on standard input")]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="a parameter of the plan")
]
Environment = Annotated[str | None, typer.Option("--environment", "--env", "-e", help="dev, staging, prod, ...")]

PlannerKind = Annotated[
    Kind | None, typer.Option("--planner", help="keyword: offline, by the words; llm: by a model; default: the setting")
]
Rehearse = Annotated[
    bool, typer.Option("--preview/--no-preview", help="ask the engines that can be reached what would change")
]


def register(app: typer.Typer) -> None:
    app.command("plan")(plan)
    app.command("run")(run)
    app.command("operations")(operations)
    app.command("schema")(schema)


@dataclass(frozen=True)
class _Planned:
    """A plan as it is shown, and what of it is sent."""

    shown: dict[str, Any]
    request: str | None  # words
    content: Any  # of a plan file
    full: Plan

    def submit(self, client: Client, params: dict[str, Any], environment: str | None, key: str | None) -> Run:
        """Start it. Words that a model planned go as the plan that was shown: asked again, it may plan another."""
        from reign.engine.sealing import opened

        pins = {task["id"]: task["pins"] for task in self.shown["tasks"] if "pins" in task} or None
        if self.request is not None and self.shown["source"].startswith("llm:"):
            made_from = (self.request, str(self.shown["source"]))
            return client.submit(opened(self.full), approve="all", idempotency_key=key, made_from=made_from, pins=pins)
        asked = self.content if self.request is None else self.request
        return client.submit(
            asked, params=params, environment=environment, approve="all", idempotency_key=key, pins=pins
        )


def _preview(
    words: list[str], given: list[str], environment: str | None, planner: Kind | None, rehearse: bool
) -> _Planned:
    """The plan, planned in this very process: showing a plan needs no server."""
    from reign.cli.thinking import shown as progress_shown
    from reign.core.check import checked, parse_plan
    from reign.engine import environments
    from reign.engine.general import ReignGeneral, Submission
    from reign.engine.planning import planner_here
    from reign.engine.remembering import Remembering
    from reign.engine.runtime import Runtime

    settings = Settings.load()
    request, content, locations = requests.read(words)
    values = requests.params(given)
    if content is not None:  # faults are told with their line and column
        parsed = parse_plan(content, locations)
        bound = environments.params(settings, parsed, values, environment)
        checked(parsed, registry.catalog(), bound, environment, locations)
    with progress_shown() as progress:
        general = ReignGeneral(Runtime(settings), lambda: planner_here(settings, planner, progress))
        shown, about = general.plan(
            Submission(request=request, plan=content, params=values, environment=environment, workdir=str(Path.cwd())),
            rehearse=rehearse,
        )
    about |= Remembering(Runtime(settings)).about(shown, registry.catalog(), request)
    return _Planned({**shown.as_dict(), **about}, request, content, shown.full)


def plan(
    words: Words,
    param: Params = None,
    environment: Environment = None,
    show_explanation: Annotated[bool, typer.Option("--explain", help="say which words led to what")] = False,
    planner: PlannerKind = None,
    rehearse: Rehearse = True,
    output: Output = Format.TEXT,
) -> None:
    """Show what would happen, and run nothing. Needs no server. Exit code 4 if a task of it is refused."""
    planned = _preview(words, param or [], environment, planner, rehearse)
    found = planned.shown
    if output is Format.JSON:
        write_json(found)
    else:
        show_plan(found)
        if show_explanation and planned.request:
            explain(found, planned.request)
    if refusal := _refusal(found):
        raise typer.Exit(fail(refusal, Format.TEXT))


def run(
    words: Words,
    param: Params = None,
    environment: Environment = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="do not ask; approves what the plan shows as asking")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="submit and do not follow")] = False,
    key: Annotated[str | None, typer.Option("--idempotency-key", help="the same key gives the same run")] = None,
    planner: PlannerKind = None,
    rehearse: Rehearse = True,
    output: Output = Format.TEXT,
) -> None:
    """Plan, show, ask, run and follow."""
    planned = _preview(words, param or [], environment, planner, rehearse)
    found = planned.shown
    if output is Format.TEXT:
        show_plan(found)
    if refusal := _refusal(found):
        raise refusal
    if not yes:
        _ask(output)
    with Client() as client:
        submitted = planned.submit(client, requests.params(param or []), environment, key)
        if detach:
            if output is Format.JSON:
                write_json(submitted.data)
            else:
                console.print(f"run [bold]{submitted.name}[/bold]; `reign show {submitted.name}` shows it")
            return
        follow(client, submitted, output)
        if output is Format.TEXT:
            console.print(f"  see it:       {client.url}/run/{submitted.name}")
            if client.get(f"/runs/{submitted.name}/rollback")["plan"]:
                console.print(f"  take it back: reign rollback {submitted.name}")
            elif found["undo"]["exact"] or found["undo"]["compensating"]:
                console.print("  take it back: nothing to; what it can undo was there already")


def _refusal(found: dict[str, Any]) -> Refused | None:
    """Why the plan may not run: what the judge, an operation or the policy says of its first refused task."""
    task = next((task for task in (*found["tasks"], *found["gates"]) if task["refuses"]), None)
    return Refused(f"task {task['id']} ({task['uses']}): {task['refuses']}") if task else None


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
            kind = escape(" or ".join(sorted(_types(field, found[key].get("$defs", {})) - {"null"})))
            about = escape(field.get("description", ""))
            console.print(f"  [bold]{name}{mark}[/bold] [dim]{kind}[/dim] {about}{escape(default)}", soft_wrap=True)


def _types(field: dict[str, Any], known: dict[str, Any]) -> set[str]:
    """The types that an input may have, also those of its alternatives; a schema writes one type, or a list of them.

    An object with keys of its own is named by these. ``known``: what the schema defines, by name.
    """
    if reference := field.get("$ref"):
        return _types(known.get(reference.rpartition("/")[2], {}), known)
    if keys := field.get("properties"):
        return {f"{{{', '.join(keys)}}}"}
    if named := field.get("type"):
        return {named} if isinstance(named, str) else set(named)
    return set().union(*(_types(each, known) for each in field.get("anyOf", ()))) or {"object"}


def schema() -> None:
    """The JSON Schema of plan files, for editors."""
    from reign.core.schema import plan_schema

    write_json(plan_schema(registry.catalog()))
