"""``reign drill``: kill REIGN's own processes at random and count what was lost."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from reign.cli.output import Format, Output, console, escape, write_json
from reign.config import Settings
from reign.core.errors import InvalidInput, RunFailed


def register(app: typer.Typer) -> None:
    app.command("drill")(drill)


def drill(
    runs: Annotated[int, typer.Option("--runs", min=1, max=10_000, help="runs in all")] = 20,
    kills: Annotated[int, typer.Option("--kills", min=0, max=100_000, help="kills in all")] = 40,
    tasks: Annotated[int, typer.Option("--tasks", min=1, max=1000, help="of each run")] = 8,
    environment: Annotated[str, typer.Option("--environment", "--env", "-e", help="a test environment")] = "drill",
    installed: Annotated[
        bool, typer.Option("--installed", help="on the database and broker of the settings, not on private ones")
    ] = False,
    within: Annotated[float, typer.Option("--within", min=10, help="seconds after which it is given up")] = 300.0,
    seed: Annotated[int, typer.Option("--seed", help="the same seed makes the same plans and choices")] = 1,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="although the environment or other runs speak against it")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Kill workers, services and the broker at random while runs go on; then count what was lost.

    Exit 1 if anything was. By default it uses a temporary folder of its own and touches nothing that is installed.
    """
    from reign.local import drill_agent
    from reign.local.drill import Drill, Size, refuse_if_in_use

    others = os.environ.get("REIGN_EXTRA_AGENTS")
    os.environ["REIGN_EXTRA_AGENTS"] = ",".join(filter(None, (others, drill_agent.LOADED_AS)))
    with tempfile.TemporaryDirectory(prefix="reign-drill-") as folder:
        base = Settings.load()
        quick = {"heartbeat": min(0.5, base.heartbeat), "lease": min(3.0, base.lease), "max_attempts_lost": 1000}
        if not installed:
            given = {**quick, "data_dir": Path(folder), "database_url": None, "broker_url": None}
            settings = base.model_copy(update=given)
        elif base.broker_url is None:
            raise InvalidInput("the broker of these settings is the embedded one", hint="leave out --installed")
        else:
            settings = base.model_copy(update={**quick, "data_dir": Path(folder)})
        if not yes:
            refuse_if_in_use(settings, environment)
        size = Size(runs=runs, kills=kills, tasks=tasks, within=within, seed=seed)
        say = (lambda text: console.print(text, style="dim")) if output is Format.TEXT else lambda _: None
        report = Drill(settings, size, environment=environment, say=say).run()
    found = report.as_dict()
    if output is Format.JSON:
        write_json(found)
    else:
        table = Table("invariant", "found", "wanted", box=None, header_style="dim")
        for title, key in (
            ("runs lost", "runs_lost"),
            ("tasks never started", "tasks_never_started"),
            ("effects done twice", "effects_twice"),
            ("effects missing", "effects_missing"),
            ("out of order", "out_of_order"),
            ("kills not recovered from", "never_recovered"),
        ):
            mark = "green" if not found[key] else "red"
            table.add_row(title, f"[{mark}]{found[key]}[/{mark}]", "0")
        console.print(table)
        by = ", ".join(f"{count} {target}" for target, count in sorted(found["kills_by_target"].items()))
        console.print(f"{found['runs']} runs, {found['kills']} kills ({by}) in {found['wall_s']} s")
        if found["recovery_median_s"] is not None:
            console.print(
                f"work went on after {found['recovery_median_s']} s (median), {found['recovery_worst_s']} s (worst)"
            )
        for lost in report.lost_runs[:10]:
            console.print(f"  {escape(lost)}", soft_wrap=True)
    if not report.well:
        raise RunFailed("the drill found what should not be", hint="run it again with the same --seed, and report it")
