"""Processes and services of the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

# A number that the work folder's own file holds, where servers put theirs.
_OWN_RECORD = re.compile(
    r"kill\s+(?:-s\s+\w+\s+|-\w+\s+)?\"?(?:\$\((?:cat\s+|<\s*)|`cat\s+)(?!/|~|\S*\.\./)[\w./-]+\.pid[)`]\"?(?:\s*2?>.*)?"
)
_WATCHERS = re.compile(
    r"(?:auditd?|r?syslogd?|syslog-ng|systemd-journald|falco\w*|osqueryd?|wazuh\S*|ossec\S*|fail2ban\S*|apparmor|"
    r"falcon-sensor|crowdstrike\S*|sysmon|clamav-daemon|clamd)(?:\.service|\.socket)?"
)


def _kill(call: Invocation) -> Iterator[Finding]:
    args = list(call.args)
    if not args or args[0] in ("-l", "-L", "--list", "--table", "-0") or args[:2] in (["-s", "0"], ["-n", "0"]):
        return
    if args[0] in ("-s", "--signal", "-n"):
        args = args[2:]
    elif re.fullmatch(r"-(?:[A-Za-z]\w*|\d+)|--signal=.*", args[0]) and len(args) > 1:
        args = args[1:]
    targets = [argument for argument in args if argument != "--"]
    if any(re.fullmatch(r"-?1|-0*1|init|systemd", target) for target in targets):
        yield call.deny("services.kill-all", "It ends every process, or the one that all others depend on.")
    elif not all(target.startswith("%") for target in targets) and not _OWN_RECORD.fullmatch(call.part.strip()):
        yield call.ask("services.kill", "It ends or signals processes.")


def _kill_by_name(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, names("-s -u -U -g -G -P -t --signal --user --uid --euid"))
    everyone = call.name == "killall5" or any(
        user in ("root", "0") for user in read.values("-u", "-U", "--user", "--uid")
    )
    pattern = read.operands[0] if read.operands else ""
    vital = re.fullmatch(r"\.\*?|\.\+?|\^?|systemd|init|sshd?|dockerd|containerd|kubelet|dbus.*|\^?\.\*\$?", pattern)
    if everyone or (vital and (read.operands or not read.flags)):
        yield call.deny("services.kill-all", "It ends processes that the machine depends on.")
    elif any(map(_WATCHERS.fullmatch, read.operands)) and not read.has("-l", "--list", "-0"):
        yield call.deny("accounts.audit", "It stops what records or guards the machine.")
    elif call.name in ("xkill", "skill") or not read.has("-l", "--list", "-0"):
        yield call.ask("services.kill", "It ends every process of that name.")


def _fuser(call: Invocation) -> Iterator[Finding]:
    if any(re.match(r"-[a-z]*k|--kill", argument) for argument in call.args):
        yield call.ask("services.kill", "It ends the processes that use a file or a port.")


def _off(call: Invocation) -> Iterator[Finding]:
    if call.args[:1] != ("-c",):
        yield call.deny("services.shutdown", "It stops or restarts the machine.")


def _init(call: Invocation) -> Iterator[Finding]:
    if call.args:
        yield call.deny("services.shutdown", "It changes the machine's run level.")


_LOOKS = re.compile(
    r"status|show.*|list-.*|is-\w+|cat|get-default|help|--version|--failed|list|--status-all|info|print.*|blame|"
    r"version|avail|tail|pid|verify|dump|analyze|environment"
)
_MACHINE = re.compile(
    r"poweroff|reboot|halt|kexec|rescue|emergency|isolate|suspend|hibernate|hybrid-sleep|soft-reboot|exit|"
    r"switch-root|set-default|default|shutdown"
)


def _systemctl(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, names("-t -p -n -o -H -M --type --property --state --lines --output -s --signal"))
    verb = read.operands[0] if read.operands else ""
    if _MACHINE.fullmatch(verb):
        yield call.deny("services.shutdown", "It stops or restarts the machine.")
    elif re.fullmatch(r"stop|disable|mask|kill", verb) and any(map(_WATCHERS.fullmatch, read.operands[1:])):
        yield call.deny("accounts.audit", "It stops what records or guards the machine.")
    elif verb and not _LOOKS.fullmatch(verb) and not (call.name == "loginctl" and verb.startswith("show")):
        yield call.ask("services.change", f"It changes a service of the machine: {' '.join(read.operands[:2])}.")


def _service(call: Invocation) -> Iterator[Finding]:
    words = [argument for argument in call.args if argument[:1] != "-"]
    if "stop" in words and any(map(_WATCHERS.fullmatch, words)):
        yield call.deny("accounts.audit", "It stops what records or guards the machine.")
    elif words and not any(_LOOKS.fullmatch(word) for word in words):
        yield call.ask("services.change", f"It changes a service: {' '.join(words[:2])}.")


def _elsewhere(call: Invocation) -> Iterator[Finding]:
    yield call.ask("services.schedule", "It has the machine's service manager run it, outside of this run.")


RULES = {
    "kill": _kill,
    "systemd-run": _elsewhere,
    "pkill": _kill_by_name,
    "killall": _kill_by_name,
    "killall5": _kill_by_name,
    "skill": _kill_by_name,
    "xkill": _kill_by_name,
    "fuser": _fuser,
    "snice": _kill_by_name,
    **dict.fromkeys(names("shutdown reboot halt poweroff kexec pm-suspend rtcwake systemd-shutdown"), _off),
    "init": _init,
    "telinit": _init,
    "runlevel": _service,
    "systemctl": _systemctl,
    "loginctl": _systemctl,
    **dict.fromkeys(
        names(
            "service rc-service rc-update chkconfig update-rc.d sv s6-svc supervisorctl initctl launchctl "
            "invoke-rc.d stop pm2 monit svcadm brew-services"
        ),
        _service,
    ),
}
