"""Writing, replacing and moving files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from workers.bash.judge import options
from workers.bash.judge.builtins import _CURL_VALUES, _WGET_VALUES
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.paths import (
    Place,
    is_credential,
    is_critical,
    is_hook,
    is_network_device,
    locate,
    runs_by_itself,
)

_ESCAPES = re.compile(r"/(?:release_agent|notify_on_release|core_pattern|binfmt_misc/register|uevent_helper)$")


def written(call: Invocation, path: str) -> Iterator[Finding]:
    """The objections to writing this path."""
    if not path or is_network_device(path):
        return
    found = locate(path, call.scope)
    if _ESCAPES.search(found.path):
        yield call.deny("containers.escape", "It tells the kernel which program to run outside of every container.")
    elif is_critical(found):
        what = "a device" if found.place is Place.DEVICE else found.path
        yield call.deny("files.write-system", f"It writes to {what}, which the system depends on.")
    elif found.place is Place.SYSTEM:
        yield call.ask("files.write-system-file", f"It writes to a file of the system: {found.path}.")
    elif runs_by_itself(found) or is_credential(path, call.scope):
        yield call.deny("files.write-startup", f"It writes a file that runs or grants access by itself: {found.path}.")
    elif found.place in (Place.PERSONAL, Place.HOME):
        yield call.ask("files.write-personal", "It writes into a home folder, outside the work folder.")
    elif found.place is Place.OUTSIDE:
        yield call.ask("files.write-outside", f"It writes outside the work folder: {found.path}.")
    elif is_hook(found):
        yield call.ask("files.write-hook", "It writes a file that a tool runs later.")


def redirects(call: Invocation) -> Iterator[Finding]:
    """Redirections that write; reading from a raw device."""
    for redirect in call.redirects:
        if redirect.to_descriptor:
            continue
        if redirect.writes:
            yield from written(call, redirect.target)
        elif locate(redirect.target, call.scope).place is Place.DEVICE and not is_network_device(redirect.target):
            yield call.deny("disks.read-device", "It reads a raw device.")


def _operands(takes: str = "") -> Callable[[Invocation], Iterator[Finding]]:
    """A rule for programs that write to every operand."""

    def rule(call: Invocation) -> Iterator[Finding]:
        for operand in options.read(call.args, takes.split()).operands:
            yield from written(call, operand)

    return rule


def _to_last(takes: str) -> Callable[[Invocation], Iterator[Finding]]:
    """A rule for programs that write to their last operand or to -t's folder."""

    def rule(call: Invocation) -> Iterator[Finding]:
        read = options.read(call.args, takes.split())
        folders = read.values("-t", "--target-directory")
        for target in folders or read.operands[1:][-1:]:
            if not re.match(r"[^/]+:", target):
                yield from written(call, target)

    return rule


def _saved(*names: str, takes: str = "", whole: bool = False) -> Callable[[Invocation], Iterator[Finding]]:
    """A rule for programs that write to an option's value; ``whole``: their options are words after one hyphen."""

    def rule(call: Invocation) -> Iterator[Finding]:
        for path in options.read(call.args, {*names, *takes.split()}, whole=whole).values(*names):
            yield from written(call, path)

    return rule


def _ln(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-t", "--target-directory", "-S"))
    for target in read.values("-t", "--target-directory") or read.operands[1:][-1:]:
        yield from written(call, target)
    for source in read.operands[:-1]:
        if is_credential(source, call.scope):
            yield call.ask("secrets.link", "It makes a second way to a credential file.")


def _sed(call: Invocation) -> Iterator[Finding]:
    if not any(re.fullmatch(r"-[nErsuz]*i.*|--in-place.*", argument) for argument in call.args):
        return
    args = [argument for argument in call.args if not argument.startswith(("-i", "--in-place"))]
    read = options.read(args, ("-e", "-f", "--expression", "--file", "-l"))
    files = read.operands if read.has("-e", "-f", "--expression", "--file") else read.operands[1:]
    for path in files:
        yield from written(call, path)


def _tar(call: Invocation) -> Iterator[Finding]:
    first = call.args[0] if call.args else ""
    letters = first.lstrip("-") if not first.startswith("--") else ""
    read = options.read(call.args, ("-C", "--directory", "-f", "--file"))
    extracts = "x" in letters or read.has("-x", "--extract", "--get")
    if extracts:
        for folder in read.values("-C", "--directory"):
            yield from written(call, folder)
        if read.has("-P", "--absolute-names") or "P" in letters:
            yield call.ask("files.extract-absolute", "The archive may write to any path it names.")
    else:
        for path in read.values("-f", "--file"):
            yield from written(call, path)
    if read.has("--remove-files"):
        yield call.ask("files.delete-archived", "It deletes the files that it archives.")


def _find(call: Invocation) -> Iterator[Finding]:
    for option, path in pairwise(call.args):
        if option in ("-fprint", "-fprint0", "-fprintf", "-fls"):
            yield from written(call, path)


def _tee(call: Invocation) -> Iterator[Finding]:
    for operand in options.read(call.args).operands:
        yield from written(call, operand)


def _mkdir(call: Invocation) -> Iterator[Finding]:
    """A new folder does little harm; in the system's own places it is still asked about."""
    for operand in options.read(call.args, ("-m", "--mode", "-Z")).operands:
        found = locate(operand, call.scope)
        if found.place in (Place.SYSTEM, Place.ROOT, Place.KERNEL, Place.DEVICE):
            yield call.ask("files.write-system-file", f"It makes a folder in the system: {found.path}.")


def _mknod(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-m", "--mode"))
    for operand in read.operands[:1]:
        yield from written(call, operand)
    if read.operands[1:2] in (["b"], ["c"], ["u"]):
        yield call.deny("disks.device-node", "It makes a second way to a device, around what guards the first.")


def _cpio(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-D", "--directory", "-O", "-F", "-H", "-E", "-M", "-R"))
    for path in read.values("-D", "--directory", "-O"):
        yield from written(call, path)
    if read.has("-i", "--extract") and not read.has("-t", "--list", "--no-absolute-filenames"):
        yield call.ask("files.extract-absolute", "The archive may write to any path it names.")


def _perl(call: Invocation) -> Iterator[Finding]:
    if any(re.fullmatch(r"-[a-z]*i.*", argument) for argument in call.args[:3]):
        args = [argument for argument in call.args if not argument.startswith("-i")]
        for path in options.read(args, ("-e", "-E")).operands:
            yield from written(call, path)


def _editor(call: Invocation) -> Iterator[Finding]:
    for operand in options.read([a for a in call.args if a[:1] != "+"], ("-c", "--cmd", "-u", "-S", "-s")).operands:
        yield from written(call, operand)


_COPY = _to_last("-t --target-directory -S --suffix -m --mode -o --owner -g --group -e --rsh --exclude -Z")
RULES = {
    "cp": _COPY,
    "mv": _COPY,
    "install": _COPY,
    "rsync": _COPY,
    "gcp": _COPY,
    "ginstall": _COPY,
    "scp": _COPY,
    "ln": _ln,
    "link": _ln,
    "tee": _tee,
    "find": _find,
    "sponge": _tee,
    "touch": _operands("-d -r -t --date --reference"),
    "truncate": _operands("-s --size -r --reference"),
    "fallocate": _operands("-l -o --length --offset"),
    "mkfifo": _operands("-m"),
    "mknod": _mknod,
    "ar": _saved("--output"),
    "mysqldump": _saved("-r", "--result-file", "-T", "--tab", takes="-h -P -u"),
    "mariadb-dump": _saved("-r", "--result-file", "-T", "--tab", takes="-h -P -u"),
    "pg_dump": _saved("-f", "--file", takes="-h -p -U -d -n -t -F -Z -j"),
    "pg_dumpall": _saved("-f", "--file", takes="-h -p -U -d -l"),
    "mkdir": _mkdir,
    "sed": _sed,
    "gsed": _sed,
    "perl": _perl,
    "tar": _tar,
    "bsdtar": _tar,
    "gtar": _tar,
    "unzip": _saved("-d", takes="-P -x"),
    "7z": _saved("-o"),
    "curl": _saved(
        "-o",
        "--output",
        "--output-dir",
        "-D",
        "--dump-header",
        "-c",
        "--cookie-jar",
        "--trace",
        takes=" ".join(_CURL_VALUES),
    ),
    "wget": _saved("-O", "--output-document", "-P", "--directory-prefix", "-o", "-a", takes=" ".join(_WGET_VALUES)),
    "sort": _saved("-o", "--output", takes="-k -t -T -S"),
    "gcc": _saved("-o"),
    "cc": _saved("-o"),
    "go": _saved("-o"),
    "openssl": _saved("-out", "-keyout", "-writerand", "-CAserial", takes="-in -key -CA -CAkey -pass", whole=True),
    "gpg": _saved("-o", "--output"),
    "aria2c": _saved("-d", "-o", "--dir", "--out"),
    "patch": _saved("-d", "-o", "--directory", "--output", takes="-p -i -D -F"),
    "script": _saved("-O", "-I", "-B"),
    "base64": _saved("-o"),
    "xxd": lambda call: _tee(
        call.with_argv("tee", *call.args[-1:])
        if len(call.args) > 1 and call.args[-2][:1] != "-"
        else call.with_argv("tee")
    ),
    "uniq": lambda call: _tee(call.with_argv("tee", *options.read(call.args, ("-f", "-s", "-w")).operands[1:2])),
    "vi": _editor,
    "vim": _editor,
    "nano": _editor,
    "nvim": _editor,
    "ed": _editor,
    "ex": _editor,
    "emacs": _editor,
    "cpio": _cpio,
    "dpkg-deb": _operands(),
    "ditto": _COPY,
    "split": _saved(),
    "patchelf": _operands("--set-interpreter --set-rpath --add-needed --replace-needed"),
    "chattr": _operands(),
    "crudini": _operands(),
    "dconf": _saved(),
    "ssh-keygen": _saved("-f", takes="-t -b -C -N -P -m -a -I -n -O -s -V -z"),
}
