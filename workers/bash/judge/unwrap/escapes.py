"""Tools with a language of their own in which a mark or a word starts a shell command: editors, pagers, make, SQL."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from itertools import pairwise

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.outputs import content_of
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap import git
from workers.bash.judge.unwrap.hook import Hook, is_benign

_EDITORS = names("vi vim nvim view vimdiff rvim ex rview gvim vimx vim.basic vim.tiny ed red")
_BANG = re.compile(r"(?:^|[|:%\s\d,$.\"']|\br\s?|\bw\s?|\bread\s|\bwrite\s)!+\s*([^\s=~].*)", re.DOTALL)
#: :shell and :terminal, shortened as an editor takes them, after words that only say how.
_OPENS_SHELL = re.compile(
    r"[\s:]*(?:(?:sil\w*|vert\w*|bot\w*|top\w*|tab\w*|bel\w*|abo\w*|exe\w*)!?[\s\"']+)*"
    r"(?:she?l?l?|ter(?:m(?:inal)?)?)(?![\w=])!?(?:\s+\+\+\S+)*(?P<command>.*)",
    re.DOTALL,
)
_QUOTED_CALL = re.compile(
    r"""(?:system(?:list)?|execute|os\.execute|io\.popen|os\.system|popen|jobstart|termopen|job_start|term_start|"""
    r"""shell-command|call-process|start-process)\s*\(?\s*(?:\[+)?\s*["']((?:\\.|[^"'\\])*)["']"""
)


def _editor(call: Invocation) -> Iterator[Hook]:
    """vi -c ':!cmd', +'!cmd', --cmd; what the editor reads from its input."""
    commands = [argument[1:] for argument in call.args if argument.startswith("+")]
    read = options.read([a for a in call.args if not a.startswith("+")], ("-c", "--cmd", "-S", "-u"))
    commands += read.values("-c", "--cmd")
    if call.stdin is not None and call.stdin.text:
        commands += call.stdin.text.splitlines()
    for command in commands:
        match = _BANG.search(command)
        if match:
            yield Hook("!", match[1].rstrip("\"'") if match[1].count('"') % 2 or match[1].count("'") % 2 else match[1])
        for quoted in _QUOTED_CALL.finditer(command):
            yield Hook(quoted[0].split("(")[0], quoted[1])
        for part in command.split("|"):
            if opened := _OPENS_SHELL.match(part):
                yield Hook("!", opened["command"].strip() or "sh")


def _pager(call: Invocation) -> Iterator[Hook]:
    for argument in call.args:
        match = re.match(r"\+?\s*!+(.+)", argument)
        if match:
            yield Hook("!", match[1])


def _tar(call: Invocation) -> Iterator[Hook]:
    for at, argument in enumerate(call.args):
        action = argument.partition("=")[2] if argument.startswith("--checkpoint-action") else ""
        if argument == "--checkpoint-action" and at + 1 < len(call.args):
            action = call.args[at + 1]
        if action.startswith("exec"):
            yield Hook("--checkpoint-action", action.partition("=")[2])


def _ssh(call: Invocation) -> Iterator[Hook]:
    wanted = r"(?i)\s*(ProxyCommand|LocalCommand|KnownHostsCommand|RemoteCommand|AuthorizedKeysCommand)\s*[=\s]\s*(.*)"
    for at, argument in enumerate(call.args):
        text = argument[2:] if argument.startswith("-o") and len(argument) > 2 else argument
        if text == "-o" and at + 1 < len(call.args):
            text = call.args[at + 1]
        match = re.match(wanted, text, re.DOTALL)
        if match and match[2] not in ("none", ""):
            yield Hook(match[1], match[2])


def _make(call: Invocation) -> Iterator[Hook]:
    for at, argument in enumerate(call.args):
        text = argument.partition("=")[2] if argument.startswith(("--eval", "-E")) and "=" in argument else ""
        if argument in ("--eval", "-E") and at + 1 < len(call.args):
            text = call.args[at + 1]
        for match in re.finditer(r"\$\(shell\s+(.*)\)", text, re.DOTALL):
            yield Hook("--eval", match[1])
        for line in re.findall(r"(?m)(?:^\t|:\s*;)\s*[@+-]*(.+)$", text):
            yield Hook("--eval", line)
        assigned = re.match(r"(?:SHELL|\.SHELLFLAGS|CC|CXX|LD|AR|RM|INSTALL)=(.*)", argument, re.DOTALL)
        if assigned and not is_benign(Hook("make", assigned[1])):
            yield Hook(argument.partition("=")[0] + "=", assigned[1])
    given = options.read(call.args, names("-f --file --makefile -C -I -j -l -o -W")).values(
        "-f", "--file", "--makefile"
    )
    for path in given or ("GNUmakefile", "makefile", "Makefile"):
        known = call.stdin if path in ("-", "/dev/stdin") else content_of(path, call.scope)
        for line in ((known.text if known else None) or "").splitlines():
            recipe = re.match(r"\t[@+-]*(.+)|[^:=]+:\s*;\s*(.+)", line)
            if recipe:
                yield Hook("-f", recipe[1] or recipe[2])


def _ninja(call: Invocation) -> Iterator[Hook]:
    for path in options.read(call.args, names("-f -C -j -k -l -d -t -w")).values("-f"):
        known = call.stdin if path in ("-", "/dev/stdin") else content_of(path, call.scope)
        for line in re.findall(r"(?m)^\s+command\s*=\s*(.+)$", (known.text if known else None) or ""):
            yield Hook("-f", line)


def _compiler(call: Invocation) -> Iterator[Hook]:
    """-wrapper takes a command with commas for spaces."""
    for option, value in pairwise(call.args):
        if option == "-wrapper":
            yield Hook(option, value.replace(",", " "))


def _maven(call: Invocation) -> Iterator[Hook]:
    """exec:exec with the program in a property."""
    given = dict(a[2:].partition("=")[::2] for a in call.args if a.startswith("-D"))
    if program := given.get("exec.executable"):
        yield Hook("-Dexec.executable", f"{program} {given.get('exec.args', '')}".strip())


def _ghostscript(call: Invocation) -> Iterator[Hook]:
    """%pipe% in PostScript and as an output file."""
    for argument in call.args:
        for match in re.finditer(r"%pipe%([^()]*)", argument):
            yield Hook("%pipe%", match[1].rstrip(")"))


def _image_tool(call: Invocation) -> Iterator[Hook]:
    """A file name that begins with | is a command."""
    for argument in call.args:
        if match := re.match(r"(?:\w+:)?\|(.+)", argument, re.DOTALL):
            yield Hook("|", match[1])


def _tex(call: Invocation) -> Iterator[Hook]:
    for argument in call.args:
        for match in re.finditer(r"\\write18\s*\{(.*?)\}", argument, re.DOTALL):
            yield Hook("\\write18", match[1])


def _filter(call: Invocation) -> Iterator[Hook]:
    """msgfilter, rlwrap and others: the words after their own options are a command."""
    read = options.read(call.args, names("-i -o -D -P -w -n -t -a -C -S -f"), until_operand=True)
    if read.operands:
        yield Hook(call.name, shlex.join(read.operands))


def _scripts(call: Invocation) -> Iterator[Hook]:
    """npm and its kin: the scripts of a package.json that was written earlier in the same command."""
    try:
        package = json.loads(content_of("package.json", call.scope).text or "{}")
    except ValueError:
        return
    scripts = package.get("scripts") if isinstance(package, dict) else None
    if isinstance(scripts, dict):
        yield from (Hook("scripts", str(script)) for script in scripts.values())


def _apt(call: Invocation) -> Iterator[Hook]:
    for argument in call.args:
        match = re.search(
            r"(?:Invoke(?:-\w+)?|Pre-Install-Pkgs|Solver|Planner|Methods?|Proxy-Auto-Detect)(?:::)?=(.*)",
            argument,
            re.DOTALL | re.IGNORECASE,
        )
        if match:
            yield Hook("-o", match[1].strip("{}\"'; "))


def _gdb(call: Invocation) -> Iterator[Hook]:
    texts = options.read(call.args, ("-ex", "-iex", "-o", "-O", "-x"), whole=True).values(
        "-ex", "-iex", "-o", "-O", "--eval-command", "--one-line"
    )
    for text in texts:
        match = re.match(r"\s*(?:!|shell\s+|pipe\s.*\||platform\s+shell\s+|make\s)(.*)", text, re.DOTALL)
        if match:
            yield Hook("-ex", match[1])


def _socat(call: Invocation) -> Iterator[Hook]:
    for argument in call.args:
        match = re.match(r"(?i)(?:EXEC|SYSTEM|SHELL):(.*)", argument, re.DOTALL)
        if match:
            yield Hook("EXEC", re.split(r",(?=pty|stderr|setsid|ctty|sigint|sane|su)", match[1])[0].strip("'\""))


def _fzf(call: Invocation) -> Iterator[Hook]:
    for argument in call.args:
        for match in re.finditer(
            r"(?:execute(?:-silent|-multi)?|become|reload|transform)[(:\[{](.*?)[)\]}]?$", argument
        ):
            yield Hook("--bind", match[1])


def _terminal(call: Invocation) -> Iterator[Hook]:
    """tmux, screen: a new session's command, and keys sent to one."""
    args = list(call.args)
    verbs = names(
        "new new-session neww new-window split-window splitw run-shell run respawn-pane if-shell display-popup "
        "pipe-pane send-keys send"
    )
    read = options.read(args, ("-S", "-L", "-f", "-c"), until_operand=True)
    if call.name != "tmux":
        stuffed = [args[at + 1] for at, argument in enumerate(args[:-1]) if argument == "stuff"]
        yield from (Hook("stuff", text.strip()) for text in stuffed)
        read = options.read(args, names("-S -t -p -c -e -h -s -T"), until_operand=True)
        if read.operands and not stuffed:
            yield Hook("screen", " ".join(read.operands))
    elif read.operands and read.operands[0] in verbs:
        rest = options.read(read.operands[1:], names("-s -n -c -t -x -y -F -e -l -p"))
        keys = [word for word in rest.operands if word not in ("Enter", "C-m", "KPEnter")]
        if keys:
            yield Hook(read.operands[0], " ".join(keys))


def _database(call: Invocation) -> Iterator[Hook]:
    """The shell escapes of SQL clients: \\!, system, .shell."""
    texts = [*call.args, (call.stdin.text if call.stdin else None) or ""]
    for text in texts:
        for match in re.finditer(
            r"(?m)(?:\\!\s*|^\s*!!?\s*|^\s*\.(?:shell|system)\s+|^\s*system\s+|\\o\s*\|\s*|\\g\s*\|\s*)(.+?)\s*;?\s*$",
            text,
        ):
            yield Hook("\\!", match[1])
        for match in re.finditer(r"(?is)(?:FROM|TO)\s+PROGRAM\s+'((?:''|[^'])*)'", text):
            yield Hook("PROGRAM", match[1].replace("''", "'"))


def _watching(call: Invocation) -> Iterator[Hook]:
    """entr, watchexec, hyperfine, cargo watch: operands that are shell text."""
    read = options.read(call.args, names("-w -e -r -m -M -n -s -x -p -c -i -d"))
    yield from (Hook(call.name, operand) for operand in read.operands if " " in operand)
    yield from (Hook("-s", value) for value in read.values("-s", "-p", "-c", "-x") if " " in value)


READERS: dict[str, Callable[[Invocation], Iterator[Hook]]] = {
    **dict.fromkeys(_EDITORS, _editor),
    "less": _pager,
    "more": _pager,
    "man": _pager,
    "tar": _tar,
    "bsdtar": _tar,
    "gtar": _tar,
    "ssh": _ssh,
    "scp": _ssh,
    "sftp": _ssh,
    "sshfs": _ssh,
    "autossh": _ssh,
    "make": _make,
    "ninja": _ninja,
    **dict.fromkeys(names("gcc g++ cc c++ clang clang++"), _compiler),
    "gmake": _make,
    "apt": _apt,
    "apt-get": _apt,
    "aptitude": _apt,
    "gdb": _gdb,
    "lldb": _gdb,
    "socat": _socat,
    "fzf": _fzf,
    "sk": _fzf,
    "tmux": _terminal,
    "screen": _terminal,
    "psql": _database,
    "mysql": _database,
    "mariadb": _database,
    "sqlite3": _database,
    "sqlite": _database,
    "entr": _watching,
    "watchexec": _watching,
    "hyperfine": _watching,
    "nodemon": _watching,
    "ftp": _database,
    "lftp": _database,
    "dc": _database,
    "telnet": _database,
    "git": git.hooks,
    **dict.fromkeys(names("npm yarn pnpm bun"), _scripts),
    **dict.fromkeys(names("msgfilter msgexec rlwrap pexec logsave multitime"), _filter),
    "mvn": _maven,
    "mvnw": _maven,
    "gs": _ghostscript,
    "ghostscript": _ghostscript,
    **dict.fromkeys(names("convert magick mogrify identify composite montage gm gnuplot"), _image_tool),
    **dict.fromkeys(names("tex latex pdftex pdflatex xelatex lualatex luatex xetex"), _tex),
}
