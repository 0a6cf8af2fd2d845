"""What tools have started ends with the process that ran them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.executor import process
from reign.executor.lifeline import Lifeline
from reign.executor.testing import make_context
from tests.engines.installation import until

ROOT = Path(__file__).parents[3]
#: Runs a tool that leaves a program behind, and says its group; with an argument the tool has ended by then.
WORKER = """
import subprocess, sys, time
from reign.executor.lifeline import lifeline
tool = subprocess.Popen(["sh", "-c", "sleep 1000 & exec sleep 1000"], start_new_session=True)
with lifeline.holds(tool.pid):
    if len(sys.argv) == 1:
        print(tool.pid, flush=True)
        time.sleep(1000)
print(tool.pid, flush=True)
time.sleep(1000)
"""


def living(group: int) -> list[int]:
    """Processes of a group that are not just waiting to be collected."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its) == group and state != "Z":
            found.append(int(entry.name))
    return found


def killed_worker(*arguments: str) -> int:
    """The group of the tool of a worker that was killed."""
    argv = [sys.executable, "-c", WORKER, *arguments]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as worker:
        assert worker.stdout is not None
        group = int(worker.stdout.readline())
        until(lambda: len(living(group)) == 2)
        os.killpg(worker.pid, signal.SIGKILL)
    return group


def test_a_killed_worker_takes_all_of_its_tool_along() -> None:
    group = killed_worker()
    until(lambda: living(group) == [])


@pytest.fixture
def group() -> Iterator[int]:
    made = killed_worker("let go")
    yield made
    os.killpg(made, signal.SIGKILL)


def test_what_is_not_held_any_more_is_left_alone(group: int) -> None:
    held = killed_worker()
    until(lambda: living(held) == [])  # by then the other one would have been ended too
    assert len(living(group)) == 2


def shells() -> list[int]:
    """The shells of this process's lifelines."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z" and b"known=" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_shell_that_was_ended_is_replaced() -> None:
    line = Lifeline()
    before = set(shells())
    with line.holds(os.getpid() + 10_000_000):
        pass
    [shell] = set(shells()) - before
    os.kill(shell, signal.SIGKILL)
    os.waitpid(shell, 0)
    with line.holds(os.getpid() + 10_000_000):
        [new] = set(shells()) - before
    assert new != shell
    line._let_go()
    os.waitpid(new, 0)  # without the pipe it ends by itself


def test_a_tool_runs_and_ends_where_no_shell_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left() -> int:
        raise OSError("too many open files")

    monkeypatch.setattr(process, "lifeline", Lifeline())
    monkeypatch.setattr("reign.executor.lifeline._shell", none_left)
    assert make_context(tmp_path).tool(["echo", "done"]).stdout == "done\n"
    assert "too many open files" in caplog.text
