"""Shells fed from elsewhere: pipes, downloads, files of unknown content."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import interpreters, powershell
from workers.bash.judge.invocation import Invocation, Stream, Trait
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import ALL
from workers.bash.judge.outputs import content_of
from workers.bash.judge.paths import Place, is_network_device, locate
from workers.bash.judge.tables import SHELLS, names
from workers.bash.judge.unwrap.shells import shell_call


def files(call: Invocation) -> Iterator[Finding]:
    """Running a file that came over the network or out of a decoder earlier in the same command."""
    paths: list[str] = [call.argv[0]] if "/" in call.argv[0] else []
    if call.name in SHELLS:
        started = shell_call(call.args)
        paths += [path for path in (started.file, *started.startup) if path]
    script = interpreters.script_file(call)
    if script:
        paths.append(script)
    if call.name in ("source", ".") and call.args:
        paths.append(call.args[0])
    for path in paths:
        stream = call.stdin if path == "/dev/stdin" else content_of(path, call.scope)
        if stream is not None and stream.traits & {Trait.NETWORK, Trait.DECODED}:
            yield call.deny("shell.unseen-code", "It runs what a download or a decoder gave.")
        if re.match(r"https?://", path):
            yield call.ask("shell.unseen-code", "It runs what an address serves.")
        if is_network_device(path):
            yield call.deny("shell.unseen-code", "It runs what comes over the network.")


def _shell(call: Invocation) -> Iterator[Finding]:
    started = shell_call(call.args)
    if started.harmless:
        return
    if started.text is not None:
        if started.text and set(started.text) <= ALL | set(" \n"):
            yield call.ask("shell.unknown-code", "It cannot be known what the shell is told to run.")
        return
    if started.file is not None:
        yield from _file(call, started.file)
        return
    yield from _fed(call)


def _fed(call: Invocation) -> Iterator[Finding]:
    stream = call.stdin
    if stream is None:
        if not call.softened and call.args:
            yield call.ask("shell.interactive", "It opens a shell whose input cannot be known.")
        elif not call.softened:
            yield call.ask("shell.interactive", "It opens a shell.")
    elif stream.traits & {Trait.NETWORK, Trait.DECODED}:
        yield call.deny("shell.unseen-code", "A shell runs what a download or a decoder printed.")
    elif stream.text is None and not _is_work_file(call, stream):
        yield call.ask("shell.unknown-code", "It cannot be known what the shell reads and runs.")


def _is_work_file(call: Invocation, stream: Stream) -> bool:
    return bool(stream.file) and locate(stream.file, call.scope).place is Place.WORK


def _file(call: Invocation, path: str) -> Iterator[Finding]:
    written = content_of(path, call.scope)
    if written.text:
        return
    if path in ("/dev/stdin", "/proc/self/fd/0", "/dev/fd/0"):
        yield from _fed(call)
        return
    found = locate(path, call.scope)
    if found.place in (Place.TEMP, Place.UNKNOWN) or path.startswith("/dev/fd/"):
        yield call.ask("shell.unknown-code", "It runs a script whose content cannot be known.")


def _source(call: Invocation) -> Iterator[Finding]:
    if call.args:
        yield from _file(call, call.args[0])


def _powershell(call: Invocation) -> Iterator[Finding]:
    for at, argument in enumerate(call.args[:-1]):
        if re.match(r"(?i)-(?:c|co\w*|enc?\w*|e)$", argument):
            yield from powershell.findings(
                " ".join(call.args[at:]).removeprefix(f"{argument} ") if argument[1] in "cC" else " ".join(call.args)
            )
    if call.stdin is not None:
        yield call.ask("shell.unknown-code", "A shell runs what it reads.")


def _interpreter(call: Invocation) -> Iterator[Finding]:
    """Python, Perl and others that take their program from a pipe."""
    if interpreters.reads_program_from_stdin(call) and call.stdin is not None:
        if call.stdin.traits & {Trait.NETWORK, Trait.DECODED}:
            yield call.deny("shell.unseen-code", "An interpreter runs what a download or a decoder printed.")
        elif call.stdin.text is None and not _is_work_file(call, call.stdin):
            yield call.ask("shell.unknown-code", "It cannot be known what the interpreter reads and runs.")


def _builtin(call: Invocation) -> Iterator[Finding]:
    """Builtins that load code or change what a name means."""
    if call.name == "enable" and any(argument.startswith("-") and "f" in argument for argument in call.args):
        yield call.deny("shell.load", "It loads a library into the shell.")
    elif call.name == "hash" and "-p" in call.args:
        yield call.deny("shell.rename", "It gives a program another program's name.")
    elif call.name in ("complete", "compgen", "bind", "mapfile", "readarray"):
        flags = {"complete": ("-C", "-F"), "compgen": ("-C",), "bind": ("-x",)}.get(call.name, ("-C",))
        if any(argument in flags for argument in call.args):
            yield call.ask("shell.callback", "It registers a command that the shell runs later.")
    elif call.name == "set" and "history" in call.args and "+o" in call.args:
        yield call.deny("accounts.history", "It keeps the shell from recording what is done.")


def _at(call: Invocation) -> Iterator[Finding]:
    if call.args[:1] not in (("-l",), ("-V",)):
        yield call.ask("services.schedule", "It has a command run later, outside this run.")


def _folder(call: Invocation) -> Iterator[Finding]:
    """run-parts: every program of a folder."""
    for path in call.args:
        if not path.startswith("-") and locate(path, call.scope).place in (Place.TEMP, Place.UNKNOWN, Place.OUTSIDE):
            yield call.ask("shell.unknown-code", "It runs programs that nobody has looked at.")


def _document(call: Invocation) -> Iterator[Finding]:
    r"""TeX with \write18."""
    if any(re.match(r"--?(?:shell-escape|enable-write18)", argument) for argument in call.args):
        yield call.ask("shell.unknown-code", "It lets a document run commands.")


RULES = {
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys(names("tex latex pdftex pdflatex xelatex lualatex luatex xetex latexmk"), _document),
    "run-parts": _folder,
    "pwsh": _powershell,
    "powershell": _powershell,
    "source": _source,
    ".": _source,
    **dict.fromkeys(names("enable hash complete compgen bind mapfile readarray set"), _builtin),
    **dict.fromkeys(
        names(
            "python python2 python3 perl ruby node nodejs php lua tclsh Rscript R julia bun deno pypy pypy3 "
            "ipython ipython3 guile elixir irb"
        ),
        _interpreter,
    ),
    "at": _at,
    "batch": _at,
    "atrm": _at,
}
