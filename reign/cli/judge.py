"""``reign judge``: what the shell judge makes of commands. Nothing is run, no server is needed."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reign.cli.output import Format, Output, console, escape, short
from reign.core.errors import InvalidInput
from reign.executor import registry

_STYLES = {"allow": "green", "ask": "yellow", "deny": "red"}


class ShellName(StrEnum):
    BASH = "bash"
    SH = "sh"
    PWSH = "pwsh"


def register(app: typer.Typer) -> None:
    app.command("judge")(judge)


def judge(
    command: Annotated[str | None, typer.Argument(help="the command line, as one word")] = None,
    file: Annotated[
        str | None, typer.Option("--file", help="judge many: a file (or -) with one JSON string a line")
    ] = None,
    shell: Annotated[ShellName, typer.Option(help="what would run it")] = ShellName.BASH,
    output: Output = Format.TEXT,
) -> None:
    """Say whether a shell command may run: allow, ask (a person), or deny, with the reason and the part it is about.

    The exit code is 0 whatever the judgement. With --file and -o json: one JSON object a line, in the file's order.
    """
    if (command is None) == (file is None):
        raise InvalidInput("give one command, or --file", hint='reign judge "rm -rf build"')
    decide = registry.command_judge()
    if command is not None:
        _one(command, decide(command, shell.value), output)
        return
    for line in _lines(file or "-"):
        found = decide(line, shell.value)
        if output is Format.JSON:
            sys.stdout.write(json.dumps(found) + "\n")
        else:
            decision = f"[{_STYLES[found['decision']]}]{found['decision']:5}[/]"
            console.print(f"{decision} {_shown(short(line, 60))}  [dim]{_shown(found['reason'])}[/dim]", soft_wrap=True)


def _one(command: str, found: Mapping[str, Any], output: Format) -> None:
    if output is Format.JSON:
        # Escaped to ASCII: a command may hold what is no text, and still has its answer.
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    console.print(f"[{_STYLES[found['decision']]}]{found['decision']}[/]  {_shown(found['reason'])}", soft_wrap=True)
    if found["part"] and found["part"] != command:
        console.print(f"  [dim]in[/dim] {_shown(found['part'])}", soft_wrap=True)
    for other in found["findings"][1:]:
        console.print(f"  [dim]{other['decision']}: {_shown(other['reason'])}[/dim]", soft_wrap=True)


def _lines(name: str) -> Iterator[str]:
    """The commands of a file: JSON strings, lists of words, objects with a ``command``; else the line as it stands.

    Lines end at a line feed only, as JSON's do. Raises InvalidInput for a file that cannot be read.
    """
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{name} cannot be read: {error.strerror}", hint="a file with a JSON string a line"
        ) from None
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        text = line.decode("utf-8", "surrogateescape").removesuffix("\r")
        if text.strip():
            yield _command(text)


def _command(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, dict):
        value = value.get("command")
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return shlex.join(value)
    return value if isinstance(value, str) else text


def _shown(text: str) -> str:
    """For a terminal: no markup, and nothing that is no text."""
    return escape(text.encode("utf-8", "replace").decode())
