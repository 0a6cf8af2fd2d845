"""``reign locks``: which resources are being changed, by whom, and who waits for them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from reign.cli.output import Format, Output, ago, console, escape, write_json
from reign.client import Client


def register(app: typer.Typer) -> None:
    app.command("locks")(listing)


def listing(
    resource: Annotated[str | None, typer.Argument(help="only resources whose address starts so")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Locks on resources: who holds each since when and for what, and who waits in which order."""
    with Client() as client:
        found = [lock for lock in client.get("/locks") if not resource or lock["resource"].startswith(resource)]
    if output is Format.JSON:
        write_json(found)
        return
    if not found:
        console.print("no resource is locked")
        return
    table = Table("resource", "held by", "for", "since", "waiting", box=None, header_style="dim")
    for lock in found:
        table.add_row(
            f"[bold]{escape(lock['resource'])}[/bold]",
            escape(f"{lock['run']}/{lock['task']}")
            + ("" if lock["alive"] else " [yellow](its worker is gone)[/yellow]"),
            escape(lock["uses"]),
            f"[dim]{ago(lock['since'])}[/dim]",
            escape(", ".join(lock["waiting"])) or "[dim]nobody[/dim]",
        )
    console.print(table)
