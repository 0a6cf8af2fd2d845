"""What people write for a container (env, volumes, networks, resources, health), read into one shape.

Its ports are in :mod:`workers.docker.ports`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from reign.core.duration import Duration
from reign.core.errors import did_you_mean

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def text_values(value: Any) -> Any:
    """``{A: 1}``, ``["A=1"]``, ``[{A: 1}]`` or ``[{name: A, value: 1}]`` as ``{"A": "1"}``.

    True and false are written in lower case, nothing as an empty text.
    """
    if isinstance(value, list | tuple):
        return {name: _text(text) for item in value for name, text in _pairs(item)}
    if isinstance(value, Mapping):
        return {str(name): _text(item) for name, item in value.items()}
    if isinstance(value, str):
        raise ValueError('write {NAME: "value"} or ["NAME=value"]')
    return value


def _pairs(item: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(item, Mapping):
        name, _, text = str(item).partition("=")
        yield name, text
    elif set(item) == {"name", "value"}:
        yield str(item["name"]), item["value"]
    else:
        yield from ((str(name), value) for name, value in item.items())


def _text(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _variables(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not name or "=" in name or "\0" in name + text:
            raise ValueError(f"{name[:60]!r} cannot be a variable: a name is not empty and has no '=', a value no NUL")
    return value


def words(value: Any) -> Any:
    """A command as a list; a text is split as a shell would, and no shell runs it."""
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError:
            raise ValueError(f"a quotation mark is not closed in {value[:60]!r}") from None
    if isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, list | tuple | Mapping):
                raise ValueError("a command is a list of words, not of lists")
        return [str(item) for item in value]
    return value


def one_or_many(value: Any) -> Any:
    """``a`` as ``["a"]``, and ``{a: b}`` as ``["a:b"]``."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [f"{name}:{text}" if text else str(name) for name, text in value.items()]
    return value


def hosts(value: Any) -> Any:
    """``["name:address"]`` as docker writes it, or with ``=``, as ``{name: address}``."""
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        value = [re.sub("[=:]", "=", item, count=1) for item in value]
    return text_values(value)


def number_or_text(value: Any) -> Any:
    """A user's number is as good as its name."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def size(value: Any) -> Any:
    """Bytes of ``512m``, ``1.5 GiB`` or a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a size is a number of bytes or a text such as '512m' or '1g'")
    found = _SIZE.fullmatch(str(value).strip())
    if not found:
        raise ValueError(f"{value!r} is not a size; write '512m' or '1g'")
    return int(float(found[1]) * _UNITS[found[2].lower()])


Size = Annotated[int, BeforeValidator(size), Field(ge=0)]
Texts = Annotated[dict[str, str], BeforeValidator(text_values)]
#: Of a container or a command in it.
Variables = Annotated[Texts, AfterValidator(_variables)]
Words = Annotated[list[str], BeforeValidator(words)]
Many = Annotated[list[str], BeforeValidator(one_or_many)]
Hosts = Annotated[dict[str, str], BeforeValidator(hosts)]
User = Annotated[str, BeforeValidator(number_or_text)]


# --- volumes


@dataclass(frozen=True)
class Mount:
    """Something of the host (``is_path``) or a named volume inside of a container."""

    source: str
    target: str
    options: tuple[str, ...] = ()

    @property
    def is_path(self) -> bool:
        return self.source.startswith((".", "/", "~"))

    @property
    def read_only(self) -> bool:
        return "ro" in self.options


_VOLUME_FORMS = 'volumes are {"./data": "/data"} (source: target) or ["data:/data:ro"]'
_LONG = ("type", "source", "target", "read_only")
_OPTIONS = frozenset({"ro", "z", "Z", "nocopy", "cached", "delegated", "consistent"}) | {
    *("shared", "slave", "private", "rshared", "rslave", "rprivate"),
}
#: As the engine names volumes of its own driver.
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def mounts(value: Any) -> list[Mount]:
    """Mounts out of ``{"./data": "/data:ro"}``, ``["data:/data"]``, the SDK's ``{"data": {"bind": "/data", "mode":
    "ro"}}`` or a compose file's ``[{"type": "bind", "source": "./data", "target": "/data"}]``. Raises ValueError."""
    if isinstance(value, Mapping):
        found = [_pair(str(source), target) for source, target in value.items()]
    elif isinstance(value, list | tuple):
        found = [_long(item) if isinstance(item, Mapping) else _mount(str(item)) for item in value]
    elif isinstance(value, str):
        found = [_mount(value)]
    else:
        raise ValueError(_VOLUME_FORMS)
    places: dict[str, str] = {}
    for mount in found:
        place = str(PurePosixPath(mount.target))
        if places.setdefault(place, mount.source) != mount.source:
            raise ValueError(f"two volumes cannot both be at {place}: {places[place]} and {mount.source}")
    return found


def _pair(source: str, target: Any) -> Mount:
    if not isinstance(target, Mapping):
        if ":" in source:
            raise ValueError(f"{source!r}: a path with a colon cannot be mounted; rename it")
        return _mount(f"{source}:{'' if target is None else target}")
    for key in target:
        if key not in ("bind", "mode"):
            raise ValueError(f"a volume has no {key!r}; {did_you_mean(str(key), ('bind', 'mode'))}")
    return _mount(f"{source}:{target.get('bind') or ''}:{target.get('mode') or ''}")


def _long(item: Mapping[str, Any]) -> Mount:
    for key in item:
        if key not in _LONG:
            raise ValueError(f"a volume has no {key!r} here; {did_you_mean(str(key), _LONG)}")
    source, kind = str(item.get("source") or ""), item.get("type")
    if kind not in (None, "bind", "volume"):
        raise ValueError(f"a volume is of type bind or volume, not {kind!r}; `tmpfs` is an input of its own")
    if kind == "bind" and source and not source.startswith((".", "/", "~")):
        source = f"./{source}"
    if kind == "volume" and source.startswith((".", "/", "~")):
        raise ValueError(f"{source!r} is a path; a volume of type volume has a name")
    return _mount(f"{source}:{item.get('target') or ''}" + (":ro" if item.get("read_only") is True else ""))


def _mount(text: str) -> Mount:
    source, _, rest = text.partition(":")
    target, _, options = rest.partition(":")
    if not source or not PurePosixPath(target).is_absolute():
        raise ValueError(f"{text!r} is not a volume; write name:/target, ./folder:/target or ./folder:/target:ro")
    if target.strip("/") == "":
        raise ValueError(f"{text!r}: a volume cannot take the place of / in the container")
    chosen = tuple(option for option in options.split(",") if option and option != "rw")
    for option in chosen:
        if option not in _OPTIONS:
            raise ValueError(f"{text!r}: there is no volume option {option!r}; ro makes it read-only")
    mount = Mount(source, target, chosen)
    if not mount.is_path and "${{" not in source and not _VOLUME.fullmatch(source):
        raise ValueError(f"{source!r} cannot be a volume's name; a folder begins with ./ or /")
    return mount


def _checked_mounts(value: Any) -> Any:
    """As they are where each is one text, else as such texts."""
    found = mounts(value)
    texts = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list | tuple) and all(isinstance(text, str) for text in texts):
        return value
    return [":".join(filter(None, (mount.source, mount.target, ",".join(mount.options)))) for mount in found]


Volumes = Annotated[dict[str, str] | list[str], BeforeValidator(_checked_mounts)]


# --- the rest


class Endpoint(BaseModel):
    """How a container stands in one network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aliases: list[str] = Field(default_factory=list, description="further names inside of the network")
    ipv4: str | None = Field(default=None, description="a fixed address")
    ipv6: str | None = None


def endpoints(value: Any) -> Any:
    """``backend``, ``["backend"]`` or ``{"backend": ["db"]}`` as ``{"backend": Endpoint}``."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        named: dict[Any, Any] = {}
        for item in value:
            named |= dict(item) if isinstance(item, Mapping) else {item: None}
        value = named
    if isinstance(value, Mapping):
        return {_NETWORKS.get(str(name), str(name)): _endpoint(item) for name, item in value.items()}
    return value


#: Where a container is that says nothing of networks.
_NETWORKS = {"default": "bridge"}


def _endpoint(item: Any) -> Any:
    if isinstance(item, str):
        item = [item]
    return {"aliases": item} if isinstance(item, list | tuple) else item or {}


Networks = Annotated[dict[str, Endpoint], BeforeValidator(endpoints)]


def _cpus(value: Any) -> Any:
    """Also ``500m`` as manifests write half a CPU."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+)m", value.strip())):
        return int(found[1]) / 1000
    return value


def _swap(value: Any) -> Any:
    """-1 is no limit."""
    return -1 if str(value).strip() == "-1" else size(value)


class Resources(BaseModel):
    """Limits of a container."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpus: Annotated[float, BeforeValidator(_cpus)] | None = Field(default=None, ge=0.01, description="e.g. 0.5")
    memory: Size | None = Field(default=None, description="e.g. 256m; the container is ended when it needs more")
    memory_swap: Annotated[int, BeforeValidator(_swap)] | None = Field(
        default=None, ge=-1, description="memory and swap together; -1: no limit"
    )
    pids: int | None = Field(default=None, gt=0, description="processes at the same time")
    shm_size: Size | None = Field(default=None, description="size of /dev/shm")


class Health(BaseModel):
    """How the engine finds out whether a container is healthy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: list[str] | str = Field(
        description="run inside; exit code 0 is healthy. A text is run by the image's shell"
    )
    interval: Duration = Field(default=5.0, description="between two checks")
    timeout: Duration = Field(default=5.0, description="a check that takes longer has failed")
    retries: int = Field(default=3, ge=1, description="failures in a row that make it unhealthy")
    start_period: Duration = Field(default=0.0, description="failures in this time after the start do not count")

    def as_config(self) -> dict[str, Any]:
        """The engine's form; durations in nanoseconds."""
        test = ["CMD-SHELL", self.command] if isinstance(self.command, str) else ["CMD", *self.command]
        return {
            "Test": test,
            "Interval": _nanoseconds(self.interval),
            "Timeout": _nanoseconds(self.timeout),
            "Retries": self.retries,
            "StartPeriod": _nanoseconds(self.start_period),
        }


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)


def _health(value: Any) -> Any:
    """Also a compose file's ``{test: [CMD, ...]}``, its ``disable`` and false."""
    if isinstance(value, Mapping):
        if value.get("disable") is True:
            return "none"
        if "test" in value and "command" not in value:
            value = {("command" if key == "test" else key): item for key, item in value.items()}
        command = _check(value.get("command"))
        return "none" if command == "none" else {**value, "command": command} if "command" in value else value
    if value is False:
        return "none"
    command = _check(value)
    return {"command": command} if isinstance(command, str | list) and command != "none" else command


def _check(command: Any) -> Any:
    """A check's command without the words that say how it is run: CMD, CMD-SHELL, NONE."""
    if not isinstance(command, list) or not command or command[0] not in ("CMD", "CMD-SHELL", "NONE"):
        return command
    if command[0] == "NONE":
        return "none"
    return command[1:] if command[0] == "CMD" else " ".join(map(str, command[1:]))


HealthCheck = Annotated[
    # The tags stand in parentheses so that no error names them as places.
    Annotated[Health, Tag("(check)")] | Annotated[Literal["none"], Tag("(none)")],
    Discriminator(lambda value: "(none)" if value == "none" else "(check)"),
    BeforeValidator(_health),
]

_RESTART = re.compile(r"(no|always|unless-stopped|on-failure)(?::(\d+))?")


def restart_policy(text: str) -> dict[str, Any]:
    """The engine's form of ``no``, ``always``, ``unless-stopped``, ``on-failure`` or ``on-failure:3``."""
    found = _RESTART.fullmatch(text)
    if not found or (found[2] and found[1] != "on-failure"):
        raise ValueError(f"{text!r} is not a restart policy; write no, always, unless-stopped or on-failure[:times]")
    return {"Name": found[1], "MaximumRetryCount": int(found[2] or 0)}


def _restart(value: Any) -> Any:
    if value is False:  # a bare `no` of YAML 1.1
        return "no"
    if not isinstance(value, str):
        raise ValueError("a restart policy is no, always, unless-stopped or on-failure[:times]")
    restart_policy(value)
    return value


RestartPolicy = Annotated[str, BeforeValidator(_restart)]
