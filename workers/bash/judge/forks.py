"""Programs in other languages that start processes without end, read off their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

# By its name, or looked up by it; a text that merely holds the word is none.
_FORK = re.compile(
    r"(?<![\"'\w])(?:\w+_)?v?fork(?:pty)?\b(?![\"'])|\b(?:getattr|send|call_user_func)\b[^\n]{0,60}?[\"']\w*fork[\"']"
    r"|\[\s*[\"']fork[\"']\s*\]"
)
_START = re.compile(
    r"\b(?:Process|Thread)\s*\(|\b(?:Popen|spawn|posix_spawn)\w*\s*\(|\bcreate_subprocess_\w+\s*\(|\bexecFile\s*\("
    r"|\bexec\s*\(|\b(?:system|execute|popen|passthru|shell_exec)\w*\s*\(?\s*[\"'][^\"'\n]*&\s*[\"']"
)
_ITSELF = re.compile(
    r"\b(?:Popen|spawn|exec|fork|system|execute|popen)\w*\s*\([^)\n]{0,200}?(?:__file__|__filename|__FILE__|\$0|"
    r"\$PROGRAM_NAME|sys\.argv\b(?!\[[1-9])|process\.argv\b(?!\[[2-9]))"
)
_WITHOUT_END = re.compile(
    r"\b(?:while|until)\b[\s(]*(?:True|TRUE|true|[1-9]\d*|!0|!false|not\s+(?:False|0|None)|\(\s*\)|['\"][^'\"]+['\"])"
    r"(?!\s*[<>%])|\bwhile\b[^\n;{:]{0,40}\bfork\b|\buntil\s+(?:false|nil|0)\b|\bfor\s*\(\s*[^;)]*;\s*;|\bfor\s*\{"
    r"|\bloop\s*(?:do\b|\{)|\bforever\b|\bsetInterval\b|\biter\s*\(\s*(?:int|float|str|list|lambda)\b"
    r"|\b(?:count|cycle|repeat)\s*\("
)
_LOOP = re.compile(r"\b(?:while|for|until|foreach|times|each|map|do)\b")
_WAITS = re.compile(r"\b(?:wait\w*|join|communicate|accept|recv|sleep|usleep|input|gets|read\w*|poll|select)\b")
_PAUSED_CHILD = re.compile(r"\bsleep\b[^;\n&|]*&(?!&)")
_CHILD_ENDS = re.compile(r"\b(?:_exit|exit|quit|die|abort|exec\w+)\b\s*[(!;]|\bfork\s*(?:do\b|\{)")
_BOUND = re.compile(
    r"\brange\s*\(([^)]*)\)|<=?\s*(\d[\d_]*)|\.\.\.?\s*(\d[\d_]*)|\b(\d[\d_]*)\.(?:times|upto)\b|\bin\s+\d+:(\d+)"
)
_FUNCTIONS = (
    re.compile(r"\bdef\s+(?P<name>\w+)\s*\([^)]*\)[^:\n]*:(?P<body>[^\n]*(?:\n[ \t]+[^\n]*|\n[ \t]*(?=\n))*)"),
    re.compile(r"\b(?:function|sub|fn|func|void|int)\s+(?P<name>\w+)[^{};]{0,80}(?P<body>\{.*)", re.DOTALL),
    re.compile(r"(?P<name>\w+)\s*=\s*(?:lambda\b|(?:async\s*)?\([^)]*\)\s*=>|function\b)(?P<body>.*)", re.DOTALL),
    re.compile(r"\bdef\s+(?P<name>\w+)\s*[;\n(](?P<body>.*?)\bend\b", re.DOTALL),
)
_MANY_FORKS = 8  # two to the power of so many processes
_SOME_FORKS = 4
_MANY_ROUNDS = 256


class Growth(IntEnum):
    """How many processes a program makes: a bounded few, perhaps many, or more and more."""

    BOUNDED = 0
    DOUBTFUL = 1
    ENDLESS = 2


def growth(text: str, folded: str) -> Growth:
    """Reads a program as written and with its literals folded: what either of the two shows counts."""
    waits = bool(_WAITS.search(_PAUSED_CHILD.sub("", folded)))
    return max(_growth(text, waits=waits), _growth(folded, waits=waits))


def _growth(text: str, *, waits: bool) -> Growth:
    forks = len(_FORK.findall(text))
    if not forks and not _START.search(text):
        return Growth.BOUNDED
    if _WITHOUT_END.search(text) or forks >= _MANY_FORKS or _calls_itself(text):
        return Growth.DOUBTFUL if waits else Growth.ENDLESS
    itself = len(_ITSELF.findall(text))
    if itself:
        return Growth.ENDLESS if itself > 1 and not waits else Growth.DOUBTFUL
    rounds = _rounds(text)
    looped = _LOOP.search(text) is not None
    doubles = forks and looped and (rounds >= _MANY_FORKS or not rounds) and not _CHILD_ENDS.search(text)
    if doubles or forks >= _SOME_FORKS or (looped and rounds >= _MANY_ROUNDS):
        return Growth.DOUBTFUL
    return Growth.BOUNDED


def _rounds(text: str) -> int:
    """The most rounds that a loop's bounds name; 0 where none does."""
    bounds = ["".join(groups) for groups in _BOUND.findall(text)]
    if any("**" in bound for bound in bounds):
        return _MANY_ROUNDS
    numbers = [number.replace("_", "")[:12] for bound in bounds for number in re.findall(r"\d[\d_]*", bound)]
    return max(map(int, numbers), default=0)


def _calls_itself(text: str) -> bool:
    """Whether a function that starts something calls itself, or is what it starts."""
    return any(
        (_FORK.search(body) or _START.search(body))
        and re.search(rf"\b{name}\s*\(|\btarget\s*=\s*{name}\b|;\s*{name}\s*;", body)
        for name, body in _bodies(text)
    )


def _bodies(text: str) -> Iterator[tuple[str, str]]:
    for pattern in _FUNCTIONS:
        for match in pattern.finditer(text):
            body = match["body"]
            yield match["name"], _block(body) if body[:1] == "{" else body


def _block(text: str) -> str:
    """From an opening brace to the one that closes it."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return text[:at]
    return text
