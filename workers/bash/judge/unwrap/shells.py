"""Shells, and what else takes shell text: eval, source, trap, su -c, watch, ssh, at, crontab."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation, Stream
from workers.bash.judge.outputs import content_of
from workers.bash.judge.tables import SHELLS, names
from workers.bash.judge.unwrap.inner import Inner

_WITH_VALUE = ("--rcfile", "--init-file", "-O", "+O", "-o", "+o")


@dataclass(frozen=True, slots=True)
class ShellCall:
    """How a shell is started: with a text, a file, or reading its standard input."""

    text: str | None = None
    file: str | None = None
    reads_stdin: bool = False
    positional: Sequence[str] = ()
    zero: str | None = None
    startup: Sequence[str] = field(default_factory=tuple)
    harmless: bool = False  # it only prints its version or checks the syntax


def shell_call(args: Sequence[str]) -> ShellCall:
    """Reads a shell's own command line."""
    letters, startup, rest = "", [], list(args)
    while rest and rest[0][:1] in ("-", "+") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        if word in ("--version", "--help", "--dump-strings"):
            return ShellCall(harmless=True)
        if word in _WITH_VALUE:
            value = rest.pop(0) if rest else ""
            if word.startswith("--"):
                startup.append(value)
        elif word.startswith("--command="):
            letters, rest = letters + "c", [word.partition("=")[2], *rest]
        elif word in ("--command", "--init-command"):
            letters += "c"
        elif word[0] == "-" and not word.startswith("--"):
            letters += word[1:]
            if word[-1] in "oO" and rest:
                rest.pop(0)
    if "c" in letters:
        return ShellCall(
            text=rest[0] if rest else "", positional=rest[2:], zero=rest[1] if len(rest) > 1 else None, startup=startup
        )
    if "n" in letters and rest:
        return ShellCall(harmless=True)
    if rest and "s" not in letters and rest[0] != "-":
        return ShellCall(file=rest[0], positional=rest[1:], startup=startup)
    return ShellCall(reads_stdin=True, positional=rest, startup=startup)


def inner(call: Invocation) -> Iterator[Inner]:
    """The shell text that this command runs, where it can be known."""
    if call.name in SHELLS:
        yield from _shell(call)
        return
    reader = _READERS.get(call.name)
    if reader:
        yield from reader(call)
    elif "/" in call.argv[0]:
        yield from _file(call, call.argv[0], call.args)


def _shell(call: Invocation) -> Iterator[Inner]:
    started = shell_call(call.args)
    for startup in started.startup:
        yield from _file(call, startup, ())
    if started.text is not None:
        yield Inner(text=started.text, positional=started.positional, zero=started.zero)
    elif started.file is not None:
        yield from _file(call, started.file, started.positional)
    elif started.reads_stdin and call.stdin is not None and call.stdin.text:
        yield Inner(text=call.stdin.text, positional=started.positional, stdin=Stream())


def _file(call: Invocation, path: str, positional: Sequence[str], *, same_scope: bool = False) -> Iterator[Inner]:
    """A script that was written earlier in the same command."""
    stream = call.stdin if path in ("/dev/stdin", "/proc/self/fd/0", "/dev/fd/0") else content_of(path, call.scope)
    if stream is not None and stream.text:
        script = call.scope.absolute(path)
        yield Inner(text=stream.text, positional=positional, same_scope=same_scope, script=script)


def _eval(call: Invocation) -> Iterator[Inner]:
    yield Inner(text=" ".join(call.args), same_scope=True)


def _source(call: Invocation) -> Iterator[Inner]:
    if call.args:
        yield from _file(call, call.args[0], call.args[1:], same_scope=True)


def _trap(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args)
    if len(read.operands) > 1 and read.operands[0] != "-":
        # A signal may come at any time; the shell's end comes when all is set.
        yield Inner(text=read.operands[0], late=set(read.operands[1:]) <= {"EXIT", "0", "exit"})


_SUBSCRIPT = re.compile(r"\w\[.*(?:\$\(|`)", re.DOTALL)


def _subscripts(call: Invocation) -> Iterator[Inner]:
    """Builtins that take a variable's name run the substitutions in its subscript, even out of single quotes."""
    for argument in call.args:
        if _SUBSCRIPT.search(argument):
            yield Inner(text=f': "{argument}"')


def _alias(call: Invocation) -> Iterator[Inner]:
    for argument in call.args:
        name, separator, value = argument.partition("=")
        if separator and value.split()[:1] != [name]:
            yield Inner(text=value)
        elif separator:
            # alias ls='ls --color' runs the program, not itself.
            yield Inner(argv=("command", *value.split()))


def _su(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, names("-c --command --session-command -s --shell -g -G -w"))
    texts = read.values("-c", "--command", "--session-command")
    for text in texts:
        yield Inner(text=text)
    if not texts and call.name == "su" and call.stdin is not None and call.stdin.text:
        yield Inner(text=call.stdin.text, stdin=Stream())
    shell = read.values("-s", "--shell")
    if shell and not read.has("-c"):
        yield Inner(argv=(shell[0], *read.operands[1:]))


def _dash_c(call: Invocation) -> Iterator[Inner]:
    """script, sg, flock, capsh, unshare and others that take -c TEXT."""
    for at, argument in enumerate(call.args[:-1]):
        if argument in ("-c", "--command") or re.fullmatch(r"-[a-z]*c", argument):
            yield Inner(text=call.args[at + 1])
        elif argument.startswith("--command="):
            yield Inner(text=argument.partition("=")[2])


def _watch(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, ("-n", "--interval", "-q", "--equexit"), until_operand=True)
    if read.operands:
        yield Inner(text=" ".join(read.operands))


SSH_VALUES = tuple(f"-{letter}" for letter in "bcDEeFIiJLlmOopQRSWw")


def _ssh(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, SSH_VALUES, until_operand=True)
    command = read.operands[1:]
    if command:
        again = options.read(command, SSH_VALUES, until_operand=True)
        yield Inner(text=" ".join(again.operands))
    elif read.operands and call.stdin is not None and call.stdin.text:
        yield Inner(text=call.stdin.text)


def _remote_all(call: Invocation) -> Iterator[Inner]:
    """pssh, pdsh, clush, salt: the command comes after the hosts."""
    read = options.read(call.args, names("-h -H -l -w -g -t -p -i -f -o -e -R"))
    if read.operands:
        yield Inner(text=" ".join(read.operands))
        if len(read.operands) > 1:
            yield Inner(text=" ".join(read.operands[1:]))


def _at(call: Invocation) -> Iterator[Inner]:
    if call.stdin is not None and call.stdin.text:
        yield Inner(text=call.stdin.text)
    for path in options.read(call.args, ("-f", "-q")).values("-f"):
        yield from _file(call, path, ())


_SCHEDULE = re.compile(r"\s*(?:@\w+|(?:\S+\s+){5})(.*)")


def _crontab(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, ("-u",))
    table = call.stdin
    if read.operands and read.operands[0] != "-":
        table = content_of(read.operands[0], call.scope)
    for line in ((table.text if table else None) or "").splitlines():
        match = _SCHEDULE.match(line)
        if match and not line.lstrip().startswith("#"):
            yield Inner(text=match[1])


_READERS: dict[str, Callable[[Invocation], Iterator[Inner]]] = {
    "eval": _eval,
    "source": _source,
    ".": _source,
    "trap": _trap,
    "alias": _alias,
    "su": _su,
    "script": _dash_c,
    "sg": _dash_c,
    "flock": _dash_c,
    "capsh": _dash_c,
    "runuser": _su,
    "newgrp": _dash_c,
    "nix-shell": _dash_c,
    "nix": _dash_c,
    "npm": _dash_c,
    "npx": _dash_c,
    "vagrant": _dash_c,
    "mosh": _dash_c,
    "watch": _watch,
    "ssh": _ssh,
    "autossh": _ssh,
    "at": _at,
    "batch": _at,
    "crontab": _crontab,
    "pssh": _remote_all,
    "parallel-ssh": _remote_all,
    "pdsh": _remote_all,
    "clush": _remote_all,
    "salt": _remote_all,
    "dsh": _remote_all,
    **dict.fromkeys(
        names("printf test [ read unset let declare typeset local export readonly wait getopts"), _subscripts
    ),
    "rsh": _remote_all,
    "rexec": _remote_all,
}
