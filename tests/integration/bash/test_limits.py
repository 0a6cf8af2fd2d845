"""The limits hold, and whatever happens nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from reign.executor import Cancelled, TaskFailed
from reign.executor.process import LOG_LINES
from tests.engines.bash import processes_about
from tests.integration.bash.conftest import Bench
from workers.bash.boundary import Kind
from workers.bash.commands import Run
from workers.bash.shell import KEEP
from workers.bash.warden import seccomp

Soon = Callable[[Callable[[], Any]], Any]


def test_one_process_cannot_have_more_memory(bench: Bench) -> None:
    result = bench.run("python3 -c 'bytearray(512 << 20); print(1)'", limits={"memory": "200M"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert "MemoryError" in result.stderr


def test_all_together_cannot_have_more_memory(bench: Bench) -> None:
    hold = "python3 -c 'import time; x = bytearray(b\"x\") * (60 << 20); time.sleep(60)'"
    with pytest.raises(TaskFailed, match="more than 200 MiB of memory"):
        bench.run(" & ".join([hold] * 6) + " & wait", limits={"memory": "200M"})
    assert processes_about(bench.folder) == []


@pytest.mark.parametrize(
    "hold",
    [
        "m = mmap.mmap(-1, 300 << 20)\nfor i in range(0, 300 << 20, 4096): m[i] = 1",
        "m = os.memfd_create('m')\nfor i in range(300): os.write(m, bytes(1 << 20))",
    ],
    ids=["mapping", "memfd"],
)
def test_memory_that_belongs_to_no_process_counts(bench: Bench, hold: str) -> None:
    code = f"import mmap, os, time\n{hold}\ntime.sleep(60)\n"
    with pytest.raises(TaskFailed, match="more than 200 MiB of memory"):
        bench.run(f"python3 - <<'E'\n{code}E", limits={"memory": "200M"})


def test_the_folder_of_devices_holds_no_files(bench: Bench) -> None:
    result = bench.run("head -c 1000 /dev/zero > /dev/fill; echo x > /dev/null && echo fine")
    assert result.stdout == "fine\n"
    assert "/dev/fill" in result.stderr


def test_the_number_of_processes_is_limited(bench: Bench) -> None:
    with pytest.raises(TaskFailed, match="more than 40 processes"):
        bench.run("for i in $(seq 100); do sleep 60 & done; wait", limits={"processes": 40})
    assert processes_about(bench.folder) == []


@pytest.mark.parametrize("bomb", ["b() { b | b & }; b; sleep 9", "python3 -c 'import os\nwhile True: os.fork()'"])
def test_a_fork_bomb_dies(bench: Bench, bomb: str) -> None:
    if os.getuid() == 0 and not seccomp.supported():
        pytest.skip("only the warden's gate stops root's fork bombs, and it does not know this processor")
    with pytest.raises(TaskFailed, match="more than 64 processes"):
        bench.run(bomb, limits={"processes": 64})
    assert processes_about(bench.folder) == []


def test_files_and_processor_time_are_limited(bench: Bench) -> None:
    result = bench.run("head -c 20000000 /dev/zero > big; wc -c < big", limits={"file_size": "1M"})
    assert result.stdout.strip() == str(1 << 20)
    assert bench.run("ulimit -n", limits={"open_files": 64}).stdout == "64\n"
    started = time.monotonic()
    assert bench.run("while :; do :; done", limits={"cpu": 1}).exit_code == 128 + signal.SIGXCPU
    assert time.monotonic() - started < 20


def test_a_plan_cannot_ask_for_more_than_the_operator_allows(bench: Bench) -> None:
    bench.options["limits"] = {"open_files": 100}
    assert bench.run("ulimit -n", limits={"open_files": 5000}).stdout == "100\n"


def test_a_flood_of_output_is_capped(bench: Bench) -> None:
    result = bench.run("yes | head -c 1000000000; echo the end")
    assert result.truncated
    assert len(result.stdout) < KEEP + 100
    assert result.stdout.endswith("the end\n")
    assert len(bench.contexts[-1].lines) < LOG_LINES + 10


def test_nothing_survives_the_end(bench: Bench) -> None:
    result = bench.run("sleep 301 & (setsid nohup sleep 302 >/dev/null 2>&1 &) ; (trap '' TERM; sleep 303) & echo out")
    assert result.stdout == "out\n"
    assert processes_about(bench.folder) == []
    if bench.kind is Kind.LANDLOCK:  # bubblewrap's own end takes all with it, often before anybody can count them
        assert any("left behind" in line for _, line in bench.contexts[-1].lines)


def test_cancel_ends_what_does_not_want_to(bench: Bench) -> None:
    ctx = bench.context(approved=True)
    threading.Timer(0.5, ctx.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        Run().apply(ctx, Run.Inputs(command="trap '' TERM INT; setsid sleep 304 & while :; do sleep 1; done"), ())
    assert time.monotonic() - started < 8
    assert processes_about(bench.folder) == []


def test_a_cancelled_command_may_tidy_up(bench: Bench) -> None:
    ctx = bench.context(approved=True)
    command = "trap 'echo tidied > out; exit 1' TERM; touch started; while :; do sleep 0.1; done"
    threading.Thread(target=lambda: _when(lambda: (bench.work / "started").exists(), ctx.cancelled.set)).start()
    with pytest.raises(Cancelled):
        Run().apply(ctx, Run.Inputs(command=command), ())
    assert (bench.work / "out").read_text() == "tidied\n"


def test_nothing_survives_the_worker(bench: Bench, soon: Soon) -> None:
    """The worker is killed outright: what it ran ends too, daemons included."""
    bench.context()
    command = "(setsid nohup sleep 305 >/dev/null 2>&1 &); touch started; sleep 306"
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(bench.folder), bench.kind.value, command], stdout=subprocess.DEVNULL
    )
    try:
        soon(lambda: (bench.work / "started").exists())
        soon(lambda: len([line for line in processes_about(bench.folder) if "sleep" in line]) >= 2)
    finally:
        worker.kill()
        worker.wait()
    soon(lambda: processes_about(bench.folder) == [])


_WORKER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from reign.executor.testing import make_context
    from workers.bash.commands import Run
    folder, kind, command = sys.argv[1:]
    ctx = make_context(Path(folder) / "reign", workdir=Path(folder) / "work", approved=True, options={"boundary": kind})
    Run().apply(ctx, Run.Inputs(command=command), ())
    """
)


def _when(condition: Callable[[], bool], then: Callable[[], None]) -> None:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    then()
