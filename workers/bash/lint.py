"""What shellcheck says of a script: findings in the log and the result, never a reason to stop."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from pydantic import BaseModel, Field

from reign.executor import Context, TaskFailed

_MOST = 50
_SECONDS = 20.0


class Remark(BaseModel):
    """One finding of shellcheck."""

    line: int = Field(description="line of the script, from 1")
    severity: str = Field(description="error, warning, info or style")
    code: str = Field(description="shellcheck's code, e.g. SC2086")
    message: str


def shellcheck() -> str | None:
    """The program: the one of this installation's wheel, else the system's."""
    beside = Path(sys.executable).with_name("shellcheck")
    return str(beside) if beside.is_file() else shutil.which("shellcheck")


def remarks_on(ctx: Context, script: str, shell: str) -> list[Remark]:
    """Findings from warnings up, logged too; empty for a shell that shellcheck does not know, or without it."""
    program = shellcheck()
    if program is None or shell not in ("bash", "sh"):
        return []
    argv = [program, f"--shell={shell}", "--severity=warning", "--norc", "--format=json1", "-"]
    try:
        told = ctx.tool(argv, stdin=script.encode(), timeout=_SECONDS, on_line=lambda stream, line: None)
        found = [
            Remark(line=c["line"], severity=c["level"], code=f"SC{c['code']}", message=ctx.masker.mask(c["message"]))
            for c in json.loads(told.stdout)["comments"][:_MOST]
        ]
    except (ValueError, KeyError):
        return []
    except TaskFailed:
        ctx.check()
        return []
    for remark in found:
        ctx.log(f"shellcheck: line {remark.line}: {remark.severity} {remark.code}: {remark.message}")
    return found
