"""What people write for a container (ports, env, volumes, networks, resources, health), read into one shape."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from reign.core.duration import Duration

#: Where a port is published if nothing else is said: reachable from the engine's machine only.
LOOPBACK = "127.0.0.1"
_PORT = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:]+\]|\d{1,3}(?:\.\d{1,3}){3}):)?(?:(?P<host>\d*):)?(?P<inside>\d+)(?:/(?P<protocol>tcp|udp|sctp))?"
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def text_values(value: Any) -> Any:
    """``{A: 1}`` or ``["A=1"]`` as ``{"A": "1"}``; true and false in lower case, nothing as an empty text."""
    if isinstance(value, list | tuple):
        pairs = [str(item).partition("=") for item in value]
        return {name: text for name, _, text in pairs}
    if isinstance(value, Mapping):
        return {str(name): _text(item) for name, item in value.items()}
    return value


def _text(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def words(value: Any) -> Any:
    """A command as a list; a text is split as a shell would, and no shell runs it."""
    if isinstance(value, str):
        return shlex.split(value)
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return value


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
Words = Annotated[list[str], BeforeValidator(words)]


# --- ports


@dataclass(frozen=True)
class Port:
    """A published port; ``host`` 0 lets the engine choose."""

    inside: int
    host: int
    protocol: str = "tcp"
    address: str = LOOPBACK

    @property
    def key(self) -> str:
        return f"{self.inside}/{self.protocol}"


def published(value: Any) -> list[Port]:
    """Ports out of ``{"8088": 80}``, ``{"0.0.0.0:8088": "53/udp"}`` or ``["8088:80", "80"]``. Raises ValueError."""
    if isinstance(value, Mapping):
        texts = [f"{host}:{inside}" for host, inside in value.items()]
    elif isinstance(value, list | tuple):
        texts = [str(item) for item in value]
    else:
        raise ValueError('ports are {"8088": 80} (host: container) or ["8088:80"]')
    return [_port(text) for text in texts]


def _port(text: str) -> Port:
    found = _PORT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a port; write 8088:80, 127.0.0.1:8088:80 or 53:53/udp")
    inside, host = int(found["inside"]), int(found["host"] or 0)
    if not 1 <= inside <= 65535 or host > 65535:
        raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
    return Port(inside, host, found["protocol"] or "tcp", (found["address"] or LOOPBACK).strip("[]"))


def _checked_ports(value: Any) -> Any:
    published(value)
    return value


Ports = Annotated[dict[str, int | str] | list[str | int], BeforeValidator(_checked_ports)]


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


def mounts(value: Any) -> list[Mount]:
    """Mounts out of ``{"./data": "/data:ro"}`` or ``["data:/data"]``. Raises ValueError."""
    if isinstance(value, Mapping):
        texts = [f"{source}:{target}" for source, target in value.items()]
    elif isinstance(value, list | tuple):
        texts = [str(item) for item in value]
    else:
        raise ValueError('volumes are {"./data": "/data"} (source: target) or ["data:/data:ro"]')
    return [_mount(text) for text in texts]


def _mount(text: str) -> Mount:
    source, _, rest = text.partition(":")
    target, _, options = rest.partition(":")
    if not source or not PurePosixPath(target).is_absolute():
        raise ValueError(f"{text!r} is not a volume; write name:/target, ./folder:/target or ./folder:/target:ro")
    chosen = tuple(option for option in options.split(",") if option and option != "rw")
    known = {
        "ro",
        "z",
        "Z",
        "nocopy",
        "shared",
        "slave",
        "private",
        "rshared",
        "rslave",
        "rprivate",
        "cached",
        "delegated",
    }
    for option in chosen:
        if option not in known:
            raise ValueError(f"{text!r}: there is no volume option {option!r}; ro makes it read-only")
    return Mount(source, target, chosen)


def _checked_mounts(value: Any) -> Any:
    mounts(value)
    return value


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
        return {str(name): {} for name in value}
    if isinstance(value, Mapping):
        return {
            name: {"aliases": item} if isinstance(item, list | tuple) else item or {} for name, item in value.items()
        }
    return value


Networks = Annotated[dict[str, Endpoint], BeforeValidator(endpoints)]


class Resources(BaseModel):
    """Limits of a container."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpus: float | None = Field(default=None, gt=0, description="e.g. 0.5")
    memory: Size | None = Field(default=None, description="e.g. 256m; the container is ended when it needs more")
    memory_swap: Size | None = Field(default=None, description="memory and swap together")
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
    return {"command": value} if isinstance(value, str | list) and value != "none" else value


HealthCheck = Annotated[Health | Literal["none"], BeforeValidator(_health)]

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
    if isinstance(value, str):
        restart_policy(value)
    return value


RestartPolicy = Annotated[str, BeforeValidator(_restart)]
