"""Repairs that the terraform agent knows: initialise first, from providers that lie beside the plan, or anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from reign.executor import Context, FailureKind, Proposal, Step, TaskFailed
from workers.terraform.inputs import Where
from workers.terraform.session import directory_of

_LOCKED = re.compile(r"must use (?:terraform|tofu) init -upgrade|[Ll]ocked provider .* does not match", re.DOTALL)
_ABSENT = re.compile(
    "|".join(
        (
            r"[Ff]ailed to (?:query available|install|resolve) provider",
            "no available releases",
            "Required plugins are not installed",
            "Module not installed",
            "initialization required",
            "Inconsistent dependency lock file",
            "provider registry",
        )
    )
)
#: Where people keep providers: what `providers mirror` writes, and what an init by hand has left.
_KEPT = ("providers", "terraform.d/plugins", ".terraform/providers", "vendor/providers")
_HOSTS = ("registry.terraform.io", "registry.opentofu.org")


def initialise(ctx: Context, inputs: Where, failure: TaskFailed, *, itself: bool = False) -> Proposal | None:
    """A terraform.init before the task (or, if it is one ``itself``, its better inputs)."""
    if failure.kind not in (FailureKind.MISSING_PREREQUISITE, FailureKind.TRANSIENT):
        return None
    said = _said(failure)
    if _LOCKED.search(said):
        return _proposal("the chosen provider versions do not fit the configuration any more; they are chosen anew",
                         inputs, {"upgrade": True}, itself)  # fmt: skip
    if not _ABSENT.search(said) or inputs.plugin_dir is not None or inputs.mirror is not None:
        return None
    folder = _providers(ctx, inputs)
    if folder is None:
        return None
    return _proposal(f"it is not initialised: no registry gives the providers; those in {folder} are used",
                     inputs, {"plugin_dir": folder}, itself)  # fmt: skip


def _said(failure: TaskFailed) -> str:
    diagnostics: list[dict[str, Any]] = failure.details.get("diagnostics") or []
    return "\n".join([failure.message, *(f"{d.get('summary')}\n{d.get('detail')}" for d in diagnostics)])


def _proposal(reason: str, inputs: Where, given: dict[str, Any], itself: bool) -> Proposal:
    if itself:
        return Proposal(reason=reason, inputs=given, sure=True)
    asked = {"directory": inputs.directory, **given}
    asked |= {name: value for name in ("backend", "env") if (value := getattr(inputs, name))}
    step = Step.model_validate({"id": "init", "uses": "terraform.init", "with": asked})
    return Proposal(reason=reason, before=(step,), sure=True)


def _providers(ctx: Context, inputs: Where) -> str | None:
    """A folder of unpacked or packed providers, in or beside the configuration; as the plan would write it."""
    directory = directory_of(ctx, inputs)
    for root in dict.fromkeys((directory, directory.parent, ctx.workdir)):
        for name in _KEPT:
            folder = root / name
            if any((folder / host).is_dir() for host in _HOSTS):
                return _shown(folder, ctx.workdir)
    return None


def _shown(folder: Path, workdir: Path) -> str:
    return f"./{folder.relative_to(workdir)}" if folder.is_relative_to(workdir) else str(folder)
