"""Routes of memory: what is known, and forgetting, writing out and reading in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Query
from pydantic import Field

from reign.api.bodies import Body
from reign.engine.recollecting import Recollection
from reign.engine.runtime import Runtime
from reign.memory.exchange import MAX_BYTES


class ForgetBody(Body):
    """What is forgotten; several together narrow it."""

    operation: str | None = Field(default=None, max_length=100)
    run: str | None = Field(default=None, max_length=100)
    by: str | None = Field(default=None, max_length=100)
    everything: bool = False


class ImportBody(Body):
    text: str = Field(max_length=MAX_BYTES)


def memory_routes(api: FastAPI, runtime: Runtime) -> None:
    memory = Recollection(runtime)

    @api.get("/memory", tags=["memory"])
    def overview() -> list[dict[str, Any]]:
        """The operations that something is known of."""
        return memory.overview()

    @api.get("/memory/operations/{name}", tags=["memory"])
    def operation(name: str) -> dict[str, Any]:
        """One operation: success, durations, failures and what helped against them."""
        return memory.operation(name)

    @api.get("/memory/requests", tags=["memory"])
    def requests(text: str = Query(min_length=1, max_length=2000)) -> list[dict[str, Any]]:
        """Past requests in much the same words."""
        return memory.requests(text)

    @api.get("/memory/export", tags=["memory"])
    def export() -> dict[str, list[str]]:
        """Everything but requests: ``lines``, each a JSON object."""
        return {"lines": list(memory.export())}

    @api.post("/memory/import", tags=["memory"])
    def take_in(body: ImportBody) -> dict[str, int]:
        """Read an export: all of it, or nothing if a line is wrong."""
        return memory.take_in(body.text)

    @api.post("/memory/forget", tags=["memory"])
    def forget(body: ForgetBody) -> dict[str, int]:
        """Forget what is known of an operation, from a run, of a requester, or all."""
        gone = memory.forget(operation=body.operation, run=body.run, by=body.by, everything=body.everything)
        return {"forgotten": gone}
