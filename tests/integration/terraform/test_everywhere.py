"""What Terraform 1.0, today's Terraform and OpenTofu must do alike: the whole way of a configuration."""

from __future__ import annotations

import pytest

from reign.executor import FailureKind, NeedsApproval, TaskFailed
from tests.integration.terraform.world import ONE, TWO, World

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


def test_init_names_the_providers_and_leaves_the_directory_alone(every_world: World) -> None:
    every_world.write(ONE)
    result = every_world.run("init")
    assert [name.rpartition("/")[2] for name in result.providers] == ["null"]
    assert result.backend == "local"
    assert [path.name for path in every_world.directory.iterdir()] == ["main.tf"]


def test_validate_tells_file_line_and_remedy(every_world: World) -> None:
    every_world.write('resource "null_resource" "one" {\n  triggres = {}\n}\n')
    with pytest.raises(TaskFailed) as failure:
        every_world.run("validate")
    assert failure.value.kind is FailureKind.CHECK_FAILED
    [found] = failure.value.details["diagnostics"]
    assert (found["file"], found["line"], found["severity"]) == ("main.tf", 2, "error")
    assert "triggers" in found["remedy"]
    assert "main.tf:2" in failure.value.message


def test_plan_shows_what_would_change_and_changes_nothing(every_world: World) -> None:
    every_world.write(TWO)
    result = every_world.run("plan")
    assert (result.changes.add, result.changes.change, result.changes.destroy) == (2, 0, 0)
    assert [change.address for change in result.resources] == ["null_resource.one", "null_resource.two"]
    assert "+ null_resource.one" in result.diff
    assert [path.name for path in every_world.directory.iterdir()] == ["main.tf"]


def test_a_replacement_says_why(every_world: World) -> None:
    every_world.write(ONE)
    every_world.run("apply")
    result = every_world.run("plan", variables={"what": "second"})
    [change] = result.resources
    assert (change.action, change.reason) == ("replace", "it cannot be changed in place: triggers")
    assert (result.changes.add, result.changes.destroy, result.changes.replace) == (1, 1, 1)
    assert "triggers.what: 'first' -> 'second'" in result.diff


def test_apply_of_the_plan_that_was_shown_and_only_once(every_world: World) -> None:
    every_world.write(TWO)
    plan = every_world.run("plan")
    every_world.write(TWO.replace("first", "edited meanwhile"))
    result = every_world.run("apply", plan_file=plan.plan_file)
    assert result.outputs == {"what": "first"}, "the plan that was shown, not what the folder says by now"
    assert every_world.objects() == ["null_resource.one", "null_resource.two"]
    serial = every_world.state()["serial"]
    again = every_world.run("apply", plan_file=plan.plan_file)
    assert (again.changes.add, every_world.state()["serial"]) == (0, serial)


def test_a_stale_plan_is_refused_and_says_plan_again(every_world: World) -> None:
    every_world.write(TWO)
    plan = every_world.run("plan")
    every_world.run("apply", variables={"what": "somebody else's"})
    before = every_world.state()
    with pytest.raises(TaskFailed, match="the plan is stale") as failure:
        every_world.run("apply", plan_file=plan.plan_file)
    assert failure.value.kind is FailureKind.CONFLICT
    assert "plan again" in (failure.value.hint or "")
    assert every_world.state() == before


def test_a_plan_is_refused_on_another_state(every_world: World) -> None:
    every_world.write(ONE)
    every_world.run("apply")
    plan = every_world.run("plan", variables={"what": "second"})
    text = every_world.state_file().read_text()
    lineage = every_world.state()["lineage"]
    every_world.state_file().write_text(text.replace(lineage, "00000000-other"))
    with pytest.raises(TaskFailed, match="another state"):
        every_world.run("apply", plan_file=plan.plan_file)


def test_apply_destroy_and_their_undo(every_world: World) -> None:
    every_world.write(TWO)
    result, nothing = every_world.change("apply")
    assert not nothing.exists
    assert result.outputs == {"what": "first"}
    assert every_world.run("output").outputs == {"what": "first"}
    _, before = every_world.change("destroy")
    assert every_world.objects() == []
    every_world.undo("destroy", before)
    assert every_world.objects() == ["null_resource.one", "null_resource.two"]
    every_world.undo("apply", nothing)
    assert [path.name for path in every_world.directory.iterdir()] == ["main.tf"]


def test_undo_applies_the_former_configuration_and_variables(every_world: World) -> None:
    every_world.write(TWO)
    every_world.run("apply", variables={"what": "former"})
    former = every_world.state_file().read_bytes()
    every_world.write(TWO + '\nresource "null_resource" "three" {}\n')
    _, before = every_world.change("apply", variables={"what": "former"})
    assert len(every_world.objects()) == 3
    every_world.undo("apply", before, variables={"what": "former"})
    assert every_world.state_file().read_bytes() == former, "nothing was remade, so the state is as it was, to the byte"
    now = every_world.look(variables={"what": "former"})
    assert now.same_as(before)


def test_sensitive_values_never_in_a_log_a_result_or_an_observation(every_world: World) -> None:
    every_world.write(WITH_SECRET)
    every_world.options["max_destroy"] = 10
    said: list[object] = []
    values = {"variables": {"password": SECRET}}
    said.append(every_world.run("plan", **values).model_dump_json())
    said.append(every_world.run("apply", **values).model_dump_json())
    said.append(every_world.look(**values).model_dump_json())
    said.append(every_world.run("show").model_dump_json())
    said.append(every_world.run("output").model_dump_json())
    changed = {"variables": {"password": SECRET + "-two"}}
    said.append(every_world.run("plan", **changed).model_dump_json())
    said.append(every_world.run("destroy", **changed).model_dump_json())
    text = "\n".join([*map(str, said), every_world.logged()])
    assert "of-the-provisioner" in text or "suppressed" in text
    assert '"plain":"shown"' in text
    assert SECRET not in text


def test_no_secret_stays_in_a_file_that_others_read(every_world: World) -> None:
    every_world.write(WITH_SECRET)
    every_world.run("apply", variables={"password": SECRET})
    holding = []
    for path in every_world.folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and SECRET.encode() in path.read_bytes():
            open_parents = [p for p in path.relative_to(every_world.folder).parts[:1] if p == "infra"]
            if open_parents or path.stat().st_mode & 0o077 == 0:
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


def test_more_to_destroy_than_the_limit_asks_first(every_world: World) -> None:
    every_world.write('resource "null_resource" "many" {\n  count = 5\n}\n')
    every_world.run("apply")
    every_world.write('resource "null_resource" "many" {\n  count = 1\n}\n')
    with pytest.raises(NeedsApproval, match="4 objects would be destroyed"):
        every_world.run("apply")
    assert len(every_world.state()["resources"][0]["instances"]) == 5
    every_world.run("apply", every_world.context(approved=True))
    assert len(every_world.state()["resources"][0]["instances"]) == 1
