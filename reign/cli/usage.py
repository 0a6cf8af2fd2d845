"""``reign usage``: what the models that plan have taken, and what is left of the budgets."""

from __future__ import annotations

from typing import Any

import typer
from rich.table import Column, Table

from reign.cli.output import Format, Output, console, escape, write_json
from reign.config import Settings
from reign.core.errors import Unavailable


def register(app: typer.Typer) -> None:
    app.command("usage")(usage)


def usage(output: Output = Format.TEXT) -> None:
    """Tokens and money that planning with models took today and in 30 days. Needs no server beside the state."""
    found = _found(Settings.load())
    if output is Format.JSON:
        write_json(found)
        return
    table = Table(
        "", Column("model", no_wrap=True), "requests", "tokens in", "cached", "tokens out", "dollars", box=None
    )
    table.columns[0].style = "dim"
    for key, title in (("today", "today"), ("last_30_days", "30 days")):
        for model, spent in found[key]["models"].items():
            table.add_row(title, escape(model), *_cells(spent))
        table.add_row(title, "[bold]all[/bold]", *_cells(found[key]))
    console.print(table)
    console.print(f"  {_budget(found['budget'])}", style="dim")


def _found(settings: Settings) -> dict[str, Any]:
    """From the API where it is elsewhere, else from the state itself."""
    from reign.engine import planning

    if settings.api_url is None and (database := planning.opened(settings)) is not None:
        try:
            return planning.usage(database, settings)
        finally:
            database.close()
    from reign.client import Client

    try:
        with Client() as client:
            found: dict[str, Any] = client.get("/usage")
            return found
    except Unavailable as error:
        raise Unavailable(f"the state cannot be read here, and {error.message}", hint=error.hint) from None


def _cells(spent: dict[str, Any]) -> tuple[str, ...]:
    unpriced = spent["requests_without_price"]
    money = f"{spent['money']:.4f}" + (f" + {unpriced} without a price" if unpriced else "")
    return (
        str(spent["requests"]),
        str(spent["input_tokens"]),
        str(spent["cached_tokens"]),
        str(spent["output_tokens"]),
        money,
    )


def _budget(budget: dict[str, Any]) -> str:
    parts = []
    if budget["tokens_per_day"] is not None:
        parts.append(f"{budget['tokens_left_today']} of {budget['tokens_per_day']} tokens")
    if budget["money_per_day"] is not None:
        parts.append(f"${budget['money_left_today']:.2f} of ${budget['money_per_day']:g}")
    return f"left today: {', '.join(parts)}" if parts else "no budget of the day is set"
