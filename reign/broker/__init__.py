"""The Celery app, queues and routing, signed messages: the only place that knows Redis."""
