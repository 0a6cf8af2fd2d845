"""The planner of a process, wired to the state: kept answers, counted requests, the shared pace, what is recorded."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reign.config import Settings
from reign.core.errors import ReignError
from reign.engine import policing
from reign.engine.runtime import Runtime
from reign.executor.repairs import Proposal as Repair
from reign.memory.requests import PastRequest, similar
from reign.planner.choose import Kind, make_planner, model_of
from reign.planner.llm.ports import BareDesk, BudgetSpent, Desk, Estimate, Progress, Taken, nobody
from reign.planner.llm.prices import MICRO
from reign.planner.protocol import Planner, PlanRequest, Proposal
from reign.planner.repairing import RepairRequest
from reign.store import memory, planning, schema
from reign.store.database import Database

if TYPE_CHECKING:
    from reign.planner.llm.planner import LlmPlanner

log = logging.getLogger(__name__)

_DAY = 86_400.0
T = TypeVar("T")


def planners(runtime: Runtime) -> Callable[[], Planner]:
    """Gives the planner of a process of the control plane; it is made at the first request, and once."""
    made: list[Planner] = []

    def planner() -> Planner:
        if not made:
            made.append(_made(runtime.settings, lambda: runtime.database))
        return made[0]

    return planner


def planner_here(settings: Settings, kind: Kind | None = None, progress: Progress = nobody) -> Planner:
    """The planner of a command that needs no server. A state that cannot be opened is done without."""
    return _made(settings, lambda: opened(settings), kind, progress)


def _made(
    settings: Settings, database: Callable[[], Database | None], kind: Kind | None = None, progress: Progress = nobody
) -> Planner:
    if model_of(settings, kind) is None:
        return make_planner(settings, kind=kind)
    state = database()
    desk: Desk = StateDesk(state, settings) if state else BareDesk()
    from reign.planner.llm.planner import LlmPlanner  # a tenth of a second, which only those wait who have a model

    planner = make_planner(settings, kind=kind, desk=desk, rules=lambda: policing.rules(settings), progress=progress)
    assert isinstance(planner, LlmPlanner)
    return Informed(planner, state, settings.memory != "off")


def opened(settings: Settings) -> Database | None:
    """The state, if it can be used by this program as it is; a first one is made where there is none (SQLite)."""
    database = Database(settings.database)
    try:
        if database.is_sqlite and not (database.url.database and Path(database.url.database).is_file()):
            settings.writable_data_dir()
            schema.upgrade(database)
        with database.read() as tx:
            known = schema.current(tx) == schema.head()
    except ReignError as error:
        log.info("planning without the state: %s", error)
        known = False
    if known:
        return database
    database.close()
    return None


@dataclass(frozen=True)
class Informed:
    """A planner that is told what the state records of the environment, and of requests like this one."""

    planner: LlmPlanner
    database: Database | None
    remembers: bool = True

    def plan(self, request: PlanRequest) -> Proposal:
        if self.database is None:
            found = self.planner.plan(request)
            said = "the state cannot be opened: no budget of the day was counted"
            return replace(found, warnings=(*found.warnings, said))
        resources, hints = self._known(self.database, request)
        return self.planner.plan(
            replace(request, resources=request.resources or resources, hints=(*request.hints, *hints))
        )

    def repair(self, request: RepairRequest) -> Repair | None:
        return self.planner.repair(request)

    def _known(self, database: Database, request: PlanRequest) -> tuple[Sequence[str], Sequence[str]]:
        try:
            with database.read() as tx:
                recorded = planning.recorded_resources(tx, self.planner.environment_of(request))
                past = similar(request.text, memory.requests(tx)) if self.remembers else []
        except ReignError as error:
            log.warning("planning without what the state knows: %s", error)
            return [], []
        return recorded, [_hint(item) for item, _ in past]


def _hint(past: PastRequest) -> str:
    """Without the run's name: the same sentence for the same experience, so that answers stay kept."""
    ended = "succeeded" if past.ok else "failed"
    return f"a request like this one, {past.text!r}, was planned as {', '.join(past.operations)} and {ended}"


@dataclass(frozen=True)
class StateDesk:
    """A desk on the SQL state. A state that fails costs the memory of answers and the count, not the plan."""

    database: Database
    settings: Settings

    def answer(self, key: str) -> Any:
        kept_for = self.settings.llm_cache
        if not kept_for:
            return None

        def look() -> Any:
            with self.database.read() as tx:
                return planning.answer(tx, key, time.time() - kept_for)

        return self._tolerant(look, None)

    def keep(self, key: str, model: str, answer: Any) -> None:
        if not self.settings.llm_cache:
            return

        def write() -> None:
            with self.database.write() as tx:
                planning.keep_answer(tx, key, model, answer, time.time())

        self._tolerant(write, None)

    def reserve(self, estimate: Estimate) -> int:
        def write() -> int | None:
            now = time.time()
            with self.database.write() as tx:
                return planning.reserve(
                    tx,
                    planning=estimate.planning,
                    purpose=estimate.purpose,
                    model=estimate.model,
                    input_tokens=estimate.input_tokens,
                    output_tokens=estimate.output_tokens,
                    cost=estimate.cost,
                    now=now,
                    day=now - now % _DAY,
                    tokens_per_day=self.settings.llm_tokens_per_day,
                    cost_per_day=int(self.settings.llm_money_per_day * MICRO),
                )

        uncounted: int | None = 0
        number = self._tolerant(write, uncounted)
        if number is None:
            limits = f"{self.settings.llm_tokens_per_day} tokens, ${self.settings.llm_money_per_day:g}"
            raise BudgetSpent(f"the next request would pass the budget of the day ({limits})", hint="`reign usage`")
        return number

    def settle(self, number: int, taken: Taken) -> None:
        def write() -> None:
            with self.database.write() as tx:
                planning.settle(
                    tx,
                    number,
                    state=taken.state,
                    input_tokens=taken.input_tokens,
                    output_tokens=taken.output_tokens,
                    cached_tokens=taken.cached_tokens,
                    cost=taken.cost,
                )

        self._tolerant(write, None)

    def take(self, model: str, tokens: int) -> float:
        def write() -> float:
            with self.database.write() as tx:
                return planning.take(
                    tx,
                    model,
                    tokens=tokens,
                    requests_per_minute=self.settings.llm_requests_per_minute,
                    tokens_per_minute=self.settings.llm_tokens_per_minute,
                    now=time.time(),
                )

        return self._tolerant(write, 0.0)

    def hold(self, model: str, seconds: float) -> None:
        def write() -> None:
            now = time.time()
            with self.database.write() as tx:
                planning.hold(tx, model, now + seconds, now)

        self._tolerant(write, None)

    def _tolerant(self, act: Callable[[], T], otherwise: T) -> T:
        try:
            return act()
        except ReignError as error:
            log.warning("planning without the state: %s", error)
            return otherwise


def usage(database: Database, settings: Settings, now: float | None = None) -> dict[str, Any]:
    """What models have taken: ``{today: {...}, last_30_days: {...}, budget: {...}}``; money in dollars."""
    at = time.time() if now is None else now
    today, month = at - at % _DAY, at - 30 * _DAY
    with database.read() as tx:
        spent = planning.totals(tx, today)
        return {
            "today": _shown(spent) | {"models": _models(planning.by_model(tx, today))},
            "last_30_days": _shown(planning.totals(tx, month)) | {"models": _models(planning.by_model(tx, month))},
            "budget": {
                "tokens_per_day": settings.llm_tokens_per_day or None,
                "money_per_day": settings.llm_money_per_day or None,
                "tokens_left_today": _left(settings.llm_tokens_per_day, spent.tokens),
                "money_left_today": _left(settings.llm_money_per_day, spent.cost / MICRO),
                "tokens_per_run": settings.llm_tokens_per_run or None,
                "money_per_run": settings.llm_money_per_run or None,
            },
        }


def _models(found: dict[str, planning.Totals]) -> dict[str, Any]:
    return {model: _shown(totals) for model, totals in found.items()}


def _shown(totals: planning.Totals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "input_tokens": totals.input_tokens,
        "cached_tokens": totals.cached_tokens,
        "output_tokens": totals.output_tokens,
        "tokens": totals.tokens,
        "money": round(totals.cost / MICRO, 6),
        "requests_without_price": totals.unpriced,
    }


def _left(limit: float, spent: float) -> float | None:
    return max(limit - spent, 0) if limit else None
