"""github.wait_for_checks: what has to be green before a pull request is merged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from reign.core.catalog import Effect, OperationResult
from reign.core.duration import Duration, readable
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import Ref, RepoInputs, part
from workers.github.jobs import GOOD, failing_log
from workers.github.pulls import Names
from workers.github.runs import within

_POLL = 5.0


class WaitForChecks(Operation["WaitForChecks.Inputs", "WaitForChecks.Result"]):
    """Check runs and commit statuses of the head, which is looked up anew each time: a push in between counts."""

    name: ClassVar[str] = "github.wait_for_checks"
    summary: ClassVar[str] = "Wait until the checks of a pull request or a branch have ended"
    effect: ClassVar[Effect] = Effect.READ
    undo: ClassVar[Undo] = Undo.UNNEEDED
    timeout: ClassVar[float] = 3600.0

    class Inputs(RepoInputs):
        number: int | None = Field(default=None, ge=1, description="of the pull request; or name a ref")
        ref: Ref | None = Field(default=None, description="branch, tag or commit, where there is no pull request")
        names: Names = Field(default_factory=list, description="the checks that count; by default all that there are")
        appear_within: Duration = Field(default=60.0, description="how long to wait for the first check to appear")
        timeout: Duration | None = Field(default=None, gt=0, description="by default the task's")
        expect_success: bool = Field(default=True, description="whether a check that does not pass fails the task")

        @model_validator(mode="after")
        def _which(self) -> Self:
            if (self.number is None) == (self.ref is None):
                raise ValueError("name a pull request by number, or a ref")
            return self

    class Result(OperationResult):
        conclusion: str = Field(description="success, failure, or none if there are no checks")
        checks: dict[str, str] = Field(description="name to how it ended")
        sha: str = Field(description="the commit that was checked")

    def apply(self, ctx: Context, inputs: WaitForChecks.Inputs, seen: Observations) -> WaitForChecks.Result:
        subject = f"#{inputs.number}" if inputs.number else inputs.ref
        api = Api(ctx, f"wait for the checks of {subject} of {inputs.repo}", inputs.repo)
        within(ctx, inputs.timeout)
        patience = time.monotonic() + inputs.appear_within
        while True:
            sha = self._sha(api, inputs)
            checks = _checks(api, inputs.repo, sha)
            counted = {name: checks[name] for name in inputs.names or checks if name in checks}
            missing = [name for name in inputs.names if name not in checks]
            moving = [name for name, check in counted.items() if check.state == "pending"]
            if not moving and not missing and counted:
                return self._ended(ctx, api, inputs, sha, counted)
            if not moving and time.monotonic() >= patience:
                return self._absent(api, inputs, sha, missing)
            waits = ", ".join(moving or missing) or "the first check"
            ctx.progress(f"waiting for {waits}", len(counted) - len(moving), len(counted) or None)
            ctx.wait(ctx.options.get("poll", _POLL))

    def _sha(self, api: Api, inputs: WaitForChecks.Inputs) -> str:
        if inputs.number is not None:
            return str(api.get(f"/repos/{inputs.repo}/pulls/{inputs.number}")["head"]["sha"])
        return str(api.get(f"/repos/{inputs.repo}/commits/{part(inputs.ref or '')}")["sha"])

    def _ended(
        self, ctx: Context, api: Api, inputs: WaitForChecks.Inputs, sha: str, checks: Mapping[str, Check]
    ) -> WaitForChecks.Result:
        ended = {name: check.state for name, check in checks.items()}
        failed = [name for name, state in ended.items() if state not in GOOD]
        if failed and inputs.expect_success:
            logs = {name: log for name in failed if (log := _log(api, inputs.repo, checks[name])) is not None}
            for name, log in logs.items():
                ctx.log(f"{name}:\n{log}")
            raise TaskFailed(
                f"{len(failed)} of {len(ended)} checks of {inputs.repo} at {sha[:8]} did not pass: "
                + ", ".join(f"{name} ({ended[name]})" for name in failed[:5]),
                kind=FailureKind.CHECK_FAILED,
                hint=f"see {checks[failed[0]].url or 'the pull request'}",
                details={"checks": ended, "logs": {name: ctx.masker.mask(log) for name, log in logs.items()}},
            )
        return self.Result(conclusion="failure" if failed else "success", checks=ended, sha=sha)

    def _absent(self, api: Api, inputs: WaitForChecks.Inputs, sha: str, missing: list[str]) -> WaitForChecks.Result:
        if missing:
            raise TaskFailed(
                f"cannot {api.doing}: {', '.join(missing)} did not appear within {readable(inputs.appear_within)}",
                kind=FailureKind.CHECK_FAILED,
                hint="check the names; they are those of the jobs, not of the workflow",
            )
        return self.Result(conclusion="none", checks={}, sha=sha)


class Check:
    """One check of a commit: ``pending``, or how it ended."""

    def __init__(self, state: str, url: str | None, job_id: int | None = None) -> None:
        self.state = state
        self.url = url
        self.job_id = job_id  # of the Actions job that it is; None for those of others


def _checks(api: Api, repo: str, sha: str) -> dict[str, Check]:
    """Check runs (of Actions and Apps) and statuses (the older kind), each name's newest."""
    found: dict[str, Check] = {}
    for status in reversed(api.get(f"/repos/{repo}/commits/{sha}/status")["statuses"]):
        state = "failure" if status["state"] == "error" else status["state"]
        found[status["context"]] = Check(state, status["target_url"])
    runs: list[Any] = list(api.all(f"/repos/{repo}/commits/{sha}/check-runs", key="check_runs", filter="latest"))
    for run in reversed(runs):
        actions = (run["app"] or {}).get("slug", "github-actions") == "github-actions"
        state = run["conclusion"] if run["status"] == "completed" else "pending"
        found[run["name"]] = Check(state or "unknown", run["html_url"], run["id"] if actions else None)
    return found


def _log(api: Api, repo: str, check: Check) -> str | None:
    return None if check.job_id is None else failing_log(api, repo, check.job_id)
