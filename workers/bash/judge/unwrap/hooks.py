"""Options and variables through which a tool runs a command that it is given as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap import escapes
from workers.bash.judge.unwrap.hook import Hook, is_benign
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
    "nano": names("-s --speller"),
    "pico": names("-s"),
    "pandoc": names("-F --filter -L --lua-filter"),
    "tmate": names("-c"),
    "octave": names("--eval"),
    "mpv": names("--input-ipc-client"),
    "logrotate": names("-m --mail"),
    "sudo": names("-A"),
    "sshfs": names("ssh_command"),
    "unison": names("-sshcmd"),
    "rdiff-backup": names("--remote-schema"),
    "varnishtest": names("-D"),
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
    special = escapes.READERS.get(call.name)
    if special:
        yield from special(call)


def inner(call: Invocation) -> Iterator[Inner]:
    """The commands behind the hooks, as shell text."""
    for hook in found(call):
        if hook.option not in ("SHELL", "CC", "CXX", "LD") and not is_benign(hook):
            yield Inner(text=hook.text)
