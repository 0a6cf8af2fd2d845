"""The pieces of a compose service in the words of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reign.core.duration import seconds
from reign.executor import FailureKind, TaskFailed

_SECRET_LIKE = re.compile(r"password|passwd|secret|token|api_?key|private_?key|credential", re.IGNORECASE)


_URL_LOGIN = re.compile(r"://[^/\s:@]+:[^/\s@]+@")
_TIMES = (("interval", "periodSeconds"), ("timeout", "timeoutSeconds"), ("start_period", "initialDelaySeconds"))


def dns_name(text: str) -> str:
    """A name as Kubernetes wants it: lower case letters, digits and dashes, at most 63."""
    return re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")[:63] or "app"


def read_env(path: Path) -> dict[str, str]:
    """``NAME=value`` lines. Raises TaskFailed for a file that cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskFailed(f"{path} cannot be read: {error}", kind=FailureKind.WRONG_INPUT) from None
    found = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found


def environment(folder: Path, body: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The variables of a service, env_file included: those to be seen, and those whose names sound secret."""
    files = body.get("env_file") or []
    found: dict[str, str] = {}
    for entry in [files] if isinstance(files, str | dict) else files:
        name = entry["path"] if isinstance(entry, Mapping) else entry
        required = not isinstance(entry, Mapping) or entry.get("required", True)
        if required or (folder / name).is_file():
            found |= read_env(folder / name)
    given = body.get("environment") or {}
    if isinstance(given, list):
        given = {name: value for name, _, value in (str(item).partition("=") for item in given)}
    found |= {str(name): _plain(value) for name, value in given.items()}
    secret = {name: v for name, v in found.items() if v and (_SECRET_LIKE.search(name) or _URL_LOGIN.search(v))}
    return {name: value for name, value in found.items() if name not in secret}, secret


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def ports(body: Mapping[str, Any], note: Callable[[str], None]) -> list[tuple[int, int, str]]:
    """``(service port, container port, TCP or UDP)`` of all that is published or exposed."""
    found: list[tuple[int, int, str]] = []
    for entry in body.get("ports") or ():
        if isinstance(entry, Mapping):
            target = int(entry["target"])
            published = str(entry.get("published") or target)
            found.append((_port(published, note), target, str(entry.get("protocol", "tcp")).upper()))
            continue
        text, _, protocol = str(entry).partition("/")
        outside, _, inside = text.rpartition(":")
        address, _, outside = outside.rpartition(":")
        if address:
            note(f"port {entry}: the address {address} is left out; a service has its own")
        target = _port(inside, note)
        found.append((_port(outside, note) if outside else target, target, (protocol or "tcp").upper()))
    for entry in body.get("expose") or ():
        text, _, protocol = str(entry).partition("/")
        port = _port(text, note)
        if all(target != port for _, target, _ in found):
            found.append((port, port, (protocol or "tcp").upper()))
    return list(dict.fromkeys(found))


def _port(text: str, note: Callable[[str], None]) -> int:
    first, dash, _ = text.partition("-")
    if dash:
        note(f"port range {text}: only {first} is carried over")
    if not first.isdigit():
        raise TaskFailed(f"{text!r} is no port", kind=FailureKind.WRONG_INPUT)
    return int(first)


def replicas(body: Mapping[str, Any]) -> int:
    count = (body.get("deploy") or {}).get("replicas", body.get("scale", 1))
    return int(count)


def resources(body: Mapping[str, Any]) -> dict[str, Any]:
    """Limits and reservations of `deploy.resources`; ``512M`` becomes ``512Mi``, as Docker counts in powers of two."""
    given = (body.get("deploy") or {}).get("resources") or {}
    found: dict[str, Any] = {}
    for theirs, ours in (("limits", "limits"), ("reservations", "requests")):
        amounts = given.get(theirs) or {}
        amount = {"cpu": str(amounts["cpus"])} if amounts.get("cpus") else {}
        amount |= {"memory": _memory(str(amounts["memory"]))} if amounts.get("memory") else {}
        if amount:
            found[ours] = amount
    return found


def _memory(text: str) -> str:
    match = re.fullmatch(r"(\d+)\s*([kmgKMG]?)[iI]?[bB]?", text.strip())
    if not match:
        raise TaskFailed(f"{text!r} is no amount of memory", kind=FailureKind.WRONG_INPUT, hint="write e.g. 512M")
    unit = match[2].upper()
    return match[1] + (f"{unit}i" if unit else "")


def probe(check: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A health check as a readiness probe."""
    if not check or check.get("disable") or check.get("test") in (None, "NONE", ["NONE"]):
        return None
    test = check["test"]
    if isinstance(test, str):
        command = ["/bin/sh", "-c", test]
    elif test[0] == "CMD-SHELL":
        command = ["/bin/sh", "-c", *test[1:]]
    else:
        command = [str(part) for part in (test[1:] if test[0] == "CMD" else test)]
    found: dict[str, Any] = {"exec": {"command": command}}
    for theirs, ours in _TIMES:
        if check.get(theirs):
            found[ours] = max(1, round(seconds(check[theirs])))
    if check.get("retries"):
        found["failureThreshold"] = int(check["retries"])
    return found


def mount(entry: Any) -> tuple[str, str, bool]:
    """``(source, target, read only)``; the source is "" for an anonymous volume or a tmpfs."""
    if isinstance(entry, Mapping):
        source = "" if entry.get("type") == "tmpfs" else str(entry.get("source") or "")
        return source, str(entry["target"]), bool(entry.get("read_only"))
    pieces = str(entry).split(":")
    if len(pieces) == 1:
        return "", pieces[0], False
    return pieces[0], pieces[1], len(pieces) > 2 and "ro" in pieces[2].split(",")
