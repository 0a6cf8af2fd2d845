"""What a command prints, as far as the command alone tells: known text, listed paths, or where the data comes from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from itertools import pairwise

from workers.bash.judge import options, paths
from workers.bash.judge.invocation import NOTHING, Invocation, Stream, Trait
from workers.bash.judge.marks import NAME, UNKNOWN, is_known
from workers.bash.judge.quoting import ansi_c
from workers.bash.judge.scope import Scope
from workers.bash.judge.tables import SHELLS, names

_PLAIN = Stream(NAME)  # one word without a slash
_PLAIN_WORDS = names("date hostname uname whoami id nproc arch logname tty wc cksum uuidgen getconf seq expr")
_DOWNLOADERS = names(
    "curl wget wget2 fetch http https xh aria2c lynx w3m links elinks nc ncat netcat socat telnet ftp lftp tftp "
    "sftp ssh dig host nslookup drill openssl axel httpie hurl websocat"
)
_DECODERS = names(
    "rev tr uudecode zcat gunzip bzcat bunzip2 xzcat unxz lzcat unlzma zstdcat unzstd lz4cat atob ascii2uni "
    "funzip iconv gpg age ccrypt ccat mdecrypt base58"
)
_DECODING_OPTIONS: dict[str, tuple[str, ...]] = {
    "base64": ("-d", "-D", "--decode"),
    "base32": ("-d", "--decode"),
    "basenc": ("-d", "--decode"),
    "xxd": ("-r",),
    "openssl": ("-d",),
    "gzip": ("-d", "-dc", "-cd"),
    "bzip2": ("-d", "-dc"),
    "xz": ("-d", "-dc"),
    "zstd": ("-d", "-dc"),
    "lz4": ("-d",),
    "python": ("-c",),
    "python3": ("-c",),
    "perl": ("-e",),
    "ruby": ("-e",),
    "awk": (),
    "od": (),
    "hexdump": ("-e",),
}
_READERS = names(
    "cat tac head tail less more bat nl dd sed awk gawk mawk grep egrep fgrep rg cut paste sort uniq strings "
    "xxd od hexdump base64 base32 fold fmt pr tar zip gzip bzip2 xz zstd openssl gpg jq yq diff cmp column join "
    "comm split rev tr tee look expand unexpand cpio pv nl ar rsync cp scp 7z"
)


def content_of(path: str, scope: Scope) -> Stream:
    """What reading a file gives."""
    place = scope.absolute(path)
    if place in scope.files:
        return scope.files[place]
    traits: set[Trait] = set()
    if paths.is_credential(path, scope) or (paths.is_local_secret(path) and paths.is_known_place(path)):
        traits.add(Trait.SECRET)
    if paths.is_network_device(path):
        traits.add(Trait.NETWORK)
    if place in ("/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"):
        traits.add(Trait.ENDLESS)
    return NOTHING if place == "/dev/null" else Stream(None, frozenset(traits), file=place)


def printed(call: Invocation) -> Stream:
    """The output of one command."""
    name, scope = call.name, call.scope
    teller = _TELLERS.get(name)
    if teller:
        return teller(call)
    if _SETTINGS.fullmatch(" ".join(call.argv)):
        return NOTHING
    if name in _PLAIN_WORDS and not any("/" in argument for argument in call.args):
        return _PLAIN
    traits = set(call.stdin.traits) if call.stdin else set()
    if name in _READERS:
        for argument in call.args:
            if not argument.startswith("-"):
                traits |= content_of(argument.removeprefix("if="), scope).traits
    if name in _DOWNLOADERS:
        traits.add(Trait.NETWORK)
    if name in SHELLS and (call.stdin is not None or "-i" in call.args) and (call.stdin is None or not call.stdin.text):
        traits.add(Trait.SHELL)
    if name in ("env", "printenv") and not call.args:
        traits.add(Trait.SECRET)
    if _decodes(call):
        traits.add(Trait.DECODED)
    if any(paths.is_credential(argument, scope) for argument in call.args):
        traits.add(Trait.SECRET)
    listed = call.stdin.paths if call.stdin and name in _READERS and call.stdin.text is None else ()
    return Stream(None, frozenset(traits), listed)


def _decodes(call: Invocation) -> bool:
    if call.name in _DECODERS:
        return True
    wanted = _DECODING_OPTIONS.get(call.name)
    if wanted is None or (call.name == "awk" and _chooses(call)):
        return False
    return not wanted or any(
        argument in wanted or (argument[:1] == "-" and argument[:2] != "--" and wanted[0][1] in argument)
        for argument in call.args
    )


# An awk program that prints columns or counts, and makes no text of its own.
_COLUMNS = re.compile(r"(?:[^{}\"']*\{(?:[^{}\"']|\"[ \t,:;=%|.\-]*\")*\}|END|BEGIN|[!/\w\s.^$=<>&|()\[\]*+-])*")


def _chooses(call: Invocation) -> bool:
    operands = options.read(call.args, ("-F", "-v", "--field-separator", "--assign")).operands
    return bool(operands) and bool(_COLUMNS.fullmatch(operands[0])) and not re.search(r"\w\s*\(", operands[0])


def _echo(call: Invocation) -> Stream:
    args = list(call.args)
    escapes, newline = False, True
    while args and re.fullmatch("-[neE]+", args[0]):
        escapes = escapes or "e" in args[0]
        newline = newline and "n" not in args[0]
        args.pop(0)
    text = " ".join(args)
    return Stream.of_text((ansi_c(text) if escapes else text) + ("\n" if newline else ""))


_DIRECTIVE = re.compile(r"%(?:%|[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?[a-zA-Z])")


def _printf(call: Invocation) -> Stream:
    args = list(call.args)
    if args[:1] == ["-v"]:
        return NOTHING
    if args[:1] == ["--"]:
        args.pop(0)
    if not args:
        return NOTHING
    return Stream.of_text(formatted(args[0], args[1:]))


def formatted(pattern: str, args: list[str]) -> str:
    """What printf prints; every round through the arguments uses the format once more."""
    values = list(args)
    text = ""

    def fill(match: re.Match[str]) -> str:
        kind = match[0][-1]
        if kind == "%":
            return "%"
        value = values.pop(0) if values else ""
        if kind == "b":
            return ansi_c(value)
        if kind == "c":
            return value[:1]
        return value

    while True:
        before = len(values)
        text += _DIRECTIVE.sub(fill, ansi_c(pattern))
        if not values or len(values) == before or len(text) > 65_536:
            return text


def _cat(call: Invocation) -> Stream:
    read = options.read(call.args, ("--number",))
    if not read.operands:
        return call.stdin or Stream()
    whole = NOTHING
    for operand in read.operands:
        whole = whole.followed_by((call.stdin or Stream()) if operand == "-" else content_of(operand, call.scope))
    return whole


def _tee(call: Invocation) -> Stream:
    return call.stdin or Stream()


def _find(call: Invocation) -> Stream:
    return Stream(None, paths=found_paths(call.args))


_NARROWING = names(
    "-mtime -atime -ctime -mmin -amin -cmin -size -empty -newer -anewer -cnewer -newermt -user -group -uid -gid -perm "
    "-regex -iregex -inum -links -samefile -lname -ilname -xtype -nouser -nogroup -used"
)


def found_paths(args: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of what find comes upon: every starting folder, joined with the name that is asked for.

    A test of anything else than the name (its age, its size) leaves some of what is there, not all of it.
    """
    starts: list[str] = []
    names: list[str] = []
    narrow = False
    for index, argument in enumerate(args):
        if argument[:1] in ("-", "(", "!") and argument not in ("-H", "-L", "-P"):
            rest = args[index:]
            narrow = any(
                option in _NARROWING and rest[at - 1] not in ("!", "-not") for at, option in enumerate(rest)
            ) or any(pair == ("-type", kind) for pair in pairwise(rest) for kind in "lpsbc")
            names = [
                rest[at + 1].rsplit("/", 1)[-1]
                for at, option in enumerate(rest[:-1])
                if option in ("-name", "-iname", "-path", "-wholename", "-ipath") and rest[at - 1] not in ("!", "-not")
            ]
            break
        if argument[:1] != "-":
            starts.append(argument)
    return tuple(
        f"{start.rstrip('/') or ''}/**/{name}"
        for start in starts or ["."]
        for name in names or [f"{NAME}*" if narrow else "*"]
    )


def _ls(call: Invocation) -> Stream:
    read = options.read(call.args, ("-I", "-w"))
    listed = []
    for operand in read.operands or ["."]:
        pattern = operand if paths.is_pattern(operand) else f"{operand.rstrip('/')}/*"
        listed.append(pattern)
    return Stream(None, paths=tuple(listed))


def _mktemp(call: Invocation) -> Stream:
    return Stream("/tmp/tmp.new" if not call.marked() else UNKNOWN)  # noqa: S108


def _pwd(call: Invocation) -> Stream:
    return Stream(call.scope.cwd)


def _which(call: Invocation) -> Stream:
    names = [argument for argument in call.args if not argument.startswith("-")]
    return Stream("\n".join(names))


def _command(call: Invocation) -> Stream:
    if any(argument in ("-v", "-V") for argument in call.args):
        return _which(call)
    return Stream()


def _basename(call: Invocation) -> Stream:
    known = call.args and is_known(call.args[0])
    return Stream(posixpath.basename(call.args[0].rstrip("/"))) if known else _PLAIN


def _dirname(call: Invocation) -> Stream:
    if not call.args or not is_known(call.args[0]):
        return Stream()
    # The script's own name is not known; its folder is taken for the work folder.
    return Stream("." if call.args[0] == "bash" else posixpath.dirname(call.args[0]) or ".")


def _realpath(call: Invocation) -> Stream:
    read = options.read(call.args)
    return Stream(call.scope.absolute(read.operands[0])) if read.operands else Stream()


def _git(call: Invocation) -> Stream:
    if call.args[:1] == ("rev-parse",):
        return Stream(call.scope.workdir) if "--show-toplevel" in call.args else _PLAIN
    if call.args[:1] in (("describe",), ("branch",), ("symbolic-ref",)):
        return _PLAIN
    if call.args[:1] == ("ls-files",) and not options.read(call.args[1:]).operands:
        return Stream(None, paths=("./**/*",))
    if call.args[:1] in (("ls-files",), ("diff",), ("status",)):
        return Stream(None, paths=("./**/tracked",))
    return Stream()


# Programs that print shell settings for eval: obeying their output asks for no more trust than running them.
_SETTINGS = re.compile(
    r"ssh-agent(?: -[sck])*|direnv (?:hook|export) \w+|brew shellenv|minikube (?:-p \w+ )?docker-env|dircolors(?: -b)?|"
    r"(?:pyenv|rbenv|nodenv|goenv|jenv) init.*|(?:starship|zoxide|atuin|mcfly) init \w+|conda shell\.\w+ hook|"
    r"luarocks path|"
    r"opam env|docker-machine env \w*|fnm env.*|mise activate \w+|lesspipe|resize|keychain .*|thefuck --alias|"
    r"(?:kubectl|helm|gh|docker|poetry|pip|npm|k9s|kind|minikube|flux|argocd) completion(?: -s)? \w+"
)


def _yes(_call: Invocation) -> Stream:
    return Stream(None, frozenset({Trait.ENDLESS}))


def _jobs(call: Invocation) -> Stream:
    return Stream("%%" if "-p" in call.args else NAME)


def _nothing(_call: Invocation) -> Stream:
    return NOTHING


_TELLERS: dict[str, Callable[[Invocation], Stream]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "tee": _tee,
    "find": _find,
    "ls": _ls,
    "mktemp": _mktemp,
    "pwd": _pwd,
    "which": _which,
    "command": _command,
    "type": _which,
    "basename": _basename,
    "dirname": _dirname,
    "realpath": _realpath,
    "readlink": _realpath,
    "git": _git,
    "yes": _yes,
    "jobs": _jobs,
    "true": _nothing,
    "false": _nothing,
    ":": _nothing,
    "cd": _nothing,
    "mkdir": _nothing,
    "rm": _nothing,
    "test": _nothing,
    "[": _nothing,
    "export": _nothing,
    "sleep": _nothing,
    "local": _nothing,
    "read": _nothing,
    "set": _nothing,
    "trap": _nothing,
    "declare": _nothing,
    "chmod": _nothing,
    "touch": _nothing,
    "kill": _nothing,
}
