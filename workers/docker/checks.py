"""The docker agent's lines in ``reign doctor``."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from reign.executor import Check, TaskFailed
from workers.docker.compose_cli import HOW, find, is_recent
from workers.docker.engine import address, connect
from workers.docker.errors import in_words


def checks() -> Sequence[Check]:
    """Whether an engine answers, and whether there is a Compose to run."""
    return (_engine(), _compose())


def _engine() -> Check:
    where = address({})
    try:
        with in_words("ask for its version", where=lambda: where):
            client = connect({}, timeout=5)
            try:
                version = client.version()
            finally:
                client.close()
    except TaskFailed as failure:
        return Check("docker engine", ok=False, detail=failure.message, fix=failure.hint)
    return Check("docker engine", ok=True, detail=f"{version['Version']} at {where}")


def _compose() -> Check:
    for command in find({}):
        asked = subprocess.run(
            [*command, "version", "--short"], capture_output=True, text=True, check=False, timeout=20
        )
        if asked.returncode == 0 and is_recent(asked.stdout):
            return Check("docker compose", ok=True, detail=f"{asked.stdout.strip()} ({' '.join(command)})")
    return Check("docker compose", ok=False, detail="not found, or older than 2.17", fix=HOW)
