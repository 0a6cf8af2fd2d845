"""The smaller operations: import, workspaces, show, output, and what init and plan tell."""

from __future__ import annotations

import pytest

from reign.executor import FailureKind, NeedsApproval, TaskFailed
from tests.engines import terraform as engines
from tests.integration.terraform.world import ONE, OPERATIONS, TWO, World

DATA = 'resource "terraform_data" "it" {\n  input = "x"\n}\n'


def test_import_takes_an_object_in_and_an_undo_out_again(world: World) -> None:
    world.write(DATA)
    inputs = {"address": "terraform_data.it", "id": "the-one"}
    result, before = world.change("import", **inputs)
    assert world.objects() == ["terraform_data.it"]
    assert world.state()["serial"] == result.state_serial
    again = world.run("import", **inputs)
    assert again.state_serial == result.state_serial, "it is there already"
    with pytest.raises(TaskFailed, match="in the state already, as 'the-one'") as failure:
        world.run("import", address="terraform_data.it", id="another")
    assert failure.value.kind is FailureKind.CONFLICT
    world.undo("import", before, **inputs)
    assert not world.state_file().exists()
    world.undo("import", before, **inputs)


def test_import_beside_what_is_there_keeps_the_rest_undoable(world: World) -> None:
    world.write(ONE)
    world.run("apply")
    former = world.state_file().read_bytes()
    world.write(ONE + DATA)
    inputs = {"address": "terraform_data.it", "id": "the-one"}
    _, before = world.change("import", **inputs)
    assert world.look().state["applied"] is not None
    world.undo("import", before, **inputs)
    assert world.state_file().read_bytes() == former


def test_import_of_what_cannot_be(world: World) -> None:
    world.write(ONE)
    with pytest.raises(TaskFailed, match=r"null_resource\.one") as failure:
        world.run("import", address="null_resource.one", id="x")
    assert failure.value.kind is FailureKind.WRONG_INPUT
    with pytest.raises(TaskFailed) as failure:
        world.run("import", address="null_resource.other", id="x")
    assert failure.value.kind is FailureKind.WRONG_INPUT


def test_workspaces_are_made_and_deleted_and_back(world: World) -> None:
    world.write(ONE)
    _, before = world.change("create_workspace", workspace="staging")
    assert world.run("list_workspaces").workspaces == ["default", "staging"]
    assert world.run("create_workspace", workspace="staging").workspace == "staging"
    world.undo("create_workspace", before, workspace="staging")
    assert world.run("list_workspaces").workspaces == ["default"]
    world.run("create_workspace", workspace="staging")
    _, before = world.change("delete_workspace", workspace="staging")
    assert world.run("delete_workspace", workspace="staging").workspace == "staging"
    world.undo("delete_workspace", before, workspace="staging")
    assert world.run("list_workspaces").workspaces == ["default", "staging"]
    world.undo("delete_workspace", before, workspace="staging")


def test_a_workspace_that_holds_something_is_not_deleted(world: World) -> None:
    world.write(ONE)
    world.run("apply", workspace="staging")
    with pytest.raises(TaskFailed, match="not empty"):
        world.run("delete_workspace", workspace="staging")
    with pytest.raises(TaskFailed, match="default cannot be deleted"):
        world.run("delete_workspace", workspace="default")
    assert world.objects("staging") == ["null_resource.one"]


def test_an_undo_in_a_workspace_that_was_not_there_takes_it_away(world: World) -> None:
    world.write(ONE)
    _, before = world.change("apply", workspace="staging")
    world.undo("apply", before, workspace="staging")
    assert [path.name for path in world.directory.iterdir()] == ["main.tf"]


def test_show_and_output(world: World) -> None:
    world.write(TWO + 'output "key" {\n  value = "correct-horse"\n  sensitive = true\n}\n')
    assert world.run("show").resources == []
    with pytest.raises(TaskFailed) as failure:
        world.run("output", name="what")
    assert failure.value.hint == "the state has no outputs; apply first"
    world.run("apply")
    shown = world.run("show")
    assert [r.address for r in shown.resources] == ["null_resource.one", "null_resource.two"]
    assert shown.resources[0].values["triggers"] == {"what": "first"}
    assert shown.lineage == world.state()["lineage"]
    assert world.run("output", name="what").outputs == {"what": "first"}
    with pytest.raises(TaskFailed, match="'waht' is not there"):
        world.run("output", name="waht")
    with pytest.raises(TaskFailed, match="is sensitive and not shown"):
        world.run("output", name="key")


def test_plans_of_nothing_and_of_everything(world: World) -> None:
    world.write(ONE)
    world.run("apply")
    plan = world.run("plan")
    assert plan.resources == []
    serial = world.state()["serial"]
    assert world.run("apply", plan_file=plan.plan_file).state_serial == serial, "applied by doing nothing"

    plan = world.run("plan", destroy=True)
    assert plan.changes.destroy == 1
    with pytest.raises(NeedsApproval, match="the plan takes everything away"):
        world.run("apply", plan_file=plan.plan_file)
    assert world.run("apply", world.context(approved=True), plan_file=plan.plan_file).resources == []


def test_an_undo_of_a_saved_plan(world: World) -> None:
    world.write(ONE)
    plan = world.run("plan")
    _, before = world.change("apply", plan_file=plan.plan_file)
    world.undo("apply", before, plan_file=plan.plan_file)
    assert not world.state_file().exists()


def test_only_plans_of_terraform_plan_are_applied_and_only_as_they_were_shown(world: World) -> None:
    world.write(ONE)
    with pytest.raises(TaskFailed, match=r"is no plan of terraform\.plan"):
        world.run("apply", plan_file="plan.tfplan")
    with pytest.raises(TaskFailed, match="not there any more"):
        world.run("apply", plan_file="plan:blob:0")
    with pytest.raises(TaskFailed, match="is no saved plan"):
        world.run("apply", plan_file="plan:" + world.blobs.put(b"{}"))
    plan = world.run("plan")
    with pytest.raises(TaskFailed, match="in workspace default, not for"):
        world.run("apply", plan_file=plan.plan_file, workspace="staging")

    record = world.blobs.get(plan.plan_file.removeprefix("plan:"))
    [ref] = [r for r, content in world.blobs.content.items() if content[:2] == b"PK"]
    assert ref.encode() in record
    world.blobs.content[ref] += b" "
    with pytest.raises(TaskFailed, match="not the one that was shown"):
        world.run("apply", plan_file=plan.plan_file)


def test_validate_tells_warnings_and_needs_no_backend(world: World) -> None:
    world.write('terraform {\n  backend "s3" {}\n}\n' + ONE)
    result = world.run("validate")
    assert result.valid
    assert result.diagnostics == []


def test_syntax_errors_are_told_by_validate_and_plan(world: World) -> None:
    world.write('resource "null_resource" "x" {\n')
    for name in ("validate", "plan", "init"):
        with pytest.raises(TaskFailed, match=r"main\.tf:1") as failure:
            world.run(name)
        assert failure.value.details["diagnostics"][0]["line"] == 1


def test_prevent_destroy_is_respected(world: World) -> None:
    world.write('resource "null_resource" "x" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n')
    world.run("apply")
    with pytest.raises(TaskFailed, match="cannot be destroyed") as failure:
        world.run("destroy")
    assert failure.value.kind is FailureKind.CONFLICT
    assert world.objects() == ["null_resource.x"]


def test_an_encrypted_state_of_opentofu(world: World) -> None:
    world.options["binary"] = engines.tofu()
    world.write(
        ONE
        + """
terraform {
  encryption {
    key_provider "pbkdf2" "key" {
      passphrase = "correct-horse-battery-staple"
      iterations = 200000 # the fewest that it takes: each start derives keys anew
    }
    method "aes_gcm" "method" { keys = key_provider.pbkdf2.key }
    state { method = method.aes_gcm.method }
  }
}
"""
    )
    result, before = world.change("apply")
    assert result.outputs == {"what": "first"}
    assert "encrypted_data" in world.state()
    world.undo("apply", before)
    assert not world.state_file().exists()


def test_apply_and_destroy_show_beforehand_what_they_would_do(world: World) -> None:
    world.write(ONE)
    apply, destroy = OPERATIONS["terraform.apply"], OPERATIONS["terraform.destroy"]
    assert destroy.preview(world.context(), world.inputs("destroy")) == ""
    shown = apply.preview(world.context(), world.inputs("apply"))
    assert shown is not None
    assert "+ null_resource.one" in shown
    assert not world.state_file().exists()
    plan = world.run("plan")
    assert apply.preview(world.context(), world.inputs("apply", plan_file=plan.plan_file)) == plan.diff == shown
    world.run("apply")
    assert apply.preview(world.context(), world.inputs("apply")) == ""
    assert "- null_resource.one" in (destroy.preview(world.context(), world.inputs("destroy")) or "")


def test_a_plan_that_changes_nothing_but_an_output_is_carried_out(world: World) -> None:
    world.write('output "what" { value = "first" }\n')
    world.run("apply")
    world.write('output "what" { value = "second" }\n')
    plan = world.run("plan")
    assert plan.resources == []
    assert [change.address for change in plan.outputs] == ["what"]
    assert world.run("apply", plan_file=plan.plan_file).outputs == {"what": "second"}
