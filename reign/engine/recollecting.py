"""What memory holds, for people: shown, forgotten, written out and read in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from reign.core.errors import InvalidInput
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.memory import exchange
from reign.memory.episodes import evidence
from reign.memory.recipes import Applied, best
from reign.memory.requests import similar
from reign.store import memory as kept

_SIMILAR = 10


class Recollection:
    """Memory as it is shown by ``reign memory``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def overview(self) -> list[dict[str, Any]]:
        """For each operation that something is known of: how many attempts, how often they succeeded (95 % Wilson
        interval), how long they take."""
        with self._runtime.database.read() as tx:
            names = kept.operations(tx)
        return [{**self._summary(name), "attempts": count} for name, count in names.items()]

    def operation(self, name: str) -> dict[str, Any]:
        """One operation, with its failures and what helped against them. Raises NotFound."""
        found = self._summary(registry.catalog().find(name).name)
        now = time.time()
        with self._runtime.database.read() as tx:
            repairs = kept.repairs(tx, name)
        for failure in found["failures"]:
            recipe = best([item for item in repairs if item.signature == failure["signature"]], now)
            failure["helped"] = (
                {"reason": recipe.reason, "worked": recipe.worked, "of": recipe.of, "run": recipe.run}
                if recipe
                else None
            )
        return found

    def _summary(self, name: str) -> dict[str, Any]:
        with self._runtime.database.read() as tx:
            seen = kept.episodes(tx, name)
        found = evidence(name, seen, "", "", time.time())
        if found is None:
            return {"operation": name, "success": None, "seconds": None, "failures": [], "runs": [], "confidence": 0.0}
        rate, took = found.success, found.estimate
        return {
            "operation": name,
            "success": {"rate": rate.value, "low": rate.low, "high": rate.high, "weight": rate.weight},
            "confidence": rate.confidence,
            "seconds": {"median": took.median, "p90": took.p90, "p99": took.p99, "count": took.count} if took else None,
            "failures": [
                {
                    "signature": item.signature, "class": item.sort, "message": item.message, "count": item.count,
                    "of": item.of, "runs": list(item.runs),
                }
                for item in found.failures[:10]
            ],
            "runs": list(found.runs),
        }  # fmt: skip

    def requests(self, text: str) -> list[dict[str, Any]]:
        """Past requests in much the same words, with how they ended."""
        with self._runtime.database.read() as tx:
            past = kept.requests(tx)
        return [{**item.as_dict(), "alike": round(score, 2)} for item, score in similar(text, past, _SIMILAR)]

    def forget(self, *, operation: str | None, run: str | None, by: str | None, everything: bool) -> int:
        """Forget; returns how many rows went. Raises InvalidInput if nothing says what."""
        if not (operation or run or by or everything):
            raise InvalidInput("nothing says what to forget", hint="an operation, --run, --by or --all")
        with self._runtime.database.write() as tx:
            return kept.forget(tx, operation=operation, run=run, by=by)

    def export(self) -> Iterator[str]:
        """Lines of JSON. Requests are left out: they are people's own words."""
        yield exchange.head()
        with self._runtime.database.read() as tx:
            for episode, attempt in kept.every_episode(tx):
                yield exchange.episode_line(episode, attempt)
            for repair in kept.every_repair(tx):
                yield exchange.repair_line(repair)

    def take_in(self, text: str) -> dict[str, int]:
        """Read an export, all of it or (if a line is wrong) nothing. Raises InvalidInput."""
        read = list(exchange.read(text, time.time()))
        repairs = [item for item in read if isinstance(item, Applied)]
        episodes = [item for item in read if not isinstance(item, Applied)]
        with self._runtime.database.write() as tx:
            taken = kept.add(tx, episodes)
            for repair in repairs:
                kept.add_repair(tx, repair)
        return {"attempts": taken, "left_out": len(episodes) - taken, "repairs": len(repairs)}
