"""Agents are found by entry point; a broken one takes no other down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.core.catalog import Effect
from reign.core.errors import NotFound, Unavailable
from reign.core.resource import Undo
from reign.executor import registry
from reign.executor.contract import Operation
from reign.executor.failures import TaskFailed
from reign.executor.testing import make_context

CACHED = tuple(made for made in vars(registry).values() if hasattr(made, "cache_clear"))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REIGN_EXTRA_AGENTS", "tests.agents.probe:AGENT,,tests.no_such_module:AGENT")
    for cached in CACHED:
        cached.cache_clear()
    yield
    for cached in CACHED:
        cached.cache_clear()


def test_agents_and_operations() -> None:
    assert list(registry.agents()) == sorted(registry.agents())
    assert registry.agent("probe").name == "probe"
    assert registry.operation("probe.noop").pure
    assert registry.catalog()["probe.append"].undo is Undo.EXACT
    with pytest.raises(NotFound) as caught:
        registry.agent("prob")
    assert caught.value.hint == "did you mean 'probe'?"
    with pytest.raises(NotFound) as caught:
        registry.operation("probe.nop")
    assert caught.value.hint == "did you mean 'probe.noop'?"


@pytest.mark.usefixtures("broken")
def test_a_broken_agent_is_named() -> None:
    assert "probe" in registry.agents()
    name = "tests.no_such_module:AGENT"
    assert "ModuleNotFoundError" in registry.broken()[name]
    registry.broken()["ghost"] = "ImportError: no ghosts"
    with pytest.raises(Unavailable, match="the ghost agent cannot be loaded: ImportError"):
        registry.operation("ghost.walk")


def test_one_agent_is_loaded_without_the_others() -> None:
    told = "from reign.executor import registry as r; import sys; r.operation('bash.run'); r.is_pure('bash.run'); "
    told += "r.catalog_of('bash.run'); print(*r.names(), *(n for n in sys.modules if n.startswith('workers.')))"
    said = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert {"bash", "docker", "workers.bash"} <= set(said)
    assert not [name for name in said if name.startswith(("workers.docker", "workers.kubernetes"))]


def test_what_a_worker_loads_before_it_forks() -> None:
    for agent in registry.agents().values():
        agent.prepare()
    assert "bashlex" in sys.modules


def test_the_defaults_of_the_contract(tmp_path: Path) -> None:
    probe = registry.operation("probe.noop")
    ctx, inputs = make_context(tmp_path), probe.Inputs()
    assert (probe.touches(ctx, inputs), probe.inspect(ctx, inputs), probe.done(ctx, inputs, ())) == ((), (), None)
    assert probe.preview(ctx, inputs) is None
    assert probe.assess(inputs).asks is None
    with pytest.raises(TaskFailed, match="probe.noop cannot be undone"):
        probe.restore(ctx, inputs, (), ())
    with pytest.raises(AssertionError):
        Operation.apply(probe, ctx, inputs, ())


def test_who_must_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    irreversible = registry.operation("probe.irreversible")
    inputs = irreversible.Inputs(ledger="l", line="x")
    assert irreversible.assess(inputs).asks == "probe.irreversible cannot be taken back"
    monkeypatch.setattr(type(irreversible), "effect", Effect.DESTROY)
    assert irreversible.assess(inputs).asks == "probe.irreversible takes away what may not be the run's own"
