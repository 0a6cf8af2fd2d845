"""Tools that carry a whole command line among their arguments: containers, clusters, expect-like drivers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap import git
from workers.bash.judge.unwrap.inner import Inner

DOCKER_RUN_VALUES = names(
    "-a --add-host --annotation --attach --blkio-weight --cap-add --cap-drop --cgroup-parent --cgroupns "
    "--cidfile --cpu-period --cpu-quota --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device "
    "--device-cgroup-rule --dns --dns-option --dns-search --domainname --entrypoint -e --env --env-file "
    "--expose --gpus --group-add --health-cmd --health-interval --health-retries --health-timeout -h --hostname "
    "--ip --ip6 --ipc --isolation --kernel-memory -l --label --label-file --link --log-driver --log-opt "
    "--mac-address -m --memory --memory-reservation --memory-swap --mount --name --network --net "
    "--network-alias --oom-score-adj --pid --pids-limit --platform -p --publish --pull --restart --runtime "
    "--security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --ulimit -u --user "
    "--userns --uts -v --volume --volume-driver --volumes-from -w --workdir --device-read-bps "
    "--device-write-bps --secret --pod"
)
_DOCKER_GLOBAL = names(
    "-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey -f --file -p --project-name "
    "--project-directory --env-file --profile --namespace -n --address --root --runroot --url"
)
_KUBECTL_GLOBAL = names(
    "-n --namespace --context --kubeconfig -c --container --cluster --user -s --server --as --token "
    "--request-timeout -l --selector -f --filename -o --output --image --overrides --restart -k"
)
CONTAINER = "inside a container"
ENGINES = names("docker podman nerdctl docker-compose podman-compose docker.io crictl ctr buildah finch lima")
CLUSTERS = names("kubectl oc k3s-kubectl microk8s.kubectl kubecolor k")


def docker_verb(args: Sequence[str]) -> tuple[str, list[str]]:
    """The sub-command ('run', 'compose down', 'volume rm' ...) and what follows it."""
    read = options.read(args, _DOCKER_GLOBAL, until_operand=True)
    words = read.operands
    groups = names(
        "container image volume network system builder compose context swarm service stack node secret config "
        "plugin buildx pod machine trust manifest"
    )
    if not words:
        return "", []
    if words[0] in groups and len(words) > 1:
        inside = options.read(words[1:], _DOCKER_GLOBAL, until_operand=True).operands
        if inside:
            plain = words[0] in ("container", "image") and inside[0] in ("run", "exec", "create", "cp", "build")
            return (inside[0] if plain else f"{words[0]} {inside[0]}"), inside[1:]
    return words[0], words[1:]


def inner(call: Invocation) -> Iterator[Inner]:
    """The command behind a tool's own words."""
    reader = _READERS.get(call.name)
    if call.name in ENGINES:
        reader = _engine
    elif call.name in CLUSTERS:
        reader = _cluster
    if reader:
        yield from reader(call)


def _engine(call: Invocation) -> Iterator[Inner]:
    args = call.args if "compose" not in call.name else ("compose", *call.args)
    verb, rest = docker_verb(args)
    if verb == "unshare" and rest:
        yield Inner(argv=tuple(rest))
    if verb in ("run", "exec", "create", "compose run", "compose exec"):
        read = options.read(rest, DOCKER_RUN_VALUES | {"--index"}, until_operand=True)
        command = read.operands[1:]
        entry = read.values("--entrypoint")
        if entry:
            command = [*entry[0].split(), *command]
        for check in read.values("--health-cmd"):
            yield Inner(text=check, softened=CONTAINER)
        if command:
            yield Inner(argv=tuple(command), softened=CONTAINER)


def _cluster(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, _KUBECTL_GLOBAL, until_operand=True)
    if read.operands[:1] not in (["exec"], ["run"], ["debug"]):
        return
    rest = read.operands[1:]
    if "--" in rest:
        command = rest[rest.index("--") + 1 :]
    else:
        command = options.read(rest, _KUBECTL_GLOBAL).operands[1:]
    if command:
        yield Inner(argv=tuple(command), softened=CONTAINER)


def _cmake(call: Invocation) -> Iterator[Inner]:
    """cmake -E: rm, remove_directory, env, time ... as the commands that they are."""
    if call.args[:1] != ("-E",) or len(call.args) < 2:
        return
    verb, rest = call.args[1], call.args[2:]
    same = {
        "remove_directory": ("rm", "-rf"),
        "remove": ("rm", "-f"),
        "rm": ("rm",),
        "env": ("env",),
        "time": (),
        "copy": ("cp", "-r"),
        "copy_directory": ("cp", "-r"),
        "cat": ("cat",),
        "create_symlink": ("ln", "-s"),
        "touch": ("touch",),
        "tar": ("tar",),
    }
    if verb in same and rest:
        yield Inner(argv=(*same[verb], *rest))


def _fd(call: Invocation) -> Iterator[Inner]:
    """fd -x and -X: the command with what was found."""
    args = list(call.args)
    for at, argument in enumerate(args):
        if argument in ("-x", "-X", "--exec", "--exec-batch") and at + 1 < len(args):
            starts = options.read(args[:at], ("-e", "-t", "-d", "-E", "--extension", "--type", "--max-depth")).operands
            start = starts[1] if len(starts) > 1 else "."
            name = starts[0] if starts and re.search(r"\w", starts[0]) and len(starts) > 1 else "*"
            found = f"{start.rstrip('/')}/**/{name}"
            command = [found.join(re.split(r"\{[/.]*\}", word)) for word in args[at + 1 :]]
            yield Inner(argv=tuple(command if command != args[at + 1 :] else [*command, found]))
            return


def _ansible(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, names("-m --module-name -a --args -i --inventory -u -e -l -f"))
    for text in read.values("-a", "--args"):
        yield Inner(text=re.sub(r"^(?:\w+=\S+\s+)*(?:cmd=)?", "", text))


def _terminal(call: Invocation) -> Iterator[Inner]:
    """A terminal window's command: all words after -e or --."""
    for mark in ("-e", "--", "-x"):
        if mark in call.args:
            rest = call.args[call.args.index(mark) + 1 :]
            if len(rest) > 1:
                yield Inner(argv=rest)
            return


def _run_parts(call: Invocation) -> Iterator[Inner]:
    read = options.read(call.args, ("-a", "-u"))
    for folder in read.operands:
        for path, written in list(call.scope.files.items()):
            if path.startswith(call.scope.absolute(folder) + "/") and written.text:
                yield Inner(text=written.text)


_READERS: dict[str, Callable[[Invocation], Iterator[Inner]]] = {
    "cmake": _cmake,
    "fd": _fd,
    "fdfind": _fd,
    "ansible": _ansible,
    "xterm": _terminal,
    "gnome-terminal": _terminal,
    "konsole": _terminal,
    "urxvt": _terminal,
    "alacritty": _terminal,
    "kitty": _terminal,
    "x-terminal-emulator": _terminal,
    "git": git.inner,
    "run-parts": _run_parts,
}
