"""A request cut into tokens. Quotes, backticks, paths, images, addresses and ``key=value`` stay whole.

One pass, no backtracking: time grows with the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reign.planner.keyword.english import CONTRACTIONS, NUMBERS, SCALES, UNITS

_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“", "`": "`"}
_END_MARKS = ".,;:!?"
_PLAIN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PAIR = re.compile(r"-{0,2}[A-Za-z_][A-Za-z0-9_.\-/\[\]]{0,200}=")
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h|d|sec|secs|min|mins|hr|hrs))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)")
_IN_REPO = re.compile(r"([\w.-]{1,100}/[\w.-]{1,100})(#\d{1,9})")
_BULLET = re.compile(r"[ \t]*(?:\(?\d{1,3}[.)]|\(?[a-z]\)|[-*•])[ \t]+")
_BEFORE_ONE = frozenset({"no", "the", "this", "that", "every", "each", "which", "any", "old", "new", "only", "another"})
_SCANS = frozenset({"scan", "ports", "probe"})
_FACE = re.compile(r"[:;=]-?[()DPp/|*](?=\s|$)|\^\^(?=\s|$)|[\U0001F300-\U0001FAFF\u2600-\u27BF]+\ufe0f?")
_NUMBERED = re.compile(r"[ \t]*\d{1,3}[.)][ \t]+")
#: Steps within a line: "1) pull a:1 2) run it".
_STEP = re.compile(r"(?:^|(?<=\s))\(?(\d{1,3})([.)])[ \t]+")
_MEASURES = frozenset({"core", "cores", "cpu", "cpus", "vcpu", "vcpus", "percent"})
_BYTES = frozenset(
    {
        *("kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "mi", "gi", "ki"),
        *("megabyte", "megabytes", "gigabyte", "gigabytes", "meg", "megs", "gig", "gigs"),
    }
)


class Shape(StrEnum):
    WORD = "word"  # letters, perhaps with hyphens
    TYPED = "typed"  # anything with digits or signs: web1, ./shop, nginx:1.27
    NUMBER = "number"
    DURATION = "duration"
    QUOTED = "quoted"
    CODE = "code"  # in backticks
    PAIR = "pair"  # key=value
    FLAG = "flag"  # -n, --namespace
    PUNCT = "punct"
    BREAK = "break"  # end of a line


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the request: ``text`` without its quotes, and where it stands (``start``, ``end``)."""

    text: str
    start: int
    end: int
    shape: Shape
    value: float | int | None = None  # of a NUMBER, or seconds of a DURATION
    possessive: bool = False  # api's

    #: The lower-case word, or nothing for what is quoted or punctuation, so that no rule takes it for a word.
    word: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "word", self.text.lower() if self.shape in _WORDLIKE else "")

    @property
    def lower(self) -> str:
        return self.text.lower()


#: Behind these, 's is no possessive.
_IS = frozenset({"nobody", "somebody", "everybody", "someone", "everyone", "noone", "nothing", "everything"})
_WORDLIKE = frozenset({Shape.WORD, Shape.TYPED, Shape.NUMBER, Shape.FLAG, Shape.DURATION})


def tokenise(text: str) -> list[Token]:
    """The tokens of ``text``; number words and durations of several words are already one token."""
    tokens: list[Token] = []
    for token in _Scanner(text).tokens():
        if not (tokens and token.text == tokens[-1].text == ","):  # one comma says as much as many
            tokens.append(token)
    return list(_merged(tokens))


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.unclosed: set[str] = set()  # closing marks known not to come any more
        self.steps = _steps(text)

    def tokens(self) -> Iterator[Token]:
        text = self.text
        self._skip_bullet()
        while self.at < len(text):
            char = text[self.at]
            if self.at in self.steps:
                start, self.at = self.at, self.steps[self.at]
                yield Token("then", start, start + 1, Shape.BREAK)
            elif char == "\n":
                start = self.at
                self.at += 1
                numbered = bool(_NUMBERED.match(text, self.at))
                self._skip_bullet()
                yield Token("then" if numbered else "\n", start, start + 1, Shape.BREAK)
            elif (face := _FACE.match(text, self.at)) and (self.at == 0 or text[self.at - 1].isspace()):
                self.at = face.end()
                yield Token(".", face.start(), face.end(), Shape.PUNCT)
            elif char.isspace() or char in "()":
                self.at += 1
            elif char in _CLOSING and (quoted := self._quoted(char)):
                yield quoted
            elif char in "—–…" or (char in _END_MARKS and not self._begins_path()):
                yield Token("," if char in "—–" else char, self.at, self.at + 1, Shape.PUNCT)
                self.at += 1
            else:
                yield from self._run()

    def _begins_path(self) -> bool:
        """Whether a dot here is, or begins, a path (``.``, ``./x``, ``.env``) rather than ending a sentence."""
        if self.text[self.at] != ".":
            return False
        following = self.text[self.at + 1 : self.at + 2]
        alone = self.at > 0 and self.text[self.at - 1].isspace() and (not following or following.isspace())
        return alone or following in ("/", "_", ".") or following.isalnum()

    def _skip_bullet(self) -> None:
        if match := _BULLET.match(self.text, self.at):
            self.at = match.end()

    def _quoted(self, mark: str) -> Token | None:
        """The quoted text that begins here, or None if the mark opens nothing."""
        close = _CLOSING[mark]
        start = self.at
        end = -1 if close in self.unclosed else self._close(close, start + 1)
        if end < 0:
            self.unclosed.add(close)
            if mark in "'’‘":
                return None
            self.at += 1
            return Token(",", start, start + 1, Shape.PUNCT)
        self.at = end + 1
        shape = Shape.CODE if mark == "`" else Shape.QUOTED
        inner = self.text[start + 1 : end]
        if mark == "`" and not inner.strip():
            return Token(",", start, end + 1, Shape.PUNCT)
        return Token(inner, start, end + 1, shape)

    def _close(self, mark: str, start: int) -> int:
        """Where the quote ends: an apostrophe inside a word does not end one."""
        end = self.text.find(mark, start)
        while mark in "'’" and 0 <= end < len(self.text) - 1 and self.text[end + 1].isalnum():
            end = self.text.find(mark, end + 1)
        return end

    def _run(self) -> Iterator[Token]:
        text, start = self.text, self.at
        end = start + 1 if text[start] in "'`’‘" else start
        address = False
        while end < len(text) and not text[end].isspace() and text[end] not in "`—–…|":
            address = address or text.startswith("://", end)
            if text[end] in "\"'“" and end > start and text[end - 1] in "=:":
                break
            if (text[end] == "," and not address) or text[end] in '"”»':
                break
            end += 1
        if end == start:
            self.at = end + 1
            return
        self.at = end
        run = text[start:end]
        if end < len(text) and run.endswith("=") and text[end] in "\"'“`" and _PAIR.match(run):
            quoted = self._quoted(text[end])
            if quoted is not None and quoted.shape in (Shape.QUOTED, Shape.CODE):
                yield Token(run + quoted.text, start, quoted.end, Shape.PAIR)
                return
        body = run.rstrip("".join((*_END_MARKS, ")'’")))
        if not body or set(body) <= {".", "/"}:
            body = run.rstrip(",;:!?)'’") or run
        if run.startswith((".", "/")) and not body.strip("./"):
            body = run.rstrip(",;:!?")
        if body.endswith("s") and run[len(body) : len(body) + 1] in ("'", "’") and body[0] not in "'’":
            body += "'"  # the servers' logs
        yield from _word(body, start)
        for offset, mark in enumerate(run[len(body) :], start + len(body)):
            if mark in _END_MARKS:
                yield Token(mark, offset, offset + 1, Shape.PUNCT)


def _steps(text: str) -> dict[int, int]:
    """Where the second and later steps of a list within a line begin, with where their words do."""
    found = list(_STEP.finditer(text))
    if not found or text[: found[0].start()].strip() or found[0][1] != "1":
        return {}
    steps, number = {}, 2
    for match in found[1:]:
        if match[1] == str(number) and match[2] == found[0][2]:
            steps[match.start()] = match.end()
            number += 1
    return steps


def _word(text: str, start: int) -> Iterator[Token]:
    end = start + len(text)
    lower = text.lower().replace("’", "'")
    if lower in CONTRACTIONS:
        yield from (Token(part, start, end, Shape.WORD) for part in CONTRACTIONS[lower])
    elif numbered := _IN_REPO.fullmatch(text):  # acme/shop#15
        cut = start + numbered.end(1)
        yield _classified(numbered[1], start, cut)
        yield _classified(numbered[2], cut, end)
    elif lower in ("&", "+", "&&"):
        yield Token("then" if lower == "&&" else "and", start, end, Shape.WORD)
    elif lower == "@":
        yield Token("at", start, end, Shape.WORD)
    elif lower in ("->", "=>", "→"):
        yield Token("->", start, end, Shape.WORD)  # "to", or "then" before a verb
    elif lower.endswith("'s") and lower[:-2] in _IS:  # "nobody's using it"
        yield Token(text[:-2], start, end - 2, Shape.WORD)
        yield Token("is", end - 2, end, Shape.WORD)
    elif lower.endswith("'s") and len(text) > 2:
        yield replace(_classified(text[:-2], start, end), possessive=True)
    elif lower.endswith("s'") and len(text) > 3:
        yield replace(_classified(text[:-1], start, end), possessive=True)
    else:
        yield _classified(text, start, end)


def _classified(text: str, start: int, end: int) -> Token:
    if _PLAIN.fullmatch(text):
        return Token(text, start, end, Shape.WORD)
    digits = text.removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) <= 15:
        return Token(text, start, end, Shape.NUMBER, value=int(digits))
    if len(text) <= 40 and _DURATION.fullmatch(text.lower()):
        seconds = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(text.lower()))
        return Token(text, start, end, Shape.DURATION, value=_whole(seconds))
    if _PAIR.match(text) and "://" not in text.partition("=")[0]:
        return Token(text, start, end, Shape.PAIR)
    if text.strip("-+/.") == "" and text not in (".", "..", "./", "../", "/", "./..."):
        return Token(",", start, end, Shape.PUNCT)
    if text.startswith("-") and len(text) > 1 and not text[1].isdigit():
        return Token(text, start, end, Shape.FLAG)
    return Token(text, start, end, Shape.TYPED)


def _whole(seconds: float) -> float | int:
    return int(seconds) if seconds == int(seconds) else seconds


def _merged(tokens: list[Token]) -> Iterator[Token]:
    """Number words as numbers, numbers with a unit as durations, ``ports 1 to 9`` as a range."""
    at = 0
    while at < len(tokens):
        number, after = _number(tokens, at)
        if number is not None:
            unit = UNITS.get(tokens[after].word) if after < len(tokens) else None
            if unit is not None and number.value is not None and len(tokens[after].text) > 1:
                seconds = _whole(float(number.value) * unit)
                yield Token(
                    f"{number.text} {tokens[after].text}", number.start, tokens[after].end, Shape.DURATION, seconds
                )
                after += 1
            elif after < len(tokens) and tokens[after].word in _MEASURES:  # a size, and no count of things
                text = f"{number.text} {tokens[after].text}"
                yield Token(text, number.start, tokens[after].end, Shape.TYPED)
                after += 1
            elif after < len(tokens) and tokens[after].word in _BYTES:
                text = f"{number.value}{_unit(tokens[after].word)}"
                yield Token(text, number.start, tokens[after].end, Shape.TYPED)
                after += 1
            elif (range_ := _range(tokens, at, after)) is not None:
                yield range_
                after += 2
            else:
                yield number
            at = after
            continue
        yield tokens[at]
        at += 1


def _number(tokens: list[Token], at: int) -> tuple[Token | None, int]:
    """The number that begins here, in figures or words, and where it ends."""
    token = tokens[at]
    if token.shape is Shape.NUMBER:
        return token, at + 1
    if token.word in ("a", "an", "half") and at + 1 < len(tokens):
        return _little_number(tokens, at)
    if token.word == "one" and at > 0 and tokens[at - 1].word in _BEFORE_ONE:
        return None, at
    total, end, known = 0, at, False
    while end < len(tokens) and tokens[end].shape is Shape.WORD:
        parts = tokens[end].word.split("-")
        if all(part in NUMBERS for part in parts) and (not known or total % 100 in range(20, 100, 10) or total >= 100):
            total += sum(NUMBERS[part] for part in parts)
        elif parts[0] in SCALES and (known or parts[0] == "dozen"):
            total = max(total, 1) * SCALES[parts[0]]
        else:
            break
        known = True
        end += 1
    if not known:
        return None, at
    text = " ".join(t.text for t in tokens[at:end])
    return Token(text, token.start, tokens[end - 1].end, Shape.NUMBER, value=total), end


def _little_number(tokens: list[Token], at: int) -> tuple[Token | None, int]:
    """``a minute``, ``half an hour``, ``a dozen``, ``a couple of``."""
    words = [token.word for token in tokens[at : at + 4]]
    start = tokens[at].start
    if words[0] == "half" and words[1:2] in (["a"], ["an"]) and len(words) > 2 and words[2] in UNITS:
        return Token("half", start, tokens[at + 1].end, Shape.NUMBER, value=0.5), at + 2
    if words[0] == "half" and len(words) > 1 and words[1] in ("a", "an") and words[2:3] and words[2] in _MEASURES:
        return Token("0.5", start, tokens[at + 1].end, Shape.NUMBER, value=0.5), at + 2
    if words[0] == "half":
        return None, at
    noun_follows = at + 2 < len(tokens) and tokens[at + 2].shape is Shape.WORD and words[1] == "second"
    if words[1] in UNITS and len(words[1]) > 2 and not noun_follows:
        return Token(tokens[at].text, start, tokens[at].end, Shape.NUMBER, value=1), at + 1
    if words[1] == "single":
        return Token("a single", start, tokens[at + 1].end, Shape.NUMBER, value=1), at + 2
    if words[1] == "dozen":
        return Token("a dozen", start, tokens[at + 1].end, Shape.NUMBER, value=12), at + 2
    if words[1] == "couple":
        end = at + 3 if words[2:3] == ["of"] else at + 2
        return Token("a couple", start, tokens[end - 1].end, Shape.NUMBER, value=2), end
    return None, at


def _unit(word: str) -> str:
    """``gigabytes`` as ``g``, ``MiB`` as ``Mi``: as engines write them."""
    binary = word in ("ki", "mi", "gi", "kib", "mib", "gib", "tib")
    return f"{word[0].upper()}i" if binary else word[0]


def _range(tokens: list[Token], at: int, after: int) -> Token | None:
    """``ports 8000 to 8010``: only after the plural, for "port 8080 to 80" is no range; or ``scan x from 1 to 9``."""
    if not (after == at + 1 and after + 1 < len(tokens) and at > 0):
        return None
    before = tokens[at - 1].word
    scanned = before in ("from", "between") and any(t.word in _SCANS for t in tokens[max(at - 8, 0) : at])
    if not (scanned or before in ("ports", "range")):
        return None
    if (
        tokens[after].word not in (("and",) if before == "between" else ("to", "through"))
        or tokens[after + 1].shape is not Shape.NUMBER
    ):
        return None
    low, high = tokens[at], tokens[after + 1]
    return Token(f"{low.text}-{high.text}", low.start, high.end, Shape.TYPED)
