"""Points, rollbacks and rollbacks of rollbacks, on real files; what SQL decides on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from reign.core.errors import Conflict, InvalidInput, NotFound
from reign.core.resource import Undo
from reign.core.states import RunState
from reign.engine.points import Points
from reign.store import history
from tests.engines.inline import Inline


def write(path: str, content: str, *needs: str) -> dict[str, Any]:
    return {"uses": "bash.write_file", "needs": list(needs), "with": {"path": path, "content": content}}


def plan(**tasks: Any) -> dict[str, Any]:
    return {"name": "files", "tasks": tasks}


def world(inline: Inline) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(inline.folder.rglob("*")) if path.is_file()}


def test_back_to_a_point_over_several_runs(either: Inline) -> None:
    points = Points(either.runtime, either.general)
    either.run(plan(a=write("a", "1")))
    made = points.checkpoint("good", "dev")
    assert (made.name, made.environment, made.run_id) == ("good", "dev", None)
    before = world(either)
    one = either.run(plan(a=write("a", "2"), b=write("b", "2", "a")))
    two = either.run(plan(b=write("b", "3"), c=write("c", "3")))
    shown, found = points.preview("good", "dev")
    assert shown is not None
    assert found.impossible == {}
    # The undo of the first task that touched b is enough: two/b needs none.
    assert sorted(task.undo_of.run for task in shown.plan.tasks.values() if task.undo_of) == sorted(
        [one.name, one.name, two.name]
    )
    back = either.finish(points.rollback("good", "dev", requested_by="me"))
    assert back.state is RunState.SUCCEEDED
    assert back.kind == "rollback"
    assert world(either) == before
    with either.runtime.database.read() as tx:
        taken = {name: history.find(tx, name).run for name in ("world/a", "world/b", "world/c")}
    assert set(taken.values()) == {back.name}
    _, found = points.preview("good", "dev")
    assert found.plan is None
    with pytest.raises(Conflict, match="nothing stands"):
        points.rollback("good", "dev")


def test_a_command_that_was_taken_back_runs_again_when_that_is_taken_back(inline: Inline) -> None:
    command = {"command": "echo made >> log; touch made", "undo": "echo gone >> log; rm made"}
    run = inline.run(plan(a={"uses": "bash.run", "with": command}))
    shown, _ = inline.general.rollback_preview(run.name)
    assert shown is not None
    assert [task.assessment.undo for task in shown.tasks] == [Undo.COMPENSATING]
    for turn in ("made gone", "made gone made", "made gone made gone"):
        run = inline.finish(inline.general.rollback(run.name))
        assert run.state is RunState.SUCCEEDED
        assert world(inline)["log"].split() == turn.split()
        assert ("made" in world(inline)) is turn.endswith("made")


def test_a_rollback_of_the_rollback_and_back_again(either: Inline) -> None:
    points = Points(either.runtime, either.general)
    points.checkpoint("start", "dev")
    either.run(plan(a=write("a", "1")))
    either.run(plan(a=write("a", "2"), b=write("b", "2")))
    after = world(either)
    back = either.finish(points.rollback("start", "dev"))
    assert world(either) == {}
    again = either.finish(either.general.rollback(back.name))
    assert again.state is RunState.SUCCEEDED
    assert world(either) == after
    either.finish(points.rollback("start", "dev"))
    assert world(either) == {}


def test_a_run_that_was_taken_back_is_not_taken_back_twice(inline: Inline) -> None:
    run = inline.run(plan(a=write("a", "1")))
    back = inline.finish(inline.general.rollback(run.name))
    with pytest.raises(Conflict, match="nothing to take back") as told:
        inline.general.rollback(run.name)
    assert back.name in str(told.value)
    inline.finish(inline.general.rollback(back.name))
    assert world(inline) == {"a": "1"}
    inline.finish(inline.general.rollback(run.name))
    assert world(inline) == {}


def test_a_rollback_that_fails_half_way_goes_on_where_it_was(inline: Inline) -> None:
    run = inline.run(plan(a=write("d/a", "1"), b=write("b", "1", "a")))
    elsewhere = inline.folder.parent / "elsewhere"
    (inline.folder / "d").rename(elsewhere)
    (inline.folder / "d").symlink_to(elsewhere)  # links are not followed: the undo of a cannot go on
    back = inline.finish(inline.general.rollback(run.name))
    assert back.state is RunState.FAILED
    assert {name: task.state.value for name, task in inline.tasks(back).items()} == {
        "undo-b": "succeeded",
        "undo-a": "failed",
    }
    (inline.folder / "d").unlink()
    elsewhere.rename(inline.folder / "d")
    shown, _ = inline.general.rollback_preview(run.name)
    assert shown is not None
    assert list(shown.plan.tasks) == ["undo-a"], "what has been taken back is not taken back again"
    assert inline.finish(inline.general.retry(back.name)).state is RunState.SUCCEEDED
    assert world(inline) == {}


def test_later_changes_are_told_before_a_run_is_taken_back(inline: Inline) -> None:
    run = inline.run(plan(a=write("a", "1")))
    later = inline.run(plan(a=write("a", "2")))
    _, found = inline.general.rollback_preview(run.name)
    assert [later.name in note for note in found.notes] == [True]


def test_what_cannot_be_taken_back_is_named(inline: Inline) -> None:
    points = Points(inline.runtime, inline.general)
    points.checkpoint("start", "dev")
    run = inline.run(plan(a=write("a", "1"), run={"uses": "bash.run", "with": {"command": "touch made"}}))
    assert run.state is RunState.SUCCEEDED
    shown, found = points.preview("start", "dev")
    assert found.impossible == {"run": "no `undo` command was given"}
    assert shown is not None
    assert list(shown.plan.tasks) == ["undo-a"]


def test_points_are_named_once_and_found_by_name(inline: Inline) -> None:
    points = Points(inline.runtime, inline.general)
    points.checkpoint("good", "dev")
    points.checkpoint("good", "prod")
    with pytest.raises(Conflict):
        points.checkpoint("good", "dev")
    with pytest.raises(InvalidInput):
        points.checkpoint("no good", "dev")
    with pytest.raises(NotFound, match="did you mean 'good'"):
        points.preview("goood", "dev")
    run = inline.run(plan(a=write("a", "1")))
    listed = points.listing("dev")
    assert [(item["name"], item["kind"], item["changes"]) for item in listed] == [
        (run.name, "apply", 1),
        ("good", "checkpoint", 1),
    ]
    assert len(points.listing()) == 3


def test_environments_are_apart(inline: Inline) -> None:
    points = Points(inline.runtime, inline.general)
    points.checkpoint("start", "dev")
    inline.run(plan(a=write("a", "1")), environment="prod")
    assert points.preview("start", "dev")[0] is None


def test_a_run_that_moves_holds_a_way_back_up(inline: Inline) -> None:
    points = Points(inline.runtime, inline.general)
    points.checkpoint("start", "dev")
    run = inline.submit(plan(a=write("a", "1")))
    with pytest.raises(Conflict, match=run.name):
        points.rollback("start", "dev")
    inline.finish(run)
    assert inline.finish(points.rollback("start", "dev")).state is RunState.SUCCEEDED


@pytest.mark.parametrize("where", ["plan", "task"])
def test_on_failure_rollback_takes_a_run_back_once(either: Inline, where: str) -> None:
    fails: dict[str, Any] = {"uses": "bash.delete_file", "needs": ["a"], "with": {"path": "/etc/nothing"}}
    given = plan(a=write("a", "1"), bad=fails)
    if where == "plan":
        given["on_failure"] = "rollback"
    else:
        fails["on_failure"] = "rollback"
    run = either.run(given)
    assert run.state is RunState.FAILED
    assert world(either) == {"a": "1"}
    assert either.general.roll_back_failed() == [run.name]
    either.finish(run)
    assert world(either) == {}
    assert either.general.roll_back_failed() == []
    plain = either.run(plan(a=write("a", "1"), bad={k: v for k, v in fails.items() if k != "on_failure"}))
    assert plain.state is RunState.FAILED
    assert either.general.roll_back_failed() == []
