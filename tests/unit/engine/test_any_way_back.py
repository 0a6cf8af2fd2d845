"""Whatever is run, taken back and run again: going back to a point brings back the files of that moment."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.core.errors import Conflict
from reign.engine.points import Points
from reign.store.runs import RunRecord
from tests.engines.inline import Inline

_NAMES = st.sampled_from(["a", "b", "d/a", "d/e/a"])
_TASK = st.one_of(
    st.builds(
        lambda p, c: ("bash.write_file", {"path": p, "content": c}), _NAMES, st.sampled_from(["1", "2", "three"])
    ),
    st.builds(lambda p: ("bash.delete_file", {"path": p}), _NAMES),
    st.builds(lambda p, q: ("bash.copy_file", {"source": p, "destination": q}), _NAMES, _NAMES),
    st.builds(lambda p, q: ("bash.move_file", {"source": p, "destination": q}), _NAMES, _NAMES),
    st.builds(lambda p: ("bash.make_directory", {"path": p}), st.sampled_from(["d", "d/e", "f"])),
    st.builds(lambda p, m: ("bash.write_file", {"path": p, "content": "x", "mode": m}), _NAMES, st.just("0600")),
)
#: A run of some tasks one after the other, or the number of an earlier run to take back.
_STEP = st.one_of(st.lists(_TASK, min_size=1, max_size=3), st.lists(_TASK, min_size=1, max_size=3), st.integers(0, 5))


def picture(folder: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(folder)): (path.read_text() if path.is_file() else None, path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def plan(tasks: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    made = {
        f"t{number}": {"uses": uses, "with": inputs, "needs": [f"t{number - 1}"] if number else []}
        for number, (uses, inputs) in enumerate(tasks)
    }
    return {"name": "any", "tasks": made}


def take(inline: Inline, done: list[RunRecord], step: Any) -> None:
    if not isinstance(step, int):
        done.append(inline.run(plan(step), approve=None))  # a task that cannot work fails the run, half way
        return
    if done:
        try:
            done.append(inline.finish(inline.general.rollback(done[step % len(done)].name)))
        except Conflict:  # it changed nothing, or was taken back before
            return


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(before=st.lists(_STEP, max_size=3), after=st.lists(_STEP, min_size=1, max_size=5))
def test_random_runs_and_rollbacks_come_back_to_the_point(before: list[Any], after: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "world").mkdir()
        inline = Inline(Path(folder) / "world")
        try:
            points = Points(inline.runtime, inline.general)
            done: list[RunRecord] = []
            for step in before:
                take(inline, done, step)
            points.checkpoint("here", "dev")
            then = picture(inline.folder)
            for step in after:
                take(inline, done, step)
            if picture(inline.folder) != then:
                back = inline.finish(points.rollback("here", "dev"))
                assert back.state.value == "succeeded", inline.tasks(back)
            assert picture(inline.folder) == then
        finally:
            inline.close()
