"""Modes, owners and capabilities of files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.paths import Place, is_critical, locate

_SET_ID = re.compile(r"^0?[2-7][0-7]{3}$|[ug]*\+[rwxXt]*s|[ug]*=[rwxXt]*s")
_OPEN = re.compile(r"^0?[0-7]*[2367]$|(?:^|,)(?:a|o|ugo|go)*[+=][rxXst]*w")


def _changed(call: Invocation, path: str, *, recursive: bool) -> Iterator[Finding]:
    found = locate(path, call.scope)
    if found.place is Place.ROOT or (found.place is Place.HOME and recursive):
        yield call.deny("permissions.system", f"It changes who may use {found.place.value}.")
    elif found.place in (Place.SYSTEM, Place.KERNEL, Place.DEVICE):
        if recursive or found.whole or is_critical(found):
            yield call.deny("permissions.system", f"It changes who may use a part of the system: {found.path}.")
        else:
            yield call.ask("permissions.system-file", f"It changes who may use a file of the system: {found.path}.")
    elif found.place in (Place.PERSONAL, Place.HOME, Place.OUTSIDE):
        yield call.ask("permissions.outside", "It changes who may use files outside the work folder.")
    elif found.place is Place.UNKNOWN and recursive:
        yield call.ask("permissions.unknown", "It cannot be known beforehand what this changes.")


def _chmod(call: Invocation) -> Iterator[Finding]:
    # A mode such as -x looks like an option.
    modes = [argument for argument in call.args if re.fullmatch(r"-[rwxXst]+", argument)]
    read = options.read([argument for argument in call.args if argument not in modes], ("--reference",))
    words = [*modes, *read.operands] if modes else list(read.operands)
    if read.has("--reference"):
        words = ["", *words]
    recursive = read.has("-R", "--recursive")
    mode, targets = (words[0], words[1:]) if words else ("", [])
    if any(_SET_ID.search(part) for part in mode.split(",")):
        yield call.deny("permissions.set-id", "It lets a program run with its owner's rights.")
    for target in targets:
        yield from _changed(call, target, recursive=recursive)
    if targets and _OPEN.search(mode):
        yield call.ask("permissions.open", "It lets everybody on the machine write these files.")


def _install(call: Invocation) -> Iterator[Finding]:
    for mode in options.read(call.args, ("-m", "--mode", "-o", "-g", "-t", "-S")).values("-m", "--mode"):
        if any(_SET_ID.search(part) for part in mode.split(",")):
            yield call.deny("permissions.set-id", "It lets a program run with its owner's rights.")


def _chown(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("--reference", "--from"))
    targets = read.operands if read.has("--reference") else read.operands[1:]
    for target in targets:
        yield from _changed(call, target, recursive=read.has("-R", "--recursive"))


def _attributes(call: Invocation) -> Iterator[Finding]:
    for operand in options.read([a for a in call.args if a[:1] not in "+-="]).operands:
        yield from _changed(call, operand, recursive="-R" in call.args)
    yield call.ask("permissions.attributes", "It changes attributes that keep files from being changed or read.")


def _capabilities(call: Invocation) -> Iterator[Finding]:
    yield call.deny("permissions.capabilities", "It gives a program rights of root.")


RULES = {
    "chmod": _chmod,
    "gchmod": _chmod,
    "install": _install,
    "chown": _chown,
    "chgrp": _chown,
    "gchown": _chown,
    "chattr": _attributes,
    "setfacl": _attributes,
    "chcon": _attributes,
    "setfattr": _attributes,
    "setcap": _capabilities,
}
