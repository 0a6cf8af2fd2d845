"""The agent as the registry sees it."""

from __future__ import annotations

from reign.core.catalog import Effect
from reign.core.resource import Undo
from reign.executor import registry
from workers.terraform import AGENT

SHARED = {
    "terraform.init", "terraform.validate", "terraform.plan", "terraform.apply", "terraform.destroy",
    "terraform.output", "terraform.show",
}  # fmt: skip


def test_the_operations_that_plans_may_name_are_there() -> None:
    assert {spec.name for spec in AGENT.specs()} >= SHARED
    assert registry.agents()["terraform"] is AGENT


def test_what_changes_nothing_needs_no_undo_and_destroying_asks() -> None:
    for spec in AGENT.specs():
        assert (spec.effect is Effect.READ) == (spec.undo is Undo.UNNEEDED)
    destroy = next(operation for operation in AGENT.operations if operation.name == "terraform.destroy")()
    assert destroy.assess(destroy.Inputs(directory=".")).asks


def test_doctor_has_a_line() -> None:
    [check] = AGENT.checks()
    assert check.name == "terraform"
    assert check.ok or check.fix
