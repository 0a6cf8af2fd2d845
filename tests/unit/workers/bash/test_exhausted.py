from __future__ import annotations

import errno
import signal
from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context
from workers.bash.commands import CommandResult, Run, failed
from workers.bash.exhausted import met
from workers.bash.places import in_words
from workers.bash.warden.order import Limits

LIMITS = Limits(memory=200 << 20, processes=50, file_size=10 << 20, open_files=64, cpu=5)


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("MemoryError", "200 MiB of memory"),
        ("tail: memory exhausted", "200 MiB of memory"),
        ("x.sh: xrealloc: cannot allocate 209326080 bytes", "200 MiB of memory"),
        ("fatal error: runtime: cannot allocate memory", "200 MiB of memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "200 MiB of memory"),
        ("FATAL ERROR: JavaScript heap out of memory", "200 MiB of memory"),
        ("x.sh: fork: retry: Resource temporarily unavailable", "50 processes"),
        ("sh: 1: Cannot fork", "50 processes"),
        ("OSError: [Errno 24] Too many open files: '/dev/null'", "64 open files"),
        ("dd: error writing 'big': File too large\n51+0 records in", "10 MiB for a file"),
    ],
)
def test_the_limit_that_the_last_words_speak_of_is_named(said: str, limit: str, tmp_path: Path) -> None:
    assert (met(LIMITS, 1, said.splitlines(), tmp_path) or "").startswith(f"its limit is {limit}; `limits: {{")


@pytest.mark.parametrize(
    ("number", "limit"), [(signal.SIGXCPU, "5 s of processor time"), (signal.SIGXFSZ, "10 MiB for a file")]
)
def test_the_signal_of_a_limit_is_enough(number: int, limit: str, tmp_path: Path) -> None:
    assert limit in (met(LIMITS, 128 + number, [], tmp_path) or "")


@pytest.mark.parametrize("said", ["make: *** [all] Error 2", "", "remember the file", "allocated 5 bytes"])
def test_an_ordinary_failure_speaks_of_no_limit(said: str, tmp_path: Path) -> None:
    assert met(LIMITS, 1, [said], tmp_path) is None


def test_no_limit_is_named_where_there_is_none(tmp_path: Path) -> None:
    assert met(Limits(), 128 + signal.SIGXCPU, ["MemoryError"], tmp_path) is None


def test_a_full_disk_is_told_from_a_small_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["cp: error writing '/tmp/x': No space left on device"]
    assert "/tmp is small" in (met(LIMITS, 1, said, tmp_path) or "")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 4096})())
    assert met(LIMITS, 1, said, tmp_path) == f"the disk of {tmp_path} is full: make room on it"


def test_a_file_on_a_full_disk() -> None:
    with pytest.raises(TaskFailed) as told, in_words(Path("/x")):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (told.value.message, told.value.hint) == ("/x: No space left on device", "make room on its disk")
    assert not told.value.retryable


def test_a_failed_task_says_it(tmp_path: Path) -> None:
    ctx = make_context(tmp_path, options={"limits": {"memory": "1G"}})
    inputs = Run.Inputs.model_validate({"command": "x", "limits": {"memory": "200M"}})
    result = CommandResult(exit_code=1, stdout="", stderr="Traceback:\nMemoryError\n")
    error = failed(ctx, inputs, "bash.run", result)
    assert isinstance(error, TaskFailed)
    assert "200 MiB of memory" in (error.hint or "")
    assert error.message.endswith("MemoryError")
    said = "dd: error writing 'big': File too large\n51+0 records in\n"
    told = failed(ctx, inputs, "bash.run", CommandResult(exit_code=1, stdout="", stderr=said))
    assert told.message.endswith("File too large"), "the line that tells, not the last one"
    plain = failed(ctx, inputs, "bash.run", CommandResult(exit_code=1, stdout="", stderr="no"))
    assert "reign logs" in (plain.hint or "")


@pytest.mark.parametrize(
    "said",
    [
        "curl: (6) Could not resolve host: example.com",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "fatal: unable to access 'https://x/': Could not resolve host: x",
        "Error: getaddrinfo EAI_AGAIN registry.npmjs.org",
        "dial tcp: lookup proxy.golang.org on 192.0.2.1:53: connect: network is unreachable",
        "wget: unable to resolve host address 'x'",
    ],
)
def test_a_command_that_wants_the_network_is_told_how_to_get_it(said: str, tmp_path: Path) -> None:
    def told(**given: Any) -> TaskFailed:
        inputs = Run.Inputs.model_validate({"command": "x", **given})
        return failed(make_context(tmp_path), inputs, "bash.run", CommandResult(exit_code=1, stdout="", stderr=said))

    assert told().hint == "the sandbox `workspace` has no network; `sandbox: network` has"
    assert told().kind is FailureKind.PERMISSION, "a second try would not help"
    assert "read-only" in (told(sandbox="read-only").hint or "")
    assert "reign logs" in (told(sandbox="network").hint or ""), "it had the network"
