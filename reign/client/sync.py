"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import httpx

from reign.client import calls
from reign.client.data import Event, RunData, TaskInfo
from reign.core.plan import Plan

T = TypeVar("T")


class Client:
    """Speaks HTTP to the API. Safe to share between threads; close it, or use it in a ``with``.

    ``url``, ``token``: default from the settings. All methods raise the errors of ``reign.core.errors`` (each a
    ReignError with ``message`` and ``hint``); Unavailable within 5 s if the API is down.
    """

    _greeted = False

    def __init__(self, url: str | None = None, *, token: str | None = None) -> None:
        self.url, options = calls.connection(url, token)
        self._http = httpx.Client(**options)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def plan(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
    ) -> dict[str, Any]:
        """The plan of words, a Plan, or a plan as a dict, as ``reign plan -o json`` prints it; runs nothing.

        ``params``: values of the plan's parameters. ``environment``: default the plan's, else that of the API's
        settings. ``workdir``: where relative paths start; default this process's current folder. Raises InvalidInput
        and NotUnderstood; what is refused stands in the plan, with ``refuses``.
        """
        return self._drive(calls.plan(calls.submission(request, params, environment, workdir)))

    def submit(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
        approve: Literal["all"] | Sequence[str] = (),
        idempotency_key: str | None = None,
        made_from: tuple[str, str] | None = None,
        pins: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Run:
        """Start a run of words, a Plan, or a plan as a dict; returns when it is queued.

        Tasks that ask for approval wait unless ``approve`` names them (or is "all"). Sent again safely when the
        connection breaks; give ``idempotency_key`` to be safe across restarts of your program too. ``made_from``: for a
        plan that was made of words, the words and the planner. ``pins``: those of the plan that was shown, by task. The
        rest as :meth:`plan`; raises also Refused, and Conflict where the environment is frozen.
        """
        body = calls.submission(request, params, environment, workdir, made_from) | calls.pinned(pins)
        return Run(self, self._drive(calls.submit(body, approve, idempotency_key)))

    def submit_all(
        self,
        requests: Sequence[str | Plan | Mapping[str, Any]],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
        approve: Literal["all"] | Sequence[str] = (),
    ) -> list[Run]:
        """Start many runs in one go, with the same parameters: all, or, if anything is wrong with one, none (its place
        is told). At most 1,000; sent again safely when the connection breaks. For the rest see :meth:`submit`."""
        bodies = [calls.submission(request, params, environment, workdir) for request in requests]
        return [Run(self, data) for data in self._drive(calls.submit_all(bodies, approve))]

    def wait_all(self, runs: Sequence[Run], timeout: float | None = None) -> None:
        """Return when all of these runs have ended (or need attention). Raises TimeoutError after ``timeout`` seconds;
        None: never."""
        found = self._drive(calls.wait_all([run.name for run in runs], timeout))
        for run, data in zip(runs, found, strict=True):
            run.data = data

    def run(self, name: str = "@latest") -> Run:
        """A run by name; ``@latest`` is the newest. Raises NotFound."""
        return Run(self, self._drive(calls.get(calls.of_run(name))))

    def runs(
        self,
        *,
        environment: str | None = None,
        state: str | Sequence[str] | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Runs, newest first: those in one of the states, those older than the run ``before``, at most ``limit``."""
        found = self._drive(calls.runs(limit, environment=environment, state=state, before=before))
        return [Run(self, data) for data in found]

    def get(self, path: str, **params: Any) -> Any:
        """Any other part of the API, read."""
        return self._drive(calls.get(path, **params))

    def post(self, path: str, body: Any = None) -> Any:
        """Any other part of the API, written."""
        return self._drive(calls.post(path, body))

    def _drive(self, flow: calls.Flow[T]) -> T:
        self._greet()
        try:
            call = next(flow)
            while True:
                call = flow.send(calls.answer(self._send(call)))
        except StopIteration as done:
            result: T = done.value
            return result

    def _greet(self) -> None:
        if not self._greeted:
            self._send(calls.GREETING)
            self._greeted = True

    def _send(self, call: calls.Call) -> httpx.Response:
        for left in reversed(range(calls.TRIES if call.safe else 1)):
            try:
                return self._http.request(call.method, call.path, **call.options)
            except httpx.ConnectError as error:
                raise calls.unreachable(self.url, error) from None
            except httpx.TransportError as error:
                if not left:
                    raise calls.unreachable(self.url, error) from None
        raise AssertionError

    def _events(self, stream: calls.Stream) -> Iterator[Event]:
        with self._http.stream("GET", stream.path, **stream.options) as response:
            if not response.is_success:
                response.read()
                calls.answer(response)
            for line in response.iter_lines():
                if event := stream.read(line):
                    yield event


class Run(RunData):
    """A run, as the client sees it."""

    def __init__(self, client: Client, data: dict[str, Any]) -> None:
        self._client = client
        self.data = data

    def refresh(self) -> Run:
        """Look again."""
        self.data = self._client._drive(calls.get(calls.of_run(self.name)))
        return self

    def wait(self, timeout: float | None = None, *, check: bool = False) -> Run:
        """Return when the run has ended (or needs attention). Raises TimeoutError after ``timeout`` seconds (None:
        never); with ``check``, RunFailed if it did not succeed."""
        self.data = self._client._drive(calls.wait(self.name, timeout))
        if check:
            self._raise_if_failed()
        return self

    def watch(self) -> Iterator[Event]:
        """Events from the first to the last, as they happen; a broken connection is taken up where it was."""
        self._client._greet()
        stream = calls.Stream(self._client.url, self.name)
        while True:
            try:
                yield from self._client._events(stream)
                break
            except httpx.TransportError as error:
                time.sleep(stream.lost(error))
        self.refresh()

    @property
    def tasks(self) -> dict[str, TaskInfo]:
        """The tasks by id, fresh unless the run has ended."""
        if not self.ended or "tasks" not in self.data:
            self.refresh()
        return self._tasks()

    @property
    def result(self) -> dict[str, Any]:
        """Task id to result, once the run has ended. Raises RunFailed if it did not succeed."""
        self.wait()
        self._raise_if_failed()
        return self._results()

    def logs(self, task: str | None = None) -> list[dict[str, Any]]:
        """All log lines: ``{id, task, attempt, at, stream, text}``."""
        return self._client._drive(calls.logs(self.name, task))

    def cancel(self) -> Run:
        """Nothing new starts, running tools are ended; does not wait for that. Raises Conflict if the run is over."""
        self.data |= self._client._drive(calls.post(calls.of_run(self.name, "cancel"), {"requested_by": calls.user()}))
        return self

    def rollback(self) -> Run:
        """Start to take the run back; returns the run that does it. Raises Conflict if nothing can be taken back."""
        body = {"requested_by": calls.user()}
        return Run(self._client, self._client._drive(calls.post(calls.of_run(self.name, "rollback"), body)))
