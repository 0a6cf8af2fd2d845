"""Asking the engines what a plan would change, before it runs: real diffs, and what pins the plan to what was shown.

Nobody has to answer: an engine that cannot be reached, or not in time, is named with the reason, and the plan is shown
without its diff.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reign.config import Settings
from reign.core import dag
from reign.core.catalog import Effect
from reign.core.errors import Conflict, ReignError
from reign.core.expressions import has_expression
from reign.core.plan import Plan, Task
from reign.core.resource import digest
from reign.engine.preview import Preview, Rehearsal, TaskPreview
from reign.executor import Cancelled, Context, FailureKind, Operation, TaskFailed, registry
from reign.executor.assessing import partial_inputs
from reign.executor.contract import Pinning
from reign.executor.failures import TimedOut
from reign.security import secrets
from reign.security.masking import Masker

log = logging.getLogger(__name__)

MOST_TASKS = 200  # of one plan that are asked about
MOST_AT_ONCE = 8
MOST_SHOWN = 200_000  # characters of one diff
PIN_WITHIN = 3.0  # seconds that a submission waits to learn which cluster is meant

Pins = dict[str, dict[str, Any]]  # task -> inputs that it gets


#: What a task that runs before may put right.
_MAY_COME = (FailureKind.MISSING_PREREQUISITE, FailureKind.WRONG_INPUT, FailureKind.CONFLICT)


def rehearsed(shown: Preview, settings: Settings, workdir: str | None) -> Preview:
    """The preview with diffs and pins, within ``preview_timeout`` seconds for all engines together."""
    asked = [_Asked.of(task, shown.full) for task in shown.tasks if _can_tell(task.task)][:MOST_TASKS]
    if not asked or not settings.preview_timeout:
        return shown
    _ask(asked, settings, workdir, settings.preview_timeout, diffs=True)
    found = {item.task.id: item for item in asked}
    tasks = tuple(
        replace(task, rehearsal=found[task.id].rehearsal(settings), pins=found[task.id].pins)
        if task.id in found
        else task
        for task in shown.tasks
    )
    return replace(shown, tasks=tasks)


def pins(shown: Preview, settings: Settings, workdir: str | None) -> Pins:
    """What pins the plan to the engines that are meant now, as far as it is told at once."""
    asked = [_Asked.of(task, shown.full) for task in shown.tasks if _can_tell(task.task)][:MOST_TASKS]
    asked = [item for item in asked if item.operation.pinning is Pinning.ALWAYS]
    if asked and settings.preview_timeout:
        _ask(asked, settings, workdir, min(PIN_WITHIN, settings.preview_timeout), diffs=False)
    return {item.task.id: dict(item.pins) for item in asked if item.pins}


def pinned(plan: Plan, given: Mapping[str, Mapping[str, Any]]) -> Plan:
    """The plan with its pins; what the plan says itself stays. Raises Conflict if they are those of another plan."""
    tasks = dict(plan.tasks)
    for name, inputs in given.items():
        if name not in tasks:
            raise Conflict(f"the plan is not the one that was shown: it has no task {name!r}", hint="look at it again")
        tasks[name] = tasks[name].model_copy(update={"with_": {**inputs, **tasks[name].with_}})
    return plan.model_copy(update={"tasks": tasks}) if given else plan


def _can_tell(task: Task) -> bool:
    operation = registry.operation(task.uses)
    tells = type(operation).preview is not Operation.preview or operation.pinning is not Pinning.NEVER
    return tells and task.undo_of is None


@dataclass
class _Asked:
    """One task about which its engine is asked."""

    task: TaskPreview
    operation: Operation[Any, Any]
    quiet: bool  # nothing before it in the plan can change what it is pinned to
    inputs: Mapping[str, Any]  # as they will count by then
    diff: str | None = None
    why_not: str | None = None
    pins: dict[str, Any] = field(default_factory=dict)
    over: bool = False
    doing: str = ""  # what the engine said last of where it is

    @classmethod
    def of(cls, task: TaskPreview, plan: Plan) -> _Asked:
        operation = registry.operation(task.task.uses)
        earlier = dag.descendants(task.id, plan.needs)
        before = [(plan.tasks[name].uses, plan.tasks[name].with_) for name in dag.order(plan.needs) if name in earlier]
        quiet = all(registry.operation(uses).effect is Effect.READ for uses, _ in before)
        return cls(task, operation, quiet, operation.foreseen(task.task.with_, before))

    @property
    def open(self) -> bool:
        """Whether something of it is known only during the run."""
        task = self.task.task
        return has_expression(self.inputs) or task.for_each is not None or isinstance(task.if_, str)

    def rehearsal(self, settings: Settings) -> Rehearsal | None:
        """What is shown; None if the engine has nothing to tell of such a task."""
        if self.over:
            return None if self.diff is None and self.why_not is None else Rehearsal(self.diff, self.why_not)
        doing = f" (it came to: {self.doing})" if self.doing else ""
        return Rehearsal(
            why_not=f"no answer within {settings.preview_timeout:g} s{doing}; it can be run for all that: to see its"
            " diff first, ask again, or raise the setting preview_timeout"
        )

    def heard(self, progress: Mapping[str, Any]) -> None:
        """What it is at, for the case that it does not come to its end in time."""
        self.doing = str(progress["message"])

    def ask(self, ctx: Context, diffs: bool) -> None:
        """Learn the diff and the pins; never raises."""
        try:
            try:
                self._pin(ctx)
            finally:  # what cannot be pinned may be shown for all that
                if diffs and type(self.operation).preview is not Operation.preview:
                    self._rehearse(ctx)
        except (Cancelled, TimedOut):
            return
        except (TaskFailed, ReignError) as error:
            self.why_not = ctx.masker.mask(error.message)
            if not self.quiet and isinstance(error, TaskFailed) and error.kind in _MAY_COME:
                self.why_not += "; a task before it may change that"
        except Exception as error:
            log.debug("preview of %s", self.task.id, exc_info=True)
            self.why_not = f"its preview broke: {type(error).__name__}"
        self.over = True

    def _rehearse(self, ctx: Context) -> None:
        task = self.task.task
        if self.open:
            self.why_not = "what it is given is known only during the run"
            return
        inputs = registry.catalog().parse(task.uses, secrets.resolve(self.inputs, ctx.masker))
        told = self.operation.preview(ctx, inputs)
        if told is not None:
            told = ctx.masker.mask(told)
            self.diff = told if len(told) <= MOST_SHOWN else told[:MOST_SHOWN] + "\n... (cut)"

    def _pin(self, ctx: Context) -> None:
        pinning = self.operation.pinning
        if pinning is Pinning.NEVER or (pinning is Pinning.SHOWN and (self.open or not self.quiet)):
            return
        model = registry.catalog()[self.task.task.uses].inputs
        found = self.operation.pins(ctx, partial_inputs(model, self.inputs))
        self.pins = {name: value for name, value in found.items() if name not in self.task.task.with_}


def _ask(asked: Sequence[_Asked], settings: Settings, workdir: str | None, patience: float, *, diffs: bool) -> None:
    deadline = time.monotonic() + patience
    stop = threading.Event()
    waiting = list(asked)
    with tempfile.TemporaryDirectory(prefix="reign-preview-", ignore_cleanup_errors=True) as folder:

        def work() -> None:
            while waiting and not stop.is_set():
                try:
                    item = waiting.pop(0)
                except IndexError:
                    return
                item.ask(_context(item, settings, workdir, Path(folder), deadline, stop), diffs)

        # Daemons: an engine that does not answer must not keep the command from ending.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(MOST_AT_ONCE, len(asked)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()) + 0.2)
        stop.set()


def _context(
    item: _Asked, settings: Settings, workdir: str | None, folder: Path, deadline: float, stop: threading.Event
) -> Context:
    agent = item.task.task.agent
    return Context(
        run="preview",
        task=item.task.id,
        attempt=1,
        environment="",
        workdir=Path(workdir) if workdir else Path.cwd(),
        scratch_path=folder / item.task.id,
        state_path=settings.data_dir.absolute() / "agents" / agent,
        masker=Masker(),
        blobs=_Blobs(),
        deadline=deadline,
        options=settings.agents.get(agent, {}),
        private=(settings.data_dir.absolute(),),
        cancelled=stop,
        cancel_reason="no answer in time",
        report=item.heard,
    )


class _Blobs:
    """What a preview keeps, for as long as it lasts."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        ref = digest(content.hex())
        self._content[ref] = content
        return ref

    def get(self, ref: str) -> bytes:
        if ref not in self._content:
            raise TaskFailed("what it needs is kept by the run that made it")
        return self._content[ref]
