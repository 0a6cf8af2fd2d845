"""Processes that stay: readiness, identity, the worker's death, logs, and what is left in the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import TaskFailed
from reign.executor.testing import run_operation
from reign.security.masking import Masker
from tests.engines.bash import processes_about
from tests.integration.bash.conftest import Bench
from workers.bash.processes import ProcessStatus, StartProcess, StopProcess
from workers.bash.records import Shelf, end_all, names_of_all

Soon = Callable[[Callable[[], Any]], Any]


@pytest.fixture(autouse=True)
def _stop_all(bench: Bench, soon: Soon) -> Iterator[None]:
    yield
    for folder in (bench.context().state_dir / "processes").glob("*"):
        Shelf(folder).stop(bench.context(), 0)
    soon(lambda: processes_about(bench.folder) == [])


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def start(bench: Bench, command: str, **given: Any) -> Any:
    inputs = StartProcess.Inputs.model_validate({"name": "web", "command": command} | given)
    return run_operation(StartProcess(), bench.context(approved=True), inputs)


def status(bench: Bench, **given: Any) -> Any:
    inputs = ProcessStatus.Inputs.model_validate({"name": "web"} | given)
    return ProcessStatus().apply(bench.context(), inputs, ())


def stop(bench: Bench, **given: Any) -> Any:
    inputs = StopProcess.Inputs.model_validate({"name": "web"} | given)
    return run_operation(StopProcess(), bench.context(), inputs)


def shelf(bench: Bench) -> Shelf:
    return Shelf.of(bench.context(), "web")


def server(port: int) -> str:
    return f"exec python3 -m http.server {port} --bind 127.0.0.1"


@pytest.mark.parametrize("how", ["url", "port", "log"])
def test_it_is_ready_when_it_says_so(bench: Bench, port: int, how: str) -> None:
    ready = {"url": f"http://127.0.0.1:{port}/", "port": port, "log": "Serving HTTP"}[how]
    command = f"PYTHONUNBUFFERED=1 {server(port)}".replace("exec ", "")
    assert start(bench, command, ready={how: ready}).status == "running"
    assert status(bench).status == "running"
    assert stop(bench).status == "stopped"
    assert status(bench).status == "stopped"


def test_it_is_not_ready_in_time(bench: Bench) -> None:
    with pytest.raises(TaskFailed, match=r"not ready after 0.5 s: nothing listens at port 9") as failure:
        start(bench, "echo up; exec sleep 300", ready={"port": 9, "within": 0.5})
    assert failure.value.details["last_lines"] == ["up"]
    assert processes_about(bench.folder) == []


def test_one_that_ends_at_once_fails_with_its_last_words(bench: Bench) -> None:
    with pytest.raises(TaskFailed, match="web ended with exit code 3: no such thing"):
        start(bench, "echo no such thing >&2; exit 3")
    assert status(bench).status == "failed"
    assert status(bench).exit_code == 3


def test_a_port_that_is_taken_is_not_mistaken_for_readiness(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(TaskFailed, match=f"port {taken} is taken by another program"):
            start(bench, "exec sleep 300", ready=taken)


def test_started_again_it_is_the_same_one(bench: Bench) -> None:
    first = start(bench, "exec sleep 300")
    assert start(bench, "exec sleep 300") == first


def test_another_command_needs_replace_and_comes_back_if_it_fails(bench: Bench) -> None:
    first = start(bench, "exec sleep 300")
    with pytest.raises(TaskFailed, match="runs already"):
        start(bench, "exec sleep 301")
    assert status(bench).pid == first.pid
    with pytest.raises(TaskFailed, match="exit code 4"):
        start(bench, "exit 4", replace=True)
    assert shelf(bench).running().about["command"] == "exec sleep 300"  # type: ignore[union-attr]
    second = start(bench, "exec sleep 302", replace=True)
    assert second.pid != first.pid
    assert shelf(bench).running().about["command"] == "exec sleep 302"  # type: ignore[union-attr]


def test_undo_starts_the_replaced_one_again(bench: Bench) -> None:
    start(bench, "exec sleep 300")
    operation, ctx = StartProcess(), bench.context(approved=True)
    inputs = StartProcess.Inputs.model_validate({"name": "web", "command": "exec sleep 301", "replace": True})
    before = list(operation.inspect(ctx, inputs))
    operation.apply(ctx, inputs, before)
    operation.restore(ctx, inputs, before, list(operation.inspect(ctx, inputs)))
    assert operation.inspect(ctx, inputs)[0].same_as(before[0])


def test_stop_ends_the_whole_group(bench: Bench, soon: Soon) -> None:
    start(bench, "(setsid nohup sleep 303 &) ; (trap '' TERM; sleep 304) & touch up; while :; do sleep 1; done")
    soon(lambda: (bench.work / "up").exists())
    stop(bench, grace=0)
    assert processes_about(bench.folder) == []


def test_stop_lets_it_end_by_itself(bench: Bench) -> None:
    start(bench, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done", ready="up")
    stop(bench)
    assert status(bench).log[-1] == "bye"


def test_it_survives_the_worker_and_is_found_again(bench: Bench, soon: Soon) -> None:
    """The worker dies after the start and before anything was recorded."""
    bench.context()
    worker = [sys.executable, "-c", _WORKER, str(bench.folder), bench.kind.value, "exec sleep 300"]
    assert subprocess.run(worker, check=False).returncode == -signal.SIGKILL
    operation, ctx = StartProcess(), bench.context()
    inputs = StartProcess.Inputs.model_validate({"name": "web", "command": "exec sleep 300"})
    found = operation.done(ctx, inputs, operation.inspect(ctx, inputs))
    assert found is not None
    assert found.pid == shelf(bench).running().pid  # type: ignore[union-attr]
    stop(bench)


_WORKER = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from reign.executor.testing import make_context
    from workers.bash.processes import StartProcess
    folder, kind, command = sys.argv[1:]
    ctx = make_context(Path(folder) / "reign", workdir=Path(folder) / "work", options={"boundary": kind})
    StartProcess().apply(ctx, StartProcess.Inputs(name="web", command=command), ())
    os.kill(os.getpid(), signal.SIGKILL)
    """
)


def test_a_number_that_another_process_has_now_is_never_signalled(bench: Bench) -> None:
    start(bench, "exec sleep 300")
    record = json.loads(shelf(bench).record.read_text())
    stop(bench)
    with subprocess.Popen(["sleep", "300"]) as other:
        try:
            record["keeper"]["pid"] = record["child"]["pid"] = other.pid
            shelf(bench).record.write_text(json.dumps(record))
            assert stop(bench).status == "stopped"
            assert other.poll() is None
        finally:
            other.kill()


def test_a_record_of_another_boot_counts_for_nothing(bench: Bench) -> None:
    start(bench, "exec sleep 300")
    good = shelf(bench).record.read_text()
    shelf(bench).record.write_text(json.dumps(json.loads(good) | {"boot": "another"}))
    assert status(bench).status == "stopped"
    shelf(bench).record.write_text(good)


def test_a_killed_keeper_leaves_nothing_that_stop_does_not_find(bench: Bench, soon: Soon) -> None:
    start(bench, "(setsid nohup sleep 305 >/dev/null 2>&1 &) ; exec sleep 306")
    soon(lambda: any("sleep 305" in line for line in processes_about(bench.folder)))
    os.kill(shelf(bench).running().keeper, signal.SIGKILL)  # type: ignore[union-attr]
    soon(lambda: shelf(bench).running() is None)
    stop(bench)
    shelf(bench).stop(bench.context(), 0)
    soon(lambda: processes_about(bench.folder) == [])


def test_its_log_is_kept_within_the_cap(bench: Bench, soon: Soon) -> None:
    bench.options["log_cap"] = "64K"
    start(bench, "for i in $(seq 50000); do echo line $i; done; echo the end; exec sleep 300", ready="the end")
    files = list(shelf(bench).folder.glob("output.log*"))
    assert sum(path.stat().st_size for path in files) <= 64 << 10
    assert status(bench, tail=2).log == ["line 50000", "the end"]


def test_secrets_go_in_by_the_environment_and_into_no_record(bench: Bench) -> None:
    masker = Masker({"secret://token": "precious-value"})
    inputs = StartProcess.Inputs.model_validate(
        {
            "name": "web",
            "command": 'echo "$TOKEN"; exec sleep 300',
            "env": {"TOKEN": "precious-value"},
            "ready": "***",
        }
    )
    operation, ctx = StartProcess(), bench.context(masker=masker)
    operation.apply(ctx, inputs, ())
    [seen] = operation.inspect(ctx, inputs)
    assert seen.state["env"] == {"TOKEN": "secret://token"}
    assert "precious-value" not in shelf(bench).record.read_text() + shelf(bench).log.read_text()
    told = ProcessStatus().apply(bench.context(masker=masker), ProcessStatus.Inputs.model_validate({"name": "web"}), ())
    assert told.log == ["***"]
    assert operation.done(bench.context(masker=masker), inputs, [seen]) is not None


def test_a_secret_inside_the_command_is_not_kept_so_it_cannot_come_back(bench: Bench) -> None:
    masker = Masker({"secret://token": "precious-value"})
    ctx = bench.context(masker=masker)
    operation = StartProcess()
    inputs = StartProcess.Inputs.model_validate({"name": "web", "command": "echo precious-value; exec sleep 300"})
    operation.apply(ctx, inputs, ())
    stopping = StopProcess()
    name = StopProcess.Inputs.model_validate({"name": "web"})
    before = list(stopping.inspect(ctx, name))
    stopping.apply(ctx, name, before)
    with pytest.raises(TaskFailed, match="its command held a secret"):
        stopping.restore(ctx, name, before, list(stopping.inspect(ctx, name)))
    assert "precious" not in "".join(path.read_text() for path in shelf(bench).folder.glob("command.*"))


def test_a_process_lives_behind_its_walls(bench: Bench) -> None:
    out = bench.folder / "out"
    out.mkdir()
    bench.context()
    (bench.work / "probe.sh").write_text(f"echo no > {out}/new; cat /etc/shadow; echo done; exec sleep 300")
    start(bench, "bash probe.sh", ready="done")
    assert list(out.iterdir()) == []
    assert not any("root:" in line for line in status(bench).log)


def test_its_limits_end_it(bench: Bench, soon: Soon) -> None:
    start(bench, "sleep 1; for i in $(seq 100); do sleep 60 & done; wait", limits={"processes": 20})
    soon(lambda: status(bench).status == "failed")
    assert shelf(bench).ended().killed == "more than 20 processes"  # type: ignore[union-attr]


def test_with_the_installation_ends_what_it_kept(bench: Bench, soon: Soon) -> None:
    start(bench, "sleep 1000")
    pid = status(bench).pid
    assert names_of_all(bench.context().state_dir) == ["web"]
    assert end_all(bench.context().state_dir) == ["web"]
    soon(lambda: not Path(f"/proc/{pid}").exists())
    assert status(bench).status != "running"
    assert end_all(bench.context().state_dir) == []


def test_its_log_holds_no_secret(bench: Bench, soon: Soon) -> None:
    """Neither in clear nor in base64, written in pieces, and the process knows nothing of what is hidden."""
    secret = "correct-horse-battery"
    ctx = bench.context(approved=True)
    ctx.masker.add("secret://env/PASSWORD", secret)
    command = (
        'printf "key: correct-ho"; sleep 0.1; echo "rse-battery."; printf %s "$PASSWORD" | base64; '
        'echo "hide: ${REIGN_HIDE:-nothing}"; printf "%s" "last $PASSWORD"; sleep 60'
    )
    inputs = StartProcess.Inputs.model_validate({"name": "web", "command": command, "env": {"PASSWORD": secret}})
    run_operation(StartProcess(), ctx, inputs)
    log = shelf(bench).log
    soon(lambda: "hide:" in log.read_text())
    stop(bench)
    assert log.read_text() == "key: ***.\n***\nhide: nothing\nlast ***\n"


def test_secrets_that_are_too_large_for_that_are_told(bench: Bench) -> None:
    ctx = bench.context(approved=True)
    ctx.masker.add("secret://file/big", "x" * 200_000)
    inputs = StartProcess.Inputs.model_validate({"name": "web", "command": "sleep 60"})
    with pytest.raises(TaskFailed, match="has secrets of 2000.. bytes"):
        run_operation(StartProcess(), ctx, inputs)
