"""``reign findings``, ``waive``, ``waivers``: what checks found, in which format, and what is accepted of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli.output import Format, Output, console, escape, write_json
from reign.cli.runs import RunName
from reign.client import Client
from reign.core.errors import InvalidInput, NotFound, did_you_mean
from reign.core.findings import EXPIRED, Finding, Threshold, Verdict, Waiver, verdict, waive
from reign.core.findings_formats import junit, sarif
from reign.core.waivers import WAIVERS_FILE, dump, parse

_FINGERPRINT = re.compile(r"[0-9a-f]{16}(?:-\d+)?")
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}

File = Annotated[Path, typer.Option("--file", help="the waivers file, beside the plan")]


class FindingsFormat(StrEnum):
    TEXT = "text"
    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


def register(app: typer.Typer) -> None:
    app.command("findings")(findings)
    app.command("waive")(waive_one)
    app.command("waivers")(waivers)


def findings(
    name: RunName = "@latest",
    fail_on: Annotated[
        Threshold, typer.Option("--fail-on", help="exit with 1 if there is one from this severity on, not waived")
    ] = Threshold.NEVER,
    file: File = Path(WAIVERS_FILE),
    plan: Annotated[
        Path, typer.Option("--plan", help="in SARIF, the file at which findings of the plan itself stand")
    ] = Path("plan.yaml"),
    output: Annotated[
        FindingsFormat, typer.Option("--output", "-o", help="text, json, sarif (code hosts) or junit (CI servers)")
    ] = FindingsFormat.TEXT,
) -> None:
    """What the checks of a run found, and what was dangerous about its plan."""
    with Client() as client:
        told = client.get(f"/runs/{name}/findings")
    accepted = _read(file)
    found = [(entry["task"], Finding.model_validate(entry)) for entry in told["findings"]]
    flat = list(_waived(found, accepted))
    own = (
        {}
        if fail_on is not Threshold.NEVER
        else {task: Threshold(at) for task, at in told.get("thresholds", {}).items()}
    )
    _write(flat, fail_on, output, own, plan)
    if not (whole := verdict([finding for _, finding in flat], fail_on)).ok:
        raise typer.Exit(_failed(whole, output))


def _failed(whole: Verdict, output: FindingsFormat) -> int:
    if output in (FindingsFormat.TEXT, FindingsFormat.TABLE):
        console.print(f"[red]{len(whole.failing)} at or above the threshold[/red]")
    return 1


def _waived(found: Sequence[tuple[str, Finding]], accepted: Sequence[Waiver]) -> Iterator[tuple[str, Finding]]:
    """The findings with what the file accepts by now; a waiver that is over is told once, whoever found it."""
    listed = set[str]()
    for task, group in groupby(found, key=lambda pair: pair[0]):
        for finding in waive([finding for _, finding in group], accepted, _today()):
            if finding.rule != EXPIRED:
                yield task, finding
            elif finding.message not in listed:
                listed.add(finding.message)
                yield task, finding


def _write(
    found: Sequence[tuple[str, Finding]],
    fail_on: Threshold,
    output: FindingsFormat,
    own: Mapping[str, Threshold],
    plan: Path,
) -> None:
    if output is FindingsFormat.JSON:
        write_json([{"task": task, **finding.model_dump(mode="json")} for task, finding in found])
    elif output is FindingsFormat.SARIF:
        write_json(sarif([finding for _, finding in found], version("reign"), plan.as_posix()))
    elif output is FindingsFormat.JUNIT:
        threshold = Threshold.HIGH if fail_on is Threshold.NEVER else fail_on
        tasks = groupby(found, key=lambda pair: pair[0])
        checks = [(task, [finding for _, finding in group]) for task, group in tasks]
        typer.echo(junit(checks, threshold, own), nl=False)
    elif not found:
        console.print("nothing found")
    else:
        _table(found)


def _table(found: Sequence[tuple[str, Finding]]) -> None:
    table = Table("", "id", "task", "rule", "where and what", box=None, header_style="dim")
    for task, finding in sorted(found, key=lambda pair: -pair[1].severity.rank):
        waived = (
            f" [dim](waived till {finding.waived.until}: {escape(finding.waived.reason)})[/dim]"
            if finding.waived
            else ""
        )
        remedy = f"\n[dim]{escape(finding.remedy)}[/dim]" if finding.remedy and not finding.waived else ""
        place = f"{escape(finding.place)}: " if finding.place else ""
        table.add_row(
            f"[{_STYLES[finding.severity]}]{finding.severity}[/]",
            finding.fingerprint,
            escape(task),
            escape(finding.rule),
            f"{place}{escape(finding.message)}{waived}{remedy}",
        )
    console.print(table)
    console.print(f"  {verdict([finding for _, finding in found], Threshold.NEVER).sentence()}", style="dim")


def waive_one(
    finding: Annotated[str, typer.Argument(metavar="ID", help="a finding's id, or a rule (DL3007, DL3*)")],
    why: Annotated[str | None, typer.Option("--why", help="why it is acceptable")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="the last day, as 2030-06-30")] = None,
    path: Annotated[str | None, typer.Option("--path", help="only in files that match this pattern")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="take the waiver back")] = False,
    file: File = Path(WAIVERS_FILE),
    output: Output = Format.TEXT,
) -> None:
    """Accept a finding (or a rule's findings) for a reason and till a day; checks pass it over from then on."""
    known = _read(file)
    same = [waiver for waiver in known if finding in (waiver.fingerprint, waiver.rule) and path in (None, waiver.path)]
    if remove:
        if not same:
            names = [waiver.fingerprint or waiver.rule or "" for waiver in known]
            raise NotFound(f"{file} has no waiver for {finding!r}", hint=did_you_mean(finding, names))
        _save(file, [waiver for waiver in known if waiver not in same])
        _told(f"taken back: {finding}", same, output)
        return
    if not why or not until:
        raise InvalidInput("a waiver needs a reason and an end", hint='add --why "..." --until 2030-06-30')
    made = _waiver(finding, why, _date(until), path)
    _save(file, [*(waiver for waiver in known if waiver not in same), made])
    _told(f"waived till {made.until}: {finding}", [made], output)


def waivers(file: File = Path(WAIVERS_FILE), output: Output = Format.TEXT) -> None:
    """The waivers beside the plan, and which of them are over."""
    known = _read(file)
    if output is Format.JSON:
        write_json([{**waiver.model_dump(mode="json"), "over": waiver.until < _today()} for waiver in known])
        return
    if not known:
        console.print(f"no waivers in {escape(str(file))}")
        return
    table = Table("finding or rule", "in", "till", "why", box=None, header_style="dim")
    for waiver in known:
        style = "red" if waiver.until < _today() else "default"
        table.add_row(
            escape(waiver.fingerprint or waiver.rule or ""),
            escape(waiver.path or ""),
            f"[{style}]{waiver.until}[/]",
            escape(waiver.reason),
        )
    console.print(table)


def _waiver(finding: str, why: str, until: date, path: str | None) -> Waiver:
    if not finding.strip():
        raise InvalidInput("which finding is it?", hint="its id or rule, as `reign findings` shows them")
    by_id = _FINGERPRINT.fullmatch(finding) is not None
    if len(why.strip()) < 3:
        raise InvalidInput("a waiver needs a reason in words", hint='--why "..."')
    return Waiver(
        fingerprint=finding if by_id else None, rule=None if by_id else finding, path=path, reason=why, until=until
    )


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no date", hint="as 2030-06-30") from None
    if found < _today():
        raise InvalidInput(f"{text} is over", hint="a day from today on")
    return found


def _today() -> date:
    return datetime.now(UTC).date()


def _read(file: Path) -> list[Waiver]:
    try:
        return parse(file.read_bytes(), str(file))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from None


def _save(file: Path, entries: Sequence[Waiver]) -> None:
    try:
        file.write_text(dump(entries))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None


def _told(sentence: str, entries: Sequence[Waiver], output: Format) -> None:
    if output is Format.JSON:
        shown: list[dict[str, Any]] = [waiver.model_dump(mode="json") for waiver in entries]
        write_json(shown)
    else:
        console.print(escape(sentence))
