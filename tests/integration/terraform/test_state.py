"""The state: backed up, restored, told apart from a damaged one; its lock respected; its drift seen."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from reign.core.resource import Observation
from reign.executor import FailureKind, TaskFailed
from tests.engines import terraform as engines
from tests.integration.terraform.world import ONE, OPERATIONS, SLOW, World, until

LOCAL_FILE = """
resource "local_file" "NAME" {
  filename = "${path.module}/NAME.txt"
  content  = "as it should be"
}
"""


def test_the_state_is_backed_up_before_each_change_and_an_undo_brings_the_former_variables_back(world: World) -> None:
    world.write(ONE)
    world.run("apply", variables={"what": "first"})
    first = world.state_file().read_bytes()
    _, before = world.change("apply", variables={"what": "second"})
    assert first in world.blobs.content.values()
    world.undo("apply", before, variables={"what": "second"})
    assert world.run("output").outputs == {"what": "first"}
    world.undo("apply", before, variables={"what": "second"})  # a second time does no harm
    assert world.run("output").outputs == {"what": "first"}


def test_a_state_that_another_hand_moved_is_not_undone_blindly(world: World) -> None:
    world.write(ONE)
    world.run("apply")
    by_hand(world, "apply", "-auto-approve", "-var", "what=by-hand")
    _, before = world.change("apply", variables={"what": "third"})
    with pytest.raises(TaskFailed, match="changed by somebody else") as failure:
        world.undo("apply", before, variables={"what": "third"})
    assert failure.value.details["state"].startswith("blob:"), "what was there is kept"


def by_hand(world: World, *words: str) -> None:
    """Terraform as a person runs it in the directory."""
    env = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    binary = str(world.options["binary"])
    for command in (["init", f"-plugin-dir={world.plugins}"], list(words)):
        subprocess.run([binary, *command], cwd=world.directory, env=env, check=True, capture_output=True)


def test_a_damaged_state_is_answered_with_the_newest_good_backup_and_left_alone(world: World) -> None:
    world.write(ONE)
    world.run("apply")
    world.run("apply", variables={"what": "second"})
    good = world.state_file().read_bytes()
    world.change("apply", variables={"what": "third"})
    newest = world.state()["serial"]
    damaged = world.state_file().read_bytes()[:200]
    world.state_file().write_bytes(damaged)
    for name in ("apply", "plan", "destroy", "output"):
        with pytest.raises(TaskFailed, match="damaged") as failure:
            world.run(name)
        assert world.state_file().read_bytes() == damaged
        assert failure.value.details["serial"] <= newest
        hint = failure.value.hint or ""
        assert hint.startswith("the newest good backup is serial")
    subprocess.run(["sh", "-c", hint.partition(": ")[2]], check=True)  # what the hint says
    assert world.state_file().with_name("terraform.tfstate.damaged").read_bytes() == damaged
    assert world.state()["lineage"] == failure.value.details["lineage"]
    assert good in world.blobs.content.values()
    world.run("apply", variables={"what": "second"})
    assert world.run("output").outputs == {"what": "second"}


def test_a_damaged_state_without_a_backup_says_so(world: World) -> None:
    world.write(ONE)
    world.state_file().write_text('{"version": 4, "serial"')
    with pytest.raises(TaskFailed, match="damaged") as failure:
        world.run("apply")
    assert "no good backup is known" in (failure.value.hint or "")
    assert world.state_file().read_text() == '{"version": 4, "serial"'


def test_an_empty_state_file_is_no_state(world: World) -> None:
    world.write(ONE)
    world.state_file().touch()
    assert world.run("apply").outputs == {"what": "first"}


def test_two_applies_at_once_make_it_once(every_world: World) -> None:
    world = every_world
    world.write(ONE)
    both = [world.start("apply", world.context(task=f"task-{n}")) for n in (1, 2)]
    results, refused = [], []
    for started in both:
        try:
            results.append(started.ended())
        except TaskFailed as error:
            refused.append(error)
    assert results, "one of them does it"
    for error in refused:
        assert error.kind is FailureKind.CONFLICT
        assert error.retryable or "plan again" in (error.hint or "")
    assert len(world.state()["resources"]) == 1
    assert len(world.state()["resources"][0]["instances"]) == 1
    assert world.run("apply").changes.add == 0


def test_a_lock_that_somebody_holds_is_respected_and_named(world: World) -> None:
    world.write(SLOW.replace("FOLDER", str(world.folder)))
    by_hand(world, "validate")
    env = os.environ | {"CHECKPOINT_DISABLE": "1"}
    command = [str(world.options["binary"]), "apply", "-auto-approve", "-input=false"]
    with subprocess.Popen(command, cwd=world.directory, env=env, stdout=subprocess.DEVNULL) as person:
        until((world.folder / "started").exists)
        lock = (world.directory / ".terraform.tfstate.lock.info").read_bytes()
        with pytest.raises(TaskFailed, match=r"state lock.*held by .* for OperationTypeApply") as failure:
            world.run("plan", lock_timeout=0.5)
        assert failure.value.kind is FailureKind.CONFLICT
        assert failure.value.retryable
        assert (world.directory / ".terraform.tfstate.lock.info").read_bytes() == lock
        (world.folder / "go").touch()
        assert person.wait(60) == 0
    assert sorted(world.objects()) == ["null_resource.fast", "null_resource.slow"]


def test_drift_is_seen_and_mended(every_world: World) -> None:
    world = every_world
    world.plugins = str(engines.local_provider())
    world.write(LOCAL_FILE.replace("NAME", "note"))
    world.write(LOCAL_FILE.replace("NAME", "other"), "other.tf")
    world.run("apply")
    note = world.directory / "note.txt"
    assert note.read_text() == "as it should be", "what it wrote into its working copy is carried back"
    recorded = world.look()
    assert recorded.state["drift"] == []
    note.write_text("changed by hand")
    drifted = world.look()
    assert [entry["address"] for entry in drifted.state["drift"]] == ["local_file.note"]
    assert not drifted.same_as(recorded)
    assert _only_looked_at(world) == drifted.state["drift"], "an apply's own plan tells what -refresh-only tells"
    note.unlink()
    (world.directory / "main.tf").unlink()
    gone = world.look().state["drift"]
    assert [(entry["address"], entry["action"]) for entry in gone] == [("local_file.note", "destroy")]
    assert _only_looked_at(world) == gone
    plan = world.run("plan")
    assert (plan.resources, len(plan.drift)) == ([], 1), "there is drift, and nothing to do about it"
    world.write(LOCAL_FILE.replace("NAME", "note"))
    world.run("apply")
    assert note.read_text() == "as it should be"
    before = world.look()
    world.run("destroy")
    assert not note.exists()
    world.undo("destroy", before)
    assert note.read_text() == "as it should be"


def _only_looked_at(world: World) -> Any:
    """The drift as a look for drift finds it: with no plan of its own."""
    ctx = world.context(undoes=("calm-fox-11", "apply"))
    [seen] = OPERATIONS["terraform.apply"].inspect(ctx, world.inputs("apply"))
    return seen.state["drift"]


def test_another_machine_goes_by_what_was_recorded(world: World) -> None:
    """A pool of several machines: this one has applied nothing itself, the recorded observation says what was."""
    world.write(ONE)
    world.run("apply", variables={"what": "first"})
    seen = world.look()
    for record in (world.folder / "state" / "records").glob("*.json"):
        record.unlink()
    assert world.look().state["applied"] is None
    world.recorded[seen.resource] = seen
    _, before = world.change("apply", variables={"what": "second"})
    world.undo("apply", before, variables={"what": "second"})
    assert world.run("output").outputs == {"what": "first"}


def test_a_state_that_is_damaged_or_lost_is_put_back_and_nothing_is_made_twice(world: World) -> None:
    world.write(ONE)
    world.run("apply")
    recorded, former = world.look(), world.state_file().read_bytes()
    for damage in (None, "{"):
        ctx = world.context()
        if damage is None:
            world.state_file().unlink()
            [now] = OPERATIONS["terraform.apply"].inspect(ctx, world.inputs("apply"))
        else:
            world.state_file().write_text(damage)
            now = Observation.damaged(recorded.resource, "it is damaged")
        OPERATIONS["terraform.apply"].restore(ctx, world.inputs("apply"), [recorded], [now])
        assert world.state_file().read_bytes() == former
        assert world.look().same_as(recorded)
        assert world.state_file().with_name("terraform.tfstate.damaged").exists() == (damage is not None)


@pytest.mark.parametrize("earlier", [True, False], ids=["changed", "made"])
def test_an_undo_on_a_damaged_state_first_puts_the_newest_good_one_back(world: World, earlier: bool) -> None:
    world.write(ONE)
    if earlier:
        world.run("apply")
    _, before = world.change("apply", variables={"what": "second"})
    seen = world.look(variables={"what": "second"})
    world.recorded[seen.resource] = seen
    damaged = world.state_file().read_bytes()[:200]
    world.state_file().write_bytes(damaged)
    kept = world.state_file().with_name("terraform.tfstate.damaged")
    kept.write_bytes(b"of an earlier damage")

    ctx, inputs = world.context(undoes=("calm-fox-11", "apply")), world.inputs("apply", variables={"what": "second"})
    now = OPERATIONS["terraform.apply"].inspect(ctx, inputs)
    assert now[0].is_damaged
    assert world.state_file().read_bytes() == damaged, "looking changes nothing"
    OPERATIONS["terraform.apply"].restore(ctx, inputs, [before], now)
    assert kept.read_bytes() == b"of an earlier damage"
    assert kept.with_name("terraform.tfstate.damaged.1").read_bytes() == damaged
    if earlier:
        assert world.run("output").outputs == {"what": "first"}
    else:
        assert not world.state_file().exists()


def test_an_undo_without_any_good_backup_leaves_the_damaged_state(world: World) -> None:
    world.write(ONE)
    world.state_file().write_text("{")
    with pytest.raises(TaskFailed, match="damaged"):
        OPERATIONS["terraform.apply"].inspect(world.context(undoes=("calm-fox-11", "apply")), world.inputs("apply"))
    assert world.state_file().read_text() == "{"


def test_an_undo_of_what_was_made_with_a_state_that_is_lost_since(world: World) -> None:
    world.write(ONE)
    _, before = world.change("apply")
    seen = world.look()
    world.recorded[seen.resource] = seen
    world.state_file().unlink()
    ctx = world.undo("apply", before)
    assert any("is in its place again" in text for _, text in ctx.lines)
    assert any("1 to destroy" in text for _, text in ctx.lines), ctx.lines
    assert not world.state_file().exists()
    assert not any("in its place" in text for _, text in world.undo("apply", before).lines), "and once only"
