"""Trying until a deadline: what is told when it is over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from reign.core.findings import Finding, Severity
from reign.executor.testing import make_context
from workers.validation import patience


@pytest.mark.parametrize(
    "tries, told",
    [
        ([(3.0, "reset by peer"), (None, "no answer in time")], "reset by peer"),  # the last one was cut short
        ([(3.0, "reset by peer"), (6.5, "reset by peer"), (0.6, "status 500")], "status 500"),
        ([(None, "no answer in time")], "no answer in time"),
        ([(3.0, "reset by peer"), (1.0, "")], ""),
    ],
)
def test_a_last_try_that_was_cut_short_does_not_hide_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: list[tuple[float | None, str]], told: str
) -> None:
    clock, left = [0.0], list(tries)
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    async def attempt(limit: float) -> tuple[str, list[Finding]]:
        takes, said = left.pop(0)
        clock[0] += limit if takes is None else takes
        findings = [Finding(rule="x", severity=Severity.HIGH, message=said)] if said else []
        return said, findings

    ctx = make_context(tmp_path)
    seen, findings, count = asyncio.run(patience.until_passed(ctx, 10.0, 0.0, attempt))
    assert (seen, [one.message for one in findings], count) == (told, [told] if told else [], len(tries))
