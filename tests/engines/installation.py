"""A whole REIGN for a test: real Valkey, a real database, real worker processes, all on sockets and in a folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reign.broker import embedded
from reign.config import Settings
from reign.core.states import RunState
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.planner.choose import make_planner
from reign.store import runs, schema
from reign.store.runs import RunRecord, TaskRecord

AGENTS = "tests.agents.probe:AGENT"


def until(condition: Callable[[], Any], seconds: float = 30.0, every: float = 0.02) -> Any:
    """Poll until ``condition`` gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {condition}")
        time.sleep(every)


class Installation:
    """Started part by part, so that a test can kill any of them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings.load(data_dir=folder / "data", **settings)
        self.settings.writable_data_dir()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.valkey: subprocess.Popen[bytes] | None = None
        self.runtime = Runtime(self.settings)
        self.general = ReignGeneral(self.runtime, make_planner)

    def environment(self, **more: str) -> dict[str, str]:
        named = {
            "REIGN_DATA_DIR": str(self.settings.data_dir),
            "REIGN_EXTRA_AGENTS": AGENTS,
            "REIGN_LEASE": str(self.settings.lease),
            "REIGN_HEARTBEAT": str(self.settings.heartbeat),
            "REIGN_API_PORT": str(self.settings.api_port),
            "REIGN_FLOWER_PORT": "0",
            "REIGN_PLANNER": self.settings.planner,
            "PYTHONFAULTHANDLER": "1",  # see leaves()
        }
        if self.settings.database_url:
            named["REIGN_DATABASE_URL"] = self.settings.database_url
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REIGN_")}
        return {**kept, **named, **more}

    def start_broker(self) -> None:
        self.valkey = self._spawn(embedded.command(self.settings))
        until(self._broker_answers)

    def _broker_answers(self) -> bool:
        try:
            self.runtime.redis.ping()
        except Exception:
            return False
        return True

    def prepare(self) -> None:
        """Broker and schema."""
        self.start_broker()
        schema.upgrade(self.runtime.database)

    def start_worker(
        self, *agents: str, pool: str = "solo", concurrency: int = 1, **env: str
    ) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "workers", *agents, "--pool", pool, "-c", str(concurrency)]
        return self._spawn(argv, **env)

    def start_general(self, **env: str) -> subprocess.Popen[bytes]:
        return self._spawn([sys.executable, "-m", "reign", "general"], **env)

    def _spawn(self, argv: list[str], **env: str) -> subprocess.Popen[bytes]:
        with (self.folder / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(**env),
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def submit(self, plan: Mapping[str, Any], **given: Any) -> RunRecord:
        given.setdefault("approve", None)
        return self.general.submit(Submission(plan=plan, workdir=str(self.folder), **given))

    def look(self, run: RunRecord) -> RunRecord:
        with self.runtime.database.read() as tx:
            return runs.by_id(tx, run.id)

    def tasks(self, run: RunRecord) -> dict[str, TaskRecord]:
        with self.runtime.database.read() as tx:
            return {task.name: task for task in runs.tasks_of(tx, run.id)}

    def wait(self, run: RunRecord, seconds: float = 60.0) -> RunRecord:
        """The run, once it has ended or needs attention."""

        def over() -> RunRecord | None:
            now = self.look(run)
            return now if now.ended or now.state is RunState.NEEDS_ATTENTION else None

        found: RunRecord = until(over, seconds)
        return found

    def log(self) -> str:
        return (self.folder / "processes.log").read_text(errors="replace")

    def leaves(self, process: subprocess.Popen[bytes], seconds: float = 20.0) -> int:
        """The exit code of a process that has been asked to end; one that hangs says where in the log."""
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait(10)
            raise AssertionError(f"not ended within {seconds:g} s:\n{self.log()}") from None

    def close(self) -> None:
        self.runtime.close()
        for process in reversed(self.processes):
            if process is not self.valkey:
                end(process, signal.SIGTERM)
        if self.valkey is not None:
            end(self.valkey, signal.SIGTERM)


def end(process: subprocess.Popen[bytes], number: int) -> None:
    """End a process with its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
