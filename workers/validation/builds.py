"""What a Compose file builds images from: folders and Dockerfiles."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reign.executor import FailureKind, TaskFailed
from workers.validation.reading import read_regular
from workers.validation.subject import MAX_TEXT

_VARIABLE = re.compile(r"\$(?:\$|(?P<plain>\w+)|\{(?P<name>\w+)(?P<how>:?[-+?])?(?P<other>[^}]*)\})")


_DEEPEST = 20  # files that include each other; more go round in a circle
#: Where Compose looks in a folder, in this order.
_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


@dataclass(frozen=True)
class Build:
    """How a service's image is built: out of ``folders`` (its context and further ones), by a file or by a text."""

    service: str
    folders: tuple[Path, ...]
    dockerfile: Path | None
    inline: str | None = None


def builds(given: Path) -> list[Build]:
    """What a Compose file, or the one in a folder, builds from folders of this machine; [] if nothing.

    Files that it includes or extends count; variables are those of the environment and of ``.env`` beside the file.
    Raises TaskFailed (wrong_input) if one is no Compose file, or a folder that it names is not there.
    """
    main = next((given / name for name in _NAMES if (given / name).is_file()), given) if given.is_dir() else given
    variables = _variables(main.parent / ".env")
    found = []
    for service, build, file in _builds(main, variables):
        context, *others = (_folder(text, service, file, variables) for text in (_context(build), *_further(build)))
        own = build.get("dockerfile_inline") if isinstance(build, Mapping) else None
        named = _filled(str(build.get("dockerfile") or ""), variables) if isinstance(build, Mapping) else ""
        dockerfile = None if context is None or own is not None else context / (named or "Dockerfile")
        there = tuple(folder for folder in (context, *others) if folder is not None)
        if there or own is not None:
            found.append(Build(service, there, dockerfile, None if own is None else str(own)))
    return found


def _folder(text: str, service: str, file: Path, variables: Mapping[str, str]) -> Path | None:
    """A build's context on this machine; None for a repository, which the engine fetches itself."""
    filled = _filled(text, variables)
    if "://" in filled or filled.startswith("git@"):
        return None
    folder = (file.parent / Path(filled).expanduser()).resolve()
    if not folder.is_dir():
        raise TaskFailed(
            f"{file.name}: service {service} is built from {filled}, and there is no such folder",
            kind=FailureKind.WRONG_INPUT,
            hint="its `build` is a folder, relative to the file",
        )
    return folder


def _builds(file: Path, variables: Mapping[str, str], depth: int = 0) -> Iterator[tuple[str, Any, Path]]:
    """``(service, build, file)`` of a file and of those that it includes."""
    read = _read(file)
    services, included = read.get("services"), read.get("include")
    if not isinstance(services, Mapping) and not isinstance(included, list):
        raise TaskFailed(
            f"{file.name} is not a Compose file: it has no `services`",
            kind=FailureKind.WRONG_INPUT,
            hint="`builds` is for Compose files; leave it out to check the file itself",
        )
    if depth == _DEEPEST:
        raise TaskFailed(f"{file.name} is included more than {_DEEPEST} files deep", kind=FailureKind.WRONG_INPUT)
    for item in included if isinstance(included, list) else ():
        paths = item.get("path") if isinstance(item, Mapping) else item
        for path in paths if isinstance(paths, list) else [paths]:
            if "://" not in str(path):  # a file of a repository or registry, which Compose fetches itself
                yield from _builds(file.parent / _filled(str(path), variables), variables, depth + 1)
    for name, service in services.items() if isinstance(services, Mapping) else ():
        if isinstance(service, Mapping) and service.get("build") is not None:
            yield str(name), service["build"], file
        elif isinstance(service, Mapping) and isinstance(extends := service.get("extends"), Mapping):
            yield from _extended(str(name), extends, file, variables, depth)


def _extended(
    name: str, extends: Mapping[str, Any], file: Path, variables: Mapping[str, str], depth: int
) -> Iterator[tuple[str, Any, Path]]:
    """The build that a service has from another file's service; one of the same file is told by itself."""
    if extends.get("file"):
        other = file.parent / _filled(str(extends["file"]), variables)
        for service, build, where in _builds(other, variables, depth + 1):
            if service == extends.get("service"):
                yield name, build, where


class _Loader(yaml.SafeLoader):
    """Takes Compose's own tags (``!reset``, ``!override``) for what stands behind them."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: {
        yaml.MappingNode: lambda: loader.construct_mapping(node, deep=True),
        yaml.SequenceNode: lambda: loader.construct_sequence(node, deep=True),
        yaml.ScalarNode: lambda: loader.construct_scalar(node),
    }[type(node)](),
)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        read = yaml.load(read_regular(file, MAX_TEXT), _Loader)  # noqa: S506 - a safe loader with two more tags
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "problem", None) or "it is not YAML"
        raise TaskFailed(f"{file.name} cannot be read: {reason}", kind=FailureKind.WRONG_INPUT) from None
    return read if isinstance(read, Mapping) else {}


def _context(build: Any) -> str:
    return str(build.get("context") or ".") if isinstance(build, Mapping) else str(build)


def _further(build: Any) -> Iterator[str]:
    """``additional_contexts`` that are folders: a mapping, or a list of ``name=folder``."""
    given = (build.get("additional_contexts") if isinstance(build, Mapping) else None) or {}
    texts = given.values() if isinstance(given, Mapping) else [str(item).partition("=")[2] for item in given]
    yield from (str(text) for text in texts if not str(text).startswith(("docker-image:", "service:", "oci-layout:")))


def _variables(file: Path) -> dict[str, str]:
    """Of the environment, then of an ``.env`` file beside the Compose file."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs} | dict(os.environ)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, how = match["plain"] or match["name"], match["how"] or ""
        if name is None:
            return "$"
        known = variables.get(name)
        has = known is not None and (known != "" or not how.startswith(":"))
        if how.endswith("+"):
            return match["other"] if has else ""
        return (known or "") if has else match["other"] if how.endswith("-") else ""

    return _VARIABLE.sub(value, text)


def way(place: Path, given: Path) -> str:
    """What stands before the names of files in ``place``: how it is reached from the Compose file's folder."""
    found = Path(os.path.relpath(place, given if given.is_dir() else given.parent)).as_posix()
    return "" if found == "." else found + "/"
