"""Deleting files and folders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.paths import Place, is_credential, is_critical, locate, runs_by_itself


def deleted(call: Invocation, path: str, *, recursive: bool) -> Iterator[Finding]:
    """The objections to deleting this path."""
    if not path:
        return
    found = locate(path, call.scope)
    place = found.place
    folder = re.sub(r"/[*.?]*\*[*.?]*$", "", found.path).rstrip("/")
    above = call.scope.workdir.startswith(folder + "/") and place is not Place.ROOT
    if place is Place.ROOT:
        yield call.deny("files.delete-root", "It deletes the root of the file system.")
    elif place in (Place.KERNEL, Place.DEVICE) or (found.path.startswith("/dev/") and place is not Place.TEMP):
        yield call.deny("files.delete-system", f"It deletes {place.value}.")
    elif found.path.startswith("/dev/") and not found.path.startswith("/dev/shm/"):  # noqa: S108
        yield call.deny("files.delete-system", "It deletes a device that every program needs.")
    elif place is Place.SYSTEM:
        if recursive or found.whole or found.vague or is_critical(found):
            yield call.deny("files.delete-system", f"It deletes a part of the system: {found.path}.")
        else:
            yield call.ask("files.delete-system-file", f"It deletes a file of the system: {found.path}.")
    elif place is Place.HOME or above:
        yield call.deny("files.delete-home", "It deletes a whole home folder or what the work folder lies in.")
    elif place is Place.PERSONAL:
        if runs_by_itself(found) or is_credential(path, call.scope):
            yield call.deny("files.delete-personal", "It deletes keys, settings or history in a home folder.")
        else:
            yield call.ask("files.delete-personal", "It deletes something in a home folder, outside the work folder.")
    else:
        yield from _elsewhere(call, path, recursive=recursive)


def _elsewhere(call: Invocation, path: str, *, recursive: bool) -> Iterator[Finding]:
    found = locate(path, call.scope)
    if found.place is Place.UNKNOWN:
        yield call.ask("files.delete-unknown", "It cannot be known beforehand what this deletes.")
    elif found.place is Place.OUTSIDE:
        yield call.ask("files.delete-outside", f"It deletes outside the work folder: {found.path}.")
    elif found.place is Place.TEMP and found.whole:
        yield call.ask("files.delete-temp", "It empties a folder for temporary files that others use as well.")
    elif found.place is Place.WORK:
        if found.whole:
            yield call.ask("files.delete-work", "It deletes the whole work folder or everything in it.")
        elif recursive and found.path.endswith("/.git"):
            yield call.ask("files.delete-repository", "It deletes the repository with its history.")
        elif recursive and found.vague:
            yield call.ask("files.delete-unknown", "It cannot be known beforehand what this deletes.")


def _rm(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("--interactive",))
    if read.has("--no-preserve-root"):
        yield call.deny("files.delete-root", "It switches off the guard of the root folder.")
    recursive = read.has("-r", "-R", "--recursive")
    for operand in read.operands:
        yield from deleted(call, operand, recursive=recursive)


def _shred(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-n", "-s", "--iterations", "--size", "--random-source", "-m", "-p"))
    for operand in read.operands:
        yield from deleted(call, operand, recursive=True)


def _mv(call: Invocation) -> Iterator[Finding]:
    """Moving away is deleting for whoever looks for it at the old place."""
    read = options.read(call.args, ("-t", "--target-directory", "-S", "--suffix"))
    sources = read.operands if read.has("-t", "--target-directory") else read.operands[:-1]
    for source in sources:
        found = locate(source, call.scope)
        if found.place not in (Place.WORK, Place.TEMP, Place.UNKNOWN, Place.OUTSIDE) or found.whole:
            yield from deleted(call, source, recursive=True)
    if read.operands and read.operands[-1] == "/dev/null":
        yield call.deny("files.delete-by-move", "It replaces the null device or loses the file.")


def _rsync(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-e", "--rsh", "--exclude", "--include", "--exclude-from", "-f", "--filter"))
    if any(flag.startswith("--del") for flag in read.flags) and len(read.operands) > 1:
        target = read.operands[-1]
        if ":" in target.split("/")[0]:
            yield call.ask("files.delete-remote", "It deletes files on another machine.")
        else:
            yield from deleted(call, target, recursive=True)
            found = locate(target, call.scope)
            if found.place is not Place.WORK or found.whole:
                reason = "It deletes everything in the target that the source does not have."
                yield call.ask("files.sync-delete", reason)
    if read.has("--remove-source-files"):
        for source in read.operands[:-1]:
            yield from deleted(call, source, recursive=True)


def _archived(call: Invocation) -> Iterator[Finding]:
    """zip -m and 7z -sdel delete what they have put away."""
    moves = (
        any(re.match(r"-[a-zA-Z]*m|--move", argument) for argument in call.args)
        if call.name == "zip"
        else ("-sdel" in call.args or "--remove-files" in call.args)
    )
    if moves:
        for operand in options.read(call.args, ("-P", "-b", "-C", "-f")).operands[call.name != "tar" :]:
            yield from deleted(call, operand, recursive=True)


RULES = {
    "zip": _archived,
    "7z": _archived,
    "tar": _archived,
    "rm": _rm,
    "grm": _rm,
    "unlink": _rm,
    "rmdir": _rm,
    "srm": _shred,
    "shred": _shred,
    "wipe": _shred,
    "scrub": _shred,
    "mv": _mv,
    "rsync": _rsync,
    "rimraf": _shred,
    "trash": _rm,
    "del": _rm,
}
