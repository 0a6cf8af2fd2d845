"""``--help``: it says of each command and option what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from reign.cli import main as cli


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


def test_every_command_and_option_is_explained() -> None:
    listed = list(commands(typer.main.get_command(cli.app), "reign"))
    assert len(listed) > 40
    silent = [path for path, command in listed if not command.help]
    silent += [
        f"{path} {parameter.name}"
        for path, command in listed
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []
