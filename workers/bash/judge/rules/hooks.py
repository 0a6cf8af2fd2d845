"""Options and settings that make a tool run a command."""

from __future__ import annotations

from collections.abc import Iterator

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap import hooks
from workers.bash.judge.unwrap.hook import is_benign

# Running a given command is what these are for; only that command counts.
_MADE_FOR_IT = names(
    "bun yarn pnpm rlwrap msgfilter msgexec pexec logsave multitime entr watchexec hyperfine nodemon tmux "
    "screen make gmake nix-shell nix npm npx xterm gnome-terminal konsole urxvt alacritty x-terminal-emulator "
    "start-stop-daemon ansible complete compgen bind mapfile readarray"
)


def check(call: Invocation) -> Iterator[Finding]:
    """One question for each hook that is more than a pager or a compressor."""
    for hook in hooks.found(call):
        if is_benign(hook):
            continue
        if hook.option == "ext::":
            yield call.deny("hooks.command", "The address makes git run a command.")
        elif call.name not in _MADE_FOR_IT or hook.option.endswith("=") or hook.option in call.assigned:
            yield call.ask("hooks.command", f"{hook.option} makes {call.name or 'other programs'} run a command.")
