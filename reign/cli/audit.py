"""``reign audit``, ``receipt``, ``verify``: who did what, whether that record still stands, and proofs to give away."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from reign.cli.output import Format, Output, console, escape, short, write_json
from reign.client import Client
from reign.config import Settings
from reign.core.duration import seconds
from reign.core.errors import InvalidInput

_PAGE = 1000

Run = Annotated[str | None, typer.Option("--run", "-r", help="of this run")]
Environment = Annotated[str | None, typer.Option("--environment", "--env", "-e", help="of this environment")]
Kind = Annotated[str | None, typer.Option("--kind", "-k", help="change, run, run.submit, task.approve, ...")]
Actor = Annotated[str | None, typer.Option("--by", help="what this person did")]
Subject = Annotated[str | None, typer.Option("--about", help="part of a resource's or task's name")]
Since = Annotated[str | None, typer.Option("--since", help="not older than: 30m, 12h, 7d")]

group = typer.Typer(help="Who did what: the append-only record, and whether it still stands.", no_args_is_help=False)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="audit", invoke_without_command=True)
    app.command("receipt")(receipt)
    app.command("verify")(verify)


@group.callback()
def listing(
    context: typer.Context,
    run: Run = None,
    environment: Environment = None,
    kind: Kind = None,
    actor: Actor = None,
    subject: Subject = None,
    since: Since = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=5000, help="at most so many, the newest")] = 30,
    check: Annotated[bool, typer.Option("--verify", help="as `reign audit verify`")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Entries, newest last."""
    if context.invoked_subcommand is not None:
        return
    if check:
        verify_chain(output)
        return
    filters = {
        "run": run,
        "environment": environment,
        "kind": kind,
        "actor": actor,
        "subject": subject,
        "since": _since(since),
    }
    with Client() as client:
        found = client.get("/audit", limit=limit, **{k: v for k, v in filters.items() if v is not None})
    if output is Format.JSON:
        write_json(found)
        return
    if not found:
        console.print("nothing is recorded of that")
    width = max((len(entry["kind"]) for entry in found), default=0)
    for entry in reversed(found):
        when = _when(entry["at"])
        what = [entry["run"] or "", entry["subject"] or "", _told(entry)]
        about = escape("  ".join(part for part in what if part))
        kind = f"[bold]{entry['kind']:<{width}}[/bold]"
        console.print(
            f"[dim]{entry['seq']:>6} {when}[/dim]  {kind} {escape(entry['actor'])}  {about}",
            soft_wrap=True,
        )


def _when(at: Any) -> str:
    try:
        return time.strftime("%m-%d %H:%M:%S", time.localtime(at))
    except (TypeError, ValueError, OverflowError, OSError):  # somebody has been at it: `reign audit verify` tells
        return "?"


def _since(text: str | None) -> float | None:
    try:
        return None if text is None else time.time() - seconds(text)
    except ValueError as error:
        raise InvalidInput(f"--since: {error}") from None


def _told(entry: dict[str, Any]) -> str:
    """The part of an entry's data that says most."""
    data = entry["data"] or {}
    if entry["kind"] == "change":
        return str(data.get("kind", ""))
    if entry["kind"] == "settings.change":
        return ", ".join(data.get("changed") or ()) or "first start"
    shown = {key: value for key, value in data.items() if value not in (None, [], "") and key not in ("name", "digest")}
    return short(" ".join(f"{key}={short(value, 40)}" for key, value in shown.items()), 100)


@group.command("verify")
def verify_chain(output: Output = Format.TEXT) -> None:
    """Check every entry, link and anchor. Reads the state itself and needs no server; exit 1 if anything is wrong.

    Run it where the data folder is: the key and the anchored heads are there.
    """
    from reign.engine import audit, backups
    from reign.engine.runtime import Runtime

    settings = Settings.load()
    backups.require_key(settings)
    runtime = Runtime(settings)
    report = audit.verify(runtime.database, runtime.journal)
    runtime.close()
    if output is Format.JSON:
        write_json(report.as_dict())
    else:
        for fault in report.faults:
            console.print(f"[red]✗[/red] {escape(fault.message)}", soft_wrap=True)
        for note in report.notes:
            console.print(f"[dim]{escape(note)}[/dim]", soft_wrap=True)
        if report.sound:
            console.print(f"[green]✓[/green] {report.entries} entries stand as written; {report.anchors} anchors agree")
    if not report.sound:
        raise typer.Exit(1)


@group.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="where to; - for standard output")],
    run: Run = None,
    environment: Environment = None,
    kind: Kind = None,
    actor: Actor = None,
    since: Since = None,
) -> None:
    """Write entries as JSON lines, oldest first."""
    filters = {"run": run, "environment": environment, "kind": kind, "actor": actor, "since": _since(since)}
    wanted = {name: value for name, value in filters.items() if value is not None}
    entries: list[dict[str, Any]] = []
    with Client() as client:
        while True:
            before = {"before": entries[-1]["seq"]} if entries else {}
            page = client.get("/audit", limit=_PAGE, **wanted, **before)
            entries += page
            if len(page) < _PAGE:
                break
    lines = "".join(json.dumps(entry, ensure_ascii=False, default=str) + "\n" for entry in reversed(entries))
    if str(file) == "-":
        sys.stdout.write(lines)
        return
    _write(file, lines)
    console.print(f"{len(entries)} entries in {escape(file)}")


def receipt(
    name: Annotated[str, typer.Argument(help="the run's name, or @latest")] = "@latest",
    file: Annotated[Path | None, typer.Option("--file", "-f", help="write it there instead of standard output")] = None,
    key: Annotated[bool, typer.Option("--key", help="print the public key and its fingerprint only")] = False,
    output: Output = Format.TEXT,
) -> None:
    """A signed record of a run: plan, approvals, changes, outcome. `reign verify FILE` checks it anywhere."""
    from reign.engine import receipts

    with Client() as client:
        if key:
            found = client.get("/receipts/key")
            if output is Format.JSON:
                write_json(found)
            else:
                console.print(f"{found['fingerprint']}\n{found['public_key']}", soft_wrap=True)
            return
        signed = client.get(f"/runs/{name}/receipt")
    if file is None:
        sys.stdout.write(receipts.text(signed))
        return
    _write(file, receipts.text(signed))
    if output is Format.JSON:
        write_json({"file": str(file), "run": signed["record"]["run"]["name"], **signed["signature"]})
        return
    console.print(f"receipt of [bold]{escape(signed['record']['run']['name'])}[/bold] in {escape(file)}")
    signer = signed["signature"]["fingerprint"]
    console.print(f"  signed by {signer}; `reign verify {escape(file)}` checks it", soft_wrap=True)


def verify(
    file: Annotated[Path, typer.Argument(help="a receipt")],
    key: Annotated[
        str | None, typer.Option("--key", help="the fingerprint (or public key) that it must be signed by")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Check a receipt without the system. Exit 4 if it was changed, or signed by another than --key."""
    from reign.engine import receipts

    found = receipts.check(file, key)
    record, signer = found["record"], found["signature"]["fingerprint"]
    run = record["run"]
    if output is Format.JSON:
        write_json({"valid": True, "signed_by": signer, "trusted": key is not None, "run": run})
        return
    issued = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record["issued_at"]))
    console.print(f"[green]✓[/green] not changed since it was signed, {issued}")
    console.print(f"  run [bold]{escape(run['name'])}[/bold] {escape(run['state'])}: {escape(run['plan'])} in "
                  f"{escape(run['environment'])}, by {escape(run['requested_by'])}", soft_wrap=True)  # fmt: skip
    for act in record["acts"]:
        if act["act"].startswith("task."):
            console.print(f"  {escape(act['act'])} {escape(act['task'] or '')} by {escape(act['by'])}")
    for change in record["changes"]:
        console.print(f"  [dim]{escape(change['kind'])}[/dim] {escape(change['resource'])}", soft_wrap=True)
    console.print(f"  signed by {signer}", soft_wrap=True)
    if key is None:
        console.print(
            "  [yellow]whose key that is, the file cannot say:[/yellow] compare it with what the operator told you "
            "(`reign receipt --key`), or give it with --key",
            soft_wrap=True,
        )


def _write(file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None
