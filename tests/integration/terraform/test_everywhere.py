"""What Terraform 1.0, today's Terraform and OpenTofu must do alike: the whole way of a configuration."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import FailureKind, NeedsApproval, TaskFailed
from tests.integration.terraform.world import ONE, OPERATIONS, TWO, World

SECRET = "correct-horse-battery"
WITH_SECRET = """
variable "password" {
  type      = string
  sensitive = true
}
resource "null_resource" "one" {
  triggers = { password = var.password, plain = "shown" }
  provisioner "local-exec" { command = "echo of-the-provisioner" }
}
output "password" {
  value     = var.password
  sensitive = true
}
output "plain" { value = "shown" }
"""


def test_from_init_to_the_plan_that_was_shown_applied_once(every_world: World) -> None:
    every_world.write(TWO)
    result = every_world.run("init")
    assert [name.rpartition("/")[2] for name in result.providers] == ["null"]
    assert result.backend == "local"
    assert [path.name for path in every_world.directory.iterdir()] == ["main.tf"]

    plan = every_world.run("plan")
    assert (plan.changes.add, plan.changes.change, plan.changes.destroy) == (2, 0, 0)
    assert [change.address for change in plan.resources] == ["null_resource.one", "null_resource.two"]
    assert "+ null_resource.one" in plan.diff
    assert [path.name for path in every_world.directory.iterdir()] == ["main.tf"]

    every_world.write(ONE)
    result = every_world.run("apply", plan_file=plan.plan_file)
    assert result.changes.add == 2, "the plan as shown, not what the folder says by now"
    assert every_world.objects() == ["null_resource.one", "null_resource.two"]
    serial = every_world.state()["serial"]
    again = every_world.run("apply", plan_file=plan.plan_file)
    assert (again.changes.add, every_world.state()["serial"]) == (0, serial)


def test_validate_tells_file_line_and_remedy(every_world: World) -> None:
    every_world.write('resource "null_resource" "one" {\n  triggres = {}\n}\n')
    with pytest.raises(TaskFailed) as failure:
        every_world.run("validate")
    assert failure.value.kind is FailureKind.CHECK_FAILED
    [found] = failure.value.details["diagnostics"]
    assert (found["file"], found["line"], found["severity"]) == ("main.tf", 2, "error")
    assert "triggers" in found["remedy"]
    assert "main.tf:2" in failure.value.message


def test_applied_changed_and_destroyed_and_each_taken_back(every_world: World) -> None:
    former: dict[str, Any] = {"variables": {"what": "former"}}
    every_world.write(TWO)
    result, nothing = every_world.change("apply", **former)
    assert not nothing.exists
    assert result.outputs == {"what": "former"}
    assert every_world.run("output").outputs == {"what": "former"}
    kept = every_world.state_file().read_bytes()

    plan = every_world.run("plan", targets="null_resource.one", variables={"what": "second"})
    [change] = plan.resources
    assert (change.action, change.reason) == ("replace", "it cannot be changed in place: triggers")
    assert (plan.changes.add, plan.changes.destroy, plan.changes.replace) == (1, 1, 1)
    assert "triggers.what: 'former' -> 'second'" in plan.diff

    every_world.write(TWO + '\nresource "null_resource" "three" {}\n')
    _, before = every_world.change("apply", **former)
    assert len(every_world.objects()) == 3
    every_world.undo("apply", before, **former)
    assert every_world.state_file().read_bytes() == kept, "nothing was remade, so the state is as it was, to the byte"
    assert every_world.look(**former).same_as(before)

    every_world.write(TWO)
    _, before = every_world.change("destroy", **former)
    assert every_world.objects() == []
    every_world.undo("destroy", before, **former)
    assert every_world.objects() == ["null_resource.one", "null_resource.two"]
    every_world.undo("apply", nothing, **former)
    assert [path.name for path in every_world.directory.iterdir()] == ["main.tf"]


def test_a_plan_for_another_state_is_refused(oldest_world: World) -> None:
    """REIGN's own check, before the binary is started: on the version whose own check is the weakest."""
    world = oldest_world
    world.write(TWO)
    plan = world.run("plan")
    world.run("apply", variables={"what": "somebody else's"})
    before = world.state()
    with pytest.raises(TaskFailed, match="the plan is stale") as failure:
        world.run("apply", plan_file=plan.plan_file)
    assert failure.value.kind is FailureKind.CONFLICT
    assert "planned again: 2 to add, 0 to change, 2 to destroy" in failure.value.message
    assert world.state() == before
    inputs = world.inputs("apply", plan_file=plan.plan_file)
    proposal = OPERATIONS["terraform.apply"].repair(world.context(), inputs, failure.value)
    assert proposal is not None
    assert not proposal.sure, "nobody has seen the new plan"
    assert (
        str(world.run("apply", **proposal.inputs).changes) == "2 to add, 0 to change, 2 to destroy (2 by replacement)"
    )

    plan = world.run("plan", variables={"what": "second"})
    text = world.state_file().read_text()
    world.state_file().write_text(text.replace(before["lineage"], "00000000-other"))
    with pytest.raises(TaskFailed, match="another state"):
        world.run("apply", plan_file=plan.plan_file)


def test_a_stale_plan_with_a_secret_in_clear_is_not_planned_again(oldest_world: World) -> None:
    oldest_world.write(WITH_SECRET)
    plan = oldest_world.run("plan", variables={"password": SECRET})
    oldest_world.run("apply", variables={"password": SECRET + "-two"})
    ctx = oldest_world.context()
    with pytest.raises(TaskFailed, match=r"the plan is stale: .* since it was made$") as failure:
        oldest_world.run("apply", ctx, plan_file=plan.plan_file)
    assert any("cannot be planned again" in line for _, line in ctx.lines)
    inputs = oldest_world.inputs("apply", plan_file=plan.plan_file)
    assert OPERATIONS["terraform.apply"].repair(ctx, inputs, failure.value) is None


def test_sensitive_values_never_in_a_log_a_result_an_observation_or_an_open_file(every_world: World) -> None:
    every_world.write(WITH_SECRET)
    every_world.options["max_destroy"] = 10
    said: list[object] = []
    values: dict[str, Any] = {"variables": {"password": SECRET}}
    said.append(every_world.run("plan", **values).model_dump_json())
    said.append(every_world.run("apply", **values).model_dump_json())
    said.append(every_world.look(**values).model_dump_json())
    said.append(every_world.run("show").model_dump_json())
    said.append(every_world.run("output").model_dump_json())
    _no_open_file_holds_it(every_world)
    changed: dict[str, Any] = {"variables": {"password": SECRET + "-two"}}
    said.append(every_world.run("plan", **changed).model_dump_json())
    said.append(every_world.run("destroy", **changed).model_dump_json())
    text = "\n".join([*map(str, said), every_world.logged()])
    assert "of-the-provisioner" in text or "suppressed" in text
    assert '"plain":"shown"' in text
    assert SECRET not in text
    _no_open_file_holds_it(every_world)


def _no_open_file_holds_it(world: World) -> None:
    """The state in the directory itself is terraform's own affair."""
    holding = []
    for path in world.folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and SECRET.encode() in path.read_bytes():
            if path.is_relative_to(world.directory) or path.stat().st_mode & 0o077 == 0:
                continue
            holding.append(path)
    assert holding == []


def test_workspaces_are_apart(every_world: World) -> None:
    every_world.write(ONE)
    every_world.run("apply", workspace="staging", variables={"what": "of staging"})
    assert every_world.objects("staging") == ["null_resource.one"]
    assert every_world.objects() == []
    assert every_world.run("list_workspaces").workspaces == ["default", "staging"]
    assert every_world.run("output", workspace="staging").outputs == {"what": "of staging"}
    assert every_world.run("output").outputs == {}


def test_more_to_destroy_than_the_limit_asks_first(world: World) -> None:
    """Counted by REIGN in a plan's JSON, which the tests above read from every binary."""
    world.write('resource "null_resource" "many" {\n  count = 5\n}\n')
    world.run("apply")
    world.write('resource "null_resource" "many" {\n  count = 1\n}\n')
    with pytest.raises(NeedsApproval, match="4 objects would be destroyed"):
        world.run("apply")
    assert len(world.state()["resources"][0]["instances"]) == 5
    world.run("apply", world.context(approved=True))
    assert len(world.state()["resources"][0]["instances"]) == 1
