"""The canvas: tasks that are ready together go out as one Celery group, each the head of the chain of its segment.

    ready: build, lint            group(
    build -> tag -> push              chain(build, tag, push),
    lint                              lint)

A chain's message carries the pointers of its tail, so its size is bounded by the length of a segment, whatever the DAG.
What joins (a task with several predecessors) heads a segment of its own: the state releases it, and it goes out then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from celery import Celery, Signature, chain, group

from reign.broker.app import queue_name
from reign.broker.messages import Signer
from reign.store.outbox import Posting


def canvas(app: Celery, signer: Signer, postings: Sequence[Posting]) -> group:
    """The expression that carries out ``postings`` and the segments that they head."""
    return group([_segment(app, signer, posting) for posting in postings], app=app)


def _segment(app: Celery, signer: Signer, posting: Posting) -> Signature:
    ready = posting.ready
    head = _signature(app, signer, posting.run, ready.task_id, ready.uses, ready.task)
    if not ready.rest:
        return head
    tail = [_signature(app, signer, posting.run, *pointer) for pointer in json.loads(ready.rest)]
    return chain(head, *tail, app=app)


def _signature(app: Celery, signer: Signer, run: str, task_id: int, uses: str, name: str) -> Signature:
    return app.signature(
        uses,
        args=signer.pointer(uses, task_id),
        immutable=True,
        queue=queue_name(uses.partition(".")[0]),
        task_id=f"{run}.{name}",
        shadow=f"{run}/{name} {uses}",  # what Flower shows
        ignore_result=True,
    )
