"""The judge's word on a command, for the two moments that need it: before anything runs, and once all is known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from reign.executor import Context, FailureKind, NeedsApproval, TaskFailed

if TYPE_CHECKING:
    from workers.bash.judge import Judgement

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
#: Stands for what only a finished task will tell; the judge treats it as any variable that it cannot see into.
_UNKNOWN = "${REIGN_UNKNOWN}"


def judgement_of(command: str, *, shell: str, workdir: Path | None = None) -> Judgement:
    """The judgement of a command whose expressions may still be open."""
    from workers.bash.judge import judge

    return judge(_EXPRESSION.sub(_UNKNOWN, command), shell=shell, workdir=str(workdir) if workdir else None)


def require_leave(ctx: Context, command: str, *, shell: str, looking: bool = False) -> None:
    """The last look, at the text that will really run. Raises TaskFailed unless it is allowed or was approved.

    A value that came out of an earlier task, or a script that one wrote, may be another command than the one that
    was assessed. ``looking``: nothing has been done yet, so that a person can still be asked (NeedsApproval).
    """
    judged = judgement_of(command, shell=shell, workdir=ctx.workdir)
    if judged.decision == "allow" or (judged.decision == "ask" and ctx.approved):
        return
    said = ctx.masker.mask(in_words(judged))
    if judged.decision == "deny":
        hint = "`reign judge` shows what the judge makes of a command"
        raise TaskFailed(f"refused: {said}", kind=FailureKind.PERMISSION, hint=hint, details={"rule": judged.rule})
    if looking:
        raise NeedsApproval(said, details={"rule": judged.rule})
    raise TaskFailed(
        f"a person must say yes first: {said}",
        kind=FailureKind.PERMISSION,
        hint="give the task `approval: required`",
        details={"rule": judged.rule},
    )


def only_reads(command: str, workdir: str) -> bool:
    """Whether a command changes nothing, as far as the judge knows all that it runs."""
    from workers.bash.judge import reading

    return reading.only_reads(command, workdir)


def in_words(judged: Judgement) -> str:
    """The reason and the part of the command that it is about."""
    return f"{judged.reason} ({judged.part})" if judged.part else judged.reason
