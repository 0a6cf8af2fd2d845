"""Word expansion: the fields that the raw text of a word becomes, with stand-ins for what cannot be known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from workers.bash.judge import scanner
from workers.bash.judge.marks import NAME, UNKNOWN
from workers.bash.judge.parameters import expand_parameter
from workers.bash.judge.quoting import ansi_c, braces
from workers.bash.judge.scanner import UnclearError
from workers.bash.judge.scope import Scope

LONGEST_WORD = 65_536
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_SUM = re.compile(r"\s*(\d{1,9})\s*(?:([-+*])\s*(\d{1,9})\s*)?")
_TILDE = re.compile(r"~([A-Za-z_][\w.-]*|\+|-)?(?=/|$|:)")
_GLOB = re.compile(r"[*?]|\[[^\]]*\]|[@!+]\(")


class Substitution(Protocol):
    """Runs the commands inside words; each answer is text with stand-ins."""

    def command(self, text: str) -> str:
        """What $(text) stands for."""

    def process(self, text: str, *, reads: bool) -> str:
        """The path that <(text) (`reads`) or >(text) stands for."""

    def prompt(self, value: str) -> str:
        """What ${x@P} stands for, x holding `value`."""


@dataclass(frozen=True, slots=True)
class Field:
    """One resulting word; `quoted` if any of it was, `glob` if it holds an active pattern."""

    text: str
    quoted: bool = False
    glob: bool = False


@dataclass(slots=True)
class _Piece:
    """A stretch of a word; `split` if it came from an unquoted expansion, `items` for a quoted list."""

    text: str
    quoted: bool
    split: bool = False
    items: list[str] | None = None


def _bounded(pieces: list[_Piece]) -> list[_Piece]:
    """The pieces, unless together they are longer than any word in earnest."""
    if sum(len(piece.text) + sum(map(len, piece.items or ())) for piece in pieces) > LONGEST_WORD:
        raise UnclearError("it grows too long")
    return pieces


class Words:
    """Expands raw words in a scope. Raises UnclearError for text that is not closed or nests too deeply."""

    def __init__(self, scope: Scope, substitution: Substitution) -> None:
        self._scope = scope
        self._run = substitution
        self._depth = 0

    def fields(self, raw: str) -> list[Field]:
        """All fields of one word: braces, expansions, splitting, quote removal."""
        return [field for word in braces(raw) for field in self._assemble(_bounded(self._pieces(word)))]

    def single(self, raw: str) -> str:
        """The text of a word that is neither split nor brace-expanded (assignments, redirect targets)."""
        return "".join(
            piece.text if piece.items is None else " ".join(piece.items) for piece in _bounded(self._pieces(raw))
        )

    def document(self, raw: str) -> str:
        """The text of a here-document whose delimiter is not quoted."""
        text, at = "", 0
        while at < len(raw):
            if raw[at] == "\\" and raw[at + 1 : at + 2] in ("\\", "$", "`", "\n"):
                text += raw[at + 1 : at + 2].replace("\n", "")
                at += 2
            elif raw[at] in "$`":
                piece, at = self._expansion(raw, at, quoted=True)
                text += piece.text if piece.items is None else " ".join(piece.items)
                if len(text) > LONGEST_WORD:
                    raise UnclearError("it grows too long")
            else:
                text += raw[at]
                at += 1
        return text

    def _pieces(self, raw: str) -> list[_Piece]:
        pieces: list[_Piece] = []
        at = 0
        while at < len(raw):
            here, after = raw[at], raw[at + 1 : at + 2]
            if here == "\\":
                if after != "\n":
                    pieces.append(_Piece(after or "\\", True))
                at += 2
            elif here == "'":
                end = scanner.skip(raw, at)
                pieces.append(_Piece(raw[at + 1 : end - 1], True))
                at = end
            elif here == '"':
                end = scanner.skip(raw, at)
                pieces.extend(self._double(raw[at + 1 : end - 1]))
                at = end
            elif here == "~" and (at == 0 or raw[at - 1] in "=:") and (match := _TILDE.match(raw, at)):
                pieces.append(_Piece(self._tilde(match[1] or ""), True))
                at = match.end()
            elif here in "$`" or (here in "<>" and after == "("):
                piece, at = self._expansion(raw, at, quoted=False)
                pieces.append(piece)
            else:
                pieces.append(_Piece(here, False))
                at += 1
        return pieces

    def _tilde(self, user: str) -> str:
        if user in ("+", "-"):
            return self._scope.cwd if user == "+" else UNKNOWN
        return {"": self._scope.value("HOME"), "root": "/root"}.get(user, f"/home/{user}")

    def _double(self, body: str) -> list[_Piece]:
        pieces = [_Piece("", True)]
        at = 0
        while at < len(body):
            here, after = body[at], body[at + 1 : at + 2]
            if here == "\\" and after in ("$", "`", '"', "\\", "\n"):
                pieces.append(_Piece(after.replace("\n", ""), True))
                at += 2
            elif here in "$`":
                piece, at = self._expansion(body, at, quoted=True)
                pieces.append(piece)
            else:
                pieces.append(_Piece(here, True))
                at += 1
        return pieces

    def _expansion(self, raw: str, at: int, *, quoted: bool) -> tuple[_Piece, int]:
        """The piece that the $, ` or < at `at` starts, and the index after it."""
        here, after = raw[at], raw[at + 1 : at + 2]
        if here == "`":
            end = scanner.end_of_backticks(raw, at + 1)
            inner = re.sub(r'\\([\\`$"])' if quoted else r"\\([\\`$])", r"\1", raw[at + 1 : end - 1])
            return self._plain(self._run.command(inner), quoted), end
        if here in "<>":
            end = scanner.end_of_paren(raw, at + 2)
            return _Piece(self._run.process(raw[at + 2 : end - 1], reads=here == "<"), True), end
        if after == "'" and not quoted:
            end = scanner.end_of_ansi(raw, at + 2)
            return _Piece(ansi_c(raw[at + 2 : end - 1]), True), end
        if after == '"' and not quoted:
            return _Piece("", True), at + 1
        if after == "(":
            end = scanner.end_of_paren(raw, at + 2)
            inner = raw[at + 2 : end - 1]
            if inner.startswith("(") and inner.endswith(")"):
                return self._plain(self._arithmetic(inner[1:-1]), quoted), end
            return self._plain(self._run.command(inner), quoted), end
        if after == "{":
            end = scanner.end_of_brace(raw, at + 2)
            return self._parameter(raw[at + 2 : end - 1], quoted), end
        if after == "[":
            end = raw.find("]", at)
            if end >= 0:
                return self._plain(self._arithmetic(raw[at + 2 : end]), quoted), end + 1
        match = _NAME.match(raw, at + 1)
        if match:
            return self._parameter(match[0], quoted), match.end()
        return _Piece("$", quoted), at + 1

    def _plain(self, value: str, quoted: bool) -> _Piece:
        return _Piece(value, quoted, split=not quoted)

    def _arithmetic(self, body: str) -> str:
        """The value of an arithmetic expression where it is one number or one sum; else a number."""
        match = _SUM.fullmatch(self.single(body))
        if not match:
            return NAME
        left, right = int(match[1]), int(match[3] or 0)
        return str({"+": left + right, "-": left - right, "*": left * right, None: left}[match[2]])

    def _parameter(self, body: str, quoted: bool) -> _Piece:
        self._depth += 1
        if self._depth > 30:
            raise UnclearError("nested too deeply")
        try:
            values, many = expand_parameter(body, self._scope, self.single, self._run.prompt)
        finally:
            self._depth -= 1
        if many and quoted:
            return _Piece("", True, items=values)
        joint = self._scope.value("IFS")[:1] if quoted else " "
        return _Piece(joint.join(values), quoted, split=not quoted)

    def _assemble(self, pieces: list[_Piece]) -> list[Field]:
        separators = self._scope.value("IFS")
        fields: list[Field] = []
        text, started, quoted, active = "", False, False, ""

        def finish() -> None:
            nonlocal text, started, quoted, active
            if started:
                fields.append(Field(text, quoted, bool(_GLOB.search(active))))
            text, started, quoted, active = "", False, False, ""

        for piece in pieces:
            if piece.items is not None:
                for index, item in enumerate(piece.items):
                    if index:
                        finish()
                    text, started, quoted = text + item, True, True
            elif piece.split:
                parts = _split(piece.text, separators)
                for index, part in enumerate(parts):
                    if index:
                        finish()
                    if part:
                        text, started, active = text + part, True, active + part
            else:
                text, started = text + piece.text, True
                quoted = quoted or piece.quoted
                active += "\0" if piece.quoted else piece.text
        finish()
        return fields


def _split(text: str, separators: str) -> list[str]:
    usable = "".join(character for character in separators if character.isprintable() or character in " \t\n")
    return re.split(f"[{re.escape(usable)}]+", text) if usable else [text]
