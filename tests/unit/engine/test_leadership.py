"""Who leads, and how soon another takes over."""

from __future__ import annotations

import subprocess
import sys

from reign.engine import identity
from reign.engine.reconcile import Leadership
from reign.engine.runtime import Runtime
from reign.store import recovery


def holder(process: subprocess.Popen[bytes]) -> str:
    return f"other {process.pid} {identity.born(process.pid)}"


def test_one_leads_and_keeps_the_lead(runtime: Runtime) -> None:
    first, second = Leadership(runtime, "general"), Leadership(runtime, "general")
    assert first.held()
    assert not second.held()
    assert first.held()
    first.resign()
    assert second.held()


def test_a_leader_that_died_here_is_followed_at_once_and_a_living_one_is_not(runtime: Runtime) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with runtime.database.write() as tx:
        recovery.lead(tx, "general", holder(process), None)
    me = Leadership(runtime, "general")
    assert [me.held(), me.held()] == [False, False]
    process.kill()
    process.wait()
    assert me.held(), "long before its lease has passed"


def test_a_leader_of_elsewhere_is_waited_for(runtime: Runtime) -> None:
    for name in ("other 1 otherboot:pid:[1]:5", "an-older-version"):
        with runtime.database.write() as tx:
            recovery.lead(tx, name, name, None)
        me = Leadership(runtime, name)
        assert [me.held(), me.held()] == [False, False]
