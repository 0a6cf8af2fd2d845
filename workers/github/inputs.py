"""What the inputs of the operations have in common: which repository, and how its parts are addressed."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from reign.core.catalog import OperationInputs

_ADDRESS = re.compile(
    r"^(?:https?://[^/]+/|ssh://git@[^/]+/|git@[^:/]+:)(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?$", re.ASCII
)


def repository_name(value: Any) -> Any:
    """``owner/name`` out of what people paste: a page's address or a clone address."""
    if isinstance(value, str) and (match := _ADDRESS.match(value.strip())):
        return match.group("name")
    return value.strip() if isinstance(value, str) else value


RepoName = Annotated[
    str,
    BeforeValidator(repository_name),
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$"),
    Field(description="owner/name, or the repository's address"),
]


def _branch(value: Any) -> Any:
    return value.removeprefix("refs/heads/") if isinstance(value, str) else value


#: What git refuses in names of branches (git-check-ref-format), as far as one pattern can tell.
Ref = Annotated[
    str,
    BeforeValidator(_branch),
    StringConstraints(pattern=r"^(?:[^/.\x00-\x20~^:?*\[\\][^\x00-\x20~^:?*\[\\]*)$", max_length=250),
]


def _path(value: str) -> str:
    path = value.removeprefix("./")
    if any(name in ("", ".", "..", ".git") for name in path.split("/")):
        raise ValueError(f"{value!r} is not the path of a file in a repository")
    return path


#: A file in a repository: relative to its top, and without ``.``, ``..`` or ``.git`` on the way.
FilePath = Annotated[str, AfterValidator(_path)]


class RepoInputs(OperationInputs):
    repo: RepoName


def part(name: str | int) -> str:
    """A name as a part of a path of the API; slashes of branches stay."""
    return quote(str(name), safe="/")


def address(kind: str, repo: str, name: str | int = "") -> str:
    """``github:KIND/owner/name/NAME``; GitHub does not distinguish case in the names of repositories."""
    return f"github:{kind}/{repo.lower()}" + (f"/{name}" if name != "" else "")


def repository_of(address: str) -> str | None:
    """The address of the repository that a resource of GitHub lies in; None for a repository."""
    kind, _, path = address.removeprefix("github:").partition("/")
    if kind == "repository":
        return None
    return "github:repository/" + "/".join(path.split("/")[:2])
