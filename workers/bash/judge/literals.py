"""String literals of a program in any of the usual languages, with the usual disguises undone.

The program's skeleton keeps a stand-in for every literal; folding joins pieces ("r" + "m"), turns character codes,
reversed and base64-encoded text into the literal that they are, and puts the values of plain variables in place.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from workers.bash.judge.marks import UNKNOWN
from workers.bash.judge.quoting import ansi_c

MOST_CHARACTERS = 16_384
_ROUNDS = 5
_OPEN, _CLOSE = "\uf100", "\uf101"
_P = f"{_OPEN}(\\d+){_CLOSE}"
_PIECE = f"{_OPEN}\\d+{_CLOSE}"
_HASH_COMMENTS = frozenset(("python", "perl", "ruby", "r", "julia", "awk", "tcl", "php", "elixir", "octave"))
_STRING = (
    r"\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*+\"\"\"|'''(?:[^'\\]|\\.|'(?!''))*+'''"
    r"|\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+'|`(?:\\.|[^`\\])*+`"
)
_TOKEN = re.compile(
    rf"(?P<prefix>\b[bBrRuUfF]{{1,2}})?(?P<body>{_STRING})|(?P<line>#[^\n]*)|(?P<slashes>//[^\n]*)", re.DOTALL
)
_PERL_QUOTES = re.compile(
    r"(?:\b(?:qq?|qx|qw)|%[xqQwW]?)\s*+(?:\{([^{}]*+)\}|\(([^()]*+)\)|\[([^\[\]]*+)\]|([/|!#])(.*?)\4)", re.DOTALL
)
_NUMBER = r"\s*+(?:0x[0-9a-fA-F]+|\d+)\s*+,?"
_STANDS_FOR = (
    (re.compile(r"\bsys\.executable\b"), '"python3"'),
    (re.compile(r"\bprocess\.execPath\b"), '"node"'),
    # What every language calls the slash, and the root of any path. Cutting a path at its slashes names no place.
    (
        re.compile(
            r"(?<!split\()(?<!strip\()(?<!replace\()\b(?:os\.(?:path\.)?sep|path\.sep|File::SEPARATOR|File\.separator|"
            r"DIRECTORY_SEPARATOR|Path\.DirectorySeparatorChar)\b"
        ),
        '"/"',
    ),
    (re.compile(r"\.anchor\b|(?<=\))\.root\b"), ', "/"'),
    (re.compile(r"\brequire\(\s*[\"'](?:node:)?path[\"']\s*\)\.sep\b"), '"/"'),
)
_CHARACTER = re.compile(r"(#\{)?\b(\d{1,6})\.chr\b(?:\(\))?(?(1)\})")
_ASSIGNED = re.compile(rf"[$@]?\b([A-Za-z_]\w*)\s*+:?=\s*+{_P}(?=\s*+(?:[;\n),]|$))")
_INTERPOLATED = re.compile(r"\$\{(\w+)\}|#\{(\w+)\}|(?<!\$)\{(\w+)\}|\$(\w+)")


class Program:
    """A program text taken apart; `skeleton` holds a stand-in for each literal."""

    def __init__(self, text: str, language: str) -> None:
        self._values: list[str] = []
        self._language = language
        self.skeleton = _TOKEN.sub(self._literal, _named(text[:MOST_CHARACTERS]))
        self.quoted = [
            next(filter(None, match.groups()), "") for match in _PERL_QUOTES.finditer(text[:MOST_CHARACTERS])
        ]
        self._fold()

    @property
    def literals(self) -> list[str]:
        """The literals that are left after folding, in order; then Perl's and Ruby's q{}, %x()."""
        found = [self._values[int(number)] for number in re.findall(_P, self.skeleton)] + self.quoted
        if self._language not in ("ruby", "elixir"):
            return found
        return [re.sub(r"(?<!^)#\{[^{}]*\}", UNKNOWN, literal) for literal in found]

    @property
    def groups(self) -> list[list[str]]:
        """Literals that stand together as a list or as arguments: ["rm", "-rf", "/"]."""
        found = re.finditer(rf"{_PIECE}(?:[\s,\[\]()]++{_PIECE})+", self.skeleton)
        return [self._of(match[0]) for match in found]

    @property
    def open_ended(self) -> list[str]:
        """Literals to which something unknown is appended: "rm -rf " + path."""
        glue = r"[\s.+,]*" if self._language != "awk" else r"\s*"
        return [self._values[int(number)] for number in re.findall(rf"{_P}{glue}(?=[$\w@])", self.skeleton)]

    def expanded(self) -> str:
        """The folded program as text."""
        return re.sub(_P, lambda match: _quoted(self._values[int(match[1])]), self.skeleton)

    def _literal(self, match: re.Match[str]) -> str:
        if match["line"] is not None:
            return "" if self._language in _HASH_COMMENTS else self._reread(match["line"], 1)
        if match["slashes"] is not None:
            return "" if self._language == "javascript" else self._reread(match["slashes"], 2)
        body = match["body"]
        quote = 3 if body[:3] in ('"""', "'''") else 1
        inner = body[quote:-quote]
        return self._new(inner if "r" in (match["prefix"] or "").lower() else ansi_c(inner))

    def _reread(self, text: str, marks: int) -> str:
        """What follows marks that are no comment in this language."""
        return text[:marks] + _TOKEN.sub(self._literal, text[marks:])

    def _new(self, value: str) -> str:
        self._values.append(value[:MOST_CHARACTERS])
        return f"{_OPEN}{len(self._values) - 1}{_CLOSE}"

    def _of(self, text: str) -> list[str]:
        return [self._values[int(number)] for number in re.findall(_P, text)]

    def _fold(self) -> None:
        for _ in range(_ROUNDS):
            before = self.skeleton
            for pattern, value in _FOLDS:
                self.skeleton = pattern.sub(lambda match, value=value: self._folded(match, value), self.skeleton)  # type: ignore[misc]
            self._variables()
            if self.skeleton == before:
                return

    def _folded(self, match: re.Match[str], value: Callable[[re.Match[str], list[str]], str | None]) -> str:
        result = value(match, self._of(match[0]))
        return match[0] if result is None else self._new(result)

    def _variables(self) -> None:
        """Puts the value of every variable that is set once, to a literal, where the variable is used."""
        assigned = _ASSIGNED.findall(self.skeleton)
        known = {name: self._values[int(number)] for name, number in assigned[:20]}
        for name, value in known.items():
            if sum(name == other for other, _ in assigned) == 1:
                used = re.compile(rf"(?<![\w.])[$@]?{name}\b(?!\s*+(?::?=(?!=)|\())")
                self.skeleton = used.sub(lambda _, value=value: self._new(value), self.skeleton)  # type: ignore[misc]
        if known:
            self._values = [_INTERPOLATED.sub(lambda match: _filled(match, known), value) for value in self._values]


def _named(text: str) -> str:
    """The text with what stands for a plain string put in its place."""
    for pattern, value in _STANDS_FOR:
        text = pattern.sub(value, text)
    return _CHARACTER.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    number = int(match[2])
    if not 0 < number < 0xD800:
        return match[0]
    return chr(number) if match[1] else _quoted(chr(number))


def _filled(match: re.Match[str], known: dict[str, str]) -> str:
    name = next(filter(None, match.groups()), "")
    return known.get(name, match[0])


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _codes(match: re.Match[str], _values: list[str]) -> str:
    numbers = [int(number, 0) for number in re.findall(r"0x[0-9a-fA-F]+|\d+", match["codes"])]
    return "".join(chr(number) for number in numbers if 0 < number < 0xD800)


def _joined(_match: re.Match[str], values: list[str]) -> str:
    return values[0].join(values[1:])


def _list_joined(match: re.Match[str], values: list[str]) -> str:
    return values[-1].join(values[:-1]) if match["separator"] else ",".join(values)


def _formatted(_match: re.Match[str], values: list[str]) -> str | None:
    template, *rest = values
    if not rest:
        return None
    return re.sub(r"\{\w*\}|%[sd]", lambda _: rest.pop(0) if rest else "", template)


def _partly_formatted(_match: re.Match[str], values: list[str]) -> str | None:
    """A template into which something unknown is put, unless it begins with that."""
    filled = re.sub(r"(?<!^)(?:\{[\w.:]*\}|%[-+.\d]*[a-zA-Z])", UNKNOWN, values[0])
    return filled if filled != values[0] else None


def _decoded(match: re.Match[str], values: list[str]) -> str | None:
    value = values[0]
    try:
        if re.search(r"(?i)hex", match[0]):
            return binascii.unhexlify(value).decode("utf-8", "replace")
        return base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return None


_LIST = rf"(?:\s*+{_PIECE}\s*+,?)+"
_FOLDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], list[str]], str | None]], ...] = (
    (
        re.compile(
            r"(?:String\.fromCharCode|\bchr|\bbytes|\bbytearray|\bChr|\bmap)\s*+\(\s*+(?:chr\s*+,\s*+)?\[?"
            rf"(?P<codes>(?:{_NUMBER})+)\]?\s*+\)(?:\.decode\(\))?"
        ),
        _codes,
    ),
    (re.compile(rf"{_PIECE}\.join\(\s*+[\[(]?{_LIST}[\])]?\s*+\)"), _joined),
    (re.compile(rf"\[{_LIST}\]\.join\(\s*+(?P<separator>{_PIECE})?\s*+\)"), _list_joined),
    (
        re.compile(rf"{_PIECE}(?:\[::-1\]|\.split\([^)]*\)\.reverse\(\)\.join\([^)]*\)|\.reverse\b)"),
        lambda _, values: values[0][::-1],
    ),
    (re.compile(rf"\b(?:strrev|reverse)\s*+\(\s*+{_PIECE}\s*+\)"), lambda _, values: values[0][::-1]),
    (
        re.compile(
            r"(?:\w+\.)*+(?:b64decode|decodebytes|atob|base64_decode|decode64|decode_base64|fromhex|unhexlify|hex2bin|"
            rf"Buffer\.from)\s*+\(\s*+{_PIECE}[^)]*\)(?:\.(?:decode|toString)\([^)]*\))?"
        ),
        _decoded,
    ),
    (re.compile(rf"{_PIECE}(?:\.format\({_LIST}\)|\s*+%\s*+\(?{_LIST}\)?)"), _formatted),
    (re.compile(rf"{_PIECE}(?=\.format\(|\s*+%\s*+[\w(\[])"), _partly_formatted),
    (re.compile(rf"{_PIECE}(?:\s*+(?:\+|\.\.?|<>|~)\s*+{_PIECE})+"), lambda _, values: "".join(values)),
)
