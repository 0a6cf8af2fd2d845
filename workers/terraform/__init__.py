"""The terraform agent: configurations planned, applied, destroyed and taken back, with Terraform 1.0+ or OpenTofu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import Agent
from reign.executor.contract import NO_OPTIONS, Check
from workers.terraform.applying import Apply, Destroy
from workers.terraform.importing import Import
from workers.terraform.reading import Init, ListWorkspaces, Output, Plan, Show, StateList, Validate
from workers.terraform.words import WORDS
from workers.terraform.workspaces import CreateWorkspace, DeleteWorkspace


def _checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    from workers.terraform.checks import checks

    return checks(options)


AGENT = Agent(
    "terraform",
    "Terraform and OpenTofu configurations",
    operations=(
        Init, Validate, Plan, Apply, Destroy, Output, Show, StateList, Import,
        ListWorkspaces, CreateWorkspace, DeleteWorkspace,
    ),
    checks=_checks,
    words=WORDS,
)  # fmt: skip
