"""Whether a command only looks: then it may simply run again when nobody knows whether it has run.

A stricter question than whether it is allowed. Only programs that are known to change nothing count, with the options
that make them write left out; what cannot be resolved, or runs something else, does not only look.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from workers.bash.judge import sed
from workers.bash.judge.invocation import Invocation, Redirect, Stream
from workers.bash.judge.judge import MOST_CHARACTERS
from workers.bash.judge.judgement import Decision
from workers.bash.judge.machine import BudgetError, Machine
from workers.bash.judge.scope import WORK, Scope
from workers.bash.judge.tables import names

_LOOKERS = names(
    "cat tac head tail less more ls dir wc grep egrep fgrep zgrep stat file du df echo printf test [ [[ "
    "true false : pwd date uname id whoami groups printenv ps pgrep uptime free lscpu lsblk nproc arch "
    "hostname which type whereis basename dirname realpath readlink cut tr jq diff cmp comm join column "
    "fold fmt nl rev expand seq expr bc factor od hexdump strings md5sum sha1sum sha224sum sha256sum "
    "sha384sum sha512sum b2sum cksum sum sleep tree getent locale cal zcat xzcat bzcat base64 paste cd "
    "set unset export local declare readonly typeset shift read return exit break continue getconf ss "
    "netstat lsof dig host nslookup ping tty logname users who w last arch numfmt shuf look exec wait "
    "command"
)
_NULL = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty")
#: Programs that look with the right first word, and what it must be.
_VERBS: dict[str, re.Pattern[str]] = {
    "git": re.compile(
        r"status|log|diff|show|rev-parse|describe|ls-files|ls-tree|blame|shortlog|cat-file|grep|rev-list"
    ),
    "docker": re.compile(r"ps|images|inspect|logs|version|info|stats|top|port|history"),
    "kubectl": re.compile(r"get|describe|logs|version|top|explain|api-resources|cluster-info|diff"),
    "helm": re.compile(r"list|ls|status|get|history|template|version|show|lint"),
    "terraform": re.compile(r"show|output|validate|version|providers"),
    "tofu": re.compile(r"show|output|validate|version|providers"),
    "pip": re.compile(r"list|show|freeze|check"),
    "npm": re.compile(r"ls|list|view|outdated"),
    "systemctl": re.compile(r"status|is-active|is-enabled|list-units|show|cat"),
}
_WRITES = re.compile(r"-o.*|--output.*|-i.*|--in-place.*|-s|--set.*|-w|--ext-diff|--textconv")


def only_reads(command: str, workdir: str | None = None) -> bool:
    """Whether running the command once more changes nothing. Never raises; what is not known is no."""
    if len(command) > MOST_CHARACTERS:
        return False
    reader = _Reader(command)
    folder = (workdir or WORK).rstrip("/") or "/"
    try:
        reader.run_text(command, Scope(workdir=folder, cwd=folder))
    except (BudgetError, RecursionError):
        return False
    return not reader.changes and all(finding.decision is Decision.ALLOW for finding in reader.findings)


class _Reader(Machine):
    """Follows a command and notes whether any part of it may change something."""

    changes = False

    def _run_call(self, call: Invocation) -> Stream:
        if call.name not in call.scope.functions and not _looks(call):
            self.changes = True
        return super()._run_call(call)

    def redirected(self, redirects: tuple[Redirect, ...], printed: Stream, scope: Scope) -> Stream:
        if any(r.writes and not r.to_descriptor and r.target not in _NULL for r in redirects):
            self.changes = True
        return super().redirected(redirects, printed, scope)


def _looks(call: Invocation) -> bool:
    if not call.argv:
        return True  # assignments alone
    if not call.resolvable or "/" in call.argv[0]:
        return False
    special = _SPECIAL.get(call.name)
    if special is not None:
        return special(call)
    verbs = _VERBS.get(call.name)
    if verbs is not None:
        return (
            bool(call.args)
            and verbs.fullmatch(call.args[0]) is not None
            and not any(
                argument.startswith("--output=") or argument in ("--output", "--ext-diff", "--textconv", "--postrender")
                for argument in call.args
            )
        )
    return call.name in _LOOKERS and not (call.name in _WITH_OPTIONS and any(map(_WRITES.fullmatch, call.args)))


#: Lookers with options (of :data:`_WRITES`) that make them change something.
_WITH_OPTIONS = names("date hostname tree less tac shuf declare")


def _find(call: Invocation) -> bool:
    return not any(re.fullmatch(r"-(?:delete|exec\w*|ok\w*|fprint\w*|fls)", argument) for argument in call.args)


def _sort(call: Invocation) -> bool:
    return not any(re.match(r"-[a-zA-Z]*o|--output|--compress-program|-T", argument) for argument in call.args)


def _uniq(call: Invocation) -> bool:
    return len([argument for argument in call.args if not argument.startswith("-")]) < 2


def _sed(call: Invocation) -> bool:
    if any(re.match(r"-[a-zA-Z]*[isf]|--in-place|--file|--separate", argument) for argument in call.args):
        return False
    found = [sed.effects(argument) for argument in call.args if not argument.startswith("-")]
    return not any(one.runs or one.writes for one in found) and not any("w" in a.rpartition("/")[2] for a in call.args)


def _awk(call: Invocation) -> bool:
    return not any(re.search(r"system|getline|[|>]|^-[fiIlE]|^--", argument) for argument in call.args)


_SPECIAL: dict[str, Callable[[Invocation], bool]] = {
    "find": _find,
    "sort": _sort,
    "uniq": _uniq,
    "sed": _sed,
    "awk": _awk,
    "env": lambda call: not call.args,
}
