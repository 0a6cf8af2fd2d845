"""Other identities, the machine's accounts, scheduled commands, traces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

_ADMINS = re.compile(r"(?:^|,)(?:sudo|wheel|root|admin|docker|lxd|disk|shadow|adm|kvm)(?:,|$)")


def _elevated(call: Invocation) -> Iterator[Finding]:
    if call.args in (("-k",), ("-K",), ("-V",)):
        return
    yield call.ask("accounts.elevated", f"{call.name} runs with another identity's rights.")
    if call.name == "su" and call.stdin is not None and not any(argument.startswith("-c") for argument in call.args):
        yield call.ask("shell.unknown-code", "A shell of another identity reads its input.")
    if any(argument in ("-e", "--edit", "-s", "-i", "--shell", "--login") for argument in call.args[:2]):
        yield call.ask("accounts.elevated", "It opens a shell or an editor with another identity's rights.")


def _accounts(call: Invocation) -> Iterator[Finding]:
    args = call.args
    roots = call.name in ("userdel", "deluser") and "root" in args
    uid_zero = any(pair in (("-u", "0"), ("--uid", "0")) for pair in pairwise(args))
    admin = any(_ADMINS.search(word) for word in args) and call.name in (
        "usermod",
        "adduser",
        "gpasswd",
        "useradd",
        "addgroup",
    )
    unlocked = call.name == "passwd" and any(word in args for word in ("-d", "--delete", "-u", "--stdin", "root"))
    if (
        roots
        or uid_zero
        or admin
        or unlocked
        or call.name in ("chpasswd", "vipw", "vigr", "visudo", "newusers", "pwconv")
    ):
        yield call.deny("accounts.take-over", "It changes who rules the machine.")
    elif args[:1] not in (("-S",), ("--status",), ("-l",)):
        yield call.ask("accounts.change", "It changes the machine's accounts.")


def _crontab(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-u",))
    if read.has("-l"):
        return
    if read.has("-r"):
        yield call.deny("services.schedule", "It deletes every scheduled command of the account.")
    else:
        yield call.ask("services.schedule", "It has commands run later, outside this run.")


def _history(call: Invocation) -> Iterator[Finding]:
    if any(re.fullmatch(r"-[cdwarp]+.*", argument) for argument in call.args):
        yield call.deny("accounts.history", "It changes the record of what was done.")


def _unset(call: Invocation) -> Iterator[Finding]:
    if any(argument.startswith("HIST") for argument in call.args):
        yield call.deny("accounts.history", "It keeps the shell from recording what is done.")


def _logs(call: Invocation) -> Iterator[Finding]:
    wipes = {
        "journalctl": r"--vacuum.*|--rotate|--flush|--relinquish.*",
        "dmesg": r"-[A-Za-z]*[cC].*|--clear|--read-clear|-n.*",
        "wevtutil": r"cl|clear-log",
        "lastlog": r"-C|--clear|-S",
        "logrotate": r"-f|--force",
        "faillog": r"-r",
    }
    if any(re.fullmatch(wipes[call.name], argument) for argument in call.args):
        yield call.ask("accounts.logs", "It clears records of the machine.")


def _audit(call: Invocation) -> Iterator[Finding]:
    if not any(argument in ("-l", "-s", "-v") for argument in call.args):
        yield call.deny("accounts.audit", "It changes or stops what the machine records.")


def _keys(call: Invocation) -> Iterator[Finding]:
    yield call.ask("accounts.keys", "It lets a key log in on another machine.")


def _keychain(call: Invocation) -> Iterator[Finding]:
    if any(re.match(r"find-|dump-|export|unlock|delete-|add-|set-", argument) for argument in call.args):
        yield call.ask("accounts.secrets", "It reads or changes stored passwords.")


def _keyring(call: Invocation) -> Iterator[Finding]:
    """gpg: a private key that is deleted cannot be had again."""
    if any(argument.startswith("--delete-") for argument in call.args):
        yield call.ask("accounts.keys", "It deletes keys.")


def _store(call: Invocation) -> Iterator[Finding]:
    """Tools that keep passwords beside other things: by the words that have them shown."""
    words = " ".join(argument for argument in call.args if not argument.startswith("--"))
    if re.match(_SHOWS[call.name], words):
        yield call.ask("accounts.secrets", "It prints stored passwords or tokens.")


#: Program -> how its arguments begin when it prints a secret.
_SHOWS = {
    **dict.fromkeys(names("pass gopass"), r"(?!(?:ls|list|find|search|git|init|help|version|otp uri)\b)\S"),
    "getent": r"g?shadow\b",
    "aws": r"configure (?:export-credentials|get \S*(?:secret|token|key))|ecr get-login|sso get-role-credentials",
    **dict.fromkeys(names("npm yarn pnpm"), r"config (?:get|ls|list) \S*_(?:auth|password)|token list"),
    "git": r"credential(?:-\w+)? (?:fill|get)\b",
    "op": r"(?:read|item get|document get|inject|run)\b",
    "bw": r"(?:get|export|list items)\b",
    "lpass": r"(?:show|export)\b",
    "keyring": r"get\b",
    "kwallet-query": r"-r\b",
    "sops": r"(?:-d|decrypt|exec-env|exec-file)\b",
    "ansible-vault": r"(?:view|decrypt|edit)\b",
    "heroku": r"(?:config(?::get)?|auth:token)\b",
    "doppler": r"secrets\b|run\b",
    "chamber": r"(?:read|export|exec|env)\b",
    "gcloud": r"secrets versions access|auth application-default print",
    "kubeseal": r".*--recovery-unseal",
}


def _hidden(call: Invocation) -> Iterator[Finding]:
    yield call.deny("accounts.secrets", "It reads passwords or password hashes.")


Rule = Callable[[Invocation], Iterator[Finding]]
RULES: dict[str, Rule] = {
    **dict.fromkeys(
        names(
            "sudo doas su pkexec runuser gosu su-exec sg newgrp sudoedit please run0 setuidgid s6-setuidgid "
            "chpst setpriv capsh"
        ),
        _elevated,
    ),
    **dict.fromkeys(
        names(
            "passwd chpasswd useradd adduser usermod userdel deluser groupadd addgroup groupdel delgroup "
            "groupmod gpasswd newusers vipw vigr visudo chsh chfn chage pwconv pwunconv faillock pam_tally2 "
            "usermgmt dscl sysadminctl authconfig authselect pam-auth-update update-crypto-policies"
        ),
        _accounts,
    ),
    "security": _keychain,
    **dict.fromkeys(_SHOWS, _store),
    **dict.fromkeys(("gpg", "gpg2"), _keyring),
    "secret-tool": _hidden,
    "crontab": _crontab,
    "incrontab": _crontab,
    "history": _history,
    "fc": _history,
    "unset": _unset,
    "journalctl": _logs,
    "dmesg": _logs,
    "wevtutil": _logs,
    "lastlog": _logs,
    "logrotate": _logs,
    "faillog": _logs,
    "auditctl": _audit,
    "setenforce": _audit,
    "aa-disable": _audit,
    "aa-teardown": _audit,
    "aa-complain": _audit,
    "apparmor_parser": _audit,
    "ssh-copy-id": _keys,
    **dict.fromkeys(
        names("mimikatz unshadow hashdump secretsdump.py laZagne mimipenguin linpeas.sh gcore pspy"), _hidden
    ),
}
