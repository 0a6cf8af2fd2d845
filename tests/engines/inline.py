"""A REIGN in one process: the real state, spine and operations; messages go through a list in place of a broker."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reign.config import Settings
from reign.core.plan import Plan
from reign.engine.dispatch import Dispatcher
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.engine.spine import Spine
from reign.executor import registry
from reign.planner.choose import make_planner
from reign.store import runs, schema
from reign.store.outbox import Posting
from reign.store.runs import RunRecord, TaskRecord

_TEMPLATE: list[bytes] = []


class _Handed(Dispatcher):
    """Publishes into a list."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.app, runtime.signer, runtime.redis)
        self.waiting: deque[int] = deque()

    def publish(self, postings: Sequence[Posting]) -> bool:
        self.waiting.extend(posting.ready.task_id for posting in postings)
        return True

    def changed(self, run_id: int, **_: Any) -> None:
        """Nobody follows."""


class _Alone:
    """A message without a tail."""

    def head(self) -> int | None:
        return None

    def advance(self) -> None: ...

    def drop(self) -> None: ...


class Inline:
    """Runs are carried out by :meth:`finish`, in the calling thread."""

    def __init__(self, folder: Path, database_url: str | None = None, **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings.load(
            data_dir=folder.parent / f".{folder.name}-data", database_url=database_url, **settings
        )
        self.settings.writable_data_dir()
        self.runtime = Runtime(self.settings)
        self.messages = self.runtime.__dict__["dispatcher"] = _Handed(self.runtime)
        self.general = ReignGeneral(self.runtime, make_planner)
        self.spine = Spine(self.runtime, list(registry.agents()))
        self._upgrade()

    def _upgrade(self) -> None:
        """The schema; made once, and copied for every further SQLite."""
        file = self.settings.data_dir / "reign.db"
        if self.settings.database_url is None and _TEMPLATE:
            file.write_bytes(_TEMPLATE[0])
            return
        schema.upgrade(self.runtime.database)
        if self.settings.database_url is None:
            self.runtime.database.close()  # and with it everything is in the one file
            _TEMPLATE.append(file.read_bytes())

    def submit(self, plan: Mapping[str, Any] | Plan, **given: Any) -> RunRecord:
        content = plan.as_file() if isinstance(plan, Plan) else plan
        given.setdefault("approve", None)
        return self.general.submit(Submission(plan=content, workdir=str(self.folder), **given))

    def run(self, plan: Mapping[str, Any] | Plan, **given: Any) -> RunRecord:
        return self.finish(self.submit(plan, **given))

    def finish(self, run: RunRecord) -> RunRecord:
        """Carry out all that is waiting; the run as it stands then."""
        self.work()
        with self.runtime.database.read() as tx:
            return runs.by_id(tx, run.id)

    def work(self) -> None:
        """What workers would do with the messages that wait."""
        while self.messages.waiting:
            self.spine.carry_out(self.messages.waiting.popleft(), _Alone())

    def tasks(self, run: RunRecord) -> dict[str, TaskRecord]:
        with self.runtime.database.read() as tx:
            return {task.name: task for task in runs.tasks_of(tx, run.id)}

    def close(self) -> None:
        self.runtime.close()
