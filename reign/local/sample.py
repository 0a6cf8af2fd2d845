"""The sample job of `make run`: real work that can be looked at, with a Docker Engine or without one."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import httpx

from reign.core.errors import NotFound
from reign.executor import registry

EXAMPLE = "./examples/hello-web"
FIRST_PORT = 8088


def port(data_dir: Path) -> int:
    """The port of this installation's last sample if its page is still there, else the first free one from 8088 on."""
    kept = data_dir / "sample-port"
    with contextlib.suppress(OSError, ValueError):
        last = int(kept.read_text())
        if _serves_it(last):
            return last
    for candidate in range(FIRST_PORT, FIRST_PORT + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
        kept.write_text(str(candidate))
        return candidate
    raise NotFound(f"no free port from {FIRST_PORT} to {FIRST_PORT + 49}")


def _serves_it(port: int) -> bool:
    """Whether the page of a sample is there: then the next one finds everything as it wants it."""
    try:
        return "Hello from REIGN" in httpx.get(f"http://127.0.0.1:{port}/", timeout=1, trust_env=False).text
    except httpx.HTTPError:
        return False


def docker_answers() -> bool:
    """Whether a Docker Engine is there, by the docker agent's own checks."""
    agent = registry.agents().get("docker")
    checks = list(agent.checks()) if agent else []
    return bool(checks) and checks[0].ok


def requests(at: int) -> list[str]:
    """The sample in words: with Docker first if it is there, then with the shell."""
    if not Path(EXAMPLE).is_dir():
        raise NotFound(f"{EXAMPLE} is not here", hint="run it from REIGN's own folder")
    serve = f"python3 -m http.server {at} --bind 127.0.0.1 --directory examples/hello-web/dist"
    shell = (
        f"scan {EXAMPLE} for secrets, then run `sh examples/hello-web/build.sh`, then start `{serve}` "
        f"as a process called hello-web and check that http://127.0.0.1:{at}/ answers"
    )
    docker = f"Build the image in {EXAMPLE} as hello-web:1, run it on port {at} and check that it answers"
    return [docker, shell] if docker_answers() else [shell]
