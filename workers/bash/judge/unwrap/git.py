"""Git's own command line, and the many settings through which git runs other programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap.hook import Hook
from workers.bash.judge.unwrap.inner import Inner

_GLOBAL_VALUES = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source")
RUNNING_KEY = re.compile(
    r"(?i)^(?:core\.(?:pager|editor|sshcommand|fsmonitor|askpass|gitproxy|alternaterefscommand)|pager\..+|sequence\.editor|"
    r"diff\.(?:external|.+\.(?:command|textconv))|filter\..+\.(?:clean|smudge|process)|merge\..+\.driver|"
    r"(?:diff|merge)tool\..+\.(?:cmd|path)|credential(?:\..+)?\.helper|gpg(?:\..+)?\.program|ssh\.variant|"
    r"browser\..+\.(?:cmd|path)|man\..+\.(?:cmd|path)|web\.browser|instaweb\..+|interactive\.difffilter|"
    r"uploadpack\.packobjectshook|remote\..+\.(?:uploadpack|receivepack|vcs)|submodule\..+\.update|trailer\..+\.(?:command|cmd)|"
    r"sendemail\..*(?:cmd|smtpserver)|guitool\..+\.cmd|imap\.tunnel|rebase\.instructionformat|transfer\.credentialsinurl)$"
)
RISKY_KEY = re.compile(
    r"(?i)^(?:core\.(?:hookspath|worktree|attributesfile|excludesfile)|include(?:if\..+)?\.path|init\.templatedir|"
    r"protocol(?:\..+)?\.allow|url\..+\.(?:push)?insteadof|http\.proxy|http\..*sslverify|safe\.directory|"
    r"receive\.deny\w+|extensions\..+)$"
)
_COMMAND_OPTIONS: dict[str, frozenset[str]] = {
    "clone": names("-u --upload-pack"),
    "fetch": names("--upload-pack"),
    "pull": names("--upload-pack"),
    "ls-remote": names("--upload-pack --exec"),
    "push": names("--receive-pack --exec"),
    "fetch-pack": names("--upload-pack --exec"),
    "archive": names("--exec"),
    "rebase": names("-x --exec"),
    "grep": names("-O --open-files-in-pager"),
    "difftool": names("-x --extcmd"),
    "send-pack": names("--receive-pack --exec"),
    "web--browse": names("-c"),
    "filter-branch": names(
        "--tree-filter --index-filter --msg-filter --env-filter --commit-filter --parent-filter "
        "--tag-name-filter --setup"
    ),
    "send-email": names("--smtp-server --sendmail-cmd --to-cmd --cc-cmd --header-cmd"),
    "svn": names("--authors-prog"),
    "cvsimport": names("-p"),
    "daemon": names("--access-hook"),
    "filter-repo": names("--blob-callback --commit-callback"),
}


@dataclass(slots=True)
class GitCall:
    """git's global settings (key, value), the subcommand and what follows it."""

    settings: list[tuple[str, str]] = field(default_factory=list)
    indirect: list[str] = field(default_factory=list)  # --config-env
    exec_path: str = ""
    verb: str = ""
    rest: tuple[str, ...] = ()


def git_call(args: tuple[str, ...]) -> GitCall:
    """Reads git's command line."""
    read = options.read(args, _GLOBAL_VALUES, until_operand=True)
    found = GitCall(exec_path=next(iter(read.values("--exec-path")), ""))
    found.indirect = [value.partition("=")[0] for value in read.values("--config-env")]
    for setting in read.values("-c"):
        key, _, value = setting.partition("=")
        found.settings.append((key, value))
    if read.operands:
        found.verb, found.rest = read.operands[0], tuple(read.operands[1:])
    if found.verb in ("clone", "init"):
        for setting in options.read(found.rest, ("-c", "--config")).values("-c", "--config"):
            key, _, value = setting.partition("=")
            found.settings.append((key, value))
    if found.verb == "config":
        operands = options.read(found.rest, ("-f", "--file", "--blob", "--type", "--default", "--comment")).operands
        if operands[:1] in (["set"], ["add"]):
            operands = operands[1:]
        if len(operands) > 1:
            found.settings.append((operands[0], operands[1]))
    return found


def hooks(call: Invocation) -> Iterator[Hook]:
    """Every command that git is told to run."""
    git = git_call(call.args)
    for key, value in git.settings:
        lower = key.lower()
        if RUNNING_KEY.match(key):
            plain = value in ("true", "false", "") or (lower.endswith("helper") and not value.startswith(("!", "/")))
            if not plain and not (lower == "core.fsmonitor" and value == "true"):
                yield Hook(key, value.removeprefix("!"))
        elif lower.startswith("alias.") and value.startswith("!"):
            yield Hook(key, value[1:])
    wanted = _COMMAND_OPTIONS.get(git.verb)
    if wanted:
        read = options.read(git.rest, wanted)
        yield from (Hook(option, value) for option in sorted(wanted) for value in read.values(option) if value)
    if git.verb == "submodule" and "foreach" in git.rest:
        after = list(git.rest[git.rest.index("foreach") + 1 :])
        yield Hook("foreach", " ".join(word for word in after if word not in ("--recursive", "-q", "--quiet")))
    for word in git.rest:
        match = re.match(r"ext::(.*)", word, re.DOTALL)
        if match:
            yield Hook("ext::", match[1])


def inner(call: Invocation) -> Iterator[Inner]:
    """Commands that git runs from an argument list: bisect run, an alias without a mark."""
    git = git_call(call.args)
    if git.verb == "bisect" and git.rest[:1] == ("run",):
        yield Inner(argv=git.rest[1:])
    for key, value in git.settings:
        if key.lower().startswith("alias.") and not value.startswith("!"):
            yield Inner(argv=("git", *value.split(), *(git.rest if git.verb == key[6:] else ())))
