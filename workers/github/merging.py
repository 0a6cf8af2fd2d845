"""github.merge_pull_request, taken back by a pull request that reverts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import RepoInputs, address
from workers.github.marks import with_trailer
from workers.github.reverting import open_revert

#: GitHub works out in the background whether a pull request can be merged; looked at so many times, a second apart.
_LOOKS = 60


class MergePullRequest(Operation["MergePullRequest.Inputs", "MergePullRequest.Result"]):
    """Merges the commit that was seen, and no later one. One that is merged already is done."""

    name: ClassVar[str] = "github.merge_pull_request"
    summary: ClassVar[str] = "Merge a pull request"
    undo: ClassVar[Undo] = Undo.COMPENSATING
    undo_note: ClassVar[str] = "a pull request that reverts the merge is opened, for a person to merge"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        number: int = Field(ge=1, description="of the pull request")
        method: Literal["merge", "squash", "rebase"] = "merge"
        title: str | None = Field(default=None, description="of the commit; by default as GitHub words it")
        message: str | None = Field(default=None, description="below the title")
        sha: str | None = Field(default=None, description="merge only if this is the head's commit")

    class Result(OperationResult):
        merge_sha: str
        url: str = Field(description="the pull request's page")

    def touches(self, ctx: Context, inputs: MergePullRequest.Inputs) -> Sequence[str]:
        return [_address(inputs)]

    def inspect(self, ctx: Context, inputs: MergePullRequest.Inputs) -> Observations:
        found = self._found(self._api(ctx, inputs), inputs)
        state = {"merged": found["merged"]}
        facts = {"head": found["head"]["sha"], "base": found["base"]["ref"], "state": found["state"]}
        return [Observation(resource=_address(inputs), exists=True, state=state, facts=facts)]

    def done(self, ctx: Context, inputs: MergePullRequest.Inputs, seen: Observations) -> MergePullRequest.Result | None:
        if not seen[0].state["merged"]:
            return None
        found = self._found(self._api(ctx, inputs), inputs)
        return self.Result(merge_sha=found["merge_commit_sha"], url=found["html_url"])

    def apply(self, ctx: Context, inputs: MergePullRequest.Inputs, seen: Observations) -> MergePullRequest.Result:
        api = self._api(ctx, inputs)
        found = self._judged(ctx, api, inputs)
        head = found["head"]["sha"]
        if inputs.sha is not None and not head.startswith(inputs.sha):
            raise _cannot(api, f"its head is {head[:8]}, not {inputs.sha[:8]}", "look at what was pushed since")
        body: dict[str, Any] = {"merge_method": inputs.method, "sha": head}
        if inputs.method != "rebase":  # which keeps the commits' own messages
            default = found["title"] if inputs.method == "merge" else ""
            body["commit_message"] = with_trailer(ctx, inputs.message or default)
            body |= {"commit_title": inputs.title} if inputs.title else {}
        merged = api.put(f"/repos/{inputs.repo}/pulls/{inputs.number}/merge", body)
        return self.Result(merge_sha=merged["sha"], url=found["html_url"])

    def _judged(self, ctx: Context, api: Api, inputs: MergePullRequest.Inputs) -> Any:
        """The pull request once GitHub has worked out whether it can be merged. Raises TaskFailed if it cannot."""
        for _ in range(_LOOKS):
            found = self._found(api, inputs)
            if found["state"] != "open":
                raise _cannot(api, "it is closed", "reopen it, or open another")
            if found["draft"]:
                raise _cannot(api, "it is a draft", "mark it as ready for review")
            if found["mergeable"] is False:
                raise _cannot(api, f"it conflicts with {found['base']['ref']}", "bring its branch up to date")
            if found["mergeable"]:
                return found
            ctx.progress("GitHub is working out whether it can be merged")
            ctx.wait(ctx.options.get("poll", 1.0))
        raise TaskFailed(
            f"cannot {api.doing}: GitHub does not say whether it can be merged",
            kind=FailureKind.TRANSIENT,
            hint="try again later",
        )

    def restore(self, ctx: Context, inputs: MergePullRequest.Inputs, before: Observations, now: Observations) -> None:
        if before[0].state["merged"] or not now[0].state["merged"]:
            return
        api = Api(ctx, f"revert the merge of #{inputs.number} in {inputs.repo}", inputs.repo)
        url = open_revert(api, inputs.repo, self._found(api, inputs))
        ctx.log(f"reverting #{inputs.number} of {inputs.repo}: {url}")

    def _api(self, ctx: Context, inputs: MergePullRequest.Inputs) -> Api:
        return Api(ctx, f"merge #{inputs.number} of {inputs.repo}", inputs.repo)

    def _found(self, api: Api, inputs: MergePullRequest.Inputs) -> Any:
        return api.get(f"/repos/{inputs.repo}/pulls/{inputs.number}")


def _address(inputs: MergePullRequest.Inputs) -> str:
    return address("merge", inputs.repo, inputs.number)


def _cannot(api: Api, reason: str, hint: str) -> TaskFailed:
    return TaskFailed(f"cannot {api.doing}: {reason}", kind=FailureKind.CONFLICT, hint=hint)
