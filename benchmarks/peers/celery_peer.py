"""Celery on Redis, by itself: nothing of it is durable.

Variants:

- ``canvas``: chains, groups and chords as Celery's own documentation has them, with its default settings. A canvas
  cannot express any DAG: W3 runs as groups with a barrier task between layers.
- ``exact``: an exact scheduler that lives in Redis, with the fastest settings found that keep what a dying worker has
  fetched (Celery's default). All messages of a run are made when it is handed in; a Lua script marks a task as done and
  pushes the messages of what needs nothing else any more.
- ``exact:noack``: the same without that bookkeeping, which loses messages with a worker: the floor.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import uuid
from functools import cache
from typing import Any

import redis
from celery import Celery, Signature, chain, chord, group

from benchmarks import measuring
from benchmarks.servers import Servers, until
from benchmarks.workloads import Dag, followers, levels

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
LEAN = {
    "task_ignore_result": True,
    "worker_enable_remote_control": False,
    "broker_pool_limit": 4,
    "worker_prefetch_multiplier": 32,
}
#: Workers, their flags, the app's settings.
VARIANTS: dict[str, tuple[int, list[str], dict[str, Any]]] = {
    "canvas": (1, ["-P", "prefork", "-c", "2"], {}),
    "exact": (2, ["-P", "solo", *QUIET], LEAN),
    "exact:noack": (2, ["-P", "solo", *QUIET], {**LEAN, "broker_transport_options": {"ack_emulation": False}}),
}
_URL, _VARIANT = os.environ.get("BENCH_REDIS_URL", ""), os.environ.get("BENCH_VARIANT", "canvas")

app = Celery("bench", broker=_URL or None, backend=_URL or None)
app.conf.update(VARIANTS[_VARIANT][2])


@app.task(name="noop")
def noop(*_: Any) -> int:
    return 1


# KEYS[1]: the run. ARGV: the task, the queue. Marks it done once; pushes what it was the last to hold back.
_FINISH = """
local run, task, queue = KEYS[1], ARGV[1], ARGV[2]
if redis.call('SADD', run..':done', task) == 0 then return end
for name in string.gmatch(redis.call('HGET', run..':next', task) or '', '%S+') do
  if redis.call('HINCRBY', run..':waits', name, -1) == 0 then
    redis.call('LPUSH', queue, redis.call('HGET', run..':messages', name))
  end
end
if redis.call('DECR', run..':left') == 0 then redis.call('LPUSH', run..':over', '1') end
"""


@cache
def _redis() -> tuple[Any, Any]:
    connection = redis.Redis.from_url(app.conf.broker_url)
    return connection, connection.register_script(_FINISH)


@app.task(name="node")
def node(run: str, task: str) -> None:
    _redis()[1](keys=[run], args=[task, "celery"])


def _canvas(workload: str, graph: Dag) -> Signature[Any]:
    one = noop.si
    if workload == "W1":
        return chain(one(), chord([one() for _ in range(len(graph) - 2)], one()))
    if workload == "W2":
        return chain(*[one() for _ in graph])
    if workload == "W3":
        steps: list[Any] = []
        for level in levels(graph):
            steps += [group([one() for _ in level]), one()]
        return chain(*steps[:-1])
    if workload == "W4":
        return chain(one(), group(chord([one(), one()], one()), one()))
    return one()


def run_canvas(workload: str, graph: Dag, copies: int) -> None:
    results = [_canvas(workload, graph).apply_async() for _ in range(copies)]
    for result in results:
        result.get(timeout=300, interval=0.005)


def run_exact(_workload: str, graph: Dag, copies: int) -> None:
    connection, _ = _redis()
    following = {name: " ".join(names) for name, names in followers(graph).items()}
    runs = [f"run:{uuid.uuid4().hex}" for _ in range(copies)]
    for run in runs:
        messages = {name: _message(run, name) for name in graph}
        pipe = connection.pipeline(transaction=False)
        pipe.hset(run + ":waits", mapping={name: len(needs) for name, needs in graph.items()})
        pipe.hset(run + ":next", mapping=following)
        pipe.hset(run + ":messages", mapping=messages)
        pipe.set(run + ":left", len(graph))
        pipe.lpush("celery", *[messages[name] for name, needs in graph.items() if not needs])
        pipe.execute()
    for run in runs:
        if connection.blpop([run + ":over"], timeout=300) is None:
            raise TimeoutError(run)
        if connection.scard(run + ":done") != len(graph):
            raise RuntimeError(f"{run} did not do all of its tasks")
        connection.delete(*[run + part for part in (":waits", ":next", ":messages", ":left", ":done")])


@cache
def _template() -> tuple[str, str]:
    """A message as Celery writes it, and its body, with marks for what differs."""
    connection, _ = _redis()
    node.apply_async(("@RUN@", "@TASK@"), queue="template", task_id="@ID@")
    message = json.loads(connection.rpop("template"))
    body = base64.b64decode(message["body"]).decode()
    message["body"] = "@BODY@"
    message["properties"]["delivery_tag"] = "@ID@"
    message["properties"]["delivery_info"]["routing_key"] = "celery"
    return json.dumps(message), body


def _message(run: str, task: str) -> str:
    message, body = _template()
    filled = base64.b64encode(body.replace("@RUN@", run).replace("@TASK@", task).encode()).decode()
    return message.replace("@BODY@", filled).replace("@ID@", str(uuid.uuid4()))


def main() -> None:
    given = measuring.arguments()
    count, flags, settings = VARIANTS[given.variant]
    with Servers() as servers:
        url = servers.redis()
        app.conf.update(broker_url=url, result_backend=url, **settings)
        env = {**os.environ, "BENCH_REDIS_URL": url, "BENCH_VARIANT": given.variant}
        for number in range(count):
            argv = [sys.executable, "-m", "celery", "-A", "benchmarks.peers.celery_peer", "worker"]
            servers.start(f"worker{number}", [*argv, "-n", f"w{number}@bench", "-l", "WARNING", *flags], env=env)
        connection = redis.Redis.from_url(url)
        until(lambda: sum(client["cmd"] == "brpop" for client in connection.client_list()) >= count)
        note = "W3 with layer barriers" if given.variant == "canvas" else "not durable: the limit"
        run = run_canvas if given.variant == "canvas" else run_exact
        measuring.measure("celery", given, run, ("celery", "kombu", "redis"), note)


if __name__ == "__main__":
    # The tasks must have the names that the workers know, so this runs as the module that they import.
    from benchmarks.peers import celery_peer

    celery_peer.main()
