"""What shell builtins change: variables, positional parameters, the folder, links and copies of programs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation, Stream, Trait
from workers.bash.judge.marks import SOME, UNKNOWN, is_known
from workers.bash.judge.outputs import content_of, formatted
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap.git import git_call

_MOST_WORDS = 100
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)


def apply(call: Invocation) -> None:
    """Applies a command's effect on the shell's state and on the files that later commands may run."""
    effect = _EFFECTS.get(call.name)
    if effect and call.via[-1:] in ((), ("command",), ("builtin",)):
        effect(call)
    download = _DOWNLOADS.get(call.name)
    if download:
        for path in download(call):
            call.scope.files[call.scope.absolute(path)] = Stream(None, frozenset({Trait.NETWORK}))
    if call.name in ("cp", "ln", "mv", "install"):
        _copy(call)
    elif call.name == "git":
        _remote(call)
    elif call.name == "tee":
        for path in options.read(call.args).operands:
            call.scope.files[call.scope.absolute(path)] = call.stdin or Stream()


def _cd(call: Invocation) -> None:
    target = next((argument for argument in call.args if argument == "-" or argument[:1] != "-"), "~")
    scope = call.scope
    if target == "~":
        scope.cwd = scope.value("HOME")
    elif target == "-" or not is_known(target):
        scope.cwd = UNKNOWN
    else:
        scope.cwd = scope.absolute(target)


def _set(call: Invocation) -> None:
    args = list(call.args)
    while args and args[0][:1] in "-+" and args[0] != "--":
        option = args.pop(0)
        if option[-1:] == "o" and args:
            args.pop(0)
    if args[:1] == ["--"]:
        args = args[1:]
        call.scope.positional = args
    elif args:
        call.scope.positional = args
    for argument in args:
        call.scope.hold(argument)


def _shift(call: Invocation) -> None:
    count = int(call.args[0]) if call.args and call.args[0].isdigit() else 1
    if call.scope.positional != [UNKNOWN]:
        call.scope.positional = call.scope.positional[count:]


def _declare(call: Invocation) -> None:
    for argument in call.args:
        match = _ASSIGNMENT.fullmatch(argument)
        if match and any(re.fullmatch("-[a-zA-Z]*n", option) for option in call.args):
            call.scope.references[match[1]] = match[3]
        elif match and not match[3].startswith("("):  # an array is set where it is parsed
            call.scope.assign(match[1], match[3], append=bool(match[2]))


def _alias(call: Invocation) -> None:
    for argument in call.args:
        name, separator, value = argument.partition("=")
        if separator and name:
            call.scope.aliases[name] = value


def _unalias(call: Invocation) -> None:
    for argument in call.args:
        if argument == "-a":
            call.scope.aliases.clear()
        call.scope.aliases.pop(argument, None)


def _read(call: Invocation) -> None:
    read = options.read(call.args, names("-d -i -n -N -p -t -u -a"))
    variables = read.operands or ["REPLY"]
    stdin = call.stdin or Stream()
    text = stdin.text
    if text is None or text.count("\n") > 1:
        value = stdin.paths[0] if len(stdin.paths) == 1 else UNKNOWN
        values = [value] * len(variables)
    else:
        for name in read.values("-a"):
            words = _fields(call, text.rstrip("\n"), _MOST_WORDS)
            call.scope.arrays[name] = {str(index): word for index, word in enumerate(words)}
            for word in words:
                call.scope.hold(word)
        values = _fields(call, text.rstrip("\n"), len(variables))
    for index, name in enumerate(variables):
        call.scope.assign(name, values[index] if index < len(values) else "")


def _fields(call: Invocation, text: str, count: int) -> list[str]:
    """The line cut into at most so many words, at the blanks or at what IFS holds."""
    separators = call.assigned.get("IFS", call.scope.values.get("IFS", " \t\n"))
    if not is_known(separators):
        return [UNKNOWN] * count
    if not separators.strip():
        return text.split(None, count - 1)
    return re.split(f"[{re.escape(separators)}]", text, maxsplit=count - 1)


def _mapfile(call: Invocation) -> None:
    for name in options.read(call.args, ("-d", "-n", "-O", "-s", "-u", "-C", "-c")).operands or ["MAPFILE"]:
        text = call.stdin.text if call.stdin else None
        lines = [UNKNOWN] if text is None else text.splitlines()
        call.scope.arrays[name] = {str(index): line for index, line in enumerate(lines)}
        for line in lines[:_MOST_WORDS]:
            call.scope.hold(line)


def _printf(call: Invocation) -> None:
    if len(call.args) > 2 and call.args[0] == "-v":
        call.scope.assign(call.args[1], formatted(call.args[2], list(call.args[3:])))


def _unset(call: Invocation) -> None:
    for argument in call.args:
        call.scope.functions.pop(argument, None)
        if argument in call.scope.values or argument in call.scope.arrays:
            call.scope.arrays.pop(argument, None)
            call.scope.values[argument] = ""


def _getopts(call: Invocation) -> None:
    for name in (*call.args[1:2], "OPTARG"):
        call.scope.assign(name, SOME)


def _remote(call: Invocation) -> None:
    """git remote add NAME ADDRESS, git config remote.NAME.url ADDRESS: remembered for a push that follows."""
    git = git_call(call.args)
    if git.verb == "remote" and git.rest[:1] in (("add",), ("set-url",)):
        call.scope.remotes.update(word for word in git.rest[1:] if word[:1] != "-")
    elif git.verb == "config":
        found = (re.fullmatch(r"remote\.(.+)\.(?:push)?url", word) for word in git.rest)
        call.scope.remotes.update(match[1] for match in found if match)


def _copy(call: Invocation) -> None:
    """A copy or link keeps what is known of its source, so that running it is judged as running the source."""
    read = options.read(call.args, ("-t", "--target-directory", "-m", "-o", "-g", "-S"))
    if len(read.operands) != 2:
        return
    scope = call.scope
    source, target = read.operands
    place = scope.absolute(target)
    if call.name == "ln" and read.has("-s", "--symbolic"):
        scope.links[place] = scope.absolute(source)
    scope.files[place] = content_of(source, scope)
    program = scope.programs.get(scope.absolute(source), source)
    if program.startswith(("/bin/", "/usr/", "/sbin/")) or program != source or is_program(program):
        scope.programs[place] = program
    if target.endswith("/"):
        scope.programs[f"{place}/{posixpath.basename(source)}"] = program


def is_program(path: str) -> bool:
    """Whether a bare word is what `which` answered (a program's name without a folder)."""
    return "/" not in path and "." not in path and is_known(path)


def _curl(call: Invocation) -> list[str]:
    read = options.read(call.args, _CURL_VALUES)
    saved = read.values("-o", "--output")
    if read.has("-O", "--remote-name", "--remote-name-all"):
        saved += [posixpath.basename(url) for url in read.operands]
    return saved


def _wget(call: Invocation) -> list[str]:
    read = options.read(call.args, _WGET_VALUES)
    folder = next(iter(read.values("-P", "--directory-prefix")), ".")
    return read.values("-O", "--output-document") or [
        posixpath.join(folder, posixpath.basename(url)) for url in read.operands
    ]


def _fetch(call: Invocation) -> list[str]:
    read = options.read(call.args, names("-o -d --out --dir --output -O -x -s -j"))
    urls = [operand for operand in read.operands if "://" in operand]
    others = [operand for operand in read.operands if "://" not in operand]
    return (
        [*read.values("-o", "--out", "--output"), *others, *(posixpath.basename(url) for url in urls)] if urls else []
    )


def _remote_copy(call: Invocation) -> list[str]:
    read = options.read(call.args, names("-P -i -o -F -S -c -l -e"))
    if len(read.operands) < 2 or not any(":" in operand for operand in read.operands[:-1]):
        return []
    return [read.operands[-1], *(posixpath.join(read.operands[-1], posixpath.basename(o)) for o in read.operands[:-1])]


_CURL_VALUES = names(
    "-o --output -H --header -d --data --data-raw --data-binary --data-urlencode -X --request -u --user -A "
    "--user-agent -e --referer -b --cookie -c --cookie-jar -F --form -T --upload-file -m --max-time "
    "--connect-timeout --retry -x --proxy -w --write-out -K --config -E --cert --key --cacert --resolve "
    "--retry-delay -r --range -C -y -Y -z -Q -t --url --json --form-string --output-dir --limit-rate "
    "--interface -U --proxy-user --unix-socket --noproxy"
)
_WGET_VALUES = names(
    "-O --output-document -P --directory-prefix -o --output-file -a -t --tries -T --timeout -U --user-agent "
    "--header --post-data --post-file --body-data --body-file --method -i --input-file -w --wait -Q -l --level "
    "-A -R -D -e -B --use-askpass"
)
_EFFECTS: dict[str, Callable[[Invocation], None]] = {
    "cd": _cd,
    "pushd": _cd,
    "chdir": _cd,
    "set": _set,
    "shift": _shift,
    "declare": _declare,
    "alias": _alias,
    "unalias": _unalias,
    "typeset": _declare,
    "local": _declare,
    "export": _declare,
    "readonly": _declare,
    "read": _read,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "printf": _printf,
    "unset": _unset,
    "getopts": _getopts,
}
_DOWNLOADS: dict[str, Callable[[Invocation], list[str]]] = {
    "curl": _curl,
    "wget": _wget,
    **dict.fromkeys(("aria2c", "axel", "lwp-download", "fetch", "http", "https", "xh"), _fetch),
    "scp": _remote_copy,
    "rsync": _remote_copy,
}
