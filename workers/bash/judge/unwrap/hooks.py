"""Options and variables through which a tool runs a command that it is given as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap import git
from workers.bash.judge.unwrap.hook import Hook
from workers.bash.judge.unwrap.inner import Inner

# Program -> options whose value is a command.
_OPTIONS: dict[str, frozenset[str]] = {
    "tar": names(
        "--to-command --rmt-command --rsh-command -I --use-compress-program -F --info-script --new-volume-script"
    ),
    "rsync": names("-e --rsh --rsync-path"),
    "scp": names("-S"),
    "sftp": names("-S"),
    "split": names("--filter"),
    "sort": names("--compress-program"),
    "zip": names("-TT --unzip-command"),
    "man": names("-P --pager -H --html"),
    "rg": names("--pre --hostname-bin"),
    "fzf": names("--preview"),
    "sk": names("--preview -c --cmd"),
    "tcpdump": names("-z"),
    "wget": names("--use-askpass"),
    "nodemon": names("--exec -x"),
    "npm": names("-c --call --script-shell"),
    "npx": names("-c --call"),
    "pnpm": names("-c --shell-mode"),
    "hg": names("--ssh"),
    "svn": names("--editor-cmd --diff-cmd"),
    "ansible": names("-a --args"),
    "nix-shell": names("--run --command"),
    "nix": names("--command"),
    "xterm": names("-e"),
    "gnome-terminal": names("-e --command"),
    "konsole": names("-e"),
    "urxvt": names("-e"),
    "alacritty": names("-e"),
    "x-terminal-emulator": names("-e"),
    "complete": names("-C"),
    "compgen": names("-C"),
    "bind": names("-x"),
    "mapfile": names("-C"),
    "readarray": names("-C"),
    "xfce4-terminal": names("-e -x"),
    "nc": names("-e -c"),
    "ncat": names("-e -c --exec --sh-exec"),
    "netcat": names("-e -c"),
    "cpio": names("--rsh-command"),
    "dpkg": names("--pre-invoke --post-invoke"),
    "rpm": names("--pipe --eval"),
    "gpg": names("--photo-viewer"),
    "smbclient": names("-c --command"),
    "lftp": names("-e -c"),
    "restic": names("--password-command"),
    "borg": names("--rsh"),
    "start-stop-daemon": names("-x --exec -a --startas"),
    "pacman": names("--hookdir"),
    "certbot": names("--pre-hook --post-hook --deploy-hook --renew-hook --manual-auth-hook --manual-cleanup-hook"),
    "bat": names("--pager"),
    "delta": names("--pager"),
    "aria2c": names("--on-download-complete --on-download-start --on-download-error --on-download-stop"),
    "yt-dlp": names("--exec --exec-before-download --downloader"),
    "youtube-dl": names("--exec"),
    "openvpn": names("--up --down --route-up --ipchange --tls-verify --client-connect"),
    "dhclient": names("-sf"),
    "udhcpc": names("-s"),
    "pppd": names("connect init"),
    "slsh": names("-e"),
}
# Variables that name a command which some other program runs, with the command as shell text.
VARIABLES = re.compile(
    r"(?:GIT_)?(?:PAGER|EDITOR|SSH_COMMAND|SEQUENCE_EDITOR|EXTERNAL_DIFF|ASKPASS|PROXY_COMMAND|SSH)$"
    r"|^(?:VISUAL|BROWSER|MANPAGER|SYSTEMD_PAGER|SYSTEMD_EDITOR|AWS_PAGER|GH_PAGER|GH_BROWSER|GH_EDITOR|DELTA_PAGER|"
    r"BAT_PAGER|PSQL_PAGER|PSQL_EDITOR|MYSQL_PAGER|KUBE_EDITOR|SUDO_EDITOR|SUDO_ASKPASS|SSH_ASKPASS|LESSOPEN|LESSCLOSE|"
    r"PROMPT_COMMAND|RSYNC_RSH|RSYNC_CONNECT_PROG|CVS_RSH|SVN_SSH|HGEDITOR|HGMERGE|FZF_DEFAULT_COMMAND|"
    r"FCEDIT|TEXEDIT|CC|CXX|LD|SHELL|RSH|CARGO_BUILD_RUSTC_WRAPPER|"
    r"RUSTC_WRAPPER|CMAKE_C_COMPILER_LAUNCHER|npm_config_script_shell|NPM_CONFIG_SCRIPT_SHELL|LESSEDIT|XDG_OPEN|"
    r"GIT_CONFIG_VALUE_\d+|KSH_ENV|ZDOTDIR_CMD|RIPGREP_PRE|TMUX_CMD|PYTHONBREAKPOINT)$"
)
# Options of vi, less and gdb that hold a command of their own language, in which a mark starts a shell command.
_EDITORS = names("vi vim nvim view vimdiff rvim ex rview gvim vimx vim.basic vim.tiny ed red")
_BANG = re.compile(r"(?:^|[|:%\s\d,$.]|\br\s?|\bw\s?|\bread\s|\bwrite\s)!+\s*([^\s=~].*)", re.DOTALL)
_QUOTED_CALL = re.compile(
    r"""(?:system(?:list)?|execute|os\.execute|io\.popen|os\.system|popen|jobstart|termopen|job_start|term_start|"""
    r"""shell-command|call-process|start-process)\s*\(?\s*(?:\[+)?\s*["']((?:\\.|[^"'\\])*)["']"""
)

_ESCAPES = ("!", "\\!", "EXEC", "-f", "--eval", "PROGRAM", "ext::")
_BENIGN = names(
    "cat less more most delta diff-so-fancy bat vim nvim vi nano emacs code ed true false : gzip pigz bzip2 "
    "pbzip2 lbzip2 xz pxz zstd zstdmt lz4 lzip lzma lzop brotli ssh gcc g++ clang clang++ cc c++ ccache sccache "
    "ld lld mold head jq open xdg-open firefox batcat lesspipe rustc meld colordiff icdiff difft diff echo"
)


def is_benign(hook: Hook) -> bool:
    """Whether the hook only names one of the programs that such a hook is made for, with plain options."""
    words = hook.text.split()
    if not words:
        return True
    name, *rest = words
    name = name.rsplit("/", 1)[-1]
    if re.search(r"[;&|<>`$(){}\n]", hook.text) or hook.option in _ESCAPES:
        return False
    if name == "ssh":
        return "command" not in hook.text.lower()
    if name in ("sh", "bash", "zsh", "dash"):
        return not rest and hook.option in ("SHELL", "SHELL=", "--script-shell")
    return name in _BENIGN and all(re.fullmatch(r"--?[\w=.-]+|\d+", word) for word in rest)


def found(call: Invocation) -> Iterator[Hook]:
    """Every hook that the command's options and variables set."""
    for name, value in call.assigned.items():
        if VARIABLES.search(name):
            yield Hook(name, value)
        elif re.fullmatch(r"PS[0-4]|RPROMPT|PROMPT", name) and re.search(r"\$\(|`", value):
            yield Hook(name, f'echo "{value}"')
    wanted = _OPTIONS.get(call.name)
    if wanted:
        read = options.read(call.args, wanted)
        for option in sorted(wanted):
            for value in read.values(option):
                yield Hook(option, value)
        # Tools that read -opt as one word.
        for at, argument in enumerate(call.args[:-1]):
            if argument in wanted and len(argument) > 2 and not argument.startswith("--"):
                yield Hook(argument, call.args[at + 1])
    special = _SPECIAL.get(call.name)
    if special:
        yield from special(call)


def inner(call: Invocation) -> Iterator[Inner]:
    """The commands behind the hooks, as shell text."""
    for hook in found(call):
        if hook.option not in ("SHELL", "CC", "CXX", "LD") and not is_benign(hook):
            yield Inner(text=hook.text)


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
            yield Hook("!", match[1])
        for quoted in _QUOTED_CALL.finditer(command):
            yield Hook(quoted[0].split("(")[0], quoted[1])


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
    if any(argument in ("-f-", "--file=-", "/dev/stdin") for argument in call.args) or _follows(call.args, "-f", "-"):
        for line in ((call.stdin.text if call.stdin else None) or "").splitlines():
            recipe = re.match(r"\t[@+-]*(.+)|[^:=]+:\s*;\s*(.+)", line)
            if recipe:
                yield Hook("-f", recipe[1] or recipe[2])


def _follows(args: tuple[str, ...], option: str, value: str) -> bool:
    return any(pair == (option, value) for pair in pairwise(args))


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


_SPECIAL: dict[str, Callable[[Invocation], Iterator[Hook]]] = {
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
}
