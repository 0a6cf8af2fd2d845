"""Following a run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import typer
from rich.live import Live
from rich.table import Table

from reign.cli.output import Format, console, errors, escape, fail, short, state, write_json
from reign.cli.repairing import is_repaired
from reign.client import Client, Run
from reign.core.duration import readable
from reign.core.errors import ReignError, RunFailed

_LOOK_EVERY = 2.0  # seconds
_POLL = 0.2  # seconds
_PATIENCE = 15.0  # seconds in which a run that takes itself back should have begun to
_TAIL = 3  # log lines shown below a running task


def follow(client: Client, run: Run, output: Format) -> None:
    """Show the run as it goes until it has ended, then its outcome. Raises RunFailed if it did not succeed."""
    told = 0
    while True:
        if output is Format.JSON:
            run.wait()
        elif console.is_terminal:
            _live(client, run)
        else:
            told = _lines(client, run, told)
        if run.state != "failed" or not is_repaired(client, run, quiet=output is Format.JSON):
            break
    if output is Format.JSON:
        write_json(run.data)
    else:
        outcome(run)
    if run.state != "succeeded":
        if run.state == "failed" and output is Format.TEXT:
            from reign.cli.repair import tell

            tell(client, run.name)
        back = _taken_back(client, run, output)
        then = f"it was taken back by {back}" if back else f"`reign retry {run.name}` goes on from there"
        failed = RunFailed(
            f"run {run.name} {run.state.replace('_', ' ')}: {run.cause or 'see its tasks'}",
            hint=f"`reign show {run.name}`, `reign logs {run.name}`; {then}",
        )
        if output is Format.JSON:  # the run is the one document; what became of it stands in it
            raise typer.Exit(fail(failed, Format.TEXT))
        raise failed


def _taken_back(client: Client, run: Run, output: Format) -> str | None:
    """The run that takes a failed one back because its plan says so (``on_failure: rollback``), followed to its end."""
    give_up = time.monotonic() + _PATIENCE
    while run.data.get("takes_itself_back") and time.monotonic() < give_up:
        time.sleep(_POLL)
        run.refresh()
    name: str | None = run.data["rolled_back_by"]
    if name and output is Format.TEXT:
        console.print(f"  it takes itself back: run {escape(name)}")
        follow(client, client.run(name), output)
    return name


def _lines(client: Client, run: Run, told: int) -> int:
    over = threading.Event()
    looking = threading.Thread(target=_tell_waits, args=(client, run.name, over), daemon=True)
    looking.start()
    try:
        return _events(run, told)
    finally:
        over.set()
        looking.join()


def _tell_waits(client: Client, name: str, over: threading.Event) -> None:
    """What the run waits for makes no event: it is looked at now and then, and each sort of it told once."""
    said: set[str] = set()
    while not over.wait(_LOOK_EVERY):
        try:
            waits: list[str] = client.run(name).data["waits_for"]
        except ReignError:
            continue
        for sentence in waits:
            if (sort := re.sub(r"\d+", "N", sentence)) not in said:
                said.add(sort)
                console.print(f"[yellow]waits:[/yellow] {escape(sentence)}", soft_wrap=True)


def _events(run: Run, told: int) -> int:
    """Tells the events behind the first ``told``; how many there are now."""
    number = 0
    for number, event in enumerate(run.watch(), 1):
        if number <= told:
            continue
        if event.task and event.kind not in ("task.ready", "task.pending"):
            data = event.data or {}
            more = (data.get("error") or {}).get("message") or data.get("reason") or ""
            console.print(f"{state(event.kind.partition('.')[2])} {escape(event.task)} {escape(more)}", soft_wrap=True)
        elif not event.task:
            console.print(f"[dim]run {escape(run.name)} {event.kind.partition('.')[2]}[/dim]")
    return max(number, told)


def _live(client: Client, run: Run) -> None:
    run.refresh()
    tails: dict[str, list[str]] = {}
    after = 0
    with Live(_table(run.data, tails), console=console, refresh_per_second=8, transient=True) as live:
        while True:
            lines = client.get(f"/runs/{run.name}/logs", after=after)["lines"]
            for line in lines:
                after = max(after, line["id"])
                tails.setdefault(line["task"], []).append(line["text"])
                del tails[line["task"]][:-_TAIL]
            run.data = client.get(f"/runs/{run.name}", wait=0.2 if not lines else 0.05)
            live.update(_table(run.data, tails))
            if run.ended or run.state == "needs_attention":
                return


def _table(data: dict[str, Any], tails: dict[str, list[str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    now = time.time()
    tasks = data["tasks"]
    shown = tasks if len(tasks) <= 30 else _interesting(tasks)
    for task in shown:
        began, ended = task["started_at"], task["ended_at"]
        took = readable((ended or now) - began) if began else ""
        table.add_row(
            state(task["state"]), f"[bold]{escape(task['id'])}[/bold]", escape(task["uses"]), f"[dim]{took}[/dim]"
        )
        if task["state"] == "running":
            for line in tails.get(task["id"], ()):
                table.add_row("", "", f"[dim]{escape(short(line, 90))}[/dim]", "")
    if len(tasks) > 30:
        table.add_row("", f"[dim]{data['tasks_by_state']}[/dim]", "", "")
    for sentence in data["waits_for"]:
        table.add_row("[yellow]waits[/yellow]", escape(sentence), "", "")
    return table


def _interesting(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    moving = [
        t for t in tasks if t["state"] in ("running", "failed", "needs_attention", "awaiting_approval", "blocked")
    ]
    return moving[:30]


def outcome(run: Run) -> None:
    """Each task's result, and what the run was called."""
    for task in list(run.tasks.values())[:100]:
        told = (task.error or {}).get("message") if task.error else short(task.result, 100) if task.result else ""
        console.print(f"  {state(task.state)} [bold]{escape(task.id)}[/bold]  {escape(told)}", soft_wrap=True)
        hint = (task.error or {}).get("hint")
        if hint and task.state == "failed":
            errors.print(f"      {escape(hint)}", style="dim", soft_wrap=True)
    took = (run.data.get("ended_at") or time.time()) - run.data["created_at"]
    console.print(f"run [bold]{run.name}[/bold] {state(run.state)} in {readable(took)}")
