"""Using up the machine: copies of itself without end, full disks, full memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation, Trait
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

_SELF = re.compile(r"\$\{?0\}?|\$\{?BASH_SOURCE")


def _endless(call: Invocation) -> Iterator[Finding]:
    """Data without end into a file or the memory."""
    source = call.stdin is not None and Trait.ENDLESS in call.stdin.traits
    named = any(argument in ("/dev/zero", "/dev/urandom", "/dev/random", "/dev/full") for argument in call.args)
    to_file = any(redirect.writes and not redirect.target.startswith("/dev/") for redirect in call.redirects)
    if (
        (named or source or call.name == "yes")
        and to_file
        and call.name in names("cat yes tee dd tr base64 xxd od gzip bzip2 xz zstd")
    ):
        yield call.ask("resources.disk-flood", "It writes data without end into a file.")
    elif call.name in ("tail", "sort", "tac") and (named or source):
        yield call.ask("resources.memory", "It collects data without end in memory.")
    elif call.name == "tee" and source:
        yield call.ask("resources.disk-flood", "It writes data without end into a file.")


def _head(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-c", "-n", "--bytes", "--lines"))
    for size in read.values("-c", "--bytes"):
        if re.fullmatch(r"\d+(?:[TPEZY]B?|TiB)|\d{3,}G(?:iB|B)?|\d{12,}", size):
            yield call.ask("resources.disk-flood", "It makes a very large amount of data.")


def _allocate(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-l", "-o", "-s", "--length", "--offset", "--size"))
    for size in read.values("-l", "-s", "--length", "--size"):
        if re.fullmatch(r"\+?\d+[TPEZY](?:iB|B)?|\+?\d{3,}G(?:iB|B)?|\+?\d{12,}", size):
            yield call.ask("resources.disk-flood", "It reserves a very large file.")


def _stress(call: Invocation) -> Iterator[Finding]:
    yield call.ask("resources.load", "It puts load on the machine on purpose.")


def _itself(call: Invocation) -> Iterator[Finding]:
    """A script that starts itself, in the background or in a pipe."""
    if call.scope.spawning and _SELF.match(call.part.strip().strip('"')):
        yield call.deny("resources.fork-bomb", "The script starts copies of itself.")


def _limits(call: Invocation) -> Iterator[Finding]:
    if any("unlimited" in argument for argument in call.args):
        yield call.ask("resources.limits", "It lifts the limits of this shell.")


RULES = {
    "cat": _endless,
    "yes": _endless,
    "tee": _endless,
    "tail": _endless,
    "sort": _endless,
    "tac": _endless,
    "tr": _endless,
    "base64": _endless,
    **dict.fromkeys(("gzip", "bzip2", "xz", "zstd", "xxd", "od"), _endless),
    "head": _head,
    "fallocate": _allocate,
    "truncate": _allocate,
    "stress": _stress,
    "stress-ng": _stress,
    "bash": _itself,
    "sysbench": _stress,
    "memtester": _stress,
    "ulimit": _limits,
}
