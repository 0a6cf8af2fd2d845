"""The judge's word on a command, for the two moments that need it: before anything runs, and once all is known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from reign.executor import Context, FailureKind, TaskFailed

if TYPE_CHECKING:
    from workers.bash.judge import Decision

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
#: Stands for what only a finished task will tell; the judge treats it as any variable that it cannot see into.
_UNKNOWN = "${REIGN_UNKNOWN}"


def decision_on(command: str, *, shell: str, workdir: Path | None = None) -> Decision:
    """The judgement of a command whose expressions may still be open."""
    try:
        from workers.bash.judge import judge
    except ImportError:  # remove once the judge has landed
        from types import SimpleNamespace

        return SimpleNamespace(decision="allow", reason="", part="", rule="")  # type: ignore[return-value]

    return judge(_EXPRESSION.sub(_UNKNOWN, command), shell=shell, workdir=workdir)


def require_leave(ctx: Context, command: str, *, shell: str) -> None:
    """The last look, at the text that will really run. Raises TaskFailed unless it is allowed or was approved.

    A value that came out of an earlier task may have turned a harmless command into another one.
    """
    decision = decision_on(command, shell=shell, workdir=ctx.workdir)
    if decision.decision == "allow" or (decision.decision == "ask" and ctx.approved):
        return
    about = f" ({ctx.masker.mask(decision.part)})" if decision.part else ""
    if decision.decision == "deny":
        raise TaskFailed(
            f"refused: {ctx.masker.mask(decision.reason)}{about}",
            kind=FailureKind.PERMISSION,
            hint="`reign judge` shows what the judge makes of a command",
            details={"rule": decision.rule},
        )
    raise TaskFailed(
        f"a person must say yes first: {ctx.masker.mask(decision.reason)}{about}",
        kind=FailureKind.PERMISSION,
        hint="give the task `approval: required`; what it runs is only known now, so nobody could be asked before",
        details={"rule": decision.rule},
    )
