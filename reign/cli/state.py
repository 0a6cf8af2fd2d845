"""``reign resources``, ``history``, ``blast``, ``checkpoint``, ``points``, ``rollback``, ``drift``: what is deployed,
how it came to be, and the way back."""

from __future__ import annotations

import contextlib
import getpass
import sys
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.tree import Tree

from reign.cli.differences import diff_lines
from reign.cli.follow import follow
from reign.cli.names import unknown_environment
from reign.cli.output import Format, Output, ago, console, counted, escape, write_json
from reign.cli.show_plan import show_plan
from reign.client import Client, Run
from reign.config import Settings
from reign.core.duration import seconds
from reign.core.errors import Conflict, InvalidInput, Refused, RunFailed, Unavailable

Environment = Annotated[
    str | None, typer.Option("--environment", "--env", "-e", help="dev, staging, prod, ...; default: all")
]
OneEnvironment = Annotated[
    str | None, typer.Option("--environment", "--env", "-e", help="dev, staging, prod, ...; default: as set")
]
Address = Annotated[str, typer.Argument(help="agent:kind/name, or only the name if that is enough")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]

_STANDING = {
    "same": "[green]as recorded[/green]",
    "changed": "[red]changed[/red]",
    "missing": "[red]missing[/red]",
    "replaced": "[red]replaced by another[/red]",
    "damaged": "[red]damaged[/red]",
    "unmanaged": "[yellow]made by others[/yellow]",
    "moving": "[cyan]a run is at it[/cyan]",
    "unknown": "[yellow]unknown[/yellow]",
}
_KINDS = {"created": "green", "changed": "yellow", "deleted": "red", "accepted": "cyan"}


def register(app: typer.Typer) -> None:
    app.command("resources")(resources)
    app.command("history")(history)
    app.command("blast")(blast)
    app.command("checkpoint")(checkpoint)
    app.command("points")(points)
    app.command("rollback")(rollback)
    app.command("drift")(drift)


def environment_or_default(given: str | None) -> str:
    return given or Settings.load().environment


def agreed(question: str, yes: bool, output: Format) -> None:
    """A person's yes. Raises InvalidInput where nobody is there, Refused for a no."""
    if yes:
        return
    if output is Format.JSON or not sys.stdin.isatty():
        raise InvalidInput("nobody is there to say yes", hint="add --yes")
    if not typer.confirm(question):
        raise Refused("nothing was done")


# --- what is there ---------------------------------------------------------------------------------------------------


def resources(
    environment: Environment = None,
    removed: Annotated[bool, typer.Option("--removed", help="also what was taken away again")] = False,
    output: Output = Format.TEXT,
) -> None:
    """What runs have made and changed: each resource, who made it what it is, and how it stood at the last look."""
    with Client() as client:
        found = client.get("/resources", environment=environment, removed=removed or None)
        meant = None if found else unknown_environment(client, environment)
    if output is Format.JSON:
        write_json(found)
        return
    if not found:
        where = f" in {escape(environment)}" if environment else ""
        console.print(f"nothing is recorded{where} yet; {meant or '`reign run` makes something'}")
        return
    table = Table("resource", "environment", "made by", "", "standing", box=None, header_style="dim")
    for item in found:
        table.add_row(*_cells(item))
    if table.__rich_measure__(console, console.options.update_width(10_000)).maximum <= console.width:
        console.print(table)
        return
    for item in found:  # a narrow window would fold every address
        address, *rest = _cells(item)
        console.print(f" {address}", soft_wrap=True)
        console.print("   " + "  ".join(filter(None, rest)), soft_wrap=True)


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    """A resource, where, by whom, when, and how it stands."""
    standing = "[dim]removed[/dim]" if not item["exists"] else _STANDING.get(item["standing"], "")
    looked = f" [dim]{ago(item['looked_at'])}[/dim]" if item["looked_at"] else ""
    return (
        f"[bold]{escape(item['address'])}[/bold]",
        escape(item["environment"]),
        f"{escape(item['run'])}/{escape(item['task'])} [dim]{escape(item['uses'])}[/dim]",
        f"[dim]{ago(item['changed_at'])}[/dim]",
        standing + looked,
    )


def history(address: Address, environment: Environment = None, output: Output = Format.TEXT) -> None:
    """Every configuration of a resource: who made it, in which run, when, and what changed."""
    with Client() as client:
        found = client.get("/resources/history", address=address, environment=environment)
    if output is Format.JSON:
        write_json(found)
        return
    gone = "" if found["exists"] else "  [dim]removed[/dim]"
    console.print(f"[bold]{escape(found['address'])}[/bold]  [dim]{escape(found['environment'])}[/dim]{gone}")
    for version in found["versions"]:
        colour = _KINDS.get(version["kind"], "dim")
        console.print(
            f"  [bold]v{version['version']}[/bold] [{colour}]{version['kind']}[/{colour}] {ago(version['at'])} by "
            f"{escape(version['by'])} in {escape(version['run'])}/{escape(version['task'])} "
            f"[dim]{escape(version['uses'])}[/dim]",
            soft_wrap=True,
        )
        if version["asked"]:
            console.print("    asked for", style="dim")
        for line in diff_lines(version["asked"], "before", "after"):
            console.print(f"      {line}", soft_wrap=True)
        if version["asked"]:
            console.print("    seen", style="dim")
        for line in diff_lines(version["differences"], "before", "after"):
            console.print(f"      {line}", soft_wrap=True)


def blast(address: Address, environment: Environment = None, output: Output = Format.TEXT) -> None:
    """What depends on a resource, by what was recorded: what would feel it if it went."""
    with Client() as client:
        found = client.get("/resources/blast", address=address, environment=environment)
    if output is Format.JSON:
        write_json(found)
        return
    tree = Tree(f"[bold]{escape(found['address'])}[/bold]  [dim]{escape(found['environment'])}[/dim]")
    branches = {found["address"]: tree}
    for item in found["dependants"]:
        line = f"{escape(item['address'])}  [dim]{escape(item['why'])}[/dim]"
        branches[item["address"]] = branches[item["needs"]].add(line)
    console.print(tree)
    if not found["dependants"]:
        console.print("  nothing that is recorded depends on it", style="dim")


# --- points and the way back -----------------------------------------------------------------------------------------


def checkpoint(
    name: Annotated[str, typer.Argument(help="letters, digits, '.', '_' and '-'")],
    environment: OneEnvironment = None,
    output: Output = Format.TEXT,
) -> None:
    """Name the present state of an environment, to come back to it."""
    with Client() as client:
        body = {"name": name, "environment": environment_or_default(environment), "requested_by": getpass.getuser()}
        meant = unknown_environment(client, body["environment"])
        made = client.post("/points", body)
    if output is Format.JSON:
        write_json(made)
    else:
        console.print(f"point [bold]{escape(made['name'])}[/bold] in {escape(made['environment'])}")
        console.print(f"  come back to it: reign rollback --to {made['name']} --env {made['environment']}")
        if meant:
            console.print(
                f"  [yellow]nothing was run in {escape(made['environment'])} so far[/yellow]: {escape(meant)}"
            )


def points(
    environment: Environment = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="at most so many")] = 20,
    output: Output = Format.TEXT,
) -> None:
    """Where one can go back to, newest first: named points, and one from before each run's first change."""
    with Client() as client:
        found = client.get("/points", environment=environment, limit=limit)
        meant = None if found else unknown_environment(client, environment)
    if output is Format.JSON:
        write_json(found)
        return
    if not found:
        where = f" in {escape(environment)}" if environment else ""
        console.print(f"no points{where} yet; {meant or 'each run makes one before its first change'}")
        return
    table = Table("point", "environment", "before", "", "changes since", box=None, header_style="dim")
    for item in found:
        before = f"{item['kind']} {escape(item['plan'])}" if item["run"] else "[bold]checkpoint[/bold]"
        table.add_row(
            f"[bold]{escape(item['name'])}[/bold]",
            escape(item["environment"]),
            before,
            f"[dim]{ago(item['at'])}[/dim]",
            str(item["changes"]),
        )
    console.print(table)


def rollback(
    name: Annotated[str | None, typer.Argument(help="the run's name, or @latest")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="POINT", help="undo all that was changed since")] = None,
    environment: OneEnvironment = None,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Take a run back, or go back to a point: show the plan of undos, ask, run it and follow."""
    if (name is None) == (to is None):
        raise InvalidInput("say what to take back", hint="reign rollback RUN, or reign rollback --to POINT")
    with Client() as client:
        if to is not None:
            where = environment_or_default(environment)
            path, what = f"/points/{to}/rollback", f"of what was changed in {where} since {to}"
        else:
            run = client.run(name or "@latest")
            where, path, what = None, f"/runs/{run.name}/rollback", f"of {run.name}"
        found = client.get(path, environment=where)
        if output is Format.TEXT:
            _show_way_back(found)
        if not found["plan"]:
            hint = "; ".join([*found["impossible"].values(), *found["notes"]])
            raise Conflict(f"there is nothing to take back {what}", hint=hint or None)
        agreed("Take it back?", yes, output)
        body = {"requested_by": getpass.getuser()} | ({"environment": where} if where else {})
        follow(client, Run(client, client.post(path, body)), output)


def _show_way_back(found: dict[str, Any]) -> None:
    if found["plan"]:
        show_plan(found["plan"])
    for task, reason in found["impossible"].items():
        console.print(f"  [red]cannot be taken back:[/red] {escape(task)}: {escape(reason)}", soft_wrap=True)
    for note in found["notes"]:
        console.print(f"  [yellow]note:[/yellow] {escape(note)}", soft_wrap=True)


# --- drift -----------------------------------------------------------------------------------------------------------


def drift(
    addresses: Annotated[list[str] | None, typer.Argument(metavar="RESOURCE...", help="only these")] = None,
    environment: OneEnvironment = None,
    accept: Annotated[bool, typer.Option("--accept", help="record what is there now as the truth")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="show, ask and run the plan that restores what is recorded")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="with --fix: also where another one has taken the name")
    ] = False,
    removed: Annotated[bool, typer.Option("--removed", help="also look where something was taken away again")] = False,
    run: Annotated[
        str | None, typer.Option("--run", help="what that look found (a scheduled one), in place of a new look")
    ] = None,
    within: Annotated[str, typer.Option("--within", help="longest wait for the looks")] = "5m",
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Look at everything that is recorded, and say what is not as it was left.

    Exit code 0: all is as recorded (or was accepted, or restored); 1: something differs; 7: an engine does not answer.
    """
    if accept and fix:
        raise InvalidInput("--accept and --fix exclude each other", hint="accept what is there, or restore what was")
    where, only = environment_or_default(environment), addresses or []
    user = getpass.getuser()
    with Client() as client:
        if run is not None:
            found = client.get(f"/drift/{run}")
            where = found["environment"]
        else:
            body = {"environment": where, "resources": only, "removed": removed, "requested_by": user}
            found = _looked(client, Run(client, client.post("/drift", body)), _patience(within))
        if output is Format.TEXT:
            _show_findings(found)
            if only and not found["resources"]:
                console.print("what was named is recorded as removed, and is not there; `reign history` tells more")
        drifted = [item["address"] for item in found["resources"] if item["standing"] in _DRIFTED]
        if accept and drifted:
            agreed(f"Record {len(drifted)} as they are now?", yes, output)
            accepted = client.post("/drift/accept", {"environment": where, "resources": drifted, "by": user})[
                "accepted"
            ]
            if output is Format.JSON:
                write_json({**found, "accepted": accepted})
            else:
                console.print(f"accepted: {escape(', '.join(accepted))}", soft_wrap=True)
            return
        if fix and drifted:
            _fix(client, where, drifted, replace=replace, yes=yes, output=output)
            return
    if output is Format.JSON:
        write_json(found)
        raise typer.Exit(1 if drifted else 7 if found["unknown"] else 0)
    if drifted:
        raise RunFailed(
            f"{len(drifted)} of {len(found['resources'])} resources are not as recorded",
            hint="`reign drift --fix` restores them, `reign drift --accept` records them as they are",
        )
    if found["unknown"]:
        unseen = counted(found["unknown"], "resource")
        raise Unavailable(f"{unseen} could not be looked at", hint="`reign doctor` says why")


_CANCELLED_WITHIN = 10.0  # seconds
_DRIFTED = ("changed", "missing", "replaced", "damaged")


def _patience(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise InvalidInput(f"--within: {error}") from None


def _looked(client: Client, run: Run, patience: float) -> dict[str, Any]:
    """The findings, once the run has ended; what nobody has looked at until then stays unknown."""
    try:
        run.wait(patience)
    except TimeoutError:
        run.cancel()
        with contextlib.suppress(TimeoutError):  # an engine that does not answer may not hear of a cancel either
            run.wait(_CANCELLED_WITHIN)
    found: dict[str, Any] = client.get(f"/drift/{run.name}")
    return found


def _show_findings(found: dict[str, Any]) -> None:
    for item in found["resources"]:
        if item["standing"] == "same":
            continue
        detail = f"  [dim]{escape(item['detail'])}[/dim]" if item["detail"] else ""
        console.print(f"  {_STANDING[item['standing']]} [bold]{escape(item['address'])}[/bold]{detail}", soft_wrap=True)
        for line in diff_lines(item["differences"], "recorded", "live"):
            console.print(f"      {line}", soft_wrap=True)
    same = sum(item["standing"] == "same" for item in found["resources"])
    console.print(
        f"{counted(len(found['resources']), 'resource')} in {escape(found['environment'])}: {same} as recorded, "
        f"{found['drifted']} not, {found['unknown']} unknown"
    )


def _fix(
    client: Client,
    where: str,
    drifted: list[str],
    *,
    replace: bool,
    yes: bool,
    output: Format,
) -> None:
    repair = client.get("/drift/repair", environment=where, resources=drifted, replace=replace)
    if output is Format.TEXT:
        if repair["plan"]:
            show_plan(repair["plan"])
        for address, why in repair["left"].items():
            console.print(f"  [yellow]left alone:[/yellow] {escape(address)}: {escape(why)}", soft_wrap=True)
    if not repair["plan"]:
        hint = "; ".join(f"{address}: {why}" for address, why in repair["left"].items())
        raise Conflict("there is nothing that can be restored", hint=hint or None)
    agreed("Restore it?", yes, output)
    body = {"environment": where, "resources": drifted, "replace": replace, "requested_by": getpass.getuser()}
    follow(client, Run(client, client.post("/drift/repair", body)), output)
    if repair["left"]:
        raise RunFailed(f"{counted(len(repair['left']), 'resource')} left as before", hint="see above")
