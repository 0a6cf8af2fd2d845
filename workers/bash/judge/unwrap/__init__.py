"""What a command runs in turn: wrappers, shells, and tools with an option that executes."""

from __future__ import annotations

from collections.abc import Iterator

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.unwrap import code, embedded, hooks, shells, tools, wrappers
from workers.bash.judge.unwrap.inner import Inner

__all__ = ["Inner", "unwrap"]


def unwrap(call: Invocation) -> Iterator[Inner]:
    """The commands and shell texts that this command runs, each once."""
    if not call.argv:
        yield from hooks.inner(call)
    if not call.resolvable:
        return
    for reader in (wrappers.inner, shells.inner, tools.inner, hooks.inner, code.inner, embedded.inner):
        yield from reader(call)
