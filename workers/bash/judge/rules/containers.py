"""Container engines: ways out of a container, and what is removed with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation, Trait
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import MAYBE_EMPTY
from workers.bash.judge.paths import Place, is_credential, is_critical, locate
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap.tools import DOCKER_RUN_VALUES, ENGINES, docker_verb

_SOCKETS = re.compile(
    r"(?:docker|containerd|podman|crio|cri-dockerd|dockershim)\.sock|/run/(?:docker|containerd)(?:$|/)"
)
_CAPABILITIES = re.compile(
    r"(?i)(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_PTRACE|SYS_MODULE|SYS_RAWIO|DAC_READ_SEARCH|DAC_OVERRIDE|SYS_BOOT|BPF|SYS_CHROOT|"
    r"SYS_TIME|MAC_ADMIN|MAC_OVERRIDE|MKNOD|NET_ADMIN|SETFCAP|PERFMON|SYSLOG|CHECKPOINT_RESTORE)"
)
_REMOVES = re.compile(
    r"(?:\w+ )?(?:rm|remove|rmi|prune|kill|down|leave)|system (?:reset|migrate)|compose stop|"
    r"swarm (?:leave|init|join)|machine (?:rm|reset)|volume prune|stop|container stop|restart|pause"
)


def _engine(call: Invocation) -> Iterator[Finding]:
    args = call.args if "compose" not in call.name else ("compose", *call.args)
    verb, rest = docker_verb(args)
    hosts = options.read(args, ("-H", "--host", "-c", "--context"), until_operand=True).values("-H", "--host")
    if any(not host.startswith("unix:///var/run/docker.sock") for host in hosts):
        yield call.ask("containers.remote-engine", "It uses a container engine somewhere else.")
    if verb in ("run", "create", "compose run", "exec", "compose exec", "service create", "service update"):
        yield from _started(call, rest)
    elif verb in ("build", "buildx build", "image build"):
        yield from _built(call, rest)
    elif verb in ("push", "image push", "compose push", "manifest push"):
        yield call.ask("network.sends", "It changes what a registry offers.")
    elif verb.startswith("compose ") and any(re.match(r"(?:https?|git|ssh|oci)://", word) for word in args):
        yield call.ask("containers.remote-build", "It starts what another machine serves.")
    elif verb in ("plugin install", "plugin enable"):
        yield call.ask("containers.setting", "A plugin of the engine gets rights on the machine.")
    elif verb in ("load", "image load", "import", "image import") and call.stdin and Trait.NETWORK in call.stdin.traits:
        yield call.ask("containers.remote-build", "It takes an image that another machine serves.")
    elif verb in ("cp", "container cp"):
        yield from _copied(call, rest)
    elif _REMOVES.fullmatch(verb) and verb not in ("run",):
        yield from _removed(call, verb)
    elif verb in ("login",) and any(re.match(r"-p|--password(?!-stdin)", argument) for argument in rest):
        yield call.ask("secrets.on-command-line", "It shows a password to everybody on the machine.")
    elif verb in ("commit", "push", "save", "export") and any(is_credential(argument, call.scope) for argument in rest):
        yield call.deny("secrets.exfiltration", "It puts credentials into an image.")


def _removed(call: Invocation, verb: str) -> Iterator[Finding]:
    if verb in ("restart", "pause"):
        return
    yield call.ask("containers.remove", f"It stops or removes what others may use: {verb}.")


def _started(call: Invocation, rest: list[str]) -> Iterator[Finding]:
    read = options.read(rest, DOCKER_RUN_VALUES, until_operand=True)
    if read.has("--privileged") and read.values("--privileged") != ["false"]:
        yield call.deny("containers.privileged", "A privileged container rules the machine.")
    for name in ("--pid", "--ipc", "--uts", "--userns", "--cgroupns"):
        if "host" in read.values(name):
            yield call.deny("containers.host-namespace", f"The container shares the machine's {name[2:]} namespace.")
    if {"host"} & {*read.values("--network", "--net")}:
        yield call.ask("containers.host-network", "The container uses the machine's own network.")
    for capability in read.values("--cap-add"):
        if _CAPABILITIES.fullmatch(capability):
            yield call.deny("containers.capability", f"The capability {capability} leads out of the container.")
    for option in read.values("--security-opt"):
        if re.search(r"unconfined|label[:=]disable|no-new-privileges[:=]false|systempaths", option):
            yield call.deny("containers.unconfined", "It switches off the container's confinement.")
    for device in read.values("--device"):
        if not re.match(r"/dev/(?:dri|kvm|fuse|net/tun|snd|video\d|tty(?:USB|ACM)\d|nvidia\w*|null)", device):
            yield call.deny("containers.device", f"It gives the container a device of the machine: {device}.")
    for volume in read.values("-v", "--volume"):
        yield from _mounted(call, volume.split(":")[0], writable=not volume.endswith(":ro"))
    for mount in read.values("--mount"):
        parts = dict(part.partition("=")[::2] for part in mount.split(","))
        source = parts.get("source", parts.get("src", ""))
        if parts.get("type", "volume") == "bind" or source.startswith("/"):
            yield from _mounted(call, source, writable="readonly" not in parts and "ro" not in parts)
    if read.values("--cgroup-parent", "--runtime", "--volumes-from"):
        yield call.ask(
            "containers.setting", "It starts the container with settings of the machine or of another container."
        )


def _mounted(call: Invocation, source: str, *, writable: bool) -> Iterator[Finding]:
    if not source or (source[:1] not in "/.~" and source[:1] not in MAYBE_EMPTY):
        return
    found = locate(source, call.scope)
    if _SOCKETS.search(found.path):
        yield call.deny("containers.engine-socket", "The engine's socket lets the container rule the machine.")
    elif found.place in (Place.ROOT, Place.KERNEL, Place.DEVICE, Place.HOME) or is_critical(found):
        yield call.deny("containers.host-mount", f"It gives the container {found.place.value}: {found.path}.")
    elif is_credential(source, call.scope):
        yield call.deny("containers.host-mount", "It gives the container credentials of this machine.")
    elif found.place is Place.SYSTEM:
        reads_clock = found.path in ("/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/resolv.conf")
        if writable or not reads_clock:
            yield call.ask("containers.host-mount", f"It gives the container a part of the system: {found.path}.")
    elif found.place in (Place.PERSONAL, Place.OUTSIDE):
        yield call.ask(
            "containers.host-mount", f"It gives the container a folder outside the work folder: {found.path}."
        )


def _built(call: Invocation, rest: list[str]) -> Iterator[Finding]:
    takes = names(
        "-t -f --file --tag --build-arg --secret --ssh --target --platform --network -o --output --label "
        "--cache-from --cache-to --progress --add-host --allow --iidfile"
    )
    read = options.read(rest, takes)
    for context in read.operands:
        found = locate(context, call.scope) if "://" not in context and context != "-" else None
        if found and found.place in (Place.ROOT, Place.HOME, Place.SYSTEM):
            yield call.deny("containers.build-context", f"It hands {found.place.value} to the build.")
        elif found is None and context != "-":
            yield call.ask("containers.remote-build", "It builds what another machine serves.")
    if read.values("--allow") or "host" in read.values("--network"):
        yield call.ask("containers.build-rights", "The build gets rights on the machine.")


def _copied(call: Invocation, rest: list[str]) -> Iterator[Finding]:
    from workers.bash.judge.rules.writing import written

    operands = options.read(rest).operands
    if len(operands) == 2 and ":" not in operands[1]:
        yield from written(call, operands[1])
    elif len(operands) == 2:
        yield call.ask("containers.inside", "It changes files inside a container.")


def _machine_container(call: Invocation) -> Iterator[Finding]:
    """lxc, incus: a folder of the machine or its rights for a container."""
    if any(re.match(r"source=/|security\.(?:privileged|nesting)=true|raw\.", argument) for argument in call.args):
        yield call.deny("containers.host-mount", "It gives the container the machine's folders or rights.")


RULES = {
    **dict.fromkeys(ENGINES - {"crictl", "ctr", "finch", "lima"}, _engine),
    "lxc": _machine_container,
    "incus": _machine_container,
}
