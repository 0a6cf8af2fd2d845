"""What a running operation is given: who it runs for, where, and the hands to log, run tools and stop in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reign.core.resource import Observation
from reign.executor.failures import Cancelled, TimedOut
from reign.executor.process import Outpouring, ToolResult, pour, run_tool, safe_environment
from reign.security.masking import Masker
from reign.security.streaming import MaskedLines


class Blobs(Protocol):
    """Keeps content that is too large for a record (a former file, a state file); addressed by its SHA-256."""

    def put(self, content: bytes) -> str: ...

    def get(self, ref: str) -> bytes: ...


@dataclass
class Context:
    """One attempt's surroundings. Everything that an operation does outside goes through here or its own client."""

    run: str  # readable run name
    task: str
    attempt: int
    environment: str
    workdir: Path  # relative paths of the plan start here
    scratch_path: Path
    state_path: Path
    masker: Masker
    blobs: Blobs
    deadline: float  # time.monotonic() at which the attempt must end
    options: Mapping[str, Any] = field(default_factory=dict)  # the agent's own settings
    approved: bool = False  # a person (or the policy that stands for one) said yes to this task
    private: Sequence[Path] = ()  # folders of REIGN itself, which nothing that a plan runs may see
    cancelled: threading.Event = field(default_factory=threading.Event)
    cancel_reason: str = "cancelled"
    emit: Callable[[str, str], None] = lambda stream, text: None  # (stream, masked line)
    report: Callable[[dict[str, Any]], None] = lambda progress: None
    #: What was last recorded of a resource in this environment, None if nothing was. For operations that cannot ask
    #: the outside what was done to it before (which configuration a state came from); secrets stand as references.
    recorded: Callable[[str], Observation | None] = lambda resource: None
    undoes: tuple[str, str] | None = None  # (run, task) that this attempt takes back
    began: float = field(default_factory=time.monotonic)
    _streams: dict[str, MaskedLines] = field(default_factory=dict, init=False, repr=False)

    @property
    def origin(self) -> tuple[str, str]:
        """(run, task) whose traces outside are meant: the attempt's own, in an undo those of what it takes back."""
        return self.undoes or (self.run, self.task)

    @property
    def scratch(self) -> Path:
        """A folder private to the attempt, for nobody else to read; removed afterwards."""
        self.scratch_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.scratch_path

    @property
    def state_dir(self) -> Path:
        """A folder kept between attempts and worker restarts on this machine (pids and logs of processes)."""
        self.state_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.state_path

    @property
    def labels(self) -> dict[str, str]:
        """Labels that mark what this attempt makes outside, so that it can be found again."""
        return {"reign.run": self.run, "reign.task": self.task, "reign.attempt": str(self.attempt)}

    def path(self, text: str) -> Path:
        """A path of the plan as an absolute one; ``~`` is the worker's home."""
        return (self.workdir / Path(text).expanduser()).absolute()

    def log(self, text: str, stream: str = "log") -> None:
        """Lines for ``reign logs``; masked here, so nothing else needs to remember to."""
        lines = self._streams.get(stream)
        if lines is None:
            lines = self._streams.setdefault(stream, MaskedLines(self.masker, lambda line: self.emit(stream, line)))
        for line in text.splitlines() or [""]:
            lines.add(line)

    def close_logs(self) -> None:
        """Pass on the lines that were held back because a secret might go on in the next one."""
        for lines in list(self._streams.values()):
            lines.close()

    def progress(self, message: str, done: float | None = None, total: float | None = None) -> None:
        """Where the work stands, for the live view: a short sentence and, if known, how much of how much."""
        self.report({"message": self.masker.mask(message), "done": done, "total": total})

    def remaining(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Raises Cancelled or TimedOut if the attempt must end now; call it in every loop that waits."""
        if self.cancelled.is_set():
            raise Cancelled(self.cancel_reason)
        if time.monotonic() >= self.deadline:
            raise self._over()

    def _over(self) -> TimedOut:
        return TimedOut(round(self.deadline - self.began, 1))

    def wait(self, seconds: float) -> None:
        """Sleep that ends early, with Cancelled or TimedOut, when the attempt must."""
        self.cancelled.wait(min(seconds, self.remaining()))
        self.check()

    def until(self, condition: Callable[[], Any], every: float = 0.2) -> Any:
        """Poll ``condition`` until it gives something true, and return that. Raises Cancelled or TimedOut."""
        while True:
            found = condition()
            if found:
                return found
            self.wait(every)

    def tool(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
        on_line: Callable[[str, str], None] | None = None,
        keep: int = 1_000_000,
        stop_signal: int | None = None,
        grace: float = 5.0,
        tidies: bool = False,
    ) -> ToolResult:
        """Run a program to its end, its lines going to the log (or to ``on_line(stream, line)``).

        No shell. ``env`` is the whole environment (default: a scrubbed one). It runs in a session of its own and dies
        with this worker, as does all of its group (``tidies``: it sees to that itself); on cancel or deadline its whole
        group gets ``stop_signal`` (default SIGTERM), and after ``grace`` seconds SIGKILL. At most ``keep`` bytes of
        each stream are kept (head and tail); a flood of lines is cut short in the log too, though never for
        ``on_line``.
        Raises TaskFailed if it cannot be started, Cancelled, TimedOut; a non-zero exit is in the result.
        """
        limit = self.remaining() if timeout is None else min(timeout, self.remaining())
        try:
            return run_tool(
                argv,
                cwd=cwd or self.workdir,
                env=env,
                stdin=stdin,
                timeout=limit,
                cancelled=self.cancelled,
                cancel_reason=lambda: self.cancel_reason,
                on_line=on_line or (lambda stream, line: self.log(line, stream)),
                keep=keep,
                stop_signal=stop_signal,
                grace=grace,
                log_bounded=on_line is None,
                tidies=tidies,
            )
        except TimedOut:
            if self.remaining():  # it had less than the attempt
                raise
            raise self._over() from None

    def pour(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> AbstractContextManager[Outpouring]:
        """Run a program whose stdout is too large to be kept (an archive), to be read while it runs.

        No shell; ``env`` as for :meth:`tool`. When the block is left, for whatever reason, the program and its group
        are ended. Raises TaskFailed if it cannot be started; reading raises Cancelled or TimedOut.
        """
        environment = safe_environment() if env is None else env
        return pour(argv, cwd=self.workdir, env=environment, check=self.check)
