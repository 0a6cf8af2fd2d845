"""The docker agent's lines in ``reign doctor``."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import Check, TaskFailed
from reign.executor.contract import NO_OPTIONS
from workers.docker.compose_cli import HOW, find, is_recent
from workers.docker.engine import address, connect
from workers.docker.errors import in_words


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """Whether an engine answers, and whether there is a Compose to run."""
    return (_engine(options), _compose(options))


def _engine(options: Mapping[str, Any]) -> Check:
    where = address(options)
    try:
        with in_words("ask for its version", where=lambda: where):
            client = connect(options, timeout=5)
            try:
                version = client.version()
            finally:
                client.close()
    except TaskFailed as failure:
        return Check("docker engine", ok=False, detail=failure.message, fix=failure.hint)
    return Check("docker engine", ok=True, detail=f"{version['Version']} at {where}")


def _compose(options: Mapping[str, Any]) -> Check:
    for command in find(options):
        try:
            asked = subprocess.run(
                [*command, "version", "--short"], capture_output=True, text=True, check=False, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):  # the next one may do better
            continue
        if asked.returncode == 0 and is_recent(asked.stdout):
            return Check("docker compose", ok=True, detail=f"{asked.stdout.strip()} ({' '.join(command)})")
    return Check("docker compose", ok=False, detail="not found, or older than 2.17", fix=HOW)
