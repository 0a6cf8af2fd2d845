"""The questions that every operation of every agent must answer on its real engine.

An agent's test module subclasses :class:`OperationContract`, gives ``cases`` (see :class:`Case`) through the fixture
``case``, and gets the tests. ``world`` is the test's own look at the engine,
independent of the operation's ``inspect``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reign.core.catalog import Effect
from reign.core.resource import Undo, same
from reign.executor import Cancelled, Operation, TaskFailed
from reign.executor.testing import make_context, run_operation


@dataclass
class Case:
    """One operation with inputs that work.

    ``world()`` returns a JSON-like picture of all that the operation may touch. ``orphans()`` lists what a
    cancelled attempt must not leave (processes, half-made objects). ``slow_inputs`` are inputs that take seconds, for
    the cancel test.
    """

    operation: Operation[Any, Any]
    inputs: dict[str, Any]
    world: Callable[[], Any]
    arrange: Callable[[], None] = lambda: None
    slow_inputs: dict[str, Any] | None = None
    orphans: Callable[[], list[Any]] = list
    options: dict[str, Any] = field(default_factory=dict)

    def parsed(self, slow: bool = False) -> Any:
        return self.operation.Inputs.model_validate(self.slow_inputs if slow else self.inputs)


class OperationContract:
    """Mixed into an agent's test class; the class gives the fixture ``case``."""

    def context(self, case: Case, tmp_path: Path, **given: Any) -> Any:
        return make_context(tmp_path, options=case.options, **given)

    def test_inspect_changes_nothing(self, case: Case, tmp_path: Path) -> None:
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        before = case.world()
        first = case.operation.inspect(ctx, inputs)
        second = case.operation.inspect(ctx, inputs)
        case.operation.done(ctx, inputs, second)
        assert case.world() == before
        assert same(first, second)

    def test_observations_name_the_touched_resources(self, case: Case, tmp_path: Path) -> None:
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        seen = {observation.resource for observation in case.operation.inspect(ctx, inputs)}
        assert seen <= set(case.operation.touches(ctx, inputs))
        if case.operation.effect is not Effect.READ and case.operation.undo is Undo.EXACT:
            assert seen, "an exact undo needs an observation to go back to"

    def test_apply_twice_does_no_harm(self, case: Case, tmp_path: Path) -> None:
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        first = run_operation(case.operation, ctx, inputs)
        world = case.world()
        second = run_operation(case.operation, self.context(case, tmp_path, attempt=2), inputs)
        assert isinstance(first, case.operation.Result)
        assert isinstance(second, case.operation.Result)
        if case.operation.undo is Undo.EXACT:
            assert case.world() == world

    def test_undo_restores_or_says_that_it_cannot(self, case: Case, tmp_path: Path) -> None:
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        world, before = case.world(), list(case.operation.inspect(ctx, inputs))
        run_operation(case.operation, ctx, inputs)
        now = list(case.operation.inspect(ctx, inputs))
        undo = case.operation.assess(inputs).undo
        if undo is Undo.EXACT:
            case.operation.restore(ctx, inputs, before, now)
            assert case.world() == world
            assert same(before, case.operation.inspect(ctx, inputs))
            case.operation.restore(ctx, inputs, before, list(case.operation.inspect(ctx, inputs)))
            assert case.world() == world, "a second undo does no harm"
        elif undo is Undo.COMPENSATING:
            case.operation.restore(ctx, inputs, before, now)
        elif undo is Undo.NONE:
            with pytest.raises(TaskFailed):
                case.operation.restore(ctx, inputs, before, now)

    def test_a_finished_attempt_that_was_not_recorded_is_seen_as_done(self, case: Case, tmp_path: Path) -> None:
        if case.operation.pure:
            pytest.skip("changes nothing")
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        before = list(case.operation.inspect(ctx, inputs))
        case.operation.apply(ctx, inputs, before)  # ... and here the worker died
        now = list(case.operation.inspect(ctx, inputs))
        settled = case.operation.done(ctx, inputs, now) is not None
        assert settled or case.operation.converges or case.operation.undo is not Undo.EXACT

    def test_cancel_ends_it_and_leaves_no_orphan(self, case: Case, tmp_path: Path) -> None:
        if case.slow_inputs is None:
            pytest.skip("has no slow form")
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed(slow=True)
        threading.Timer(0.5, ctx.cancelled.set).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            run_operation(case.operation, ctx, inputs)
        assert time.monotonic() - started < 0.5 + 2 + 5
        assert case.orphans() == []
