"""The client library: submit requests and plans to a REIGN API, watch them, take them back.

    from reign import Client

    run = Client().submit("build ./shop as shop:1 and run it on port 8088")
    for event in run.watch():
        print(event.kind, event.task)
    print(run.result)

``AsyncClient`` has the same methods as coroutines. What a method sends and how it reads the answer is written once, in
``calls``, as a generator that yields requests and is sent answers; the two clients only differ in who carries them.
"""

from reign.client.asynchronous import AsyncClient, AsyncRun
from reign.client.data import Event, TaskInfo
from reign.client.sync import Client, Run
from reign.core.errors import ReignError, RunFailed

__all__ = ["AsyncClient", "AsyncRun", "Client", "Event", "ReignError", "Run", "RunFailed", "TaskInfo"]
