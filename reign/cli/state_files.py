"""``reign state``: backups of the state, putting one back, looking for damage, bringing the schema up to date."""

from __future__ import annotations

import getpass
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli.output import Format, Output, console, escape, write_json
from reign.config import Settings
from reign.core.errors import InvalidInput, NotFound, Refused

group = typer.Typer(help="The state itself: backup, restore, verify, upgrade. Needs no server.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="state")


@group.command("backup")
def backup(
    file: Annotated[Path | None, typer.Argument(help="default: a new one in the data folder's backups")] = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="with the signing key: whoever has the file can read all of it")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Write the whole state to one file. REIGN may be running."""
    from reign.engine.backups import BY_HAND, Backups, examine, refuse_a_lost_state
    from reign.engine.runtime import Runtime

    settings = Settings.load()
    examine(settings)
    runtime = Runtime(settings)
    try:
        refuse_a_lost_state(runtime)
        made = Backups(settings).make(runtime, BY_HAND, file, with_key=with_key)
    finally:
        runtime.close()
    if output is Format.JSON:
        write_json(made.as_dict())
        return
    console.print(f"{sum(made.rows.values())} rows of {len(made.rows)} tables in {escape(made.path)}", soft_wrap=True)
    if not with_key:
        console.print("  without the signing key: keep signing.key (or REIGN_SIGNING_KEY) elsewhere", style="dim")


@group.command("backups")
def backups(output: Output = Format.TEXT) -> None:
    """The backups in the data folder, newest first."""
    from reign.engine.backups import Backups

    found = Backups(Settings.load()).listing()
    if output is Format.JSON:
        write_json([{"file": str(kept.path), "at": kept.at, "why": kept.why} for kept in found])
        return
    if not found:
        console.print("no backups yet; `reign state backup` makes one")
    for kept in found:
        console.print(f"{escape(kept.path)}  [dim]{kept.why}, {kept.age} old[/dim]", soft_wrap=True)


@group.command("restore")
def restore(
    file: Annotated[Path | None, typer.Argument(help="default: the newest good backup of the data folder")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    other_key: Annotated[
        bool, typer.Option("--other-key", help="go on though it was made with another signing key")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Put a backup in the place of the state. Refused while REIGN runs; a former SQLite file is moved aside."""
    from reign.engine import backups
    from reign.local.supervisor import only_one
    from reign.store.backup import verify

    settings = Settings.load()
    chosen = file or _newest(settings)
    settings.writable_data_dir()
    with only_one(settings):
        backups.refuse_while_running(settings)
        found = verify(chosen)
        if output is Format.TEXT:
            _show(found.as_dict())
        if not yes:
            if output is Format.JSON or not sys.stdin.isatty():
                raise InvalidInput("nobody is there to say yes", hint="add --yes")
            if not typer.confirm("Put it in the place of the state?"):
                raise Refused("nothing was restored")
        found, moved = backups.restore(settings, chosen, actor=getpass.getuser(), other_key=other_key)
    if output is Format.JSON:
        write_json({**found.as_dict(), "moved": [str(path) for path in moved]})
        return
    console.print(f"[green]✓[/green] restored from {escape(chosen)}", soft_wrap=True)
    for path in moved:
        console.print(f"  the former file: {escape(path)}", style="dim", soft_wrap=True)


def _newest(settings: Settings) -> Path:
    from reign.engine.backups import Backups

    kept = Backups(settings).newest_good()
    if kept is None:
        raise NotFound("there is no good backup in the data folder", hint="name a file")
    return kept.path


@group.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="a backup; default: the state itself and its audit")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Look for damage in the state, or in a backup. Exit 1 (2 for a backup) if there is any."""
    from reign.store import backup as files

    if file is not None:
        found = files.verify(file).as_dict()
        if output is Format.JSON:
            write_json(found)
        else:
            _show(found)
            console.print("[green]✓[/green] whole and as it was written")
        return
    checks = _state(Settings.load())
    if output is Format.JSON:
        write_json(checks)
    else:
        for check in checks:
            mark = "[green]✓[/green]" if check["ok"] else "[red]✗[/red]"
            console.print(f"{mark} {check['name']}: {escape(check['detail'])}", soft_wrap=True)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)


def _state(settings: Settings) -> list[dict[str, Any]]:
    from reign.engine import audit
    from reign.engine.backups import Backups, sqlite_file
    from reign.engine.runtime import Runtime
    from reign.store import backup, schema

    checks: list[dict[str, Any]] = []

    def told(name: str, ok: bool, detail: str) -> None:
        checks.append({"name": name, "ok": ok, "detail": detail})

    path = sqlite_file(settings)
    if path is not None:
        fault = backup.sqlite_fault(path) if path.exists() else "there is no such file"
        told("file", fault is None, f"{path}: {fault or 'sound'}")
    if all(check["ok"] for check in checks):
        runtime = Runtime(settings)
        try:
            with runtime.database.read() as tx:
                now = schema.current(tx)
            fits = now == schema.head()
            told("schema", fits, str(now) if fits else f"{now}; `reign state upgrade` brings it to {schema.head()}")
            if fits:
                report = audit.verify(runtime.database, runtime.journal)
                first = report.faults[0].message if report.faults else f"{report.entries} entries stand as written"
                told("audit", report.sound, first)
        finally:
            runtime.close()
    kept = Backups(settings).newest_good()
    checks.append(
        {"name": "newest good backup", "ok": True, "detail": f"{kept.path}, {kept.age} old" if kept else "none"}
    )
    return checks


@group.command("upgrade")
def upgrade(output: Output = Format.TEXT) -> None:
    """Bring the schema to this version's, after a backup. `reign up` does it by itself."""
    from reign.engine import backups
    from reign.engine.runtime import Runtime
    from reign.store import schema

    settings = Settings.load()
    settings.writable_data_dir()
    backups.examine(settings)
    runtime = Runtime(settings)
    try:
        made = backups.upgrade(runtime)
    finally:
        runtime.close()
    if output is Format.JSON:
        write_json({"revision": schema.head(), "backup": made})
        return
    console.print(f"the schema is {schema.head()}" + (f"; before that: {escape(made)}" if made else ""), soft_wrap=True)


def _show(found: dict[str, Any]) -> None:
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(found["at"]))
    key = "with the signing key" if found["with_key"] else "without the signing key"
    console.print(f"backup of {at}, schema {found['revision']}, {found['why']}, {key}")
    table = Table(box=None, show_header=False)
    for name in ("runs", "tasks", "resources", "changes", "audit"):
        if found["rows"].get(name):
            table.add_row(f"  {name}", str(found["rows"][name]))
    console.print(table)
