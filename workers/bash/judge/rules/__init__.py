"""What the rules object to in one command. Every module holds one subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.rules import (
    accounts,
    clouds,
    clusters,
    containers,
    databases,
    deletion,
    disks,
    environment,
    git,
    hooks,
    libraries,
    network,
    obscure,
    packages,
    permissions,
    programs,
    resources,
    secrets,
    services,
    shells,
    system,
    writing,
)

Rule = Callable[[Invocation], Iterable[Finding]]

_EVERY: tuple[Rule, ...] = (environment.check, hooks.check, writing.redirects, secrets.redirects)
_EVERY_PROGRAM: tuple[Rule, ...] = (
    obscure.check,
    secrets.check,
    network.devices,
    shells.files,
    programs.check,
    disks.named_devices,
)
_SUBJECTS = (
    accounts,
    clouds,
    clusters,
    containers,
    databases,
    deletion,
    disks,
    git,
    libraries,
    network,
    packages,
    permissions,
    resources,
    services,
    shells,
    system,
    writing,
)
_BY_NAME: dict[str, list[Rule]] = {}
for _subject in _SUBJECTS:
    for _name, _rule in _subject.RULES.items():
        _BY_NAME.setdefault(_name, []).append(_rule)

KNOWN = frozenset(_BY_NAME)


def check(call: Invocation, *, is_function: bool = False) -> Iterator[Finding]:
    """Every objection to this command; a call of the command's own function is only judged by its surroundings."""
    for rule in _EVERY:
        yield from rule(call)
    if not call.argv or is_function:
        return
    for rule in _EVERY_PROGRAM:
        yield from rule(call)
    if not call.resolvable or call.args in (("--help",), ("--version",)):
        return
    if call.name not in _BY_NAME and (short := call.name.split(".", 1)[0]) in _BY_NAME:  # python3.12, sqlite3.old
        call = replace(call, argv=(short, *call.args))
    for rule in _BY_NAME.get(call.name, ()):
        yield from rule(call)
