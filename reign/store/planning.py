"""What planning with a model leaves in the state: answers kept, requests counted against budgets, a shared pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.store.database import Transaction, upsert
from reign.store.jsontext import dump, load
from reign.store.tables import llm_pace, llm_requests, plan_cache, resources

KEPT_ANSWERS = 10_000
KEPT_DAYS = 400  # of counted requests: a year and what it takes to close it
_DAY = 86_400.0
#: Reservations and buckets of all processes are looked at and changed one after the other (PostgreSQL).
_LOCK = 7_249_172


@dataclass(frozen=True)
class Totals:
    """What requests have taken. ``cost`` in millionths of a dollar; ``unpriced`` counts requests without a price."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: int = 0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


# --- answers ---------------------------------------------------------------------------------------------------------


def answer(tx: Transaction, key: str, since: float) -> Any:
    """The answer kept under a key, if it is not older than ``since``; else None."""
    query = sa.select(plan_cache.c.answer).where(plan_cache.c.key == key, plan_cache.c.at >= since)
    return load(tx.execute(query).scalar_one_or_none())


def keep_answer(tx: Transaction, key: str, model: str, value: Any, now: float) -> None:
    """Keep an answer, and let the oldest go where there are too many."""
    values = {"model": model, "answer": dump(value), "at": now}
    tx.execute(
        upsert(tx, plan_cache).values(key=key, **values).on_conflict_do_update(index_elements=["key"], set_=values)
    )
    oldest = sa.select(plan_cache.c.at).order_by(plan_cache.c.at.desc()).offset(KEPT_ANSWERS).limit(1)
    limit = tx.execute(oldest).scalar_one_or_none()
    if limit is not None:
        tx.execute(sa.delete(plan_cache).where(plan_cache.c.at <= limit))


# --- what was spent --------------------------------------------------------------------------------------------------


def totals(tx: Transaction, since: float, *, planning: str | None = None) -> Totals:
    """What was spent since then, reservations included, by everybody or in one planning."""
    c = llm_requests.c
    query = sa.select(
        sa.func.count(),
        *(sa.func.coalesce(sa.func.sum(column), 0) for column in (c.input_tokens, c.output_tokens, c.cached_tokens)),
        sa.func.coalesce(sa.func.sum(c.cost), 0),
        sa.func.count().filter(c.cost.is_(None)),
    ).where(c.at >= since)
    if planning is not None:
        query = query.where(c.planning == planning)
    return Totals(*(int(value) for value in tx.execute(query).one()))


def by_model(tx: Transaction, since: float) -> dict[str, Totals]:
    """The same for each model."""
    c = llm_requests.c
    query = (
        sa.select(
            c.model,
            sa.func.count(),
            sa.func.sum(c.input_tokens),
            sa.func.sum(c.output_tokens),
            sa.func.sum(c.cached_tokens),
            sa.func.coalesce(sa.func.sum(c.cost), 0),
            sa.func.count().filter(c.cost.is_(None)),
        )
        .where(c.at >= since)
        .group_by(c.model)
        .order_by(c.model)
    )
    return {row[0]: Totals(*(int(value) for value in row[1:])) for row in tx.execute(query)}


def reserve(
    tx: Transaction,
    *,
    planning: str,
    purpose: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    cost: int | None,
    now: float,
    day: float,
    tokens_per_day: int = 0,
    cost_per_day: int = 0,
) -> int | None:
    """Write down a request before it is sent; its number, or None if it would pass what a day may take (0: anything).

    ``day``: when the day began. The estimate counts until :func:`settle` tells what was really taken.
    """
    _one_at_a_time(tx)
    spent = totals(tx, day)
    if tokens_per_day and spent.tokens + input_tokens + output_tokens > tokens_per_day:
        return None
    if cost_per_day and spent.cost + (cost or 0) > cost_per_day:
        return None
    tx.execute(sa.delete(llm_requests).where(llm_requests.c.at < now - KEPT_DAYS * _DAY))
    row = {
        "planning": planning,
        "purpose": purpose,
        "model": model,
        "state": "reserved",
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cached_tokens": 0,
        "cost": cost,
        "at": now,
    }
    return int(tx.execute(llm_requests.insert().values(**row).returning(llm_requests.c.id)).scalar_one())


def settle(
    tx: Transaction,
    number: int,
    *,
    state: str,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int = 0,
    cost: int | None = None,
) -> None:
    """What a reserved request really took."""
    tx.execute(
        sa.update(llm_requests)
        .where(llm_requests.c.id == number)
        .values(
            state=state,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            cost=cost,
        )
    )


# --- the pace --------------------------------------------------------------------------------------------------------


def take(
    tx: Transaction, model: str, *, tokens: int, requests_per_minute: float, tokens_per_minute: float, now: float
) -> float:
    """Take one request and its tokens out of a model's bucket: 0.0, or the seconds after which it may be tried again.

    A bucket holds a minute's worth and fills evenly (0: without limit). A request of more tokens than a bucket can
    hold passes when the bucket is full.
    """
    _one_at_a_time(tx)
    found = tx.execute(sa.select(llm_pace).where(llm_pace.c.model == model)).one_or_none()
    held, there, stock = 0.0, requests_per_minute, tokens_per_minute
    if found is not None:
        passed = max(now - found.at, 0.0) / 60
        held = found.held_until
        there = min(found.requests + passed * requests_per_minute, requests_per_minute)
        stock = min(found.tokens + passed * tokens_per_minute, tokens_per_minute)
    if held > now:
        return held - now
    wanted = min(tokens, tokens_per_minute)
    waits = [0.0]
    if requests_per_minute and there < 1:
        waits.append((1 - there) * 60 / requests_per_minute)
    if tokens_per_minute and stock < wanted:
        waits.append((wanted - stock) * 60 / tokens_per_minute)
    if max(waits) > 0:
        return max(waits)
    values = {"requests": max(there - 1, 0.0), "tokens": max(stock - wanted, 0.0), "held_until": held, "at": now}
    tx.execute(
        upsert(tx, llm_pace).values(model=model, **values).on_conflict_do_update(index_elements=["model"], set_=values)
    )
    return 0.0


def hold(tx: Transaction, model: str, until: float, now: float) -> None:
    """Nobody asks this model before ``until``; an earlier time than the one noted changes nothing."""
    _one_at_a_time(tx)
    found = tx.execute(sa.select(llm_pace.c.held_until).where(llm_pace.c.model == model)).scalar_one_or_none()
    if found is None:
        tx.execute(llm_pace.insert().values(model=model, requests=1.0, tokens=0.0, held_until=until, at=now))
    elif until > found:
        tx.execute(sa.update(llm_pace).where(llm_pace.c.model == model).values(held_until=until))


def _one_at_a_time(tx: Transaction) -> None:
    """On SQLite a write transaction has the write lock from its start."""
    if tx.dialect.name != "sqlite":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


# --- what is there ---------------------------------------------------------------------------------------------------


def recorded_resources(tx: Transaction, environment: str, limit: int = 500) -> list[str]:
    """Addresses of what the state says is there in an environment, the latest changed first."""
    query = (
        sa.select(resources.c.address)
        .where(resources.c.environment == environment, resources.c.exists)
        .order_by(resources.c.updated_at.desc(), resources.c.address)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())
