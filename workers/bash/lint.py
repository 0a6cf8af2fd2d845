"""What shellcheck says of a script: findings in the log and the result, never a reason to stop."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from reign.core.findings import Finding, Severity
from reign.executor import Context, TaskFailed

_MOST = 50
_SECONDS = 20.0


#: shellcheck's words for how bad it is.
_SEVERITY = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.INFO}


def shellcheck() -> str | None:
    """The program: the one of this installation's wheel, else the system's."""
    beside = Path(sys.executable).with_name("shellcheck")
    return str(beside) if beside.is_file() else shutil.which("shellcheck")


def remarks_on(ctx: Context, script: str, shell: str) -> list[Finding]:
    """Findings from warnings up, logged too; empty for a shell that shellcheck does not know, or without it."""
    program = shellcheck()
    if program is None or shell not in ("bash", "sh"):
        return []
    argv = [program, f"--shell={shell}", "--severity=warning", "--norc", "--format=json1", "-"]
    try:
        told = ctx.tool(argv, stdin=script.encode(), timeout=_SECONDS, on_line=lambda stream, line: None)
        found = [_finding(ctx, comment) for comment in json.loads(told.stdout)["comments"][:_MOST]]
    except (ValueError, KeyError):
        return []
    except TaskFailed:
        ctx.check()
        return []
    for remark in found:
        ctx.log(f"shellcheck: line {remark.line}: {remark.severity} {remark.rule}: {remark.message}")
    return found


def _finding(ctx: Context, comment: dict[str, Any]) -> Finding:
    rule = f"SC{comment['code']}"
    return Finding(
        rule=rule,
        severity=_SEVERITY.get(comment["level"], Severity.MEDIUM),
        message=ctx.masker.mask(comment["message"]),
        remedy=f"see https://www.shellcheck.net/wiki/{rule}",
        path="script",
        line=comment["line"],
        column=comment.get("column"),
    )
