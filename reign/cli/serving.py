"""``reign up``, ``down``, ``status``, ``doctor``, and the single parts for those who place them themselves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Annotated, Any

import typer
from rich.table import Table

from reign.cli.output import Format, Output, console, escape, write_json
from reign.config import Settings
from reign.core.errors import Conflict, InvalidInput, ReignError, Unavailable


def register(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("doctor")(doctor)
    app.command("sample")(sample)
    app.command("worker", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(worker)
    app.command("api")(api)
    app.command("general")(general)
    app.command("flower")(flower)


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="return when everything is ready")] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: broker, API, planner, one pool per agent, scheduler, Flower."""
    from reign.local import supervisor

    settings = Settings.load()
    if detach:
        _detached(settings)
        return
    _reachable(settings)
    watched = supervisor.Supervisor(settings, lambda text: console.print(text, soft_wrap=True))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: watched.stopped.set())
    watched.run(lambda: _welcome(settings))
    console.print("stopped")


def _reachable(settings: Settings) -> None:
    """What is not started here must be there already. Raises Unavailable."""
    from reign.broker.redis import Redis

    if settings.broker_url is not None:
        Redis(settings).ping()


def _welcome(settings: Settings) -> None:
    console.print(f"REIGN is up: {settings.url}")
    if settings.flower_port:
        console.print(f"  Flower: http://127.0.0.1:{settings.flower_port}")
    console.print(f"  data:   {settings.data_dir}\n  Ctrl-C stops it")


def _detached(settings: Settings) -> None:
    from reign.local import supervisor
    from reign.local.parts import healthy

    if supervisor.running(settings):
        console.print(f"REIGN is up already: {settings.url}")
        return
    log = settings.writable_data_dir() / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "reign", "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + supervisor.READY_WITHIN
    while not (supervisor.running(settings) and healthy(settings)):
        if process.poll() is not None:
            said, _, hint = log.read_text(errors="replace").strip().partition("\n")
            raise Unavailable(
                f"REIGN did not start: {said.removeprefix('reign: ') or 'it said nothing'}",
                hint=" ".join(hint.split()) or f"its log is {log}",
            )
        if time.monotonic() > deadline:
            raise Unavailable(f"REIGN did not start within {supervisor.READY_WITHIN:g} s", hint=f"see {log}")
        time.sleep(0.1)
    console.print(f"REIGN is up: {settings.url}")


def down() -> None:
    """Stop what `reign up` started, and wait until it is gone."""
    from reign.local import supervisor

    settings = Settings.load()
    if supervisor.stop(settings):
        console.print("stopped")
    elif (found := supervisor.left_behind(settings)) is not None:
        ended = supervisor.clear(settings)
        console.print(
            f"the supervisor (pid {found[0]}) had not stopped in order; "
            + (f"ended what it left: {', '.join(ended)}" if ended else "nothing of it was left"),
            soft_wrap=True,
        )
    else:
        console.print("nothing was running")


def status(output: Output = Format.TEXT) -> None:
    """What runs on this machine, and the pools."""
    from reign.client import Client
    from reign.local import supervisor
    from reign.local.parts import readiness

    settings = Settings.load()
    state = supervisor.running(settings)
    abandoned = supervisor.left_behind(settings) if state is None else None
    parts = readiness(settings, settings.socket_timeout + 2) or {}
    well = parts.get("status") == "ok"
    pools = Client().get("/pools") if well else []
    if output is Format.JSON:
        left = abandoned[1] if abandoned else []
        found = {
            "up": state is not None,
            "ready": well,
            "api": settings.url,
            "local": state,
            "left": left,
            "parts": parts,
        }
        write_json({**found, "pools": pools})
        return
    if abandoned:
        pid, names = abandoned
        lives = f"it left {', '.join(names)}: `reign down` ends that" if names else "it left nothing"
        raise Unavailable(
            f"REIGN is not running: its supervisor (pid {pid}) did not stop in order",
            hint=f"{lives}; `reign up` starts it anew",
        )
    if state is None and not parts:
        raise Unavailable("REIGN is not running", hint="`reign up` starts it")
    if faults := [said for name, said in parts.items() if name != "status" and said != "ok"]:
        raise Unavailable(
            f"REIGN is not ready: {'; '.join(faults)}",
            hint="what was submitted waits and is not lost; `reign doctor` looks",
        )
    console.print(f"REIGN is {'up' if well else 'starting'}: {settings.url}")
    table = Table("pool", "workers", "waiting", box=None, header_style="dim")
    for pool in pools:
        table.add_row(pool["agent"], str(pool["workers"]), "?" if pool["waiting"] is None else str(pool["waiting"]))
    console.print(table)
    for said in _pauses(pools):
        console.print(f"[yellow]waits:[/yellow] {escape(said)}", soft_wrap=True)


def _pauses(pools: list[dict[str, Any]]) -> list[str]:
    """A sentence for each pool that has tasks which went back to its queue for a while."""
    sentences = []
    for pool in pools:
        if paused := pool["paused"]:
            more = paused["tasks"] - 1
            others = f" ({more} more {'task' if more == 1 else 'tasks'} of {pool['agent']} later)" if more else ""
            why = f": {paused['reason']}" if paused["reason"] else ""
            sentences.append(f"{paused['first']} goes on in {paused['seconds']:.0f} s{others}{why}")
    return sentences


def doctor(output: Output = Format.TEXT) -> None:
    """Look at each engine, binary, credential and port; print the fix for what is missing. Exit 7 if a must is."""
    from reign.local.doctor import examine

    found = examine(Settings.load())
    if output is Format.JSON:
        write_json([vars(check) for check in found])
    else:
        for check in found:
            mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]" if check.required else "[yellow]–[/yellow]"
            console.print(f"{mark} [bold]{escape(check.name)}[/bold]  {escape(check.detail)}", soft_wrap=True)
            if not check.ok and check.fix:
                console.print(f"    {escape(check.fix)}", style="dim", soft_wrap=True)
    if any(check.required and not check.ok for check in found):
        raise Unavailable("something that REIGN needs is missing", hint="see the lines marked ✗")


def sample() -> None:
    """Start REIGN and let it do a sample job on this machine."""
    from reign.cli import plans, state
    from reign.core.errors import RunFailed
    from reign.local import sample as job

    settings = Settings.load()
    _detached(settings)
    wanted = job.requests(job.port(settings.data_dir))
    for request in wanted:
        console.print(f"\n[bold]reign run[/bold] --yes “{escape(request)}”\n", soft_wrap=True)
        try:
            plans.run([request], yes=True)
        except RunFailed as error:
            if request is wanted[-1]:
                raise
            console.print(
                f"{escape(error.message)}\nWithout Docker, then. First what was done is taken back:", soft_wrap=True
            )
            with contextlib.suppress(ReignError):  # what stays in the way is told by what comes next
                state.rollback("@latest", yes=True)
            continue
        console.print("  stop REIGN:   reign down")
        return


def worker(
    context: typer.Context,
    agents: Annotated[list[str], typer.Argument(help="docker, bash, ... or all")],
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", min=1, max=256, help="processes of the pool")
    ] = None,
    pool: Annotated[str, typer.Option(help="prefork, or solo for short tasks")] = "prefork",
    loglevel: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR")] = "WARNING",
) -> None:
    """Serve the queues of some agents until SIGTERM."""
    argv = [sys.executable, "-m", "workers", *agents, "--pool", pool, "--loglevel", loglevel, *context.args]
    if concurrency:
        argv += ["--concurrency", str(concurrency)]
    os.execv(sys.executable, argv)  # noqa: S606


def api() -> None:
    """Serve the HTTP API."""
    import uvicorn

    from reign.api.app import make_api
    from reign.engine import backups
    from reign.engine.runtime import Runtime
    from reign.local.parts import free_port

    settings = Settings.load()
    free_port(settings.api_host, settings.api_port, "REIGN_API_PORT")
    runtime = Runtime(settings)  # where there is no database, this says so in a line
    backups.upgrade(runtime)
    runtime.close()
    config = uvicorn.Config(
        make_api(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run()


def general() -> None:
    """Serve the orchestrator: relay, reconciler, scheduler. Any number may run; one leads."""
    import logging

    from reign.engine.service import serve

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    serve(Settings.load(), stopped)


def flower(
    port: Annotated[int | None, typer.Option(help="default: the setting flower_port")] = None,
    address: Annotated[
        str, typer.Option(help="loopback by default; put it behind auth before you change that")
    ] = "127.0.0.1",
) -> None:
    """Serve Flower, which shows the pools and every task."""
    from reign.engine.runtime import Runtime

    settings = Settings.load()
    if address not in ("127.0.0.1", "localhost", "::1") and not os.environ.get("FLOWER_BASIC_AUTH"):
        raise InvalidInput(
            "Flower's pages are open to whoever reaches them", hint="set FLOWER_BASIC_AUTH=user:password"
        )
    if not (port or settings.flower_port):
        raise Conflict("Flower is switched off (flower_port is 0)")
    os.environ.setdefault("FLOWER_UNAUTHENTICATED_API", "true" if address == "127.0.0.1" else "false")
    argv = ["flower", f"--address={address}", f"--port={port or settings.flower_port}", "--logging=warning"]
    argv += ["--persistent=False", "--max_tasks=20000"]
    app = Runtime(settings).app
    # Each of its inspectors holds a connection while it asks for another: with a limit they wait for each other.
    app.conf.broker_pool_limit = None
    app.start(argv)
