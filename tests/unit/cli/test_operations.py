"""`reign operations` shows every installed operation, whatever its schema looks like."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from reign.cli.main import main
from reign.executor import registry


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """What ``reign operations NAME`` says, which must go well."""

    def show(name: str) -> str:
        monkeypatch.setattr(sys, "argv", ["reign", "operations", name])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert ended.value.code == 0, err
        return out

    return show


@pytest.mark.parametrize("agent", sorted(registry.catalog().agents))
def test_each_operation_is_shown_with_all_its_inputs(agent: str, shown: Callable[[str], str]) -> None:
    for spec in registry.catalog().values():
        if spec.agent == agent:
            said = shown(spec.name)
            assert all(f"\n  {name}" in said for name in spec.describe()["inputs"]["properties"])


def test_an_input_of_several_types_names_them(shown: Callable[[str], str]) -> None:
    assert "timeout number or string" in shown("docker.stop")


def test_an_input_of_a_type_of_its_own_is_shown_as_what_it_is(shown: Callable[[str], str]) -> None:
    assert "\n  sandbox string " in shown("bash.run")
    assert "\n  resources {cpus, memory, memory_swap, pids, shm_size} " in shown("docker.run")
