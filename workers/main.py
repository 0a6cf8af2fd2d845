"""The worker entry point: ``python -m workers AGENT... --concurrency N`` (``reign worker`` calls it).

A pool is a Celery worker that serves the queues of its agents. ``prefork`` (the default) gives each running task a
process of its own under one parent; ``solo`` runs N single processes side by side, which is lighter for short tasks.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from celery import Celery, Task
from celery.exceptions import SecurityWarning
from celery.signals import (
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from reign.broker.app import queue_name
from reign.broker.messages import NotOurs, Pointer
from reign.config import Settings
from reign.core.errors import NotFound, ReignError, Unavailable
from reign.engine.runtime import Runtime
from reign.engine.spine import Spine
from reign.executor import registry
from reign.executor.process import die_with_parent
from reign.store import schema
from workers.telling import Teller

log = logging.getLogger("reign.worker")
AnyTask: TypeAlias = "Task[Any, Any]"

_LOOK_AGAIN = 0.5  # seconds
_SAY_AGAIN = 30.0  # seconds
#: Seconds from the end of a stopping worker's last task to its own. All is recorded by then, so a worker that hangs in
#: letting go of its connections says where (the stacks of its threads, on stderr) and ends without.
_PARTING = 15.0
LEAN = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class NotDone(Exception):
    """The task did not succeed, and the state has that already; this is what Celery and Flower are told."""


class CeleryChain:
    """The chain of the message that a task's body is working on; changed here, sent by Celery when the body returns."""

    def __init__(self, task: AnyTask) -> None:
        self._request: Any = task.request

    def head(self) -> int | None:
        chain = self._request.chain
        return int(chain[-1]["args"][0]) if chain else None

    def advance(self) -> None:
        self._request.chain = self._request.chain[:-1]

    def drop(self) -> None:
        self._request.chain = None


class Pool:
    """The agents that one worker process serves, and its spine, made after the fork."""

    def __init__(self, settings: Settings, agents: Sequence[str], name: str) -> None:
        self._settings = settings
        self._agents = agents
        self._name = name
        self._runtime: Runtime | None = None
        self._spine: Spine | None = None
        self._teller: Teller | None = None
        self._at_work = self._ending = False

    def open(self) -> None:
        """Connect and show that this process is there. Raises Unavailable, and is then still to be opened."""
        if self._spine is not None:
            return
        runtime = Runtime(self._settings)
        teller = Teller(runtime.app, self._name)
        spine = Spine(runtime, self._agents, teller)
        try:
            spine.pulse.start()
        except Unavailable:
            teller.close()
            runtime.close()
            raise
        self._runtime, self._teller, self._spine = runtime, teller, spine

    def open_early(self) -> None:
        """Open before the first task, if that is possible already."""
        try:
            self.open()
        except Unavailable as error:
            log.warning("%s", error)

    def end_soon(self) -> None:
        """Be gone _PARTING seconds after the last task, whatever happens: this process has been asked to end."""
        self._ending = True
        if not self._at_work:
            faulthandler.dump_traceback_later(_PARTING, exit=True)

    def close(self) -> None:
        if self._spine is not None and self._runtime is not None:
            self._spine.pulse.stop()
            if self._teller is not None:
                self._teller.close()
            self._runtime.close()
            self._spine = self._runtime = self._teller = None

    def carry_out(self, task: AnyTask, uses: str, pointer: Pointer) -> None:
        """The body of every Celery task. Raises NotDone if the task did not succeed, so that Flower shows it so."""
        chain = CeleryChain(task)
        self._at_work = True  # first: a signal in between would have this task cut off
        faulthandler.cancel_dump_traceback_later()  # a message can still come while the connections are closed
        try:
            self.open()
            assert self._spine is not None
            assert self._runtime is not None
            failure = self._spine.carry_out(self._runtime.signer.check(uses, pointer), chain)
        except NotOurs as error:
            chain.drop()
            log.warning("%s: refused", error)
        except Unavailable as error:
            chain.drop()  # the state still has the task as ready, or as claimed by this worker: it is sent again
            log.warning("%s", error)
        else:
            if failure is not None:
                raise NotDone(failure)
        finally:
            self._at_work = False
            if self._ending:
                self.end_soon()


def make_worker(settings: Settings, agents: Sequence[str], name: str) -> tuple[Celery, Pool]:
    """The Celery app with one task for each operation of ``agents``, and the pool behind it."""
    runtime = Runtime(settings)
    app, pool = runtime.app, Pool(settings, agents, name)
    app.conf.worker_consumer = "workers.consumer:Consumer"
    for agent in agents:
        for uses in registry.catalog_of(agent):
            _register(app, pool, uses)
    worker_process_init.connect(lambda **_: pool.open_early(), weak=False)
    worker_process_shutdown.connect(lambda **_: pool.close(), weak=False)
    return app, pool


def _register(app: Celery, pool: Pool, uses: str) -> None:
    @app.task(name=uses, bind=True, ignore_result=True, max_retries=0, throws=(NotDone,))
    def carry_out(self: AnyTask, task_id: int, expires: int, signature: str) -> None:
        pool.carry_out(self, uses, (task_id, expires, signature))


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reign worker", description="Serve the queues of some agents.")
    parser.add_argument("agents", nargs="+", metavar="AGENT", help="docker, bash, ... or all")
    parser.add_argument(
        "--concurrency", "-c", type=int, default=None, help="tasks at the same time; default: REIGN_CONCURRENCY"
    )
    parser.add_argument("--pool", choices=("prefork", "solo"), default="prefork")
    parser.add_argument("--loglevel", default="WARNING")
    parser.add_argument("--name", default=None, help="of this worker, as Flower shows it")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM (which lets running tasks end). Returns the exit code."""
    options = parse(argv)
    try:
        settings = Settings.load()
        agents = _agents(options.agents)
        gc.enable()  # off while all was loaded (workers.__main__)
    except ReignError as error:
        print(f"reign worker: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    logging.basicConfig(level=options.loglevel.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("celery.redirected").setLevel(logging.ERROR)
    # Celery warns of root because a pickle in a message could run anything; here messages are JSON, and signed.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    concurrency = options.concurrency or settings.concurrency
    if options.pool == "solo" and concurrency > 1:
        return _side_by_side(options, concurrency)
    try:
        wait_for_the_rest(settings)
    except KeyboardInterrupt:
        return 130
    return serve(settings, agents, options, concurrency)


def wait_for_the_rest(settings: Settings) -> None:
    """Return when the database and the broker are there; meanwhile what is missing is said, now and then."""
    runtime = Runtime(settings)
    said, said_at = "", 0.0
    while reason := missing(runtime):
        if reason != said or time.monotonic() - said_at > _SAY_AGAIN:
            log.warning("waiting: %s", reason)
            said, said_at = reason, time.monotonic()
        time.sleep(_LOOK_AGAIN)
    runtime.close()


def missing(runtime: Runtime) -> str | None:
    """What a worker cannot do without and does not have: a database of this program's schema, and the broker."""
    try:
        with runtime.database.read() as tx:
            found = schema.current(tx)
        if found != schema.head():
            has = f"schema {found}" if found else "no tables"
            return (
                f"the database {runtime.database.shown} has {has}, and this worker needs {schema.head()}; "
                "the API, the general or `reign state upgrade` makes it"
            )
        runtime.redis.ping()
    except Unavailable as error:
        return str(error)
    return None


def _agents(names: Sequence[str]) -> list[str]:
    if list(names) == ["all"]:
        return list(registry.agents())
    for name in names:
        try:
            registry.agent(name)
        except NotFound:
            if name in registry.broken():
                why = registry.broken()[name]
                raise NotFound(f"the {name} agent cannot be loaded: {why}", hint="reign doctor") from None
            raise
    return list(dict.fromkeys(names))


def serve(settings: Settings, agents: Sequence[str], options: argparse.Namespace, concurrency: int) -> int:
    """Run one Celery worker in this process."""
    name = options.name or f"{'-'.join(agents)}-{os.getpid()}@{socket.gethostname()}"
    app, pool = make_worker(settings, agents, name)
    solo = options.pool == "solo"
    if solo:
        worker_ready.connect(lambda **_: pool.open_early(), weak=False)
        worker_shutting_down.connect(lambda **_: pool.end_soon(), weak=False)
        worker_shutdown.connect(lambda **_: pool.close(), weak=False)
    argv = ["worker", "-P", options.pool, "-c", str(concurrency), "-n", name, "-l", options.loglevel.upper(), "-E"]
    argv += [*LEAN[:2], "-Q", ",".join(queue_name(agent) for agent in agents)]
    for agent in agents:
        registry.agent(agent).prepare()
    gc.collect()
    gc.freeze()  # a collection in a child would write to, and so copy, every page that it shares with this process
    return _exit_code(app.worker_main, argv)


def _exit_code(main: Callable[[list[str]], object], argv: list[str]) -> int:
    """Celery's command ends by SystemExit, whatever its outcome."""
    try:
        main(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0


def _side_by_side(options: argparse.Namespace, count: int) -> int:
    """``count`` solo workers under this process; they end with it."""
    command = [
        sys.executable,
        "-m",
        "workers",
        *options.agents,
        "--pool",
        "solo",
        "-c",
        "1",
        "--loglevel",
        options.loglevel,
    ]
    children = [subprocess.Popen(command, preexec_fn=die_with_parent) for _ in range(count)]

    def stop(number: int, _frame: Any) -> None:
        for child in children:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return max(child.wait() for child in children)
