"""One simple command with its words resolved, and what flows into it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from workers.bash.judge.judgement import Decision, Finding
from workers.bash.judge.marks import ALL, DECODED, NETWORK, PRINTED, SECRET, is_known

if TYPE_CHECKING:
    from workers.bash.judge.scope import Scope


class Trait(StrEnum):
    """What is known of the origin of data whose text is not known."""

    NETWORK = "network"
    DECODED = "decoded"
    SECRET = "secret"  # noqa: S105
    ENDLESS = "endless"
    SHELL = "shell"  # what a shell prints while it obeys an unknown input


_LONGEST_TEXT = 65_536
_TRAIT_MARKS = {Trait.SECRET: SECRET, Trait.NETWORK: NETWORK, Trait.DECODED: DECODED}
_MARK_TRAITS = {mark: trait for trait, mark in _TRAIT_MARKS.items()}


@dataclass(frozen=True, slots=True)
class Stream:
    """Data that a command reads or prints.

    `text` is None where it is not known; `traits` say where it comes from; `paths` are patterns of the paths that
    it lists (find, ls); `file` is the file that it was read from.
    """

    text: str | None = None
    traits: frozenset[Trait] = frozenset()
    paths: tuple[str, ...] = ()
    file: str = ""

    @classmethod
    def of_text(cls, text: str) -> Stream:
        """A stream that holds this text; stand-ins in it become traits."""
        return cls(text, frozenset(trait for mark, trait in _MARK_TRAITS.items() if mark in text))

    def followed_by(self, other: Stream) -> Stream:
        """Both, one after the other."""
        text = None if self.text is None or other.text is None else self.text + other.text
        if text is not None and len(text) > _LONGEST_TEXT:
            text = None
        return Stream(text, self.traits | other.traits, self.paths + other.paths)

    def as_word(self) -> str:
        """What $(...) of this output puts into a word."""
        if self.text is not None:
            return self.text.rstrip("\n")
        for trait, mark in _TRAIT_MARKS.items():
            if trait in self.traits:
                return mark
        return " ".join(self.paths) or PRINTED


NOTHING = Stream("")
_DECLARING = ("export", "declare", "typeset", "readonly", "local")


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` as written (>, >>, <, <<<, >& ...), `target` resolved."""

    operator: str
    target: str

    @property
    def writes(self) -> bool:
        return ">" in self.operator

    @property
    def to_descriptor(self) -> bool:
        """Whether the target is a descriptor number rather than a file."""
        return self.operator.endswith("&") and (self.target.rstrip("-").isdigit() or self.target in ("-", ""))


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command to be run: `argv` resolved (with stand-ins), `part` the slice of the command it stands for."""

    argv: tuple[str, ...]
    part: str
    scope: Scope
    assigns: Mapping[str, str] = field(default_factory=dict)
    redirects: tuple[Redirect, ...] = ()
    stdin: Stream | None = None
    softened: str = ""  # why a denial is only a question here, e.g. "inside a container"
    via: tuple[str, ...] = ()  # the wrappers it was taken out of, the outermost first

    @property
    def name(self) -> str:
        """The program without its folder; what a link or copy made in the same command points to."""
        word = self.argv[0] if self.argv else ""
        copied = self.scope.programs.get(self.scope.absolute(word)) if "/" in word else None
        return posixpath.basename((copied or word).rstrip("/")).removesuffix(".exe")

    @property
    def args(self) -> tuple[str, ...]:
        return self.argv[1:]

    @property
    def assigned(self) -> dict[str, str]:
        """The variables that the command sets, in front of it or as arguments of export and its kin."""
        found = dict(self.assigns)
        if self.name in _DECLARING:
            pairs = (argument.partition("=") for argument in self.args if "=" in argument)
            found.update((name.rstrip("+"), value) for name, _, value in pairs)
        return found

    @property
    def resolvable(self) -> bool:
        """Whether it is known which program runs."""
        return bool(self.argv) and is_known(self.argv[0])

    def deny(self, rule: str, reason: str) -> Finding:
        return Finding(Decision.DENY, reason, self.part, rule)

    def ask(self, rule: str, reason: str) -> Finding:
        return Finding(Decision.ASK, reason, self.part, rule)

    def with_argv(self, *argv: str) -> Invocation:
        """The same place, another command line."""
        return replace(self, argv=argv)

    def marked(self, *marks: str) -> bool:
        """Whether any argument holds one of these stand-ins (any stand-in if none is named)."""
        wanted = marks or tuple(ALL)
        return any(mark in word for word in self.args for mark in wanted)
