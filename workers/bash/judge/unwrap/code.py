"""The commands that programs in other languages run, delete and read, as command lines for the same rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import code, interpreters, sed
from workers.bash.judge.invocation import Invocation, Stream
from workers.bash.judge.unwrap.inner import Inner


def inner(call: Invocation) -> Iterator[Inner]:
    """What each program text on the command line does, said as shell."""
    for program in interpreters.programs(call):
        if program.language == "sed":
            yield from _sed(program.text)
        else:
            yield from _general(call, program)


def _sed(script: str) -> Iterator[Inner]:
    found = sed.effects(script)
    for text in found.runs:
        if text:
            yield Inner(text=text)
    for path in found.reads:
        yield Inner(argv=("cat", path))
    for path in found.writes:
        yield Inner(argv=("tee", path), stdin=Stream())


def _general(call: Invocation, program: interpreters.Code) -> Iterator[Inner]:
    reading = code.read(program.text, program.language)
    for text in reading.shell:
        if interpreters_text(text):
            yield Inner(text=text)
    for path in reading.deletes:
        yield Inner(argv=("rm", "-rf", _home(call, path)))
    if reading.deletes_arguments:
        for argument in call.args:
            if argument != program.text and argument[:1] in ("/", "~", "."):
                yield Inner(argv=("rm", "-rf", argument))
    for path in reading.writes:
        yield Inner(argv=("tee", _home(call, path)), stdin=Stream())
    for path in reading.names:
        yield Inner(argv=("cat", _home(call, path)))


_SQL = re.compile(
    r"(?i)\s*(?:select\s+(?!\w+\s+in\b)|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|"
    r"(?:create|drop|alter)\s+(?:table|index|view|database|schema)\s|pragma\s+\w)"
)


def interpreters_text(text: str) -> bool:
    """Whether a literal can be a command at all: a word that could be a program's name, and something after it."""
    if re.fullmatch(r"--?[\w-]+(?:=\S*)?|https?://\S+", text) or _SQL.match(text):  # an option, an address, a query
        return False
    return bool(re.match(r"\s*[\w./~$({!:>-][^\s]*(?:\s|$|[;|&<>])", text)) and not text.isspace()


def _home(call: Invocation, path: str) -> str:
    path = path.removeprefix("file://")
    return call.scope.value("HOME") + path[1:] if path[:1] == "~" else path
