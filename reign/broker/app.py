"""The Celery app: one queue per agent, JSON only, early acknowledgement, and nothing kept in Redis that matters.

Why these settings (each was measured or read in the sources of the release that is locked):

- early ack and no prefetch: the state's claims give durability; with late acks a lost connection kills the worker
- no result backend: results are in the state
- no ack emulation: its bookkeeping costs two round trips a message and guards what the reconciler guards already
- anonymous exchange: a wiped Redis then lacks no bindings, and publishing goes on
- nothing is tried again inside the transport: only so does kombu send a whole group in one pipeline, and what was not
  taken is sent again from the outbox
- ``worker_lost_wait``: by default the slot of a killed child stays taken for ten seconds; the state knows better
- ``socket_timeout`` and unlimited retries: by default a half-dead connection hangs for ever, or is given up after 100
"""

from __future__ import annotations

from collections.abc import Iterable

from celery import Celery
from kombu import Queue

from reign.config import Settings


def queue_name(agent: str) -> str:
    return f"reign.{agent}"


def make_app(settings: Settings, agents: Iterable[str]) -> Celery:
    """A Celery app for the queues of ``agents``. Connects to nothing by itself."""
    app = Celery("reign", set_as_current=False)
    app.conf.update(
        broker_url=settings.broker,
        result_backend=None,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        accept_content=["json"],
        task_serializer="json",
        event_serializer="json",
        task_queues=[Queue(queue_name(agent)) for agent in sorted(agents)],
        task_create_missing_queues=True,
        task_default_queue="reign",
        task_acks_late=False,
        task_send_sent_event=False,
        worker_send_task_events=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_lost_wait=0.5,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=settings.socket_timeout,
        broker_pool_limit=4,
        broker_transport_options={
            "ack_emulation": False,
            "socket_timeout": settings.socket_timeout,
            "socket_connect_timeout": settings.socket_timeout,
            "socket_keepalive": not settings.broker.startswith("redis+socket"),
        },
    )
    return app
