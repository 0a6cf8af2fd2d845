"""The operation of the drill: it can look, does nothing twice, and writes whole lines."""

from __future__ import annotations

from pathlib import Path

from reign.core.resource import Undo
from reign.executor.testing import make_context
from reign.local.drill_agent import AGENT, Append, LineInputs


def test_a_line_is_appended_and_seen(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    operation, inputs = Append(), LineInputs(ledger="ledger", line="1.1", seconds=0.01)
    (seen,) = operation.inspect(ctx, inputs)
    assert not seen.exists
    assert operation.done(ctx, inputs, [seen]) is None
    assert operation.apply(ctx, inputs, [seen]).line == "1.1"
    (seen,) = operation.inspect(ctx, inputs)
    assert seen.exists
    assert seen.resource == operation.touches(ctx, inputs)[0]
    assert operation.done(ctx, inputs, [seen]) is not None
    operation.apply(ctx, LineInputs(ledger="ledger", line="1.2"), ())
    assert (tmp_path / "ledger").read_text() == "1.1\n1.2\n"


def test_it_says_that_it_cannot_be_taken_back_exactly() -> None:
    (spec,) = AGENT.specs()
    assert (spec.name, spec.undo) == ("drill.append", Undo.COMPENSATING)
