"""A place of its own for a rehearsal, and how the inputs of a plan's tasks are moved into it.

A rehearsal runs in a copy of the work folder, so relative paths need no change. What the plan's own tasks make gets
another name; what they use of it is renamed alike; what they use of others stays. Operations say which is which.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


class NotRehearsable(Exception):
    """Why a task cannot be moved into a scope, in a few words."""


@dataclass
class Scope:
    """``name`` has small letters, digits and hyphens, at most 16; ``folder`` is the copy of ``workdir``."""

    name: str
    workdir: Path
    folder: Path
    #: Tasks that make room first (a namespace): id -> (operation, inputs). Those of the task at hand are in ``needs``.
    first: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    #: Files of the copy with another content, by their path relative to it.
    rewritten: dict[str, str] = field(default_factory=dict)
    _made: dict[str, list[str]] = field(default_factory=dict)
    _ports: dict[int, int] = field(default_factory=dict)

    def own(self, kind: str, name: Any) -> str:
        """The name that something which this task makes gets; later tasks that use it find it by :meth:`known`."""
        text = str(name)
        self._made.setdefault(kind, []).append(_EXPRESSION.sub("*", text))
        head, slash, last = text.rpartition("/")  # the last part of an image's name; others have one part only
        return f"{head}{slash}{self.name}-{last}"

    def known(self, kind: str, name: Any) -> str | None:
        """The new name of what an earlier task of the plan makes, None if none does. What an expression gives is
        taken for renamed already, by the task that it comes from."""
        text = str(name)
        plain = _EXPRESSION.sub("*", text)
        if plain == "*" and text != "*":
            return text
        for made in self._made.get(kind, ()):
            if fnmatchcase(plain, made) or fnmatchcase(made, plain):
                head, slash, last = text.rpartition("/")
                return f"{head}{slash}{self.name}-{last}"
        return None

    def required(self, kind: str, name: Any) -> str:
        """The new name of what an earlier task of the plan makes. Raises NotRehearsable if none does."""
        found = self.known(kind, name)
        if found is None:
            raise NotRehearsable(f"{kind} {name} is not made by this plan, and a rehearsal must leave it alone")
        return found

    def port(self, number: int) -> int:
        """A free port in the place of one that the plan opens; 0 stays 0."""
        if not number:
            return 0
        if number not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[number] = int(probe.getsockname()[1])
        return self._ports[number]

    def known_port(self, number: int) -> int:
        """The port that stands for one that the plan opens; any other as it is."""
        return self._ports.get(number, number)

    def path(self, text: Any) -> Any:
        """A path of the plan inside the copy. Raises NotRehearsable for one outside of the work folder."""
        path = Path(str(text))
        if str(text).startswith("~"):
            raise NotRehearsable(f"{text} is outside of the work folder")
        if not path.is_absolute():
            inside = (self.workdir / path).absolute()
            if ".." in path.parts and not _normal(inside).is_relative_to(self.workdir):
                raise NotRehearsable(f"{text} is outside of the work folder")
            return text
        if not _normal(path).is_relative_to(self.workdir):
            raise NotRehearsable(f"{text} is outside of the work folder")
        return str(self.folder / _normal(path).relative_to(self.workdir))

    def content(self, text: Any) -> str:
        """What a file of the work folder holds now. Raises NotRehearsable if it cannot be read."""
        self.path(text)
        try:
            return (self.workdir / str(text)).read_text()
        except (OSError, UnicodeDecodeError):
            raise NotRehearsable(f"{text} cannot be read beforehand") from None

    def make_first(self, task: str, uses: str, inputs: Mapping[str, Any]) -> None:
        """Have a task run before this one, once for the whole rehearsal."""
        self.first.setdefault(task, (uses, dict(inputs)))
        self.needs.append(task)


def _normal(path: Path) -> Path:
    """Without ``..``; links are not resolved, as the work folder may be one."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1] or parts
        else:
            parts.append(part)
    return Path(*parts)
