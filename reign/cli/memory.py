"""``reign memory``: what past runs taught, and forgetting, writing out and reading it in."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli.output import Format, Output, ago, console, escape, write_json
from reign.client import Client
from reign.core.duration import readable
from reign.core.errors import InvalidInput, Refused
from reign.memory import exchange


def register(app: typer.Typer) -> None:
    memory = typer.Typer(help="What past runs taught: estimates, failures, what helped.", no_args_is_help=True)
    memory.command("show")(show)
    memory.command("forget")(forget)
    memory.command("export")(export)
    memory.command("import")(take_in)
    app.add_typer(memory, name="memory")


def show(
    about: Annotated[
        list[str] | None, typer.Argument(help="an operation, or the words of a request; nothing: an overview")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """What is known: of all operations, of one, or of requests in such words."""
    words = " ".join(about or []).strip()
    with Client() as client:
        if not words:
            found: Any = client.get("/memory")
        elif " " not in words and "." in words:
            found = client.get(f"/memory/operations/{words}")
        else:
            found = client.get("/memory/requests", text=words)
    if output is Format.JSON:
        write_json(found)
    elif isinstance(found, Mapping):
        _operation(found)
    elif words:
        _requests(found)
    else:
        _overview(found)


def _overview(found: list[dict[str, Any]]) -> None:
    if not found:
        console.print("nothing is known yet; what runs is remembered when it has ended")
        return
    table = Table("operation", "attempts", "succeeded", "takes", "newest run", box=None, header_style="dim")
    for row in found:
        table.add_row(
            f"[bold]{row['operation']}[/bold]",
            str(row["attempts"]),
            _rate(row["success"]),
            readable(row["seconds"]["median"]) if row["seconds"] else "",
            escape(next(iter(row["runs"]), "")),
        )
    console.print(table)


def _rate(success: Mapping[str, float] | None) -> str:
    if success is None:
        return ""
    return f"{success['rate']:.0%} [dim]({success['low']:.0%} to {success['high']:.0%})[/dim]"


def _operation(found: Mapping[str, Any]) -> None:
    console.print(f"[bold]{found['operation']}[/bold]")
    if found["success"] is None:
        console.print("  nothing is known of it yet")
        return
    console.print(f"  succeeded  {_rate(found['success'])}, confidence {found['confidence']:.0%}")
    if took := found["seconds"]:
        console.print(
            f"  takes      {readable(took['median'])}, 90 of 100 within {readable(took['p90'])} "
            f"[dim](from {took['count']})[/dim]"
        )
    for failure in found["failures"]:
        console.print(
            f"  [red]✗[/red] {failure['count']} of {failure['of']}: {escape(failure['message'])} "
            f"[dim]({failure['class'].replace('_', ' ')}; see {escape(', '.join(failure['runs']))})[/dim]",
            soft_wrap=True,
        )
        if helped := failure["helped"]:
            console.print(
                f"    [green]→[/green] {escape(helped['reason'])} "
                f"[dim](helped {helped['worked']} of {helped['of']} times, run {escape(helped['run'])})[/dim]",
                soft_wrap=True,
            )


def _requests(found: list[dict[str, Any]]) -> None:
    if not found:
        console.print("no request in such words is known")
    for item in found:
        console.print(similar_line(item), soft_wrap=True)


def similar_line(item: Mapping[str, Any]) -> str:
    """A past request in a line."""
    how = "[green]succeeded[/green]" if item["ok"] else "[red]failed[/red]"
    return f"“{escape(item['text'])}” {how} {ago(item['at'])} [dim](run {escape(item['run'])})[/dim]"


def memory_lines(advice: Mapping[str, Any]) -> list[str]:
    """What memory says of a task of a plan, for the plan's tree; see ``reign.memory.advice.Advice.as_dict``."""
    lines = [f"[cyan]{escape(advice['estimate'])}[/cyan]"] if advice.get("estimate") else []
    lines += [f"[yellow]{escape(note)}[/yellow]" for note in advice.get("notes", ())]
    for key, value in advice.get("adds", {}).items():
        told = str(value)
        if key == "retry":
            told = f"{value['attempts']} tries, {readable(value['delay'])} apart"
        elif key == "timeout":
            told = readable(value)
        lines.append(f"[dim]memory suggests[/dim] {key}: {escape(told)} [dim]({escape(advice['why'][key])})[/dim]")
    return lines


def forget(
    operation: Annotated[str | None, typer.Argument(help="what is known of this operation")] = None,
    run: Annotated[str | None, typer.Option("--run", help="what came from this run")] = None,
    by: Annotated[str | None, typer.Option("--by", help="what came from this requester")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all of it")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Forget what is known of an operation, from a run, from a requester, or everything."""
    if not (operation or run or by or everything):
        raise InvalidInput("nothing says what to forget", hint="an operation, --run, --by or --all")
    if everything and not yes:
        if output is Format.JSON or not sys.stdin.isatty():
            raise InvalidInput("nobody is there to say yes", hint="add --yes")
        if not typer.confirm("Forget everything?"):
            raise Refused("nothing was forgotten")
    with Client() as client:
        body = {"operation": operation, "run": run, "by": by, "everything": everything}
        found = client.post("/memory/forget", body)
    if output is Format.JSON:
        write_json(found)
    else:
        console.print(f"{found['forgotten']} entries are forgotten")


def export(
    file: Annotated[Path | None, typer.Argument(help="where to; default: standard output")] = None,
) -> None:
    """Write all but requests as JSON, a line an entry."""
    with Client() as client:
        lines = client.get("/memory/export")["lines"]
    text = "".join(f"{line}\n" for line in lines)
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None
    console.print(f"{len(lines) - 1} entries are in {file}")


def take_in(
    file: Annotated[Path, typer.Argument(help="an export, or - for standard input")],
    output: Output = Format.TEXT,
) -> None:
    """Read an export. It is checked as a whole before anything of it is taken."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from None
    for part, before in exchange.parts(text):
        for _ in exchange.read(part, time.time(), before):
            pass
    total = {"attempts": 0, "left_out": 0, "repairs": 0}
    with Client() as client:
        for part, _ in exchange.parts(text):
            taken = client.post("/memory/import", {"text": part})
            total = {key: total[key] + taken[key] for key in total}
    if output is Format.JSON:
        write_json(total)
    else:
        left = f"; {total['left_out']} were left out" if total["left_out"] else ""
        console.print(f"{total['attempts']} attempts and {total['repairs']} repairs are remembered{left}")
