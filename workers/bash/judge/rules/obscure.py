"""Commands that hide what they run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import DECODED, NETWORK, erased, is_known
from workers.bash.judge.paths import Place, is_credential, is_raw_device, locate, runs_by_itself

_HARMFUL_OPTION = re.compile(
    r"-[a-zA-Z]*[rR][a-zA-Z]*f|-[a-zA-Z]*f[a-zA-Z]*[rR]|-rf|-R$|--recursive|--force|of=|-delete|-9$|if=/dev"
)
_SHOWS = ("echo", "printf", "test", "[", "[[", ":", "true")
_DESTROYS = ("rm", "dd", "shred", "chmod", "chown", "mv", "wipefs")
_SAYS_SO = re.compile(
    r"(?i)(?:^|[-_.])(?:uninstall|destroy|teardown|tear[-_]down|wipe|nuke|factory[-_]reset|purge|delete|deprovision)"
    r"(?:$|[-_.])"
)


def check(call: Invocation) -> Iterator[Finding]:
    """Names that cannot be resolved, decoded words, programs in places that anybody can fill."""
    if not call.resolvable or call.name.startswith("-") or re.search(r"[*?]", call.name):
        yield from _unresolvable(call)
    elif call.name and not call.name.isascii():
        yield call.ask("obscure.name", "The program's name holds letters that look like others.")
    if _SAYS_SO.search(call.name):
        yield call.ask("obscure.destructive-name", f"By its name, {call.name} removes or destroys something.")
    if (
        call.resolvable
        and call.marked(DECODED)
        and call.name in _DESTROYS
        and any(map(_HARMFUL_OPTION.match, call.args))
    ):
        yield call.deny("obscure.decoded-word", "What it destroys comes out of a decoder.")
    elif call.resolvable and call.marked(DECODED) and call.name not in _SHOWS:
        yield call.ask("obscure.decoded-word", "One of its words comes out of a decoder.")
    if "/" in call.argv[0] and call.resolvable:
        found = locate(call.argv[0], call.scope)
        content = call.scope.files.get(call.scope.absolute(call.argv[0]))
        if (
            found.place is Place.TEMP
            and call.argv[0] not in call.scope.programs
            and (content is None or not content.text)
        ):
            yield call.ask("obscure.temporary-program", "It runs a program from a folder that anybody can fill.")


def _unresolvable(call: Invocation) -> Iterator[Finding]:
    name = call.argv[0]
    if any(mark in name for mark in (DECODED, NETWORK)):
        yield call.deny("obscure.decoded-program", "The program's name comes out of a decoder or a download.")
    elif any(_is_harmful(call, argument) for argument in call.args):
        yield call.deny("obscure.program", "It cannot be known which program gets these destructive arguments.")
    else:
        reason = "It cannot be known beforehand which program runs."
        yield call.ask("obscure.program", reason if erased(name) or call.args else "It cannot be known what runs here.")


def _is_harmful(call: Invocation, argument: str) -> bool:
    if _HARMFUL_OPTION.match(argument):
        return True
    if argument.startswith("-") or not is_known(argument[:1]):
        return False
    found = locate(argument, call.scope)
    if found.place in (Place.ROOT, Place.SYSTEM, Place.KERNEL, Place.HOME):
        return True
    return runs_by_itself(found) or is_credential(argument, call.scope) or is_raw_device(argument, call.scope)
