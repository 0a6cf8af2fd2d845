"""The kernel, the firewall, network interfaces, the clock, other roots and namespaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

Rule = Callable[[Invocation], Iterator[Finding]]


def _always(rule: str, reason: str) -> Rule:
    def check(call: Invocation) -> Iterator[Finding]:
        yield call.deny(rule, reason)

    return check


def _asks(rule: str, reason: str) -> Rule:
    def check(call: Invocation) -> Iterator[Finding]:
        yield call.ask(rule, reason)

    return check


def _unless(looks: str, rule: str, reason: str, *, denied: str = "") -> Rule:
    """Asks unless an argument says that it only looks; denies where one matches `denied`."""

    def check(call: Invocation) -> Iterator[Finding]:
        if denied and any(re.fullmatch(denied, argument) for argument in call.args):
            yield call.deny(rule, reason)
        elif call.args and not any(re.fullmatch(looks, argument) for argument in call.args):
            yield call.ask(rule, reason)

    return check


def _libraries(call: Invocation) -> Iterator[Finding]:
    if not any(argument in ("-p", "--print-cache", "-n", "--show", "-V", "--version") for argument in call.args):
        yield call.ask("system.loader", "It changes where programs find libraries, or the kernel its modules.")


_MODULE = _always("system.kernel-module", "It loads or removes code of the kernel.")
_ESCAPE = _always("system.escape", "It enters another root or namespace, around the sandbox's walls.")
_FIREWALL = "It changes the machine's firewall."
_INTERFACE = "It changes the machine's network."


def _iptables(call: Invocation) -> Iterator[Finding]:
    args = call.args
    opens = any(re.fullmatch(r"-[FXZ]|--flush|--delete-chain", argument) for argument in args)
    policy = any(argument in ("-P", "--policy") for argument in args)
    if opens or policy:
        yield call.deny("system.firewall", "It takes the machine's firewall down or cuts the machine off.")
    elif args and not any(re.match(r"-[nvx]*[LS]|--list|--version|-C|--check", argument) for argument in args):
        yield call.ask("system.firewall", _FIREWALL)


def _sysctl(call: Invocation) -> Iterator[Finding]:
    writes = any(argument in ("-w", "--write", "-p", "--load", "--system") or "=" in argument for argument in call.args)
    if writes:
        yield call.deny("system.kernel-setting", "It changes a setting of the kernel.")


def _unshare(call: Invocation) -> Iterator[Finding]:
    yield call.ask("system.namespace", "It starts a program in namespaces of its own.")


RULES: dict[str, Rule] = {
    **dict.fromkeys(names("insmod rmmod modprobe kmod kpatch bpftool bpftrace stap dkms"), _MODULE),
    **dict.fromkeys(
        names(
            "chroot nsenter pivot_root switch_root runc crun machinectl systemd-nspawn lxc-attach schroot "
            "arch-chroot ctr amicontained deepce.sh cdk"
        ),
        _ESCAPE,
    ),
    "unshare": _unshare,
    "ldconfig": _libraries,
    "depmod": _libraries,
    "sysctl": _sysctl,
    "iptables": _iptables,
    "ip6tables": _iptables,
    "iptables-legacy": _iptables,
    "iptables-nft": _iptables,
    "ebtables": _iptables,
    "arptables": _iptables,
    "iptables-restore": _asks("system.firewall", _FIREWALL),
    "ip6tables-restore": _asks("system.firewall", _FIREWALL),
    "nft": _unless("list|-v", "system.firewall", _FIREWALL, denied="flush|delete|destroy|reset"),
    "ufw": _unless("status|show|version|app", "system.firewall", _FIREWALL, denied="disable|reset|--force"),
    "firewall-cmd": _unless("--list.*|--get.*|--state|--query.*", "system.firewall", _FIREWALL, denied="--panic-on"),
    "pfctl": _unless("-s.*", "system.firewall", _FIREWALL, denied="-d|-F.*"),
    "ipset": _unless("list|-L", "system.firewall", _FIREWALL, denied="flush|destroy|-F|-X"),
    "setsebool": _asks("system.protection", "It changes a protection of the machine."),
    "spctl": _asks("system.protection", "It changes a protection of the machine."),
    "csrutil": _asks("system.protection", "It changes a protection of the machine."),
    "ip": _unless(
        "a|addr|address|r|route|link|l|show|list|ls|get|neigh|n|rule|-V|-br|-brief|maddr|stats|monitor|netns",
        "system.network",
        _INTERFACE,
        denied="down|flush|del|delete|set|add|replace|change",
    ),
    "ifconfig": _unless("-a|-s|[a-z]+\\d*", "system.network", _INTERFACE, denied="down|0\\.0\\.0\\.0|promisc"),
    "iw": _unless(
        "list|dev|info|scan|link|station|phy|get", "system.network", _INTERFACE, denied="disconnect|del|set|connect"
    ),
    "brctl": _unless("show.*", "system.network", _INTERFACE),
    "ethtool": _unless(
        "-[ikSagcTl]|--show.*|\\w+\\d+", "system.network", _INTERFACE, denied="-s|-E|-f|--change|--flash"
    ),
    "reptyr": _asks("system.trace", "It takes over another running program."),
    "ifdown": _asks("system.network", _INTERFACE),
    "ifup": _asks("system.network", _INTERFACE),
    "route": _unless("-n|-e|-ee|get", "system.network", _INTERFACE, denied="del|delete|flush|add"),
    "arp": _unless("-a|-n|-e|-an", "system.network", _INTERFACE, denied="-d|-s"),
    "nmcli": _unless(
        "show|status|list|monitor|general|g", "system.network", _INTERFACE, denied="down|off|delete|disconnect"
    ),
    "tc": _unless("show|list|ls|-s", "system.network", _INTERFACE),
    "rfkill": _unless("list", "system.network", _INTERFACE),
    "iwconfig": _asks("system.network", _INTERFACE),
    "resolvectl": _unless("status|query|statistics", "system.network", _INTERFACE),
    "hostnamectl": _unless("status|--static|hostname", "system.identity", "It changes the machine's name."),
    "hostname": _unless("-.*", "system.identity", "It changes the machine's name."),
    "timedatectl": _unless("status|show.*|list-.*|timesync-status", "system.clock", "It changes the machine's clock."),
    "date": lambda call: _set_date(call),
    "hwclock": _unless("-r|--show|--get", "system.clock", "It changes the clock."),
    "ntpdate": _unless("-q", "system.clock", "It changes the machine's clock."),
    "localectl": _unless("status|list-.*", "system.settings", "It changes settings of the machine."),
    "update-alternatives": _unless(
        "--list|--display|--query|--get-selections", "system.settings", "It changes what names mean."
    ),
    **dict.fromkeys(
        names("update-initramfs mkinitcpio mkinitrd kernel-install genkernel lilo syslinux extlinux"),
        _asks("system.boot", "It changes how the machine starts."),
    ),
    "dracut": _unless("--list-modules|--help|--version|-h", "system.boot", "It changes how the machine starts."),
    "update-grub": _asks("system.boot", "It changes how the machine starts."),
    "grub-mkconfig": _asks("system.boot", "It changes how the machine starts."),
    "grubby": _asks("system.boot", "It changes how the machine starts."),
    "bootctl": _unless("status|list|is-installed", "system.boot", "It changes how the machine starts."),
    "setterm": _unless("--default", "system.settings", "It changes the console."),
    "renice": _asks("services.priority", "It changes the priority of running processes."),
    "prlimit": lambda call: _limits(call),
    "xhost": _asks("system.display", "It changes who may draw on and watch the screen."),
    "cgclassify": _asks("system.cgroups", "It moves processes between control groups."),
    "cgset": _asks("system.cgroups", "It changes limits of control groups."),
    "dbus-send": _asks("system.bus", "It calls a service of the machine."),
    "busctl": _unless("list|status|tree|introspect|monitor", "system.bus", "It calls a service of the machine."),
    "gdbus": _unless("introspect|monitor", "system.bus", "It calls a service of the machine."),
    "pmset": _unless("-g", "system.settings", "It changes settings of the machine."),
    "defaults": _unless("read|domains|find", "system.settings", "It changes settings of the machine."),
    "nvram": _unless("-p", "system.boot", "It changes how the machine starts."),
    "write": _asks("system.broadcast", "It writes to another's terminal."),
    "wall": _asks("system.broadcast", "It writes to everybody's terminal."),
    "strace": lambda call: _traces(call),
    "gdb": lambda call: _traces(call),
    "ltrace": lambda call: _traces(call),
    "perf": lambda call: _profiles(call),
    "xdg-open": _asks("system.opens", "It hands a file or an address to whatever program is set to open it."),
    "gio": _unless("info|list|cat|tree|help|version", "system.opens", "It changes or opens files through a service."),
    "sysdiagnose": _asks("system.settings", "It collects data about the machine."),
    "proot": _unshare,
    "bwrap": _unshare,
    "firejail": _unshare,
}


def _set_date(call: Invocation) -> Iterator[Finding]:
    if any(re.fullmatch(r"-s.*|--set.*|\d{8,12}(?:\.\d\d)?", argument) for argument in call.args):
        yield call.ask("system.clock", "It changes the machine's clock.")


def _limits(call: Invocation) -> Iterator[Finding]:
    if any(re.match(r"-p|--pid", argument) for argument in call.args) and any(
        "=" in argument for argument in call.args
    ):
        yield call.ask("services.priority", "It changes the limits of running processes.")


def _profiles(call: Invocation) -> Iterator[Finding]:
    if any(re.match(r"-[a-z]*[ap]$|--all-cpus|--pid|--uid|-u$", argument) for argument in call.args[1:]):
        yield call.ask("system.trace", "It looks into other running programs.")


def _traces(call: Invocation) -> Iterator[Finding]:
    attaches = any(re.match(r"-p\d*$|--pid", argument) for argument in call.args)
    if attaches or "attach" in " ".join(call.args):
        yield call.ask("system.trace", "It looks into or changes another running program.")
