"""`reign operations` shows every installed operation, whatever its schema looks like."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from reign.cli.main import app
from reign.executor import registry


@pytest.mark.parametrize("agent", sorted(registry.catalog().agents))
def test_each_operation_is_shown_with_all_its_inputs(agent: str) -> None:
    for spec in registry.catalog().values():
        if spec.agent == agent:
            shown = CliRunner().invoke(app, ["operations", spec.name])
            assert shown.exit_code == 0, shown.exception
            assert all(f"\n  {name}" in shown.output for name in spec.describe()["inputs"]["properties"])


def test_an_input_of_several_types_names_them() -> None:
    assert "timeout number or string" in CliRunner().invoke(app, ["operations", "docker.stop"]).output


def test_an_input_of_a_type_of_its_own_is_shown_as_what_it_is() -> None:
    assert "\n  sandbox string " in CliRunner().invoke(app, ["operations", "bash.run"]).output
    shown = CliRunner().invoke(app, ["operations", "docker.run"]).output
    assert "\n  resources {cpus, memory, memory_swap, pids, shm_size} " in shown
