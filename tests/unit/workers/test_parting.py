"""A worker that was asked to end is gone soon after its last task, whatever its connections do."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys, threading, time
from types import SimpleNamespace
from reign.config import Settings
from workers import main

main._PARTING = 0.3
pool = main.Pool(Settings.load(), ["bash"], "bash@here")
task = SimpleNamespace(request=SimpleNamespace(chain=None))

def working(*_):
    pool.end_soon()
    time.sleep(0.6)
    print("worked", flush=True)
    raise main.Unavailable("no database")

if sys.argv[1] == "at work":
    pool.open = working
    pool.carry_out(task, "bash.run", (1, 2, "3"))
else:
    pool.end_soon()
threading.Event().wait(20)
"""


@pytest.mark.parametrize(("when", "printed"), [("idle", ""), ("at work", "worked\n")])
def test_what_hangs_says_where_and_ends(when: str, printed: str) -> None:
    ended = subprocess.run([sys.executable, "-c", _PROGRAM, when], capture_output=True, text=True, timeout=15)
    assert (ended.returncode, ended.stdout) == (1, printed)
    assert "Timeout" in ended.stderr
    assert "most recent call first" in ended.stderr
