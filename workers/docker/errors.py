"""What the engine objects to, in words: what happened, where, and what to do next."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reign.core.errors import did_you_mean
from reign.executor import FailureKind, TaskFailed
from workers.docker import names
from workers.docker.away import no_way
from workers.docker.holders import who_publishes

if TYPE_CHECKING:
    from docker import DockerClient


_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


@dataclass
class Words:
    """What is known while an exception is put in words; ``client`` is set once there is a connection."""

    doing: str
    where: Callable[[], str]
    client: DockerClient | None = None


@contextlib.contextmanager
def in_words(doing: str, where: Callable[[], str]) -> Iterator[Words]:
    """Turns the SDK's and the connection's exceptions into TaskFailed; everything else passes."""
    import requests
    import urllib3
    from docker.errors import APIError, DockerException

    words = Words(doing, where)
    try:
        yield words
    except APIError as error:
        text = str(error.explanation or error)
        if words.client is None:  # it answers, but not in its own language
            raise no_way(f"{error.status_code} {text}", where()) from None
        raise in_plain(text, words.doing, words.client, error.status_code) from None
    except (requests.exceptions.Timeout, TimeoutError):
        # Also raised inside of ConnectionError's family, so it stands first.
        raise TaskFailed(
            f"{doing}: the Docker Engine at {where()} did not answer in time",
            kind=FailureKind.TIMED_OUT,
            hint="the engine may be overloaded; look at `docker info`",
        ) from None
    except (DockerException, requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _no_connection(error, words) from None
    except OSError as error:
        raise TaskFailed(f"{doing}: {_first_line(str(error))}") from None


def _no_connection(error: Exception, words: Words) -> TaskFailed:
    text, place = str(error), words.where()
    if "Permission denied" in text or "PermissionError" in text:
        return TaskFailed(
            f"the worker may not use the Docker Engine at {place}",
            kind=FailureKind.PERMISSION,
            hint="add the worker's user to the group docker and log in again, or run the worker as root",
        )
    if words.client is not None:
        return TaskFailed(
            f"{words.doing}: the connection to the Docker Engine at {place} broke",
            kind=FailureKind.TRANSIENT,
            hint="the engine was restarted or the network failed; what it had begun is seen at the next try",
            retryable=False,  # only an operation knows whether its step may be repeated
        )
    return no_way(text, place)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")[:500]


@dataclass(frozen=True)
class _Told:
    """What the engine said, and what it was asked for."""

    match: re.Match[str]
    doing: str
    client: DockerClient | None


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    say: Callable[[_Told], TaskFailed]


def in_plain(text: str, doing: str, client: DockerClient | None, status: int | None = None) -> TaskFailed:
    """The failure behind a message of the engine (of an API answer, or of a line in a stream)."""
    for rule in _RULES:
        match = rule.pattern.search(text)
        if match:
            return rule.say(_Told(match, doing, client))
    kinds = {401: FailureKind.PERMISSION, 403: FailureKind.PERMISSION, 409: FailureKind.CONFLICT}
    kind = kinds.get(status or 0, FailureKind.WRONG_INPUT if status in (400, 404) else FailureKind.UNKNOWN)
    return TaskFailed(f"{doing}: {_first_line(text)}", kind=kind)


def _safely(ask: Callable[[], Sequence[str]]) -> list[str]:
    """Names for a hint; an engine that does not answer must not hide the error itself."""
    with contextlib.suppress(Exception):
        return sorted(set(ask()))
    return []


def local_images(client: DockerClient) -> list[str]:
    """The names of the images that the engine has."""
    return [tag for image in client.api.images() for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]


def container_names(client: DockerClient) -> list[str]:
    """The names of all containers, running or not."""
    return [name.lstrip("/") for found in client.api.containers(all=True) for name in found["Names"] or ()]


def network_names(client: DockerClient) -> list[str]:
    return [found["Name"] for found in client.api.networks()]


def volume_names(client: DockerClient) -> list[str]:
    return [found["Name"] for found in client.api.volumes()["Volumes"] or ()]


def no_image(image: str, client: DockerClient | None) -> TaskFailed:
    """There is no such image, neither here nor where it could be pulled from."""
    there = _safely(lambda: local_images(client)) if client is not None else []
    close = names.nearest_image(image, there)
    hint = f"did you mean {close!r}, which is here?" if close else "build it first, or check the name and the tag"
    return TaskFailed(
        f"there is no image {image!r}", kind=FailureKind.WRONG_INPUT, hint=hint, details={"nearest": close}
    )


def no_object(kind: str, name: str, client: DockerClient | None) -> TaskFailed:
    """There is no container, network or volume of that name."""
    ask: dict[str, Callable[[Any], list[str]]] = {
        "container": container_names,
        "network": network_names,
        "volume": volume_names,
    }
    there = _safely(lambda: ask[kind](client)) if client is not None else []
    hint = did_you_mean(name, there) or f"see `docker {kind} ls`"
    return TaskFailed(f"there is no {kind} {name!r}", kind=FailureKind.WRONG_INPUT, hint=hint)


def _port_taken(told: _Told) -> TaskFailed:
    host, port = told.match["host"], int(told.match["port"])
    said = re.search(r"\b(tcp|udp|sctp)", told.match.string)
    protocols = [said[1]] if said else ["tcp", "udp"]  # the engine does not always tell which
    found = (who_publishes(told.client, port, each) for each in protocols) if told.client is not None else ()
    holder = next(filter(None, found), None)
    by = f" by {holder}" if holder else ""
    return TaskFailed(
        f"{told.doing}: port {port} of {host} is taken{by}",
        kind=FailureKind.CONFLICT,
        hint="publish another port, or stop what holds it",
        details={"port": port, "holder": holder},
        retryable=True,  # the container was not started and is removed again
    )


def _name_taken(told: _Told) -> TaskFailed:
    return TaskFailed(
        f"{told.doing}: the name {told.match['name']!r} is taken by container {told.match['id'][:12]}",
        kind=FailureKind.CONFLICT,
        hint="use another name, or `replace: true`",
    )


def _disk_full(told: _Told) -> TaskFailed:
    root = ""
    with contextlib.suppress(Exception):
        root = f" ({told.client.info()['DockerRootDir']})" if told.client is not None else ""
    return TaskFailed(
        f"{told.doing}: the disk of the Docker Engine{root} is full",
        kind=FailureKind.MISSING_PREREQUISITE,
        hint="free some: `docker system df` shows what takes it, `docker system prune` removes what is unused",
    )


def out_of_disk(lines: Sequence[str], doing: str, client: DockerClient | None) -> TaskFailed | None:
    """The failure of a step whose last lines say that the engine's disk is full; None if they do not."""
    for line in reversed(lines):
        if match := _NO_SPACE.search(line):
            failure = _disk_full(_Told(match, doing, client))
            failure.details |= {"lines": list(lines)}
            return failure
    return None


def _denied(told: _Told) -> TaskFailed:
    return TaskFailed(
        f"{told.doing}: the registry refuses access ({_first_line(told.match.string)})",
        kind=FailureKind.PERMISSION,
        hint="check the image's name, and `username` and `password` (as secret://...) or what `docker login` left",
    )


def _registry_away(told: _Told) -> TaskFailed:
    return TaskFailed(
        f"{told.doing}: the registry does not answer ({_first_line(told.match.string)})",
        kind=FailureKind.TRANSIENT,
        hint="check the network, the registry's name and the engine's proxy settings",
    )


def _too_many(told: _Told) -> TaskFailed:
    return TaskFailed(
        f"{told.doing}: the registry limits how often may be pulled",
        kind=FailureKind.TRANSIENT,
        hint="wait, log in to the registry, or use a mirror",
    )


_INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)


def _instruction(told: _Told) -> TaskFailed:
    close = did_you_mean(told.match["word"], _INSTRUCTIONS)
    return TaskFailed(
        f"{told.doing}: line {told.match['line']} of the Dockerfile begins with {told.match['word']!r}, "
        "which is no instruction",
        kind=FailureKind.WRONG_INPUT,
        hint=close or "see the Dockerfile reference",
    )


def _simple(kind: FailureKind, sentence: str, hint: str | None) -> Callable[..., TaskFailed]:
    def say(told: _Told) -> TaskFailed:
        said = sentence.format(**told.match.groupdict(), text=_first_line(told.match.string))
        advice = hint.format(**told.match.groupdict()) if hint else None
        return TaskFailed(f"{told.doing}: {said}", kind=kind, hint=advice)

    return say


def _rule(pattern: str, say: Callable[..., TaskFailed]) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), say)


_RULES = (
    _Rule(_NO_SPACE, _disk_full),
    _rule(r"bind for (?P<host>\S+?):(?P<port>\d+) failed: port is already allocated", _port_taken),
    _rule(r"listen (?:tcp|udp)\d? (?P<host>\S+?):(?P<port>\d+): bind: address already in use", _port_taken),
    _rule(r"bind host port (?:for )?(?P<host>\S+?):(?P<port>\d+).*address already in use", _port_taken),
    _rule(r"container name \"/?(?P<name>[^\"]+)\" is already in use by container \"?(?P<id>[0-9a-f]+)", _name_taken),
    _rule(r"no such container: (?P<name>\S+)", lambda told: no_object("container", told.match["name"], told.client)),
    _rule(r"network (?P<name>\S+) not found", lambda told: no_object("network", told.match["name"], told.client)),
    _rule(
        r"(?:get|remove) (?P<name>[^:\s]+): no such volume",
        lambda told: no_object("volume", told.match["name"], told.client),
    ),
    _rule(r"no such image: (?P<name>[^\s\"]+)", lambda told: no_image(told.match["name"], told.client)),
    _rule(r"manifest for (?P<name>\S+) not found", lambda told: no_image(told.match["name"], told.client)),
    _rule(
        r"pull access denied for (?P<name>\S+?), repository does not exist or may require",
        lambda told: no_image(told.match["name"], told.client),
    ),
    _rule(r"toomanyrequests|too many requests", _too_many),
    _rule(r"unauthorized|denied: requested access|authentication required|no basic auth credentials", _denied),
    _rule(
        r"no matching manifest for (?P<platform>\S+)",
        _simple(FailureKind.WRONG_INPUT, "the image is not made for {platform}", "choose another image or `platform`"),
    ),
    _rule(
        r"dial tcp|no such host|i/o timeout|connection refused|TLS handshake timeout|Client\.Timeout|"
        r"server misbehaving",
        _registry_away,
    ),
    _rule(
        r"the --(?P<option>\w+) option requires BuildKit",
        _simple(
            FailureKind.WRONG_INPUT,
            "the Dockerfile uses --{option}, which the engine's own builder does not know",
            "build it through bash.run with `docker buildx build`, or write the Dockerfile without it",
        ),
    ),
    _rule(
        r"container (?P<name>\S+) (?:is unhealthy|exited \(\d+\))",
        _simple(FailureKind.UNKNOWN, "{text}", "the last lines of {name} are in the log (`reign logs`)"),
    ),
    _rule(
        r"invalid mount path|mount path must be absolute",
        _simple(FailureKind.WRONG_INPUT, "{text}", "the place inside of the container begins with /"),
    ),
    _rule(
        r"pool overlaps with other one",
        _simple(
            FailureKind.CONFLICT,
            "its subnet overlaps with that of another network",
            "choose another `subnet`, or none; `docker network inspect` shows what each has",
        ),
    ),
    _rule(r"parse error (?:on )?line (?P<line>\d+): unknown instruction: (?P<word>\S+)", _instruction),
    _rule(
        r"failed to reach build target (?P<target>\S+)|target stage \"?(?P<stage>[^\s\"]+)\"? could not be found",
        _simple(FailureKind.WRONG_INPUT, "{text}", "`target` is a stage of the Dockerfile: FROM image AS target"),
    ),
    _rule(
        r"(?:COPY|ADD) failed: .*(?:not found in build context|no source files)",
        _simple(
            FailureKind.WRONG_INPUT,
            "{text}",
            "its path starts in the build context, and what .dockerignore names is not there",
        ),
    ),
    _rule(
        r"unable to find user (?P<user>\S+):",
        _simple(FailureKind.WRONG_INPUT, "the image has no user {user!r}", "give a number, or a user of the image"),
    ),
    _rule(
        r"user specified IP address is supported only when",
        _simple(
            FailureKind.WRONG_INPUT,
            "a fixed address needs a network with a `subnet` of its own",
            "give `subnet` to docker.create_network, or leave the address out",
        ),
    ),
    _rule(
        r"Invalid address (?P<address>[\d.:a-f]+): It does not belong to any",
        _simple(
            FailureKind.WRONG_INPUT,
            "the address {address} is in no subnet of the network",
            "`docker network inspect` shows its subnet",
        ),
    ),
    _rule(
        r"custom device \"(?P<device>[^\"]+)\": no such file",
        _simple(FailureKind.WRONG_INPUT, "the engine's machine has no device {device}", "check `devices`"),
    ),
    _rule(
        r"working directory '(?P<folder>[^']*)' is invalid",
        _simple(FailureKind.WRONG_INPUT, "the working folder {folder!r} does not begin with /", "check `workdir`"),
    ),
    _rule(
        r"no such service: (?P<service>[^\s:]+)",
        _simple(FailureKind.WRONG_INPUT, "the file has no service {service!r}", "see its `services:`"),
    ),
    _rule(
        r"network (?P<name>\S+) declared as external, but could not be found",
        _simple(
            FailureKind.MISSING_PREREQUISITE,
            "there is no network {name!r}, which the file expects to be there",
            "create it first (docker.create_network), or leave `external: true` out",
        ),
    ),
    _rule(
        r"external volume \"(?P<name>[^\"]+)\" not found",
        _simple(
            FailureKind.MISSING_PREREQUISITE,
            "there is no volume {name!r}, which the file expects to be there",
            "create it first (docker.create_volume), or leave `external: true` out",
        ),
    ),
    _rule(
        r"invalid mount config|bind source path does not exist: (?P<path>\S+)",
        _simple(FailureKind.WRONG_INPUT, "{text}", "the folder or file must exist on the engine's machine"),
    ),
    _rule(
        r"exec: \\?\"(?P<program>[^\"\\]+)\\?\": (?:executable file not found|stat|permission denied)",
        _simple(
            FailureKind.WRONG_INPUT, "there is no program {program!r} to run in it", "check `command` and `entrypoint`"
        ),
    ),
)
