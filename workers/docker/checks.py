"""The docker agent's lines in ``reign doctor``."""

from __future__ import annotations

from collections.abc import Sequence

from reign.executor import Check, TaskFailed
from workers.docker.engine import address, connect
from workers.docker.errors import in_words


def checks() -> Sequence[Check]:
    """Whether an engine answers, and whether there is a Compose to run."""
    return (_engine(),)


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
