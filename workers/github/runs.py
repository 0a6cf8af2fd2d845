"""github.dispatch_workflow and github.watch_workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from reign.core.catalog import Effect, OperationResult
from reign.core.duration import Duration
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import Ref, RepoInputs, address, part
from workers.github.jobs import GOOD, Job, current_step, failing_log, jobs_of, shown, steps_done

#: Seconds between two looks at a run; the agent's option ``poll`` is for tests.
_POLL = 4.0
#: How many looks a dispatched run may take to appear in the list of runs.
_LOOKS = 15


class DispatchWorkflow(Operation["DispatchWorkflow.Inputs", "DispatchWorkflow.Result"]):
    """A run cannot be told from another that somebody else started at the same moment, unless it says so itself.

    A workflow that declares an input for it (named by ``marker_input``) and shows it in its ``run-name`` can: then the
    run that an earlier attempt started is found again. Without that, an attempt that was cut off is left to a person.
    """

    name: ClassVar[str] = "github.dispatch_workflow"
    summary: ClassVar[str] = "Start a GitHub Actions workflow by hand"
    undo: ClassVar[Undo] = Undo.NONE
    undo_note: ClassVar[str] = "what a workflow did cannot be taken back"

    class Inputs(RepoInputs):
        workflow: str = Field(description="its file name, e.g. deploy.yml")
        ref: Ref = Field(description="the branch or tag that it runs on")
        inputs: dict[str, str | int | float | bool] = Field(
            default_factory=dict, description="what the workflow asks for"
        )
        marker_input: str | None = Field(
            default=None, description="an input of the workflow that its run-name shows; it gets run and task"
        )

        @field_validator("workflow", mode="before")
        @classmethod
        def _file_name(cls, value: Any) -> Any:
            return value.rpartition("/")[2] if isinstance(value, str) and "${{" not in value else value

    class Result(OperationResult):
        run_id: int
        url: str = Field(description="the run's page")

    def touches(self, ctx: Context, inputs: DispatchWorkflow.Inputs) -> Sequence[str]:
        return [address("workflow", inputs.repo, inputs.workflow)]

    def inspect(self, ctx: Context, inputs: DispatchWorkflow.Inputs) -> Observations:
        """State: the newest run that was dispatched there. If another one is newest later, something was started."""
        api = self._api(ctx, inputs)
        newest = self._newest(api, inputs)
        facts: dict[str, Any] = {}
        own = self._marked(ctx, inputs, newest)
        if own is not None:
            facts = {"run_id": own["id"], "url": own["html_url"]}
        state = {"newest": newest[0]["id"] if newest else None}
        resource = address("workflow", inputs.repo, inputs.workflow)
        return [Observation(resource=resource, exists=True, state=state, facts=facts)]

    def done(self, ctx: Context, inputs: DispatchWorkflow.Inputs, seen: Observations) -> DispatchWorkflow.Result | None:
        facts = seen[0].facts
        return self.Result(run_id=facts["run_id"], url=facts["url"]) if facts else None

    def apply(self, ctx: Context, inputs: DispatchWorkflow.Inputs, seen: Observations) -> DispatchWorkflow.Result:
        api = self._api(ctx, inputs)
        given: dict[str, Any] = {name: _as_text(value) for name, value in inputs.inputs.items()}
        if inputs.marker_input:
            given[inputs.marker_input] = _marker(ctx)
        body = {"ref": inputs.ref, "inputs": given}
        place = f"/repos/{inputs.repo}/actions/workflows/{part(inputs.workflow)}/dispatches"
        try:
            started = self._dispatch(api, place, body)
        except TaskFailed as error:
            if not error.details.get("lost") and int(error.details.get("status") or 0) < 500:
                raise
            ctx.log("no answer to the dispatch; looking for its run")
            found = self._appeared(ctx, api, inputs, seen)
            if found is None:
                raise TaskFailed(
                    f"cannot tell whether {inputs.workflow} was started on {inputs.ref}: no answer, and no run so far",
                    kind=FailureKind.UNKNOWN,
                    hint=f"look at the Actions page of {inputs.repo} before you try again",
                    retryable=False,
                ) from None
            return found
        if started:
            return self.Result(run_id=started["workflow_run_id"], url=started["html_url"])
        found = self._appeared(ctx, api, inputs, seen)
        if found is None:
            raise TaskFailed(
                f"{inputs.workflow} was started on {inputs.ref}, but its run does not appear",
                kind=FailureKind.UNKNOWN,
                hint=f"look at the Actions page of {inputs.repo}",
                retryable=False,
            )
        return found

    def _dispatch(self, api: Api, place: str, body: Mapping[str, Any]) -> Any:
        """What GitHub says of the run; None where it says nothing (GitHub Enterprise of before 2026)."""
        try:
            return api.post(place, {**body, "return_run_details": True})
        except TaskFailed as error:
            if error.details.get("status") == 422 and "return_run_details" in error.details.get("message", ""):
                return api.post(place, dict(body))
            raise

    def _appeared(
        self, ctx: Context, api: Api, inputs: DispatchWorkflow.Inputs, seen: Observations
    ) -> DispatchWorkflow.Result | None:
        """The run that was not there before: the marked one, else the first; waited for, as the list lags behind."""
        last = seen[0].state["newest"] or 0
        for _ in range(_LOOKS):
            found = self._newest(api, inputs)
            if inputs.marker_input:
                own = self._marked(ctx, inputs, found)
            else:
                new = [run for run in found if run["id"] > last and run["head_branch"] == inputs.ref]
                own = new[-1] if new else None
            if own is not None:
                return self.Result(run_id=own["id"], url=own["html_url"])
            ctx.wait(min(2.0, ctx.options.get("poll", _POLL)))
        return None

    def _newest(self, api: Api, inputs: DispatchWorkflow.Inputs) -> list[Any]:
        place = f"/repos/{inputs.repo}/actions/workflows/{part(inputs.workflow)}/runs"
        found = api.find(place, event="workflow_dispatch", per_page=30)
        if found is None:
            raise self._no_workflow(api, inputs)
        runs: list[Any] = found["workflow_runs"]
        return runs

    def _no_workflow(self, api: Api, inputs: DispatchWorkflow.Inputs) -> TaskFailed:
        from reign.core.errors import did_you_mean

        known = api.all(f"/repos/{inputs.repo}/actions/workflows", key="workflows")
        names = [one["path"].rpartition("/")[2] for one in known]
        return TaskFailed(
            f"cannot {api.doing}: {inputs.repo} has no workflow {inputs.workflow!r}",
            kind=FailureKind.WRONG_INPUT,
            hint=did_you_mean(inputs.workflow, names)
            or "a workflow must be on the default branch to be started by hand",
        )

    def _marked(self, ctx: Context, inputs: DispatchWorkflow.Inputs, runs: Sequence[Any]) -> Any:
        if not inputs.marker_input:
            return None
        return next((run for run in runs if _marker(ctx) in (run.get("display_title") or "")), None)

    def _api(self, ctx: Context, inputs: DispatchWorkflow.Inputs) -> Api:
        return Api(ctx, f"start {inputs.workflow} on {inputs.ref} of {inputs.repo}", inputs.repo)


def _marker(ctx: Context) -> str:
    run, task = ctx.origin
    return f"reign:{run}/{task}"


def _as_text(value: str | float | bool) -> str:
    """Inputs of workflows are texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class WatchWorkflow(Operation["WatchWorkflow.Inputs", "WatchWorkflow.Result"]):
    """Tells each step as it goes. A run that does not succeed fails the task, with the failing step's log."""

    name: ClassVar[str] = "github.watch_workflow"
    summary: ClassVar[str] = "Wait for a GitHub Actions run, and tell how it goes"
    effect: ClassVar[Effect] = Effect.READ
    undo: ClassVar[Undo] = Undo.UNNEEDED
    timeout: ClassVar[float] = 3600.0

    class Inputs(RepoInputs):
        run_id: int | None = Field(default=None, ge=1, description="the run; or the newest of workflow and ref")
        workflow: str | None = Field(default=None, description="its file name, where no run is named")
        ref: Ref | None = Field(default=None, description="the branch whose newest run is meant")
        timeout: Duration | None = Field(default=None, gt=0, description="by default the task's")
        expect_success: bool = Field(default=True, description="whether any other end fails the task")

        @model_validator(mode="after")
        def _which(self) -> Self:
            if self.run_id is None and self.workflow is None:
                raise ValueError("name the run by run_id, or by workflow and ref")
            return self

    class Result(OperationResult):
        run_id: int
        conclusion: str
        jobs: list[Job]
        url: str = Field(description="the run's page")

    def apply(self, ctx: Context, inputs: WatchWorkflow.Inputs, seen: Observations) -> WatchWorkflow.Result:
        api = Api(ctx, f"watch {inputs.run_id or inputs.workflow} of {inputs.repo}", inputs.repo)
        within(ctx, inputs.timeout)
        run_id = inputs.run_id or self._newest(ctx, api, inputs)
        told: dict[str, str] = {}
        while True:
            run = api.get(f"/repos/{inputs.repo}/actions/runs/{run_id}")
            jobs = jobs_of(api, inputs.repo, run_id)
            self._tell(ctx, run, jobs, told)
            if run["status"] == "completed":
                return self._ended(ctx, api, inputs, run, jobs)
            ctx.wait(ctx.options.get("poll", _POLL))

    def _newest(self, ctx: Context, api: Api, inputs: WatchWorkflow.Inputs) -> int:
        """The newest run of the workflow, waited for: a push starts it some seconds later."""
        assert inputs.workflow is not None
        place = f"/repos/{inputs.repo}/actions/workflows/{part(inputs.workflow.rpartition('/')[2])}/runs"
        where: dict[str, Any] = {"branch": inputs.ref} if inputs.ref else {}

        def look() -> Any:
            return (api.find(place, per_page=1, **where) or {}).get("workflow_runs")

        found = ctx.until(look, every=ctx.options.get("poll", _POLL))
        return int(found[0]["id"])

    def _tell(self, ctx: Context, run: Any, jobs: Sequence[Any], told: dict[str, str]) -> None:
        for job in jobs:
            now = current_step(job)
            if told.get(job["name"]) != now:
                told[job["name"]] = now
                ctx.log(now)
        done, total = steps_done(jobs)
        ctx.progress(f"{run['name']} is {run['status'].replace('_', ' ')}", done, total or None)

    def _ended(
        self, ctx: Context, api: Api, inputs: WatchWorkflow.Inputs, run: Any, jobs: Sequence[Any]
    ) -> WatchWorkflow.Result:
        conclusion = run["conclusion"] or "unknown"
        failed = [job for job in jobs if job["conclusion"] not in GOOD]
        logs = {}
        for job in failed if conclusion not in GOOD else []:
            log = failing_log(api, inputs.repo, job["id"])
            if log:
                logs[job["name"]] = ctx.masker.mask(log)
                ctx.log(f"{job['name']}:\n{log}")
        if inputs.expect_success and conclusion not in GOOD:
            where = "; ".join(f"{job.name}: {job.failed_step or job.conclusion}" for job in map(shown, failed))
            raise TaskFailed(
                f"the run {run['id']} of {inputs.repo} ended as {conclusion}" + (f" ({where})" if where else ""),
                kind=FailureKind.CHECK_FAILED,
                hint=f"see {run['html_url']}",
                details={"jobs": [shown(job).model_dump() for job in jobs], "logs": logs},
            )
        return self.Result(run_id=run["id"], conclusion=conclusion, jobs=list(map(shown, jobs)), url=run["html_url"])


def within(ctx: Context, seconds: float | None) -> None:
    """Let the attempt end after so many seconds at the latest."""
    import time

    if seconds is not None:
        ctx.deadline = min(ctx.deadline, time.monotonic() + seconds)
