"""Reads a command line's options the way getopt does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Options:
    """`flags`: option as written in full -> its values ('' for none); `operands`: the rest, in order."""

    flags: dict[str, list[str]] = field(default_factory=dict)
    operands: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether any of the options is given; a long one also in a shortened form, as getopt_long takes it."""
        return any(self._matches(name) for name in names)

    def values(self, *names: str) -> list[str]:
        """All values given to these options, in the order of `names`."""
        return [value for name in names for given in self._matches(name) for value in self.flags[given]]

    def _matches(self, name: str) -> list[str]:
        return [given for given in self.flags if given == name or (_is_short_for(given, name))]


def _is_short_for(given: str, name: str) -> bool:
    return name.startswith("--") and len(given) > 3 and given.startswith("--") and name.startswith(given)


def read(
    args: Sequence[str],
    takes: Collection[str] = (),
    *,
    until_operand: bool = False,
    whole: bool = False,
) -> Options:
    """Splits arguments into options and operands.

    `takes` names the options with a value (`-o`, `--output`); `until_operand` stops at the first operand, which then
    begins the operands with all that follows; `whole` reads `-name` as one option (find, terraform, java).
    """
    found = Options()
    at = 0
    while at < len(args):
        word = args[at]
        at += 1
        if word == "--":
            found.operands.extend(args[at:])
            break
        if len(word) < 2 or word[0] != "-":
            found.operands.append(word)
            if until_operand:
                found.operands.extend(args[at:])
                break
        elif word.startswith("--") or whole:
            name, separator, value = word.partition("=")
            if not separator and name in takes and at < len(args):
                value = args[at]
                at += 1
            found.flags.setdefault(name, []).append(value)
        else:
            at = _cluster(word, args, at, takes, found)
    return found


def _cluster(word: str, args: Sequence[str], at: int, takes: Collection[str], found: Options) -> int:
    """Reads -abc; gives the index of the next argument."""
    for index, letter in enumerate(word[1:], 1):
        name = f"-{letter}"
        if name not in takes:
            found.flags.setdefault(name, []).append("")
            continue
        value = word[index + 1 :]
        if not value and at < len(args):
            value = args[at]
            at += 1
        found.flags.setdefault(name, []).append(value)
        break
    return at
