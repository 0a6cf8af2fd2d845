"""The HTTP API: submit, plan, list, show, follow, cancel. Errors are ``{"error": {code, message, hint, details}}``."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from reign.api import audit, state
from reign.api.batches import batch_routes
from reign.api.bodies import ActorBody, ApprovalBody, PreviewBody, ResolveBody, RunBody
from reign.api.environments import environment_routes
from reign.api.findings import findings_routes
from reign.api.guard import Guard
from reign.api.memory import memory_routes
from reign.api.reference import reference_page
from reign.api.repair import repair_routes
from reign.api.schedules import schedule_routes
from reign.api.usage import usage_routes
from reign.api.wakeups import LOOK_EVERY, Wakeups, Watch
from reign.api.web import serve_web
from reign.config import Settings
from reign.core.errors import InvalidInput, ReignError
from reign.core.schema import plan_schema
from reign.core.states import RunState
from reign.engine import backups, views
from reign.engine.general import ReignGeneral
from reign.engine.planning import planners
from reign.engine.remembering import Remembering
from reign.engine.repair import Repairs
from reign.engine.runtime import Runtime
from reign.engine.schedules import Scheduler, actions
from reign.executor import registry
from reign.store import events, locks, runs, schema, workers
from reign.store.runs import RunRecord

QUIET = 15.0  # seconds without an event after which a stream says that it is there
LONGEST_WAIT = 60.0  # seconds that one request may wait for a run to end


def make_api(settings: Settings) -> FastAPI:
    """The application, connected when it starts. The state's schema is brought up to date then."""
    runtime = Runtime(settings)
    general = ReignGeneral(runtime, planners(runtime))
    remembering = Remembering(runtime)
    wakeups = Wakeups(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(backups.upgrade, runtime)
        wakeups.start()
        yield
        await wakeups.stop()
        runtime.close()

    api = FastAPI(title="REIGN", version=version("reign"), lifespan=lifespan, docs_url=None, redoc_url=None)
    _handle_errors(api)
    _handle_faults(api)
    api.add_middleware(Guard, settings=settings)
    _health(api, runtime)
    _planning(api, general, remembering)
    usage_routes(api, runtime)
    schedule_routes(api, Scheduler(runtime, actions(runtime, general)), general)
    batch_routes(api, runtime, general, wakeups)
    _runs(api, runtime, general, wakeups)
    _control(api, general)
    repair_routes(api, Repairs(runtime, general, recall=remembering.recall))
    memory_routes(api, runtime)
    audit.routes(api, runtime)
    environment_routes(api, runtime, general)
    findings_routes(api, runtime)
    state.routes(api, runtime, general)
    reference_page(api)
    serve_web(api, settings)
    return api


def _handle_errors(api: FastAPI) -> None:
    @api.exception_handler(ReignError)
    async def ours(_: Request, error: ReignError) -> Response:
        return JSONResponse(error.as_dict(), status_code=error.http_status)

    @api.exception_handler(RequestValidationError)
    async def body(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        wrong = InvalidInput(f"{place}: {first['msg']}", hint="see /docs")
        return JSONResponse(wrong.as_dict(), status_code=422)

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = "not_found" if error.status_code == 404 else "invalid_request"
        named = {"code": code, "message": f"{request.method} {request.url.path}: {error.detail}", "hint": "see /docs"}
        return JSONResponse({"error": {**named, "details": None}}, status_code=error.status_code)


def _handle_faults(api: FastAPI) -> None:
    @api.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        """The trace goes to the log of the API, not to whoever asked."""
        message = f"{request.method} {request.url.path}: a fault of reign itself: {type(error).__name__}"
        return JSONResponse(ReignError(message, hint="the API's log says more").as_dict(), status_code=500)


def _health(api: FastAPI, runtime: Runtime) -> None:
    @api.get("/healthz", tags=["health"])
    async def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @api.get("/readyz", tags=["health"])
    def ready() -> Response:
        """The state and the broker answer; 503 with the reasons if not."""
        parts: dict[str, str] = {}
        for name, look in (("database", _look_at_database), ("broker", lambda r: r.redis.ping())):
            try:
                look(runtime)
                parts[name] = "ok"
            except ReignError as error:
                parts[name] = str(error)
        well = all(state == "ok" for state in parts.values())
        return JSONResponse({"status": "ok" if well else "unavailable", **parts}, 200 if well else 503)

    @api.get("/pools", tags=["health"])
    def pools() -> list[dict[str, Any]]:
        """For each agent its live worker processes, how many messages wait, and what goes on only later and why."""
        names, now = list(registry.agents()), time.time()
        with runtime.database.read() as tx:
            live = [w for w in workers.listing(tx) if w.seen_at >= now - runtime.settings.lease]
            paused = views.pauses_view(tx, now)
        try:
            lengths: dict[str, int | None] = dict(runtime.redis.lengths(names))
        except ReignError:
            lengths = dict.fromkeys(names)
        return [
            {
                "agent": name,
                "workers": sum(name in w.agents for w in live),
                "waiting": lengths[name],
                "paused": paused.get(name),
            }
            for name in names
        ]

    @api.get("/locks", tags=["health"])
    def held() -> list[dict[str, Any]]:
        """Locks that are held, and who waits for each."""
        with runtime.database.read() as tx:
            return [
                {
                    "resource": x.resource,
                    "run": x.run,
                    "task": x.task,
                    "uses": x.uses,
                    "fence": x.fence,
                    "since": x.since,
                    "alive": x.alive,
                    "waiting": list(x.waiting),
                }
                for x in locks.listing(tx)
            ]


def _look_at_database(runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        schema.current(tx)


def _planning(api: FastAPI, general: ReignGeneral, remembering: Remembering) -> None:
    @api.post("/plan", tags=["planning"])
    def plan(body: PreviewBody) -> dict[str, Any]:
        """The plan of a request, checked, assessed and judged by the policy; runs nothing."""
        shown, about = general.plan(body.submission(), rehearse=body.preview)
        return {**shown.as_dict(), **about, **remembering.about(shown, registry.catalog(), body.request)}

    @api.get("/operations", tags=["planning"])
    def operations() -> list[dict[str, Any]]:
        """All installed operations with the schemas of their inputs and results."""
        return [spec.describe() for spec in registry.catalog().values()]

    @api.get("/operations/{name}", tags=["planning"])
    def operation(name: str) -> dict[str, Any]:
        return registry.catalog().find(name).describe()

    @api.get("/schema", tags=["planning"])
    def plan_file_schema() -> dict[str, Any]:
        """The JSON Schema of plan files."""
        return plan_schema(registry.catalog())


def _runs(api: FastAPI, runtime: Runtime, general: ReignGeneral, wakeups: Wakeups) -> None:
    database = runtime.database

    def find(name: str) -> RunRecord:
        with database.read() as tx:
            return runs.find(tx, name)

    def detail(name: str) -> dict[str, Any]:
        with database.read() as tx:
            return views.run_detail(tx, runs.find(tx, name), seen_since=time.time() - runtime.settings.lease)

    @api.post("/runs", status_code=201, tags=["runs"])
    def submit(body: RunBody) -> dict[str, Any]:
        """Plan and start a run. The same ``idempotency_key`` gives the same run, so a client may try again."""
        return views.run_summary(general.submit(body.wanted()))

    @api.get("/runs", tags=["runs"])
    def listing(
        environment: str | None = None,
        state: Annotated[list[RunState] | None, Query(description="only runs in one of these states")] = None,
        before: Annotated[str | None, Query(description="a run's name: only those older than it")] = None,
        limit: int = Query(default=50, ge=1, le=500),
    ) -> list[dict[str, Any]]:
        """Runs, newest first. The next page is asked for with the last run's name as ``before``."""
        with database.read() as tx:
            start = runs.find(tx, before).id if before else None
            found = runs.listing(tx, environment=environment, states=state, before=start, limit=limit)
            counts = runs.counts(tx, [run.id for run in found])
        return [views.run_summary(run, counts[run.id]) for run in found]

    @api.get("/runs/{name}", tags=["runs"])
    async def show(name: str, wait: float = Query(default=0, ge=0, le=LONGEST_WAIT)) -> dict[str, Any]:
        """A run with its tasks. ``wait``: answer when it has ended, or after so many seconds as it stands then."""
        deadline = time.monotonic() + wait
        run = await run_in_threadpool(find, name)
        with wakeups.watching([run.id]) as watch:
            while wait and not (run := await run_in_threadpool(find, run.name)).ended:
                left = deadline - time.monotonic()
                if run.state == "needs_attention" or left <= 0:
                    break
                await watch.changed(min(LOOK_EVERY, left))
        return await run_in_threadpool(detail, run.name)

    @api.get("/runs/{name}/plan", tags=["runs"])
    def plan(name: str) -> dict[str, Any]:
        """The plan that the run carries out, as a plan file has it."""
        with database.read() as tx:
            return runs.plan_of(tx, runs.find(tx, name).id)

    @api.get("/runs/{name}/events", tags=["runs"])
    async def follow(
        name: str, after: int = 0, follow: bool = True, last_event_id: Annotated[int | None, Header()] = None
    ) -> StreamingResponse:
        """Events as they happen (server-sent events; ``data`` is one JSON object), until the run has ended."""
        run = await run_in_threadpool(find, name)
        last = after if last_event_id is None else last_event_id

        async def stream() -> AsyncIterator[str]:
            with wakeups.watching([run.id]) as watch:
                async for event in _events(database, watch, run, last, follow):
                    yield event

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    @api.get("/runs/{name}/logs", tags=["runs"])
    def logs(name: str, task: str | None = None, after: int = 0, limit: int = Query(default=2000, le=10_000)) -> Any:
        """Log lines with an id above ``after``; with ``state``, so that a follower knows when to stop."""
        with database.read() as tx:
            run = runs.find(tx, name)
            task_id = runs.task(tx, run, task).id if task else None
            lines = runs.log_lines(tx, run.id, task_id, after, limit)
        return {"run": run.name, "state": run.state.value, "lines": lines}


async def _events(database: Any, watch: Watch, run: RunRecord, after: int, follow: bool) -> AsyncIterator[str]:
    def look(since: int) -> tuple[list[events.Event], RunRecord]:
        with database.read() as tx:
            now = runs.by_id(tx, run.id)
            return events.of_run(tx, run.id, since), now

    seen: set[int] = set()
    floor = after
    told = time.monotonic()
    while True:
        found, now = await run_in_threadpool(look, floor)
        if time.monotonic() - told > QUIET:  # so that neither a client nor a proxy takes the connection for dead
            told = time.monotonic()
            yield ": still here\n\n"
        for event in events.unseen(found, seen):
            told = time.monotonic()
            yield f"id: {event.id}\nevent: {event.kind}\ndata: {json.dumps(event.as_dict(), default=str)}\n\n"
        full = len(found) >= 1000
        if full:
            floor = found[-1].id
        elif now.ended or now.state == "needs_attention" or not follow:
            return
        else:
            # Look back a little: an event with a lower id may be committed after one with a higher id.
            floor = max(floor, (found[-1].id if found else floor) - 500)
            await watch.changed()
            await asyncio.sleep(0)


def _control(api: FastAPI, general: ReignGeneral) -> None:
    def simple(action: Callable[[str, str | None], RunRecord]) -> Callable[..., dict[str, Any]]:
        def act(name: str, body: ActorBody | None = None) -> dict[str, Any]:
            return views.run_summary(action(name, body.requested_by if body else None))

        act.__doc__ = action.__doc__
        return act

    for verb, action in (
        ("cancel", general.cancel),
        ("pause", general.pause),
        ("resume", general.resume),
        ("retry", general.retry),
    ):
        api.post(f"/runs/{{name}}/{verb}", tags=["control"], name=verb)(simple(action))

    @api.post("/runs/{name}/tasks/{task}/approve", tags=["control"])
    def approve(name: str, task: str, body: ApprovalBody) -> dict[str, Any]:
        """A person's yes or no to a task that waits for it."""
        return views.run_summary(general.approve(name, task, by=body.by, yes=body.yes, note=body.note))

    @api.post("/runs/{name}/tasks/{task}/resolve", tags=["control"])
    def resolve(name: str, task: str, body: ResolveBody) -> dict[str, Any]:
        """Settle a task that needs attention."""
        return views.run_summary(general.resolve(name, task, body.verdict, by=body.by, result=body.result))

    @api.get("/runs/{name}/rollback", tags=["control"])
    def rollback_preview(name: str) -> dict[str, Any]:
        """The plan that takes a run back, and what it cannot take back with the reasons."""
        shown, found = general.rollback_preview(name)
        return views.rollback_view(shown, found)

    @api.post("/runs/{name}/rollback", status_code=201, tags=["control"])
    def rollback(name: str, body: ActorBody) -> dict[str, Any]:
        """Take a run back by an ordinary run, and return that."""
        return views.run_summary(general.rollback(name, requested_by=body.requested_by))
