"""The supervisor behind ``reign up``: starts the parts in order, starts again what falls over, stops all in reverse.

It leaves nothing behind: each part is a process group of its own that the kernel ends if the supervisor is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reign.config import Settings
from reign.core.errors import Conflict, Unavailable
from reign.engine import backups, identity
from reign.executor import registry
from reign.executor.process import die_with_parent
from reign.local import leftovers
from reign.local.parts import Part, environment, free_port, parts

READY_WITHIN = 60.0  # seconds for a part to become ready
_BACKOFF = (0.5, 1, 2, 5, 10)  # seconds before a part that fell over is started again


class Supervisor:
    """Runs the parts of one data folder until told to stop."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._marks: dict[str, dict[str, Any]] = {}
        self._fallen: dict[str, list[float]] = {}
        self._logs = settings.data_dir / "logs"
        self.stopped = threading.Event()

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start everything, watch it until :attr:`stopped`, stop everything. Raises Conflict, Unavailable."""
        self._settings.writable_data_dir()
        with only_one(self._settings):
            for name in leftovers.end(_left(self._settings)):
                self._say(f"ended {name}, which an earlier supervisor had left")
            free_port(self._settings.api_host, self._settings.api_port, "REIGN_API_PORT")
            if self._settings.flower_port:
                free_port("127.0.0.1", self._settings.flower_port, "REIGN_FLOWER_PORT")
            self._logs.mkdir(exist_ok=True)
            backups.prepare(self._settings)
            wanted = parts(self._settings)
            try:
                self._start_all(wanted)
                self._write_state()
                if not self.stopped.is_set():
                    on_ready()
                while not self.stopped.wait(0.3):
                    self._revive(wanted)
            finally:
                self._stop_all(wanted)
                for name in _leave(self._settings):
                    self._say(f"stopped {name}, which a run had started")
                _state_file(self._settings).unlink(missing_ok=True)
                self._settings.socket_path.unlink(missing_ok=True)

    def _start_all(self, wanted: list[Part]) -> None:
        for part in wanted:
            if self.stopped.is_set():
                return
            self._start(part)
            if part.name in ("valkey", "api"):  # what the others need
                self._await(part)
        self._write_state()

    def _start(self, part: Part) -> None:
        log = self._logs / f"{part.name}.log"
        if log.exists() and log.stat().st_size > 20_000_000:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            self._running[part.name] = subprocess.Popen(
                part.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(self._settings) | part.environment,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

        self._marks[part.name] = leftovers.mark(self._running[part.name].pid, part.argv)

    def _await(self, part: Part) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not part.ready():
            if self._running[part.name].poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"{part.name} did not start: {self._last_line(part)}", hint=f"see {self._logs}")
            if self.stopped.wait(0.05):
                return

    def _last_line(self, part: Part) -> str:
        with contextlib.suppress(OSError):
            lines = (self._logs / f"{part.name}.log").read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else "it said nothing"
        return "it said nothing"

    def _revive(self, wanted: list[Part]) -> None:
        for part in wanted:
            process = self._running.get(part.name)
            if process is None or process.poll() is None:
                continue
            fallen = self._fallen.setdefault(part.name, [])
            recent = [at for at in fallen if time.monotonic() - at < 60]
            wait = _BACKOFF[min(len(recent), len(_BACKOFF) - 1)]
            if not recent or time.monotonic() - recent[-1] >= wait:
                fallen.append(time.monotonic())
                self._say(f"{part.name} ended ({process.returncode}); starting it again. Its log: {self._logs}")
                _end(process, signal.SIGKILL)
                self._start(part)
                self._write_state()

    def _stop_all(self, wanted: list[Part]) -> None:
        """Workers together first (so that all may end what they run), then the rest in reverse order."""
        workers = [part for part in wanted if part.name.startswith(("worker-", "flower"))]
        others = [part for part in reversed(wanted) if part not in workers]
        for batch in (workers, *([part] for part in others)):
            alive = [(part, self._running[part.name]) for part in batch if part.name in self._running]
            for _, process in alive:
                _signal(process, signal.SIGTERM, group=False)
            for part, process in alive:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(part.grace)
                _end(process, signal.SIGKILL)

    def _write_state(self) -> None:
        pid = os.getpid()
        state = {
            "pid": pid,
            "born": identity.born(pid),
            "api": self._settings.url,
            "flower": self._settings.flower_port or None,
            "parts": {name: process.pid for name, process in self._running.items()},
            "marks": self._marks,
        }
        path = _state_file(self._settings)
        try:
            path.with_suffix(".tmp").write_text(json.dumps(state))
            path.with_suffix(".tmp").replace(path)
        except OSError as error:  # a full disk ends nothing that runs
            if not path.exists():
                raise Unavailable(f"{path} cannot be written: {error.strerror}", hint="make room on its disk") from None
            self._say(f"{path} cannot be written: {error.strerror}; make room on its disk")


def _signal(process: subprocess.Popen[bytes], number: int, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number) if group else process.send_signal(number)


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    """End a part with its whole group, also what a part that is already gone has left in it."""
    _signal(process, number, group=True)
    process.wait()


def _state_file(settings: Settings) -> Path:
    return settings.data_dir / "up.json"


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Inside, nobody else uses the data folder. Raises Conflict."""
    with (settings.data_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                f"reign is up already on {settings.data_dir}", hint="`reign status` shows it, `reign down` stops it"
            ) from None
        yield


def _recorded(settings: Settings) -> dict[str, Any] | None:
    """What a supervisor wrote about itself, whether it lives or not."""
    try:
        state: dict[str, Any] = json.loads(_state_file(settings).read_text())
    except (OSError, ValueError):
        return None
    return state


def running(settings: Settings) -> dict[str, Any] | None:
    """What ``reign up`` wrote about itself, if it is still there: ``{pid, born, api, flower, parts, marks}``."""
    state = _recorded(settings)
    return state if state and identity.born(state["pid"]) == state["born"] else None


def _left(settings: Settings) -> list[leftovers.Left]:
    state = _recorded(settings) or {}
    return leftovers.left(state.get("marks", {}), settings.data_dir)


def _leave(settings: Settings) -> Iterator[str]:
    """Nothing stays behind: agents end what they keep running beside the workers."""
    if settings.keep_processes:
        return
    for agent in registry.agents().values():
        yield from agent.leave(settings.data_dir.absolute() / "agents" / agent.name)


def left_behind(settings: Settings) -> tuple[int, list[str]] | None:
    """The pid of a supervisor that did not stop in order, and the names of what it left; None if there was none."""
    state = _recorded(settings)
    if state is None or identity.born(state["pid"]) == state["born"]:
        return None
    ended = [] if settings.keep_processes else list(registry.agents().values())
    stay = [name for agent in ended for name in agent.stays(settings.data_dir.absolute() / "agents" / agent.name)]
    return state["pid"], [*dict.fromkeys(each.part for each in _left(settings)), *stay]


def clear(settings: Settings) -> list[str]:
    """End what a supervisor left that did not stop in order; the names. Raises Conflict if another is there by now."""
    with only_one(settings):
        ended = [*leftovers.end(_left(settings)), *_leave(settings)]
        _state_file(settings).unlink(missing_ok=True)
        settings.socket_path.unlink(missing_ok=True)
    return ended


def stop(settings: Settings, within: float = 60.0) -> bool:
    """Stop what runs on the data folder and wait until it is gone. False if nothing ran. Raises Unavailable."""
    state = running(settings)
    if state is None:
        return False
    os.kill(state["pid"], signal.SIGTERM)
    deadline = time.monotonic() + within
    while identity.born(state["pid"]) == state["born"]:
        if time.monotonic() > deadline:
            raise Unavailable(f"reign (pid {state['pid']}) does not stop", hint="see its logs in the data folder")
        time.sleep(0.05)
    return True
