"""A command line among the arguments of a program that the judge does not know.

The program may be a wrapper that is missing from the tables, so what follows the name of a destructive program is
judged as a command; or an interpreter, so a text that it is given to evaluate, or on its standard input, is read as
code. Since it may as well be plain data, a denial becomes a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from workers.bash.judge import code
from workers.bash.judge.interpreters import interpreter_of
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.outputs import content_of
from workers.bash.judge.tables import DESTRUCTIVE, names
from workers.bash.judge.unwrap.inner import Inner

# Their arguments are data: text, patterns, names.
_DATA = names(
    "echo printf grep egrep fgrep zgrep rg ag ack man which type whatis apropos whereis info help test [ [[ : "
    "true false logger notify-send cowsay figlet jq yq git gh glab read case expr basename dirname ls cat head "
    "tail wc stat file touch mkdir export declare local readonly typeset set unset diff cmp sort uniq cut tr "
    "sed awk gawk mawk curl wget psql mysql sqlite3 redis-cli mongosh apt apt-get dpkg yum dnf apk brew pacman "
    "rpm snap systemctl service docker podman kubectl helm ansible pgrep ps lsof kill killall pkill command "
    "hash alias unalias complete compgen shellcheck hadolint bat less more say toilet banner trap useradd "
    "usermod cp mv ln rm install rsync scp ssh tar zip unzip find xargs chmod chown chgrp tee sh bash dash zsh "
    "go cargo rustup pip pip3 npm yarn pnpm gem journalctl id groups getent shift return exit cd pushd source . "
    "tldr cheat pandoc convert"
)
# Their arguments are names, but some of their verbs take a line for a shell.
_RUNNERS = names("go cargo rustup npm yarn pnpm gem brew docker podman kubectl service")
_STARTS = re.compile(r"(?:^|[;&|]|&&|\$\(|`)\s*(?:(?:sudo|exec|command|env|nohup)\s+)*(?:/\S*/)?([\w.-]+)\s+\S")


_EVALUATED = re.compile(r"-[ecEx]|--?(?:eval|exec|execute|expr|expression|command|commands|batch-string|run)")
_SOFTENED = "if the program runs it"


def inner(call: Invocation) -> Iterator[Inner]:
    """What may be a command among the arguments."""
    if call.name in _RUNNERS:
        yield from _lines(call)
    if call.name in _DATA or call.name in DESTRUCTIVE or interpreter_of(call.name):
        return
    for at, argument in enumerate(call.args):
        name = argument.rpartition("/")[2].split(".")[0]
        if name in DESTRUCTIVE and at + 1 < len(call.args):
            yield Inner(argv=call.args[at:], softened=_SOFTENED)
            break
    yield from _lines(call)
    for text in _texts(call):
        reading = code.read(text, "")
        for piece in reading.shell:
            if any(found in DESTRUCTIVE for found in _STARTS.findall(piece)):
                yield Inner(text=piece, softened=_SOFTENED)
        for path in reading.deletes:
            yield Inner(argv=("rm", "-rf", path), softened=_SOFTENED)


def _lines(call: Invocation) -> Iterator[Inner]:
    """Arguments that are a command line each."""
    for argument in call.args:
        if " " in argument and any(found in DESTRUCTIVE for found in _STARTS.findall(argument)):
            yield Inner(text=argument, softened=_SOFTENED)


def _texts(call: Invocation) -> Iterator[str]:
    """What it may take for a program: a value to evaluate, its standard input, a file that this command line wrote."""
    for option, value in pairwise((*call.args, "")):
        name, equals, joined = option.partition("=")
        if _EVALUATED.fullmatch(name) and (joined if equals else value):
            yield joined if equals else value
        elif not option.startswith("-") and (text := content_of(option, call.scope).text):
            yield text
    if call.stdin is not None and call.stdin.text:
        yield call.stdin.text
