"""Git: history and work that cannot be had back, settings that run code, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.rules.deletion import deleted
from workers.bash.judge.rules.writing import written
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap.git import RISKY_KEY, RUNNING_KEY, GitCall, git_call

Asks = Iterator[tuple[str, str]]


def _push(git: GitCall) -> Asks:
    read = options.read(git.rest, ("-o", "--push-option", "--repo", "--receive-pack", "--exec"))
    if read.has("-n", "--dry-run"):
        return
    forced = read.has("-f", "--force", "--force-with-lease", "--force-if-includes") or any(
        operand.startswith("+") for operand in read.operands
    )
    if forced:
        yield "git.force-push", "It replaces history on the remote."
    if read.has("-d", "--delete", "--mirror", "--prune") or any(operand.startswith(":") for operand in read.operands):
        yield "git.delete-remote", "It deletes branches or tags on the remote."
    if any(re.match(r"\w+://|[\w.-]+@[\w.-]+:", operand) for operand in read.operands[:1]):
        yield "git.push-address", "It pushes to an address that is not a known remote."


def _reset(git: GitCall) -> Asks:
    if any(argument in ("--hard", "--merge", "--keep") for argument in git.rest):
        yield "git.discard", "It throws away changes that are not committed."


def _clean(git: GitCall) -> Asks:
    read = options.read(git.rest, ("-e", "--exclude"))
    if not read.has("-n", "--dry-run"):
        yield "git.discard", "It deletes files that git does not know."


def _checkout(git: GitCall) -> Asks:
    read = options.read(git.rest, ("-b", "-B", "--orphan", "-t"))
    paths = "--" in git.rest or any(operand in (".", ":/", "*") for operand in read.operands)
    if read.has("-f", "--force") or paths:
        yield "git.discard", "It throws away changes that are not committed."


def _restore(git: GitCall) -> Asks:
    read = options.read(git.rest, ("-s", "--source"))
    if not read.has("-S", "--staged") or read.has("-W", "--worktree"):
        yield "git.discard", "It throws away changes that are not committed."


def _branch(git: GitCall) -> Asks:
    # `branch -d` refuses a branch that is not merged; a tag has no such guard.
    guarded = git.verb == "branch" and not any(re.match(r"-\w*[rf]|--(?:remotes|force)", word) for word in git.rest)
    deletes = r"-[a-zA-Z]*[DM]" if guarded else r"-[a-zA-Z]*[DM]|--delete|-d|--force|-f"
    if any(re.match(deletes, argument) for argument in git.rest):
        yield "git.delete-branch", "It deletes or moves branches."


def _stash(git: GitCall) -> Asks:
    if git.rest[:1] in (("drop",), ("clear",)):
        yield "git.discard", "It throws away stashed changes."


def _reflog(git: GitCall) -> Asks:
    if git.rest[:1] in (("expire",), ("delete",)):
        yield "git.discard", "It throws away the record from which lost commits are found."


def _gc(git: GitCall) -> Asks:
    if any(argument.startswith("--prune") for argument in git.rest) or git.verb == "prune":
        yield "git.discard", "It throws away objects from which lost commits are found."


def _maintenance(git: GitCall) -> Asks:
    if git.rest[:1] in (("start",), ("register",)):
        yield "services.schedule", "It has git run later, outside this run."


def _rewrite(_git: GitCall) -> Asks:
    yield "git.rewrite", "It rewrites or deletes parts of the history."


def _references(git: GitCall) -> Asks:
    if any(argument in ("-d", "--delete", "--stdin") for argument in git.rest):
        yield "git.delete-branch", "It deletes references."


def _second(*verbs: str) -> Callable[[GitCall], Asks]:
    def asks(git: GitCall) -> Asks:
        if git.rest[:1] and git.rest[0] in verbs:
            yield "git.remove", f"It changes or removes a part of the repository's set-up: {git.verb} {git.rest[0]}."

    return asks


def _serves(_git: GitCall) -> Asks:
    yield "network.listens", "It opens the repository to other machines."


_VERBS: dict[str, Callable[[GitCall], Asks]] = {
    "push": _push,
    "reset": _reset,
    "clean": _clean,
    "checkout": _checkout,
    "restore": _restore,
    "branch": _branch,
    "switch": lambda git: _checkout(
        GitCall(verb="switch", rest=tuple(a.replace("--discard-changes", "-f") for a in git.rest))
    ),
    "stash": _stash,
    "reflog": _reflog,
    "gc": _gc,
    "prune": _gc,
    "filter-branch": _rewrite,
    "filter-repo": _rewrite,
    "update-ref": _references,
    "replace": _rewrite,
    "daemon": _serves,
    "instaweb": _serves,
    "http-backend": _serves,
    "remote": _second("set-url", "rm", "remove"),
    "worktree": _second("remove", "prune"),
    "submodule": _second("deinit"),
    "lfs": _second("prune", "migrate", "dedup"),
    "tag": _branch,
    "credential": _second("fill", "approve", "reject"),
    "credential-store": _rewrite,
    "send-email": _serves,
    "bundle": _second(),
    "maintenance": _maintenance,
}
_REMOVES_SETTING = {"--unset", "--unset-all", "--remove-section", "-e", "--edit"}


def _git(call: Invocation) -> Iterator[Finding]:
    git = git_call(call.args)
    if git.verb == "push" and call.scope.remotes and call.scope.remotes & {"", *git.rest}:
        yield call.ask("git.push-address", "It pushes to an address that this command itself has set.")
    for key, value in git.settings:
        if RISKY_KEY.match(key):
            yield call.ask("git.setting", f"The setting {key} changes what git runs or trusts.")
        elif RUNNING_KEY.match(key) and value.startswith(("!", "/")):
            yield call.ask("git.setting", f"The setting {key} makes git run a program.")
    if any(RUNNING_KEY.match(key) for key in git.indirect):
        yield call.ask("git.setting", "A variable that is not shown here makes git run a program.")
    if git.exec_path:
        yield call.ask("git.setting", "It makes git run its parts from another folder.")
    if git.verb in _VERBS:
        for rule, reason in _VERBS[git.verb](git):
            yield call.ask(rule, reason)
    for at, argument in enumerate(git.rest):
        if argument.startswith("--output="):
            yield from written(call, argument.partition("=")[2])
        elif argument in ("--output", "-o") and git.verb in ("log", "diff", "show", "archive", "format-patch"):
            yield from written(call, "".join(git.rest[at + 1 : at + 2]))
    if git.verb == "rm" and not any(argument in ("--cached", "-n", "--dry-run") for argument in git.rest):
        for operand in options.read(git.rest).operands:
            yield from deleted(call, operand, recursive="-r" in git.rest)
    given = set(git.rest)
    if git.verb == "config" and given & {"--global", "--system"} and given & _REMOVES_SETTING:
        yield call.ask("git.setting", "It changes settings outside this repository.")
    if git.verb == "config" and ("credential.helper", "store") in git.settings:
        yield call.ask("git.setting", "Git keeps passwords in a readable file from now on.")
    if git.verb in ("clone", "init", "worktree"):
        operands = options.read(git.rest, names("-b --branch --depth -o -c --config -u -j --template")).operands
        for target in operands[1:2] if git.verb == "clone" else ():
            yield from written(call, target)
        if any(argument.startswith("--template") for argument in git.rest):
            yield call.ask("git.setting", "Hooks of a template run in the new repository.")


def _others(call: Invocation) -> Iterator[Finding]:
    """Subversion, Mercurial and their kin."""
    words = options.read(call.args, ("-m", "-R", "--config", "--config-option", "-r")).operands
    if words[:1] and words[0] in names("delete rm del strip purge rollback revert histedit backout obliterate"):
        yield call.ask("git.discard", f"It throws away history or changes that are not committed: {words[0]}.")
    if any(
        re.search(r"(?:(?:alias|hooks|extensions|ui)\.|(?:tunnels|helpers):)\S*=", argument) for argument in call.args
    ):
        yield call.ask("git.setting", "The setting makes it run another program.")


RULES = {"git": _git, **dict.fromkeys(("svn", "hg", "bzr", "p4", "fossil", "darcs", "jj"), _others)}
