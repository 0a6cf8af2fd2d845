"""While helm waits: the pods of the release in view, and why they are not ready if it gives up."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from reign.executor import TaskFailed
from workers.kubernetes import pods
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.kinds import WORKLOADS
from workers.kubernetes.pods import Diagnosis
from workers.kubernetes.readiness import state_of

_EVERY = 1.0  # seconds
_OWNER = "meta.helm.sh/release-name"


class Watch:
    """Looks at the workloads of one release from a thread of its own. ``found`` is the last thing that was wrong: by
    the time helm has rolled back, the pods that could tell are gone."""

    def __init__(self, cluster: Cluster, namespace: str, release: str) -> None:
        self._cluster, self._namespace, self._release = cluster, namespace, release
        self._ended = threading.Event()
        self._said = ""
        self.found: tuple[str, Diagnosis] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[Watch]:
        thread = threading.Thread(target=self._run, name=f"watch-{self._release}", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY):
            # What cannot be seen now, or is cancelled, is for helm's own caller to tell.
            with contextlib.suppress(TaskFailed):
                self.look()

    def look(self) -> None:
        """One look: progress, and a diagnosis of the first workload that is not ready."""
        for kind in (*WORKLOADS, "Job"):
            for body in self._cluster.list(kind, self._namespace):
                if (body["metadata"].get("annotations") or {}).get(_OWNER) != self._release:
                    continue
                state = state_of(body)
                if state.ready:
                    continue
                label = f"{kind.lower()}/{body['metadata']['name']}"
                self._say(f"{label}: {state.detail}{pods.summary(self._cluster, body)}")
                if found := pods.diagnose(self._cluster, body):
                    self.found = (label, found)
                return

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._cluster.ctx.progress(text)
