"""Compiling and previewing plans; crash points; who a process is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reign.config import Settings
from reign.core.errors import Refused
from reign.core.plan import Plan
from reign.core.resource import Undo
from reign.engine import identity
from reign.engine.compile import compile_plan
from reign.engine.crash import POINTS, CrashPoints
from reign.engine.preview import Preview, TaskPreview, preview
from reign.executor.contract import Assessment, Effect
from reign.executor.registry import catalog


def plan(**tasks: Any) -> Plan:
    return Plan.model_validate({"name": "web", "tasks": tasks})


def noop(**given: Any) -> dict[str, Any]:
    return {"uses": "probe.noop", **given}


LINE = {"ledger": "l", "line": "x"}


def test_compiled_tasks_have_their_place() -> None:
    made = compile_plan(
        plan(d=noop(needs=["b", "c"]), a=noop(), b=noop(needs=["a"], approval="required"), c=noop(needs=["a"]),
             e=noop(needs=["d"], **{"if": "always()"})),
        segment_limit=8,
        approvals={"a": "granted"},
    )  # fmt: skip
    assert [task.name for task in made] == ["d", "a", "b", "c", "e"]
    assert [task.ordinal for task in made] == [0, 1, 2, 3, 4]
    assert [task.needs for task in made] == [(2, 3), (), (1,), (1,), (0,)]
    assert [task.rest for task in made] == [(4,), (), (), (), ()]
    assert [task.sink for task in made] == [False, False, False, False, True]
    assert [task.asks_status for task in made] == [False, False, False, False, True]
    assert [task.approval for task in made] == [None, "granted", "required", None, None]
    assert made[0].agent == "probe"
    assert made[0].spec == {"uses": "probe.noop", "needs": ["b", "c"]}


def test_a_preview_says_who_must_say_yes() -> None:
    found = preview(
        plan(
            look=noop(with_={}), add={"uses": "probe.append", "with": LINE},
            blind={"uses": "probe.blind", "with": LINE},
            Never={"uses": "probe.irreversible", "with": LINE, "needs": ["add"]}, wait=noop(approval="required"),
        ),
        catalog(),
    )  # fmt: skip
    found.refusals()
    assert found.approvals(frozenset()) == {"Never": "required", "wait": "required"}
    assert found.approvals(frozenset({"Never"})) == {"Never": "granted", "wait": "required"}
    assert found.approvals(None) == {"look": "granted", "add": "granted", "blind": "granted", "Never": "granted",
                                     "wait": "required"}  # fmt: skip
    assert found.undo["exact"] == ["add"]
    assert found.undo["summary"] == (
        "1 of 3 changes can be taken back exactly; 1 only as a best effort (blind); 1 cannot be taken back (Never)."
    )
    shown = found.as_dict()
    assert shown["levels"] == [["look", "add", "blind", "wait"], ["Never"]]
    assert shown["digest"] == found.plan.digest
    assert shown["tasks"][3]["asks"] == "probe.irreversible cannot be taken back"
    assert shown["tasks"][4]["approval"] == "required"
    assert shown["tasks"][1]["with"] == LINE


@pytest.mark.parametrize(
    ("undo", "sentence"),
    [
        (Undo.UNNEEDED, "Nothing is changed."),
        (Undo.EXACT, "All of it can be taken back exactly."),
        (Undo.COMPENSATING, "1 only as a best effort (a)."),
        (Undo.NONE, "1 cannot be taken back (a)."),
    ],
)
def test_the_sentence_about_undo(undo: Undo, sentence: str) -> None:
    made = plan(a=noop())
    found = Preview(made, (TaskPreview("a", made.tasks["a"], Assessment(Effect.CHANGE, undo)),))
    assert found.undo["summary"] == sentence


def test_what_is_refused_is_named() -> None:
    made = plan(a=noop())
    assessment = Assessment(Effect.CHANGE, Undo.NONE, refuses="it wipes the disk")
    with pytest.raises(Refused, match=r"task a \(probe.noop\): it wipes the disk"):
        Preview(made, (TaskPreview("a", made.tasks["a"], assessment),)).refusals()


def crashed(code: str) -> int:
    setup = "from reign.config import Settings; from reign.engine.crash import CrashPoints\n"
    return subprocess.run([sys.executable, "-c", setup + code], check=False, timeout=60).returncode


def test_crash_points_kill_only_where_they_say(tmp_path: Path) -> None:
    code = "CrashPoints(Settings(testing=True, crash_point={!r})).reach('after-apply')"
    assert crashed(code.format("after-apply")) == -signal.SIGKILL
    marked = code.format(f"after-apply@{tmp_path}/once")
    assert crashed(marked) == -signal.SIGKILL
    assert crashed(marked) == 0


def test_crash_points_are_for_tests_only() -> None:
    quiet = [
        Settings(crash_point="after-claim"), Settings(testing=True), Settings(testing=True, crash_point="after-claim@"),
    ]  # fmt: skip
    for settings in quiet:
        for point in POINTS[1:]:
            CrashPoints(settings).reach(point)
    CrashPoints(quiet[0]).reach("after-claim")
    with pytest.raises(ValueError, match="no crash point 'never'"):
        CrashPoints(Settings(testing=True, crash_point="never"))


def test_a_process_has_one_birth(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = identity.born(os.getpid())
    assert mine is not None
    assert mine == identity.born(os.getpid())
    assert identity.here(mine)
    assert not identity.here("other:boot:1")
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert identity.born(child.pid) is None
    assert identity.worker_id() != identity.worker_id()
    monkeypatch.setattr(Path, "readlink", lambda self: Path("/nowhere/at/all").read_bytes())
    assert not identity.here(mine)


def test_without_proc_the_host_is_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self: Path("/nowhere/at/all").read_bytes())
    assert identity.boot_id.__wrapped__() == identity.socket.gethostname()


def test_a_marked_crash_point_kills_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: killed.append(what))
    points = CrashPoints(Settings(testing=True, crash_point=f"after-intent@{tmp_path}/once"))
    for point in ("after-claim", "after-intent", "after-intent"):
        points.reach(point)
    assert killed == [(os.getpid(), signal.SIGKILL)]
