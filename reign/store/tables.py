"""The tables. Times are seconds since 1970 (UTC); ``data``-like columns hold canonical JSON as text.

A task's id is ``run_id * 2**20 + ordinal``: one number names it in messages, edges and logs, and a plan of ten thousand
tasks is inserted without asking the database for its keys.
"""

from __future__ import annotations

import sqlalchemy as sa

ORDINAL_BITS = 20
MAX_ORDINAL = (1 << ORDINAL_BITS) - 1  # tasks of a run, those made by for_each included


def task_key(run_id: int, ordinal: int) -> int:
    return (run_id << ORDINAL_BITS) | ordinal


def run_of(task_id: int) -> int:
    return task_id >> ORDINAL_BITS


metadata = sa.MetaData()

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _auto() -> sa.Column[int]:
    return sa.Column("id", _ID, primary_key=True, autoincrement=True)


runs = sa.Table(
    "runs",
    metadata,
    _auto(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False, server_default="apply"),  # apply, rollback, rehearsal, drift, repair
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column(
        "template", sa.Text
    ),  # {plan, params} before they were bound, if that differs: what a promotion starts from
    sa.Column("plan_name", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("request", sa.Text),  # the words, if it was asked for in words
    sa.Column("source", sa.Text, nullable=False),  # which planner, or "file"
    sa.Column("workdir", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text, unique=True),
    sa.Column("on_failure", sa.Text, nullable=False),
    sa.Column("concurrency", sa.Integer),
    sa.Column("task_count", sa.Integer, nullable=False),
    sa.Column("stopping", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cause", sa.Text),  # why it ended as it did, in a sentence
    sa.Column("of_run", sa.BigInteger),  # the run that a rollback or a promotion belongs to
    sa.Column("rolled_back_by", sa.Text),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Index("runs_by_state", "state"),
    sa.Index("runs_by_environment", "environment", "created_at"),
    sqlite_autoincrement=True,
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uses", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("spec", sa.Text, nullable=False),  # the task as the plan has it
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),  # the one under way, or the last
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # attempts that failed and were tried again
    sa.Column("lost", sa.Integer, nullable=False, server_default="0"),  # attempts that died with their worker
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),  # grows with every claim
    sa.Column("worker", sa.Text),
    sa.Column("rest", sa.Text),  # the rest of its segment, which its message carries: [[id, uses, name], ...]
    sa.Column("parent_id", sa.BigInteger),  # the for_each task that it is an item of
    sa.Column("item", sa.Text),
    sa.Column("asks_status", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("approval", sa.Text),  # required, granted, denied
    sa.Column("sink", sa.Boolean, nullable=False, server_default=sa.false()),  # nothing needs it
    sa.Column("result", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("not_before", sa.Float),
    sa.Column("ready_at", sa.Float),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.UniqueConstraint("run_id", "name"),
    sa.Index("tasks_by_run_state", "run_id", "state"),
    sa.Index(
        "tasks_open",
        "state",
        "agent",
        "ready_at",
        sqlite_where=sa.text("state IN ('ready', 'running', 'blocked')"),
        postgresql_where=sa.text("state IN ('ready', 'running', 'blocked')"),
    ),
)

edges = sa.Table(
    "edges",
    metadata,
    sa.Column("task_id", sa.BigInteger, primary_key=True),
    sa.Column("needs_id", sa.BigInteger, primary_key=True),
    # 0: not ended yet, 1: succeeded, 2: ended otherwise. A set of marks, not a counter: marking twice changes nothing.
    sa.Column("satisfied", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("edges_by_need", "needs_id"),
    sqlite_with_rowid=False,
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("task_id", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("worker", sa.Text),
    sa.Column("outcome", sa.Text),  # null while it runs
    sa.Column("intent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("inputs", sa.Text),  # as resolved, secrets by reference
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sqlite_with_rowid=False,
)

events = sa.Table(
    "events",
    metadata,
    _auto(),
    sa.Column("run_id", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.BigInteger),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", sa.Text),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("events_by_run", "run_id", "id"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("task_id", sa.BigInteger, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),  # how often it had been claimed: one row for each release
    sa.Column("due", sa.Float, nullable=False),
    sa.Index("outbox_by_due", "due"),
    sqlite_with_rowid=False,
)

logs = sa.Table(
    "logs",
    metadata,
    _auto(),
    sa.Column("run_id", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Index("logs_by_run", "run_id", "id"),
)

locks = sa.Table(
    "locks",
    metadata,
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Index("locks_by_task", "task_id"),
)

lock_waits = sa.Table(
    "lock_waits",
    metadata,
    _auto(),  # the order of the line
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.UniqueConstraint("resource", "task_id"),
    sa.Index("lock_waits_by_task", "task_id"),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("born", sa.Text, nullable=False),  # boot id and start time: a pid that was used again is another process
    sa.Column("agents", sa.Text, nullable=False),  # comma separated
    sa.Column("beat", sa.Integer, nullable=False, server_default="0"),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
)

leaders = sa.Table(
    "leaders",
    metadata,
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("beat", sa.Integer, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    _auto(),
    sa.Column("run_id", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("changes_by_resource", "environment", "resource", "id"),
    sa.Index("changes_by_task", "task_id"),
)

resources = sa.Table(
    "resources",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("exists", sa.Boolean, nullable=False),
    sa.Column("observation", sa.Text, nullable=False),
    sa.Column("change_id", sa.BigInteger, nullable=False),
    sa.Column("run_id", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

points = sa.Table(
    "points",
    metadata,
    _auto(),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("run_id", sa.BigInteger),  # the run before whose first change it was made; null: made by hand
    sa.Column("change_id", sa.BigInteger, nullable=False),  # what came later is what a rollback takes back
    sa.Column("at", sa.Float, nullable=False),
    sa.UniqueConstraint("environment", "name"),
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    # 1, 2, 3, ... without a gap: given under the lock of audit_head's row.
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("environment", sa.Text),
    sa.Column("run_id", sa.BigInteger),
    sa.Column("subject", sa.Text),  # the task, resource or thing that it is about
    sa.Column("data", sa.Text),
    sa.Column("prev", sa.Text, nullable=False),  # the mac of the entry before
    sa.Column("mac", sa.Text, nullable=False),
    sa.Index("audit_by_run", "run_id"),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("mac", sa.Text, nullable=False),
)

freezes = sa.Table(
    "freezes",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

inspections = sa.Table(
    "inspections",  # what the last look for drift found of a resource
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),  # why nothing is known, in a sentence
    sa.Column("live", sa.Text),  # the Observation; null: it could not be looked at
    sa.Column("change_id", sa.BigInteger, nullable=False),  # the recorded change that it was compared with
    sa.Column("run_id", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

rehearsals = sa.Table(
    "rehearsals",  # the proof that what a rehearsal made was taken back
    metadata,
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("plan_digest", sa.Text, nullable=False),  # of the plan as it was given, before it was moved
    sa.Column("proof", sa.Text),  # null while it goes on
    sa.Column("came_back", sa.Boolean),
    sa.Column("at", sa.Float, nullable=False),
)

plan_cache = sa.Table(
    "plan_cache",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # digest of all that the model was told
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("plan_cache_by_age", "at"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    _auto(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("spec", sa.Text, nullable=False),  # cron fields, or "every DURATION"
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),  # what ``body`` is for: "run" is a submission
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("misfire", sa.Text, nullable=False),
    sa.Column("overlap", sa.Text, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("next_due", sa.Float),  # null: paused, or never again
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Index("schedules_by_due", "next_due"),
    sqlite_autoincrement=True,
)

firings = sa.Table(
    "firings",
    metadata,
    sa.Column("schedule_id", sa.BigInteger, primary_key=True),
    sa.Column("due_at", sa.Float, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("run", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("firings_by_state", "state"),
    sqlite_with_rowid=False,
)

archives = sa.Table(
    "archives",
    metadata,
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("file", sa.Text),  # relative to the archive folder; null: pruned without a copy
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("logs", sa.Integer, nullable=False),
    sa.Column("pruned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("at", sa.Float, nullable=False),
)

llm_requests = sa.Table(
    "llm_requests",
    metadata,
    _auto(),
    sa.Column("planning", sa.Text, nullable=False),  # one planning asks several times: rounds, another model
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # reserved, done, failed
    sa.Column("input_tokens", sa.BigInteger, nullable=False),  # while reserved: the estimate that the budget counts
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("cost", sa.BigInteger),  # millionths of a dollar; null: no price is known
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("llm_requests_by_time", "at"),
)

llm_pace = sa.Table(
    "llm_pace",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("requests", sa.Float, nullable=False),  # what the bucket held at ``at``
    sa.Column("tokens", sa.Float, nullable=False),
    sa.Column("held_until", sa.Float, nullable=False),  # the vendor asked everybody to wait until then
    sa.Column("at", sa.Float, nullable=False),
)

memory_episodes = sa.Table(
    "memory_episodes",
    metadata,
    _auto(),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("pattern", sa.Text, nullable=False),  # digest of the shape of the inputs
    sa.Column("same", sa.Text, nullable=False),  # keyed digest of the inputs
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("sort", sa.Text),
    sa.Column("signature", sa.Text),
    sa.Column("message", sa.Text),  # of the failure, without what varies
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("worked", sa.Boolean, nullable=False),
    sa.Column("recovered", sa.Float),
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),  # since 1970
    sa.Column("at", sa.Float, nullable=False),
    sa.UniqueConstraint("run", "task", "attempt"),
    sa.Index("memory_episodes_by_operation", "operation", "pattern", "at"),
    sa.Index("memory_episodes_by_time", "at"),
)

memory_requests = sa.Table(
    "memory_requests",
    metadata,
    _auto(),
    sa.Column("run", sa.Text, nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("operations", sa.Text, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("memory_requests_by_time", "at"),
)

memory_repairs = sa.Table(
    "memory_repairs",
    metadata,
    _auto(),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("sort", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("recipe", sa.Text, nullable=False),
    sa.Column("worked", sa.Boolean, nullable=False),
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.UniqueConstraint("run", "round", "task"),
    sa.Index("memory_repairs_by_failure", "operation", "signature", "at"),
)

memory_cursor = sa.Table(
    "memory_cursor",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
