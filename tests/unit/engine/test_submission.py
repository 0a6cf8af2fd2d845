"""Handing in: one run for a key however often and however close together, many runs all or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from reign.core.errors import InvalidInput
from reign.engine.general import Submission
from reign.store import runs
from tests.engines.inline import Inline


def wanted(uses: str = "probe.noop", **more: Any) -> Submission:
    return Submission(plan={"name": "one", "tasks": {"a": {"uses": uses}}}, workdir="/", approve=None, **more)


def recorded(inline: Inline) -> list[str]:
    with inline.runtime.database.read() as tx:
        return [run.name for run in runs.listing(tx)]


def test_a_key_used_at_the_same_moment_gives_one_run(either: Inline) -> None:
    together = Barrier(8)

    def submit(_: int) -> str:
        together.wait()
        return either.general.submit(wanted(idempotency_key="once")).name

    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(submit, range(8)))
    assert recorded(either) == [*names]


def test_many_runs_are_recorded_in_their_order_or_not_at_all(either: Inline) -> None:
    made = either.general.submit_all([wanted(), wanted(idempotency_key="twice"), wanted(idempotency_key="twice")])
    assert [run.name for run in made[:2]] == recorded(either)[::-1]
    assert made[2].name == made[1].name, "the same key in one batch"
    assert either.general.submit_all([wanted(idempotency_key="twice")])[0].name == made[1].name
    with pytest.raises(InvalidInput, match=r"^runs\[1\]: .*probe\.nop"):
        either.general.submit_all([wanted(), wanted("probe.nop")])
    assert len(recorded(either)) == 2
