"""Programs in other languages: what reading their text shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import code, interpreters, sed
from workers.bash.judge.forks import Growth
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import DECODED, NETWORK

_LOCAL = re.compile(r"localhost|127\.0\.0\.\d|\[::1\]")
_SENDS = re.compile(
    r"\b(?:post|put|upload|sendall|send|storbinary|sendmail)\b\s*\(|\bdata\s*=|\bfiles\s*=|method\s*[:=]\s*['\"]POST"
)


def check(call: Invocation) -> Iterator[Finding]:
    """The objections to the programs on the command line."""
    for program in interpreters.programs(call):
        if any(mark in program.text for mark in (DECODED, NETWORK)):
            yield call.deny("shell.unseen-code", "An interpreter runs what a download or a decoder printed.")
        if program.language == "sed":
            yield from _sed(call, program.text)
        else:
            yield from _general(call, code.read(program.text, program.language), program)


def _sed(call: Invocation, script: str) -> Iterator[Finding]:
    if sed.effects(script).runs:
        yield call.ask("programs.sed-runs", "The sed script runs commands.")


def _general(call: Invocation, reading: code.Reading, program: interpreters.Code) -> Iterator[Finding]:
    language = program.language
    if reading.growth is Growth.ENDLESS:
        yield call.deny("resources.fork-bomb", f"The {language} program starts processes without end.")
    elif reading.growth is Growth.DOUBTFUL:
        yield call.ask("resources.many-processes", f"The {language} program may start very many processes.")
    if reading.reverse_shell:
        yield call.deny("network.reverse-shell", f"The {language} program gives a shell to the network.")
    if reading.runs_decoded:
        yield call.deny("programs.decoded", f"The {language} program runs code that it decodes first.")
    if reading.runs_download:
        yield call.deny("shell.unseen-code", f"The {language} program runs code that it downloads.")
    if reading.kills_everything:
        yield call.deny("services.kill-all", f"The {language} program ends every process it may.")
    if reading.runs_unknown:
        yield call.ask(
            "programs.runs-unknown", f"The {language} program runs something that cannot be known beforehand."
        )
    if reading.hoards_memory:
        yield call.ask("resources.memory", f"The {language} program fills the memory.")
    if reading.goes_native:
        yield call.ask("programs.native", f"The {language} program calls the system below its language.")
    if reading.connects and reading.shows_environment and not _LOCAL.search(program.text):
        yield call.deny("secrets.exfiltration", f"The {language} program sends the environment over the network.")
    if reading.connects and _SENDS.search(program.text) and not _LOCAL.search(program.text):
        yield call.ask("network.sends", f"The {language} program sends data over the network.")
