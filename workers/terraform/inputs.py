"""What the operations ask for in common: which configuration, which workspace, which variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, field_validator

from reign.core.catalog import OperationInputs
from reign.core.duration import Duration

#: Names that need no escaping in a URL: what terraform itself accepts.
_WORKSPACE = re.compile(r"[A-Za-z0-9_.~-]{1,90}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Where(OperationInputs):
    """A configuration, and how it is initialised; what ``terraform.init`` was given counts unless given again."""

    directory: str = Field(description="the folder of the root module", min_length=1)
    backend: dict[str, Any] | None = Field(None, description="settings of the backend block, as -backend-config")
    plugin_dir: str | None = Field(None, description="a folder of providers to use instead of the registry")
    mirror: str | None = Field(None, description="a provider mirror: a folder, or the URL of a network mirror")
    env: dict[str, str] = Field(
        default_factory=dict, description="environment of terraform, e.g. credentials as secret://env/NAME"
    )
    lock_timeout: Duration = Field(60.0, description="how long to wait for the state's lock")

    @field_validator("env", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else value

    @field_validator("mirror")
    @classmethod
    def _encrypted(cls, value: str | None) -> str | None:
        if value is not None and value.startswith("http://"):
            raise ValueError("terraform takes providers only from https:// mirrors or folders")
        return value


#: What ``terraform.init`` settles for the tasks that come after it.
SETTLED = ("backend", "plugin_dir", "mirror")


def foreseen(inputs: Mapping[str, Any], before: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The inputs with what a ``terraform.init`` of the same directory before it in the plan will have settled."""
    settled: dict[str, Any] = {}
    for uses, given in before:
        if uses == "terraform.init" and _place(given) == _place(inputs):
            settled |= {name: given[name] for name in SETTLED if given.get(name) is not None}
    return {**settled, **{name: value for name, value in inputs.items() if value is not None or name not in settled}}


def _place(inputs: Mapping[str, Any]) -> str:
    return os.path.normpath(str(inputs.get("directory", "")))


class InWorkspace(Where):
    workspace: str = Field("default", description="made if it is not there")

    @field_validator("workspace")
    @classmethod
    def _named(cls, value: str) -> str:
        if not _WORKSPACE.fullmatch(value) and "${{" not in value:
            raise ValueError(f"{value!r} is no name for a workspace; letters, digits, '-', '_', '.' are")
        return value


class WithVariables(InWorkspace):
    variables: dict[str, Any] = Field(
        default_factory=dict, description="values of any type; secret:// may stand in them"
    )
    var_files: list[str] = Field(
        default_factory=list, description=".tfvars files, relative to the directory (or to the plan's folder)"
    )

    @field_validator("var_files", mode="before")
    @classmethod
    def _one_may_stand_alone(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("variables")
    @classmethod
    def _variable_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is no name for a variable")
        return value


class Planned(WithVariables):
    targets: list[str] = Field(default_factory=list, description="only these resources or modules, and what they need")
    parallelism: int | None = Field(None, ge=1, le=256, description="operations at the same time (terraform: 10)")

    @field_validator("targets", mode="before")
    @classmethod
    def _one_target(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value
