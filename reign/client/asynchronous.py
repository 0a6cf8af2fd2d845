"""The asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import httpx

from reign.client import calls
from reign.client.data import Event, RunData, TaskInfo
from reign.core.plan import Plan

T = TypeVar("T")


class AsyncClient:
    """:class:`reign.client.Client` with coroutines."""

    _greeted = False

    def __init__(self, url: str | None = None, *, token: str | None = None) -> None:
        self.url, options = calls.connection(url, token)
        self._http = httpx.AsyncClient(**options)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def plan(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
    ) -> dict[str, Any]:
        """See :meth:`Client.plan`."""
        return await self._drive(calls.plan(calls.submission(request, params, environment, workdir)))

    async def submit(
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
    ) -> AsyncRun:
        """See :meth:`Client.submit`."""
        body = calls.submission(request, params, environment, workdir, made_from) | calls.pinned(pins)
        return AsyncRun(self, await self._drive(calls.submit(body, approve, idempotency_key)))

    async def submit_all(
        self,
        requests: Sequence[str | Plan | Mapping[str, Any]],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
        approve: Literal["all"] | Sequence[str] = (),
    ) -> list[AsyncRun]:
        """See :meth:`Client.submit_all`."""
        bodies = [calls.submission(request, params, environment, workdir) for request in requests]
        return [AsyncRun(self, data) for data in await self._drive(calls.submit_all(bodies, approve))]

    async def wait_all(self, runs: Sequence[AsyncRun], timeout: float | None = None) -> None:
        """See :meth:`Client.wait_all`."""
        found = await self._drive(calls.wait_all([run.name for run in runs], timeout))
        for run, data in zip(runs, found, strict=True):
            run.data = data

    async def run(self, name: str = "@latest") -> AsyncRun:
        """A run by name."""
        return AsyncRun(self, await self._drive(calls.get(calls.of_run(name))))

    async def runs(
        self,
        *,
        environment: str | None = None,
        state: str | Sequence[str] | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[AsyncRun]:
        """See :meth:`Client.runs`."""
        found = await self._drive(calls.runs(limit, environment=environment, state=state, before=before))
        return [AsyncRun(self, data) for data in found]

    async def get(self, path: str, **params: Any) -> Any:
        """Any other part of the API, read."""
        return await self._drive(calls.get(path, **params))

    async def post(self, path: str, body: Any = None) -> Any:
        """Any other part of the API, written."""
        return await self._drive(calls.post(path, body))

    async def _drive(self, flow: calls.Flow[T]) -> T:
        await self._greet()
        try:
            call = next(flow)
            while True:
                call = flow.send(calls.answer(await self._send(call)))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _greet(self) -> None:
        if not self._greeted:
            await self._send(calls.GREETING)
            self._greeted = True

    async def _send(self, call: calls.Call) -> httpx.Response:
        for left in reversed(range(calls.TRIES if call.safe else 1)):
            try:
                return await self._http.request(call.method, call.path, **call.options)
            except httpx.ConnectError as error:
                raise calls.unreachable(self.url, error) from None
            except httpx.TransportError as error:
                if not left:
                    raise calls.unreachable(self.url, error) from None
        raise AssertionError

    async def _events(self, stream: calls.Stream) -> AsyncIterator[Event]:
        async with self._http.stream("GET", stream.path, **stream.options) as response:
            if not response.is_success:
                await response.aread()
                calls.answer(response)
            async for line in response.aiter_lines():
                if event := stream.read(line):
                    yield event


class AsyncRun(RunData):
    """:class:`reign.client.Run` with coroutines."""

    def __init__(self, client: AsyncClient, data: dict[str, Any]) -> None:
        self._client = client
        self.data = data

    async def refresh(self) -> AsyncRun:
        """Look again."""
        self.data = await self._client._drive(calls.get(calls.of_run(self.name)))
        return self

    async def wait(self, timeout: float | None = None, *, check: bool = False) -> AsyncRun:
        """See :meth:`Run.wait`."""
        self.data = await self._client._drive(calls.wait(self.name, timeout))
        if check:
            self._raise_if_failed()
        return self

    async def watch(self) -> AsyncIterator[Event]:
        """Events from the first to the last, as they happen; a broken connection is taken up where it was."""
        await self._client._greet()
        stream = calls.Stream(self._client.url, self.name)
        while True:
            try:
                async for event in self._client._events(stream):
                    yield event
                break
            except httpx.TransportError as error:
                await asyncio.sleep(stream.lost(error))
        await self.refresh()

    async def tasks(self) -> dict[str, TaskInfo]:
        """The tasks by id, fresh unless the run has ended."""
        if not self.ended or "tasks" not in self.data:
            await self.refresh()
        return self._tasks()

    async def result(self) -> dict[str, Any]:
        """Task id to result, once the run has ended. Raises RunFailed if it did not succeed."""
        await self.wait()
        self._raise_if_failed()
        return self._results()

    async def logs(self, task: str | None = None) -> list[dict[str, Any]]:
        """See :meth:`Run.logs`."""
        return await self._client._drive(calls.logs(self.name, task))

    async def cancel(self) -> AsyncRun:
        """Nothing new starts, running tools are ended."""
        self.data |= await self._client._drive(
            calls.post(calls.of_run(self.name, "cancel"), {"requested_by": calls.user()})
        )
        return self

    async def rollback(self) -> AsyncRun:
        """Take the run back; returns the run that does it."""
        body = {"requested_by": calls.user()}
        return AsyncRun(self._client, await self._client._drive(calls.post(calls.of_run(self.name, "rollback"), body)))
