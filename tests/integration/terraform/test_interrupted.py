"""Applies that do not come to their end: errors half way, a worker that is killed, a cancel, a time that is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed, TimedOut
from tests.integration.terraform.world import SLOW, World, until

HALF_WAY = """
resource "null_resource" "first" {}
resource "null_resource" "second" {
  depends_on = [null_resource.first]
  provisioner "local-exec" { command = "test -e FOLDER/mended" }
}
"""


def ids(world: World) -> dict[str, str]:
    return {r["name"]: r["instances"][0]["attributes"]["id"] for r in world.state()["resources"]}


def tainted(world: World) -> list[str]:
    return [r["name"] for r in world.state()["resources"] if r["instances"][0].get("status") == "tainted"]


def test_an_error_half_way_is_recorded_and_the_rest_resumed(world: World) -> None:
    world.write(HALF_WAY.replace("FOLDER", str(world.folder)))
    with pytest.raises(TaskFailed) as failure:
        world.run("apply")
    assert failure.value.retryable, "terraform goes on from where it stopped"
    assert "local-exec" in failure.value.message
    assert "main.tf:5" in failure.value.message
    assert failure.value.details["state"]["changed_addresses"] == ["null_resource.first", "null_resource.second"]
    before = ids(world)
    assert tainted(world) == ["second"]
    (world.folder / "mended").touch()
    result = world.run("apply")
    assert ids(world)["first"] == before["first"], "what was made is not made again"
    assert tainted(world) == []
    assert (result.changes.add, result.changes.destroy) == (1, 1)


def test_what_failed_half_way_can_be_taken_back(world: World) -> None:
    world.write(HALF_WAY.replace("FOLDER", str(world.folder)))
    before = world.look()
    with pytest.raises(TaskFailed):
        world.run("apply")
    world.undo("apply", before)
    assert not world.state_file().exists()


def test_after_a_failure_an_undo_still_goes_back_to_what_was_applied_before(world: World) -> None:
    world.write('resource "null_resource" "first" {}\n')
    world.run("apply")
    first = ids(world)["first"]
    world.write(HALF_WAY.replace("FOLDER", str(world.folder)))
    with pytest.raises(TaskFailed):
        world.run("apply")
    (world.folder / "mended").touch()
    _, before = world.change("apply")
    world.undo("apply", before)
    assert ids(world) == {"first": first}


def _killed_worker(world: World, plan_file: str | None) -> None:
    """Applies in a worker process of its own, which is killed while the second object is being made."""
    script = Path(__file__).with_name("worker.py")
    arguments = [str(world.folder), str(world.options["binary"]), world.plugins, plan_file or ""]
    records = world.context().state_dir / "records"
    worker = subprocess.Popen([sys.executable, str(script), *arguments], start_new_session=True)
    try:
        until((world.folder / "started").exists)
        until(lambda: "null_resource.slow" in _in_flight(records))  # the worker has read that it began
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    until(lambda: not _programs(world))  # terraform and its providers end with their worker
    (world.folder / "go").touch()


def _in_flight(records: Path) -> list[str]:
    """What the records on disk say is being worked on."""
    kept = (json.loads(file.read_text()) for file in records.glob("*.json"))
    return [address for record in kept for address in record["in_flight"]]


def _programs(world: World) -> list[str]:
    """Terraforms that apply, and the providers that they started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        here = any(str(world.folder).encode() in word for word in words)
        if here and (b"apply" in words or b"terraform-provider" in words[0]):
            found.append(process.name)
    return found


def test_a_worker_killed_in_the_middle_is_settled_and_the_rest_done(world: World) -> None:
    world.write(SLOW.replace("FOLDER", str(world.folder)))
    world.look()
    _killed_worker(world, None)
    made = ids(world)
    assert "fast" in made
    result = world.run("apply")
    assert ids(world)["fast"] == made["fast"]
    assert tainted(world) == []
    assert sorted(world.objects()) == ["null_resource.fast", "null_resource.slow"]
    assert result.resources == ["null_resource.fast", "null_resource.slow"]
    assert "cut off while it worked on null_resource.slow" in world.logged()


def test_a_saved_plan_cut_off_in_the_middle_is_carried_out_to_its_end(world: World) -> None:
    world.write(SLOW.replace("FOLDER", str(world.folder)))
    plan = world.run("plan")
    _keep(world)
    _killed_worker(world, plan.plan_file)
    assert "fast" in ids(world)
    world.run("apply", plan_file=plan.plan_file)
    assert sorted(world.objects()) == ["null_resource.fast", "null_resource.slow"]
    assert "an earlier attempt carried out part of the plan" in world.logged()


def test_another_task_does_not_go_on_with_a_plan_that_was_cut_off(world: World) -> None:
    world.write(SLOW.replace("FOLDER", str(world.folder)))
    plan = world.run("plan")
    _keep(world)
    _killed_worker(world, plan.plan_file)
    with pytest.raises(TaskFailed, match="stale"):
        world.run("apply", world.context(task="another"), plan_file=plan.plan_file)


def _keep(world: World) -> None:
    """The other process must find the blobs."""
    for ref, content in world.blobs.content.items():
        (world.folder / "blobs").mkdir(exist_ok=True)
        (world.folder / "blobs" / ref.replace(":", "-")).write_bytes(content)


def test_a_cancel_stops_terraform_in_order(every_world: World) -> None:
    world = every_world
    world.write(SLOW.replace("FOLDER", str(world.folder)))
    ctx = world.context()
    applying = world.start("apply", ctx)
    until((world.folder / "started").exists)
    asked = time.monotonic()
    ctx.cancelled.set()
    with pytest.raises(Cancelled):
        applying.ended()
    assert time.monotonic() - asked < 5
    assert _programs(world) == []
    assert "Stopping operation" in world.logged(), "it was asked, not killed"
    assert tainted(world) == ["slow"], "what was begun is written down"
    (world.folder / "go").touch()
    world.run("apply")
    assert tainted(world) == []


def test_a_time_that_is_up_stops_it_as_well(world: World) -> None:
    world.write(SLOW.replace("FOLDER", str(world.folder)))
    with pytest.raises(TimedOut):
        world.run("apply", world.context(timeout=15.0))
    assert (world.folder / "started").exists()
    assert tainted(world) == ["slow"]


def test_progress_is_told_resource_by_resource(world: World) -> None:
    world.write('resource "null_resource" "one" {}\nresource "null_resource" "two" {}\n')
    ctx = world.context()
    world.run("apply", ctx)
    said = [(r["message"], r["done"], r["total"]) for r in ctx.reports if r["total"] is not None]
    assert {message for message, _, _ in said} >= {"null_resource.one: creating", "null_resource.two: created"}
    assert said[-1][1:] == (2, 2)


def test_credentials_that_are_refused_are_told_apart(world: World) -> None:
    world.write(
        'resource "null_resource" "x" {\n  provisioner "local-exec" { command = "echo AccessDenied; exit 1" }\n}\n'
    )
    with pytest.raises(TaskFailed) as failure:
        world.run("apply")
    assert failure.value.kind is FailureKind.PERMISSION
