"""The audit and receipts over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Query

from reign.engine import audit as auditing
from reign.engine import receipts
from reign.engine.runtime import Runtime
from reign.store import audit


def routes(api: FastAPI, runtime: Runtime) -> None:
    """``GET /audit``, ``/audit/verify``, ``/runs/NAME/receipt``, ``/receipts/key``."""

    @api.get("/audit", tags=["audit"])
    def listing(
        run: str | None = None,
        environment: str | None = None,
        kind: str | None = None,
        actor: str | None = None,
        subject: str | None = None,
        since: float | None = None,
        before: int | None = None,
        limit: int = Query(default=50, ge=1, le=5000),
    ) -> list[dict[str, Any]]:
        """Entries, newest first. ``kind``: ``change``, ``run.submit``, or its first part; ``before``: the seq to go on
        from."""
        with runtime.database.read() as tx:
            found = audit.listing(
                tx,
                run=run,
                environment=environment,
                kind=kind,
                actor=actor,
                subject=subject,
                since=since,
                before=before,
                limit=limit,
            )
        return [entry.as_dict() for entry in found]

    @api.get("/audit/verify", tags=["audit"])
    def verify() -> dict[str, Any]:
        """Whether the chain stands as it was written: ``{sound, entries, head, anchors, faults, notes}``."""
        return auditing.verify(runtime.database, runtime.journal).as_dict()

    @api.get("/runs/{name}/receipt", tags=["audit"])
    def receipt(name: str) -> dict[str, Any]:
        """A signed record of a run that has ended; ``reign verify`` checks it without the system."""
        return receipts.of_run(runtime, name)

    @api.get("/receipts/key", tags=["audit"])
    def key() -> dict[str, str]:
        """The public key that receipts are signed with, and its fingerprint."""
        return receipts.Signature(runtime.settings.key).public()
