"""What a workflow run is doing: its jobs and steps, and the log of the step that failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from workers.github.api import Api

_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ", re.MULTILINE)
_TAIL = 60  # lines of a failed step's log
#: Conclusions that are no failure. Source: GitHub, "About status checks".
GOOD = frozenset({"success", "neutral", "skipped"})


class Job(BaseModel):
    """One job of a run."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: str
    conclusion: str | None = None
    failed_step: str | None = None
    url: str | None = None


def jobs_of(api: Api, repo: str, run_id: int) -> list[Any]:
    """As GitHub has them, of the run's latest attempt."""
    return list(api.all(f"/repos/{repo}/actions/runs/{run_id}/jobs", key="jobs", filter="latest"))


def shown(found: Any) -> Job:
    failed = next((step["name"] for step in found.get("steps") or [] if step["conclusion"] == "failure"), None)
    return Job(
        name=found["name"],
        status=found["status"],
        conclusion=found["conclusion"],
        failed_step=failed,
        url=found.get("html_url"),
    )


def current_step(found: Any) -> str:
    """``test: Run make (3 of 5)``, where a job stands."""
    steps = found.get("steps") or []
    for number, step in enumerate(steps, 1):
        if step["status"] == "in_progress":
            return f"{found['name']}: {step['name']} ({number} of {len(steps)})"
    return f"{found['name']}: {found['conclusion'] or found['status'].replace('_', ' ')}"


def steps_done(jobs: Sequence[Any]) -> tuple[int, int]:
    """How many steps of how many are over."""
    steps = [step for job in jobs for step in job.get("steps") or []]
    return sum(step["status"] == "completed" for step in steps), len(steps)


def failing_log(api: Api, repo: str, job_id: int) -> str | None:
    """The end of a job's log up to its last error, without the time stamps; None if GitHub has no log of it."""
    text = api.download(f"/repos/{repo}/actions/jobs/{job_id}/logs")
    if not text:
        return None
    lines = _STAMP.sub("", text).splitlines()
    last = max((number for number, line in enumerate(lines) if line.startswith("##[error]")), default=len(lines) - 1)
    wanted = lines[: last + 1]
    start = max((number for number, line in enumerate(wanted) if line.startswith("##[group]")), default=0)
    return "\n".join(line.removeprefix("##[error]") for line in wanted[start:][-_TAIL:] if not _is_frame(line))


def _is_frame(line: str) -> bool:
    return line.startswith(("##[group]", "##[endgroup]"))
