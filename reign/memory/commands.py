"""What sort of work a command is: its programs, their subcommands and the kinds of their arguments; no value of them.

``sleep 50`` and ``echo hi`` are both texts, and take as long as they take. Words that people choose (passwords, names,
messages) are told by their kind only; names of programs, of options and of subcommands are what programs define.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

_LONGEST = 4000  # characters of a command that are read
_COMMANDS, _WORDS = 30, 40  # simple commands of it, and words of each, that count

_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_HERE_DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(\w+)\1([^\n]*)\n.*?^\s*\2\s*$", re.MULTILINE | re.DOTALL)
_PROGRAM = re.compile(r"[A-Za-z_][\w.+-]{0,40}")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_OPTION = re.compile(r"(--[A-Za-z][A-Za-z-]{0,30}|-[A-Za-z])(=.*)?", re.DOTALL)
_NUMBER = re.compile(r"(\d{1,18})(?:\.\d+)?([a-zA-Z]{0,2})")
_SUBCOMMAND = re.compile(r"[a-z][a-z-]{0,15}")
_FILE = re.compile(r"[\w./+-]{1,200}\.(?:py|js|mjs|cjs|ts|rb|pl|php|sh|bash|jar)")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words before the program that runs.
_BEFORE = _words(
    "sudo env nice ionice nohup time timeout command exec stdbuf setsid do then else elif if while until !"
)  # fmt: skip
_WITH_VALUE = _words("-u -g -n -k -s -C")  # options of theirs that a value follows
#: Programs whose first words say what they do.
_WITH_SUBCOMMANDS = _words(
    """
    git gh docker docker-compose podman buildah kubectl helm kustomize terraform tofu terragrunt packer ansible pulumi
    npm npx pnpm yarn bun deno cargo rustup go make just task rake bundle gem composer mvn gradle gradlew dotnet pip
    pip3 pipx uv poetry pdm hatch tox nox conda apt apt-get dnf yum apk brew snap systemctl service aws gcloud az flux
    reign
    """
)
#: Programs that run the file that they are given.
_INTERPRETERS = re.compile(r"(?:python[\d.]*|pypy3?|node|deno|bun|ruby|perl|php|java|bash|sh|dash|zsh)")


def kind_of_command(value: Any) -> str:
    """``sleep(5x)`` for ``sleep 50``: alike commands have the same kind. A list is one command of just these words."""
    if isinstance(value, list | tuple):
        return _simple([str(word) for word in value[:_WORDS]])
    found = list(_commands(str(value)[:_LONGEST]))
    return "; ".join(_simple(words) for words in found[:_COMMANDS]) or "nothing"


def _commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command, as a shell would split them; roughly where the quoting is no shell's."""
    text = _COMMENT.sub("", _HERE_DOCUMENT.sub(r"\3", text)).replace("\\\n", " ").replace("\n", " ; ")
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&()<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for token in lexer:
            if token and not set(token) - set(";|&()"):
                if words:
                    yield words
                words = []
            elif len(words) < _WORDS:
                words.append(token)
    except ValueError:  # a quote that does not end
        words = [*words, "..."]
    if words:
        yield words


def _simple(words: Sequence[str]) -> str:
    rest = list(words)
    while rest and (rest[0] in _BEFORE or _ASSIGNMENT.match(rest[0])):
        wrapped = rest.pop(0) in _BEFORE
        while wrapped and rest and (rest[0].startswith("-") or _NUMBER.fullmatch(rest[0])):
            if rest.pop(0) in _WITH_VALUE and rest:
                rest.pop(0)
    if not rest:
        return "set"
    program = PurePosixPath(rest[0].lstrip("$")).name
    if not _PROGRAM.fullmatch(program):
        return f"?({_kinds(rest[1:])})"
    named = list(_named(program, rest[1:]))
    return f"{' '.join([program, *named])}({_kinds([word for word in rest[1:] if word not in named])})"


def _named(program: str, arguments: Sequence[str]) -> Iterator[str]:
    """The words that say what such a program is to do."""
    plain = [word for word in arguments if not word.startswith("-")]
    if program in _WITH_SUBCOMMANDS:
        for word in plain[:2]:
            if not _SUBCOMMAND.fullmatch(word):
                return
            yield word
    elif _INTERPRETERS.fullmatch(program):
        yield from (PurePosixPath(word).name for word in plain[:1] if _FILE.fullmatch(word))


def _kinds(words: Sequence[str]) -> str:
    return ", ".join(sorted({_kind(word) for word in words}))


def _kind(word: str) -> str:
    if option := _OPTION.fullmatch(word):
        return option[1]
    if re.match(r"-[A-Za-z]", word):
        return word[:2]  # what follows may be its value
    if number := _NUMBER.fullmatch(word):
        return f"{_size(int(number[1]))}x{number[2]}"
    if "$" in word or "`" in word:
        return "variable"
    if re.match(r"[a-z][a-z0-9+.-]*://", word):
        return "url"
    return "path" if "/" in word or word in (".", "..") else "text"


def _size(number: int) -> str:
    """A number as what it is near to: 0, 1, 2, 5, 10, 20, 50, ... (``sleep 50`` takes no tenth of ``sleep 500``)."""
    if number == 0:
        return "0"
    tens = 10 ** (len(str(number)) - 1)
    return str(next(step for step in (5, 2, 1) if number >= step * tens) * tens)
