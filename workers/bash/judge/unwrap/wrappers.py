"""Programs that run the command line that follows their own options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation, Stream
from workers.bash.judge.marks import SOME
from workers.bash.judge.outputs import content_of, found_paths
from workers.bash.judge.scanner import UnclearError
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap.inner import Inner
from workers.bash.judge.words import Words

_ASSIGNMENT = re.compile(r"([A-Za-z_][\w%()]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`takes`: its options with a value; `skips`: operands before the command; `assigns`: NAME=value may precede it."""

    takes: frozenset[str] = frozenset()
    skips: int = 0
    assigns: bool = False


def _takes(text: str, skips: int = 0, *, assigns: bool = False) -> Wrapper:
    return Wrapper(frozenset(text.split()), skips, assigns)


_PLAIN = Wrapper()
WRAPPERS: dict[str, Wrapper] = {
    **dict.fromkeys(
        names(
            "nohup setsid command builtin time catchsegv eatmydata chronic unbuffer linux32 linux64 i386 x86_64 "
            "torsocks torify tsocks proxychains proxychains4 dbus-run-session dbus-launch caffeinate ltrace rlwrap "
            "tini dumb-init pkexec nocache multitime busybox toybox sem ts entr retry wine coproc proot bwrap firejail "
            "fakechroot arch winpty aoss padsp optirun ccache sccache distcc valgrind capsh run-one "
            # What a parser leaves in front of a command that it could not place.
            "then do else { ! if while until"
        ),
        _PLAIN,
    ),
    "exec": _takes("-a"),
    "time": _takes("-f -o --format --output"),
    "nice": _takes("-n --adjustment"),
    "gnice": _takes("-n --adjustment"),
    "ionice": _takes("-c -n -p -P -u --class --classdata"),
    "chrt": _takes("-T -P -D --sched-runtime --sched-period --sched-deadline", 1),
    "timeout": _takes("-s -k --signal --kill-after", 1),
    "gtimeout": _takes("-s -k --signal --kill-after", 1),
    "stdbuf": _takes("-i -o -e --input --output --error"),
    "taskset": _takes("", 1),
    "numactl": _takes("-C -m -N -i -l -p --cpunodebind --membind --physcpubind --interleave"),
    "setarch": _takes("", 1),
    "cgexec": _takes("-g"),
    "systemd-run": _takes("-p -u -E -M -H --unit --property --setenv --slice --description --uid --gid --nice"),
    "systemd-inhibit": _takes("--what --who --why --mode"),
    "sudo": _takes("-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot", assigns=True),
    "doas": _takes("-u -C", assigns=True),
    "runuser": _takes("-u -g -G -s -w --user --group --shell"),
    "gosu": _takes("", 1),
    "su-exec": _takes("", 1),
    "setuidgid": _takes("", 1),
    "s6-setuidgid": _takes("", 1),
    "chpst": _takes("-u -U -b -/ -n -l -L -e -d -o -p -f -c -r -t -m"),
    "setpriv": _takes("--reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits --reset-env"),
    "chroot": _takes("--userspec --groups", 1),
    "unshare": _takes("-S -G -R -w --map-user --map-group --root --wd --setuid --setgid --propagation"),
    "nsenter": _takes("-t -S -G --target --setuid --setgid"),
    "strace": _takes("-e -o -p -s -u -E -P -I -O -S -a -b -X"),
    "ltrace": _takes("-e -o -p -s -u -a -l -n -x"),
    "fakeroot": _takes("-l -s -i -b --lib --faked"),
    "prlimit": _takes("-p --pid"),
    "xvfb-run": _takes("-n -s -e -f -p -w --server-num --server-args --error-file --auth-file"),
    "faketime": _takes("-f", 1),
    "sshpass": _takes("-p -f -e -P -d"),
    "npx": _takes("-p -c --package --call"),
    "bunx": _takes("-p --package"),
    "pnpx": _takes("-p --package"),
    "uvx": _takes("--from --with --python -p"),
    "openvt": _takes("-c"),
    "flock": _takes("-w -E --timeout --conflict-exit-code", 1),
    "aws-vault": _takes("-d -t --duration --region", 2),
    "ssh-agent": _takes("-a -t -E"),
    "parallel": _takes(
        "-j -S -I -N -n -L -a -d --jobs --sshlogin --colsep --joblog --results --delay --timeout --arg-file"
    ),
    "rust-parallel": _takes("-j -i"),
    "nodemon": _takes("-x -e -w -i --exec --ext --watch --ignore --delay"),
    "reflex": _takes("-r -g -s"),
    "watchexec": _takes("-e -w -i -f -d -s --exts --watch --ignore --filter --debounce --signal"),
    "daemonize": _takes("-a -c -e -E -o -p -l -u"),
    "start-stop-daemon": _takes("-p -u -c -g -n -d -s -R --pidfile --user --chuid --group --name --chdir --signal"),
    "lxc-attach": _takes("-n -a --name"),
    "machinectl": _takes("-M --machine", 2),
    "dtach": _takes("-A -c -n -N -e -r"),
    "ld-linux": _takes("--library-path --preload --audit --argv0 --glibc-hwcaps-prepend --inhibit-rpath"),
}
_LOADER = re.compile(r"ld-(?:linux.*|musl-.*|[\d.]+)\.so(?:\.\d+)?$|ld\.so$")
# Front ends with sub-commands: (program, sub-command) -> options with a value in front of the command.
_SUBCOMMANDS: dict[str, dict[str, Wrapper]] = {
    "poetry": {"run": _PLAIN},
    "pipenv": {"run": _PLAIN},
    "pdm": {"run": _PLAIN},
    "hatch": {"run": _PLAIN},
    "rye": {"run": _PLAIN},
    "uv": {"run": _takes("--with --python -p --project --env-file --extra --group --directory")},
    "bundle": {"exec": _PLAIN},
    "npm": {"exec": _PLAIN, "x": _PLAIN, "explore": _takes("", 1)},
    "pnpm": {"exec": _PLAIN},
    "yarn": {"exec": _PLAIN},
    "bun": {"x": _PLAIN},
    "rbenv": {"exec": _PLAIN},
    "pyenv": {"exec": _PLAIN},
    "conda": {"run": _takes("-n -p --name --prefix --cwd")},
    "mamba": {"run": _takes("-n -p --name --prefix")},
    "micromamba": {"run": _takes("-n -p")},
    "mise": {"exec": _PLAIN, "x": _PLAIN},
    "asdf": {"exec": _PLAIN},
    "direnv": {"exec": _takes("", 1)},
    "op": {"run": _takes("--env-file --account")},
    "infisical": {"run": _PLAIN},
    "doppler": {"run": _takes("-p -c --project --config")},
    "chamber": {"exec": _takes("", 1)},
    "foreman": {"run": _takes("-e --env")},
    "heroku": {"run": _takes("-a --app")},
    "perf": {"stat": _takes("-e -r -o -p -I"), "record": _takes("-e -o -F -c -g -p -C"), "trace": _takes("-e -o -p")},
    "dotenv": {"run": _takes("-f"), "--": _PLAIN},
    "ip": {"netns": _takes("", 2), "vrf": _takes("", 2)},
    "rustup": {"run": _takes("", 1)},
    "nix": {"develop": _takes("-c --command")},
    "snap": {"run": _PLAIN},
    "flatpak": {"run": _takes("--command")},
    "guix": {"shell": _PLAIN},
    "lxc": {"exec": _takes("", 1)},
    "incus": {"exec": _takes("", 1)},
    "zellij": {"run": _PLAIN},
}


def inner(call: Invocation) -> Iterator[Inner]:
    """The command behind a wrapper."""
    name = "ld-linux" if _LOADER.search(call.name) else call.name
    if name == "command" and any(re.match(r"-p?[vV]", argument) for argument in call.args[:2]):
        return
    special = _SPECIAL.get(name)
    if special:
        yield from special(call)
        return
    wrapper = WRAPPERS.get(name)
    rest: Sequence[str] = call.args
    if wrapper is None and name in _SUBCOMMANDS:
        read = options.read(call.args, ("-a", "-p", "-C"), until_operand=True)
        found = _SUBCOMMANDS[name].get(read.operands[0]) if read.operands else None
        if found is None and "--" in call.args and name == "dotenv":
            found = _PLAIN
        if found is None:
            return
        wrapper, rest = found, read.operands[1:]
    if wrapper is not None:
        yield from _behind(rest, wrapper)


def _behind(args: Sequence[str], wrapper: Wrapper) -> Iterator[Inner]:
    """The command after the wrapper's own options and operands."""
    plain = [argument for argument in args if not re.fullmatch(r"-\d+", argument)]
    read = options.read(plain, wrapper.takes, until_operand=True)
    rest = read.operands
    assigns: dict[str, str] = {}
    if wrapper.assigns:
        assigns, rest = _assignments(rest)
    rest = rest[wrapper.skips :]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if rest:
        yield Inner(argv=tuple(rest), assigns=assigns)


def _assignments(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    assigns: dict[str, str] = {}
    rest = list(words)
    while rest and (match := _ASSIGNMENT.fullmatch(rest[0])):
        assigns[match[1]] = match[2]
        rest.pop(0)
    return assigns, rest


def _env(call: Invocation) -> Iterator[Inner]:
    """env, with -S, which splits one string into a command line."""
    args: list[str] = list(call.args)
    for at, argument in enumerate(args):
        match = re.match(r"-[i0v]*S(.*)|--split-string(?:=(.*))?", argument, re.DOTALL)
        if match:
            attached = match[1] or match[2]
            string = attached or (args[at + 1] if at + 1 < len(args) else "")
            args = [*args[:at], *_words(string, call), *args[at + (1 if attached else 2) :]]
            break
        if argument[:1] != "-":
            break
    read = options.read(args, ("-u", "-C", "--unset", "--chdir"), until_operand=True)
    operands = read.operands[1:] if read.operands[:1] == ["-"] else read.operands
    assigns, rest = _assignments(operands)
    folder = next(iter(read.values("-C", "--chdir")), None)
    yield Inner(argv=tuple(rest), assigns=assigns, cwd=call.scope.absolute(folder) if folder else None)


class _NoSubstitution:
    """env -S knows quotes, but no substitutions."""

    def command(self, text: str) -> str:
        return f"$({text})"

    def process(self, text: str, *, reads: bool) -> str:
        return f"<({text})"

    def prompt(self, value: str) -> str:
        return value


def _words(string: str, call: Invocation) -> list[str]:
    words = Words(call.scope, _NoSubstitution())
    try:
        return [field.text for raw in _raw_words(string) for field in words.fields(raw)]
    except UnclearError:
        return string.split()


def _raw_words(string: str) -> list[str]:
    return re.findall(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+""", string, re.DOTALL)


def _xargs(call: Invocation) -> Iterator[Inner]:
    """xargs: the command with the words that it reads, or stand-ins for them, at the end or in place of -I's mark."""
    takes = names("-I -L -n -P -s -d -a -E --replace --max-args --max-procs --delimiter --arg-file --max-lines")
    args = [argument for argument in call.args if not re.fullmatch(r"-[eil]\S*", argument)]
    inserts = "{}" if any(re.fullmatch(r"-i\S*", argument) for argument in call.args) else None
    read = options.read(args, takes, until_operand=True)
    replaced = next(iter(read.values("-I")), inserts)
    listed = read.values("-a", "--arg-file")
    source = content_of(listed[0], call.scope) if listed else call.stdin
    whole_lines = bool(replaced) or read.has("-d", "--delimiter", "-L", "-0", "--null")
    read_words = _stdin_words(source, whole_lines=whole_lines)
    command = read.operands or ["echo"]
    if replaced:
        for word in read_words:
            yield Inner(argv=tuple(part.replace(replaced, word) for part in command), stdin=Stream(""))
    else:
        yield Inner(argv=(*command, *read_words), stdin=Stream(""))


def _stdin_words(stdin: Stream | None, *, whole_lines: bool = False) -> list[str]:
    if stdin is not None and stdin.text is not None and whole_lines:
        return re.split("[\\n\\0]", stdin.text.rstrip("\n\0"))[:100]
    if stdin is not None and stdin.text is not None:
        return [word.strip("'\"") for word in stdin.text.replace("\0", " ").split()][:100] or [""]
    if stdin is not None and stdin.paths:
        return list(stdin.paths)[:12]
    return [Stream(None, stdin.traits).as_word() if stdin else SOME]


def _parallel(call: Invocation) -> Iterator[Inner]:
    """GNU parallel: the command before ::: for each word after it; its arguments are joined into shell text."""
    args = list(call.args)
    marks = [at for at, argument in enumerate(args) if re.fullmatch(r":::\+?|::::\+?", argument)]
    listed = [argument for argument in args[marks[0] + 1 :] if not argument.startswith(":::")] if marks else []
    read = options.read(args[: marks[0]] if marks else args, WRAPPERS["parallel"].takes, until_operand=True)
    words = listed if marks and args[marks[0]].count(":") == 3 else _stdin_words(call.stdin)
    template = " ".join(read.operands)
    for word in words[:20]:
        text = word.join(re.split(r"\{[./%#]*\d*\}", template))
        if text == template:
            text = f"{template} {word}".strip()
        yield Inner(text=text)


def _find(call: Invocation) -> Iterator[Inner]:
    """find -exec and its kin, for every pattern of paths that it comes upon; -delete as rm of them."""
    found = found_paths(call.args)[:12]
    args = list(call.args)
    for at, argument in enumerate(args):
        if argument in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((i for i in range(at + 1, len(args)) if args[i] in (";", "+")), len(args))
            for path in found:
                yield Inner(argv=tuple(word.replace("{}", path) for word in args[at + 1 : end]))
        elif argument == "-delete":
            # Emptied folders go as well, so that it acts like rm -r.
            kind = "-f" if any(args[i : i + 2] == ["-type", "f"] for i in range(len(args))) else "-rf"
            yield Inner(argv=("rm", kind, *(path for path in found)))


_SPECIAL: dict[str, Callable[[Invocation], Iterator[Inner]]] = {
    "env": _env,
    "xargs": _xargs,
    "gxargs": _xargs,
    "parallel": _parallel,
    "find": _find,
    "gfind": _find,
}
