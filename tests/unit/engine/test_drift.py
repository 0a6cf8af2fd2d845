"""Looks for drift, what they find, and what follows: on real files, and on both databases where SQL decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reign.core.drift import Standing, standing
from reign.core.errors import Conflict, NotFound
from reign.core.resource import Observation
from reign.core.states import RunState, TaskState
from reign.engine.drift import DriftCheck
from reign.engine.points import Points
from reign.engine.references import blast
from reign.engine.schedules import Call, actions
from reign.executor import Context, FailureKind, TaskFailed, registry
from reign.store import history, inspections
from tests.engines.inline import Inline

PLAN = {
    "name": "files",
    "tasks": {
        "a": {"uses": "bash.write_file", "with": {"path": "a", "content": "one"}},
        "b": {"uses": "bash.copy_file", "with": {"source": "${{ tasks.a.result.path }}", "destination": "b"}},
    },
}


def look(inline: Inline, *addresses: str, **more: Any) -> dict[str, Any]:
    drift = DriftCheck(inline.runtime, inline.general)
    run = inline.finish(drift.start("dev", addresses, **more))
    assert run.state is RunState.SUCCEEDED
    assert run.kind == "drift"
    return drift.report(run.name)


def test_a_scheduled_look_is_made_once_however_often_it_is_asked_for(inline: Inline) -> None:
    inline.run(PLAN)
    look_for_drift = actions(inline.runtime, inline.general)["drift"]
    first = look_for_drift({}, Call("schedule-1-100.0", "schedule looks"))
    assert look_for_drift({"environment": "dev"}, Call("schedule-1-100.0", "schedule looks")) == first
    assert look_for_drift({}, Call("schedule-1-200.0", "schedule looks")) != first


def standings(report: dict[str, Any]) -> dict[str, str]:
    return {item["address"].rpartition("/")[2]: item["standing"] for item in report["resources"]}


def test_what_differs_is_found_and_restored(either: Inline) -> None:
    drift = DriftCheck(either.runtime, either.general)
    either.run(PLAN)
    assert standings(look(either)) == {"a": "same", "b": "same"}
    (either.folder / "a").write_text("two")
    (either.folder / "b").unlink()
    found = look(either)
    assert standings(found) == {"b": "missing", "a": "changed"}
    assert (found["drifted"], found["unknown"]) == (2, 0)
    [changed] = [item for item in found["resources"] if item["standing"] == "changed"]
    assert [item["path"] for item in changed["differences"]] == ["content", "sha256"]
    shown, _ = drift.repair_preview("dev")
    assert shown is not None
    assert shown.plan.tasks["restore-2-file-b"].needs == ("restore-1-file-a",), "b was made of a"
    run = either.finish(drift.repair("dev"))
    assert (run.kind, run.state) == ("repair", RunState.SUCCEEDED)
    with either.runtime.database.read() as tx:
        [dependant] = blast(tx, "dev", f"bash:file/{either.folder}/a")
    assert dependant["address"] == f"bash:file/{either.folder}/b", "still, though a repair made it last"
    assert [(either.folder / name).read_text() for name in "ab"] == ["one", "one"]
    assert standings(look(either)) == {"a": "same", "b": "same"}
    with pytest.raises(Conflict, match="nothing to restore"):
        drift.repair("dev")
    either.finish(either.general.rollback(run.name))
    assert (either.folder / "a").read_text() == "two", "a repair can be taken back like any run"


def test_a_way_back_goes_past_a_repair_to_what_was_recorded(inline: Inline) -> None:
    drift, points = DriftCheck(inline.runtime, inline.general), Points(inline.runtime, inline.general)
    inline.run(PLAN)
    points.checkpoint("good", "dev")
    (inline.folder / "a").write_text("two")
    look(inline)
    inline.finish(drift.repair("dev"))
    assert points.preview("good", "dev")[0] is None
    inline.run({"name": "more", "tasks": {"a": {"uses": "bash.write_file", "with": {"path": "a", "content": "three"}}}})
    inline.finish(points.rollback("good", "dev"))
    assert (inline.folder / "a").read_text() == "one"


def test_what_is_there_can_be_accepted(either: Inline) -> None:
    drift = DriftCheck(either.runtime, either.general)
    either.run(PLAN)
    (either.folder / "a").write_text("two")
    (either.folder / "b").unlink()
    look(either)
    assert drift.accept("dev", ["world/a"], by="me") == [f"bash:file/{either.folder}/a"]
    found = look(either)
    assert standings(found) == {"b": "missing", "a": "same"}
    with either.runtime.database.read() as tx:
        versions = history.versions(tx, "dev", f"bash:file/{either.folder}/a")
    assert [(item["kind"], item["run"] == found["run"]) for item in versions] == [
        ("created", False),
        ("accepted", False),
    ]
    drift.accept("dev", by="me")
    assert standings(look(either)) == {"a": "same"}
    with pytest.raises(Conflict, match="nothing to accept"):
        drift.accept("dev", by="me")


def test_a_look_says_nothing_about_what_a_run_changed_since(inline: Inline) -> None:
    drift = DriftCheck(inline.runtime, inline.general)
    inline.run(PLAN)
    (inline.folder / "a").write_text("two")
    look(inline)
    with inline.runtime.database.read() as tx:
        [found] = [item for item in inspections.listing(tx) if item.standing is Standing.CHANGED]
    inline.run({"name": "more", "tasks": {"a": {"uses": "bash.write_file", "with": {"path": "a", "content": "three"}}}})
    assert drift.repair_preview("dev")[0] is None
    with inline.runtime.database.write() as tx, pytest.raises(Conflict, match="since it was looked at"):
        inspections.accept(tx, found, 0.0)
    assert (inline.folder / "a").read_text() == "three"


def test_what_was_removed_by_a_run_is_no_drift_and_a_look_alike_is_left_alone(inline: Inline) -> None:
    drift = DriftCheck(inline.runtime, inline.general)
    run = inline.run(PLAN)
    inline.finish(inline.general.rollback(run.name))
    with pytest.raises(Conflict, match="nothing is recorded"):
        drift.start("dev")
    assert look(inline, removed=True)["resources"] == []
    (inline.folder / "a").write_text("mine")
    found = look(inline, removed=True)
    assert standings(found) == {"a": "unmanaged"}
    assert found["drifted"] == 0
    with pytest.raises(Conflict, match="nothing to restore"):
        drift.repair("dev")


def test_a_repair_leaves_what_is_recorded_as_gone_to_those_who_made_it_since(inline: Inline) -> None:
    inline.run({"name": "x", "tasks": {"a": {"uses": "bash.write_file", "with": {"path": "a", "content": "one"}}}})
    move = {"uses": "bash.move_file", "with": {"source": "a", "destination": "b"}}
    inline.run({"name": "y", "tasks": {"move": move}})
    (inline.folder / "b").unlink()
    (inline.folder / "a").write_text("mine")
    drift = DriftCheck(inline.runtime, inline.general)
    assert standings(look(inline)) == {"b": "missing", "a": "unmanaged"}
    assert inline.finish(drift.repair("dev")).state is RunState.SUCCEEDED
    assert [(inline.folder / name).read_text() for name in "ab"] == ["mine", "one"]


def failing(inline: Inline, monkeypatch: pytest.MonkeyPatch, kind: FailureKind) -> dict[str, Any]:
    """A look while the engine of write_file says that it cannot."""
    operation = registry.operation("bash.write_file")

    def inspect(ctx: Context, inputs: Any) -> Sequence[Observation]:
        raise TaskFailed("it is not well", kind=kind)

    with monkeypatch.context() as patch:
        patch.setattr(operation, "inspect", inspect, raising=False)
        return look(inline)


def test_an_engine_that_does_not_answer_leaves_things_unknown(inline: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    inline.run(PLAN)
    found = failing(inline, monkeypatch, FailureKind.TRANSIENT)
    assert standings(found) == {"a": "unknown", "b": "same"}
    assert (found["drifted"], found["unknown"]) == (0, 1)
    assert found["resources"][0]["detail"] == "it is not well"
    assert DriftCheck(inline.runtime, inline.general).repair_preview("dev")[0] is None


def test_what_cannot_be_read_is_damaged_and_repaired_and_no_undo_goes_back_to_it(
    inline: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift = DriftCheck(inline.runtime, inline.general)
    inline.run(PLAN)
    (inline.folder / "a").write_text("garbage")
    assert standings(failing(inline, monkeypatch, FailureKind.CONFLICT)) == {"a": "damaged", "b": "same"}
    with pytest.raises(Conflict, match="nothing to accept"):
        drift.accept("dev", by="me")
    operation = registry.operation("bash.write_file")
    honest, looks = operation.inspect, []

    def inspect(ctx: Context, inputs: Any) -> Sequence[Observation]:
        looks.append(1)
        if len(looks) == 1:
            raise TaskFailed("it is not well", kind=FailureKind.CONFLICT)
        return honest(ctx, inputs)

    monkeypatch.setattr(operation, "inspect", inspect, raising=False)
    shown, _ = drift.repair_preview("dev")
    assert shown is not None
    assert shown.undo["none"] == ["restore-1-file-a"], "said before it runs"
    assert "damaged" in shown.tasks[0].assessment.note
    repaired = inline.finish(drift.repair("dev"))
    assert repaired.state is RunState.SUCCEEDED
    assert (inline.folder / "a").read_text() == "one"
    _, found = inline.general.rollback_preview(repaired.name)
    assert found.plan is None
    assert "damaged" in next(iter(found.impossible.values()))


def test_a_rollback_that_met_damage_can_be_rolled_back_to_what_was_recorded_before_it(
    either: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.run(PLAN)
    changed = either.run(
        {"name": "more", "tasks": {"a": {"uses": "bash.write_file", "with": {"path": "a", "content": "two"}}}}
    )
    (either.folder / "a").write_text("garbage")
    operation = registry.operation("bash.write_file")
    honest, looks = operation.inspect, []

    def inspect(ctx: Context, inputs: Any) -> Sequence[Observation]:
        looks.append(1)  # as terraform's look before an undo tells it
        seen = honest(ctx, inputs)
        return seen if len(looks) > 1 else [Observation.damaged(item.resource, "garbage") for item in seen]

    with monkeypatch.context() as patch:
        patch.setattr(operation, "inspect", inspect, raising=False)
        back = either.finish(either.general.rollback(changed.name))
    assert back.state is RunState.SUCCEEDED
    assert (either.folder / "a").read_text() == "one"
    _, found = either.general.rollback_preview(back.name)
    assert not found.impossible
    assert either.finish(either.general.rollback(back.name)).state is RunState.SUCCEEDED
    assert (either.folder / "a").read_text() == "two", "not the damage"


def test_nobody_looks_without_a_pool(inline: Inline) -> None:
    drift = DriftCheck(inline.runtime, inline.general)
    inline.run(PLAN)
    run = drift.start("dev")
    assert inline.tasks(run).popitem()[1].state is TaskState.READY
    found = drift.report(run.name)
    assert found["unknown"] == 2
    assert "is a bash pool there?" in found["resources"][0]["detail"]
    inline.finish(run)


def test_what_is_not_recorded_is_not_found(inline: Inline) -> None:
    run = inline.run(PLAN)
    with pytest.raises(NotFound, match="no resource 'nothing'"):
        look(inline, "nothing")
    with pytest.raises(NotFound, match="did not look"):
        DriftCheck(inline.runtime, inline.general).report(run.name)
    assert standings(look(inline, "world/b")) == {"b": "same"}


def test_another_object_of_the_same_name_is_told_from_a_changed_one() -> None:
    def seen(number: str, **state: Any) -> Observation:
        return Observation(resource="docker:container/web", exists=True, state=state, facts={"id": number})

    gone = Observation.absent("docker:container/web")
    assert standing(seen("1", a=1), seen("1", a=2)) is Standing.CHANGED
    assert standing(seen("1", a=1), seen("2", a=2)) is Standing.REPLACED
    assert standing(seen("1", a=1), seen("2", a=1)) is Standing.SAME
    assert standing(seen("1", a=1), gone) is Standing.MISSING
    assert standing(gone, seen("1", a=1)) is Standing.UNMANAGED
    assert standing(gone, gone) is Standing.SAME
    assert standing(seen("1"), Observation.damaged("docker:container/web", "x")) is Standing.DAMAGED


def test_a_way_back_says_what_was_accepted_since(inline: Inline) -> None:
    drift, points = DriftCheck(inline.runtime, inline.general), Points(inline.runtime, inline.general)
    inline.run(PLAN)
    points.checkpoint("good", "dev", by="ann")
    (inline.folder / "a").write_text("two")
    look(inline)
    drift.accept("dev", by="ann")
    _, found = points.preview("good", "dev")
    assert found.plan is None
    assert [note.partition(": ")[0] for note in found.notes] == [f"bash:file/{inline.folder}/a"]
