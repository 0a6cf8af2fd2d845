"""What a running operation is given, and how it fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reign.executor import registry
from reign.executor.failures import Cancelled, FailureKind, NeedsApproval, PutBack, TaskFailed, TimedOut
from reign.executor.testing import MemoryBlobs, make_context, run_operation
from reign.security.masking import Masker


def test_folders_paths_and_labels(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    assert not ctx.scratch_path.exists()
    assert ctx.scratch.stat().st_mode & 0o777 == ctx.state_dir.stat().st_mode & 0o777 == 0o700
    assert ctx.path("a/b") == tmp_path / "a/b"
    assert ctx.path("~/x") == Path.home() / "x"
    assert ctx.labels == {"reign.run": "test-run-1", "reign.task": "task", "reign.attempt": "1"}
    assert ctx.origin == ("test-run-1", "task")
    assert make_context(tmp_path, undoes=("r", "t")).origin == ("r", "t")
    assert ctx.recorded("x:y/z") is None


def test_what_is_said_is_masked(tmp_path: Path) -> None:
    ctx = make_context(tmp_path, masker=Masker({"secret://env/A": "hunter2x"}))
    ctx.log("a hunter2x\nb")
    ctx.log("")
    ctx.progress("at hunter2x", 1, 2)
    assert ctx.lines == [("log", "a ***"), ("log", "b"), ("log", "")]
    assert ctx.reports == [{"message": "at ***", "done": 1, "total": 2}]


def test_waits_end_early(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    ctx.check()
    found = iter([None, 0, "there"])
    assert ctx.until(lambda: next(found), every=0.001) == "there"
    ctx.cancelled.set()
    ctx.cancel_reason = "enough"
    started = time.monotonic()
    with pytest.raises(Cancelled, match="enough"):
        ctx.wait(30)
    assert time.monotonic() - started < 10
    late = make_context(tmp_path, timeout=-1)
    assert late.remaining() == 0
    with pytest.raises(TimedOut):
        late.wait(30)


def test_a_tool_writes_to_the_log(tmp_path: Path) -> None:
    ctx = make_context(tmp_path, masker=Masker({"secret://env/A": "hunter2x"}))
    assert ctx.tool(["sh", "-c", "pwd; echo hunter2x"]).stdout == f"{tmp_path}\nhunter2x\n"
    assert ctx.lines == [("stdout", str(tmp_path)), ("stdout", "***")]
    own: list[str] = []
    ctx.tool(["echo", "x"], cwd=Path("/"), on_line=lambda _, line: own.append(line))
    assert own == ["x"]
    with pytest.raises(TimedOut):
        ctx.tool(["sleep", "30"], timeout=0.1)


def test_what_took_too_long_says_how_long_it_was_given(tmp_path: Path) -> None:
    ctx = make_context(tmp_path, timeout=0.2)
    with pytest.raises(TimedOut, match=r"not done after 0\.2 s"):
        ctx.wait(5)
    ctx = make_context(tmp_path, timeout=0.5)
    ctx.wait(0.2)
    with pytest.raises(TimedOut, match=r"not done after 0\.5 s"):
        ctx.tool(["sleep", "30"])


def test_failures_say_what_may_follow() -> None:
    assert TaskFailed("x").as_dict() == {
        "message": "x", "kind": "unknown", "hint": None, "retryable": False, "details": {},
    }  # fmt: skip
    assert TaskFailed("x", kind=FailureKind.TRANSIENT).retryable
    assert not TaskFailed("x", kind=FailureKind.TRANSIENT, retryable=False).retryable
    assert TimedOut(1.5).message == "not done after 1.5 s"
    assert (NeedsApproval("why").kind, NeedsApproval("why").retryable) == (FailureKind.PERMISSION, False)
    assert (PutBack(3, "later").seconds, str(PutBack(3, "later"))) == (3, "later")


def test_one_operation_runs_without_an_engine(tmp_path: Path) -> None:
    append = registry.operation("probe.append")
    inputs = append.Inputs(ledger="ledger", line="a")
    ctx = make_context(tmp_path)
    for _ in range(2):
        assert run_operation(append, ctx, inputs).value == "a"
    assert (tmp_path / "ledger").read_text() == "a\n"
    blobs = MemoryBlobs()
    assert blobs.get(blobs.put(b"x")) == b"x"
