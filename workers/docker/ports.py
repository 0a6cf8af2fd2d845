"""Published ports: what people write for them, in the words of docker, of its SDK and of compose files, read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from reign.core.errors import did_you_mean

#: Where a port is published if nothing else is said: reachable from the engine's machine only.
LOOPBACK = "127.0.0.1"
_RANGE = r"\d+(?:-\d+)?"
_PORT = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:.]+\]|\d{1,3}(?:\.\d{1,3}){3}|localhost):)?"
    rf"(?:(?P<host>(?:{_RANGE})?):)?(?P<inside>{_RANGE})(?:/(?P<protocol>tcp|udp|sctp))?",
    re.IGNORECASE,
)
_FORMS = 'ports are {"8088": 80} (host: container) or ["8088:80"]'
_LONG = ("target", "published", "host_ip", "protocol")
#: Of compose files; they change nothing on one engine.
_LONG_PASSED_OVER = ("mode", "name", "app_protocol")


@dataclass(frozen=True)
class Port:
    """A published port; ``host`` 0 lets the engine choose, out of all or up to ``last``."""

    inside: int
    host: int
    protocol: str = "tcp"
    address: str = LOOPBACK
    last: int = 0

    @property
    def key(self) -> str:
        return f"{self.inside}/{self.protocol}"

    @property
    def on_host(self) -> str:
        """As the engine is told: ``8088``, ``8000-8010`` to choose from, or nothing."""
        return f"{self.host}-{self.last}" if self.last else str(self.host or "")

    def text(self, host: int | None = None) -> str:
        """In one text that is read as this very port; ``host`` instead of its own."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.on_host if host is None else host or ''}:{self.key}"


def published(value: Any) -> list[Port]:
    """Ports out of ``{"8088": 80}``, ``{"0.0.0.0:8088": "53/udp"}``, ``["8088:80", "80"]``, ``8080`` (the engine
    chooses the host's), ``["8000-8002:80-82"]``, the SDK's ``{"80/tcp": 8088}`` and a compose file's ``[{"target":
    80, "published": 8088}]``. Raises ValueError."""
    if isinstance(value, Mapping):
        texts = [text for host, inside in value.items() for text in _pair(host, inside)]
    elif isinstance(value, list | tuple):
        texts = [_long(item) if isinstance(item, Mapping) else str(item) for item in value]
    elif isinstance(value, str | int) and not isinstance(value, bool):
        texts = [str(value)]
    else:
        raise ValueError(_FORMS)
    return list(dict.fromkeys(port for text in texts for port in _ports(text)))


def _pair(host: Any, inside: Any) -> Iterator[str]:
    """One pair of a mapping: host first as docker writes it, or as its SDK does, where the key has a protocol."""
    if "/" in str(host) and "/" not in str(inside):
        given = inside if isinstance(inside, list | tuple) else [inside]
        if len(given) == 2 and isinstance(given[0], str) and not given[0].isdigit():
            given = [":".join(map(str, given))]
        for one in given:
            yield f"{host}" if one in (None, "") else f"{one}:{host}"
    elif inside is None:  # {80: null}: the engine chooses the host's
        yield str(host)
    else:
        yield f"{'' if host in (None, 'null') else str(host).partition('/')[0]}:{inside}"


def _long(item: Mapping[str, Any]) -> str:
    known = (*_LONG, *_LONG_PASSED_OVER)
    for key in item:
        if key not in known:
            raise ValueError(f"a port has no {key!r}; {did_you_mean(str(key), _LONG)}")
    if item.get("target") is None:
        raise ValueError("a port needs its `target`, the container's port")
    address = str(item.get("host_ip") or "")
    parts = [f"[{address}]" if ":" in address else address] if address else []
    return ":".join([*parts, str(item.get("published") or ""), f"{item['target']}/{item.get('protocol') or 'tcp'}"])


def _ports(text: str) -> Iterator[Port]:
    found = _PORT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a port; write 8088:80, 127.0.0.1:8088:80, 53:53/udp or 8000-8002:80-82")
    (first, last), (low, high) = _range(found["inside"], text), _range(found["host"] or "0", text)
    if first < 1:
        raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
    address = (found["address"] or LOOPBACK).strip("[]").lower().replace("localhost", LOOPBACK)
    protocol = (found["protocol"] or "tcp").lower()
    if first == last:
        yield Port(first, low, protocol, address, high if high > low else 0)
        return
    if low and high - low != last - first:
        raise ValueError(f"{text!r} is not a port for a port: both ranges need the same length")
    for i, inside in enumerate(range(first, last + 1)):
        yield Port(inside, low + i if low else 0, protocol, address)


def _range(text: str, whole: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    if high > 65535 or high < low:
        raise ValueError(f"{whole!r}: a port is a number from 1 to 65535")
    return low, high


def _plain(value: Any) -> bool:
    """Whether it is written as host: container, one for one; it stays as it is then."""
    if isinstance(value, Mapping):
        return all("/" not in str(host) and host and isinstance(inside, int | str) for host, inside in value.items())
    return isinstance(value, list | tuple) and all(isinstance(item, int | str) for item in value)


def _checked(value: Any) -> Any:
    found = published(value)
    if not _plain(value) or len(found) != len(value):
        return [port.text() for port in found]
    return {str(host): inside for host, inside in value.items()} if isinstance(value, Mapping) else value


Ports = Annotated[dict[str, int | str] | list[str | int], BeforeValidator(_checked)]
