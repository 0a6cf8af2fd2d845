"""github.create_issue, comment_issue and close_issue. What a task wrote is found again by its mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, Operation
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import RepoInputs, address
from workers.github.marks import is_marked, with_mark
from workers.github.pulls import Names, labels_of

#: How many hundreds of the newest issues are looked through for the one that a task has just made.
_PAGES = 5


class IssueResult(OperationResult):
    number: int
    url: str = Field(description="the issue's page")


def _traced(ctx: Context, kind: str, repo: str) -> str:
    run, task = ctx.origin
    return address(kind, repo, f"{run}/{task}")


class CreateIssue(Operation["CreateIssue.Inputs", "IssueResult"]):
    """One issue for each task, however often the task is tried."""

    name: ClassVar[str] = "github.create_issue"
    summary: ClassVar[str] = "Open an issue"
    undo: ClassVar[Undo] = Undo.COMPENSATING
    undo_note: ClassVar[str] = "closed as not planned; GitHub lets few delete an issue"
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)
    Result = IssueResult

    class Inputs(RepoInputs):
        title: str = Field(min_length=1, max_length=256)
        body: str | None = None
        labels: Names = Field(default_factory=list)
        assignees: Names = Field(default_factory=list)

    def touches(self, ctx: Context, inputs: CreateIssue.Inputs) -> Sequence[str]:
        return [_traced(ctx, "issue", inputs.repo)]

    def inspect(self, ctx: Context, inputs: CreateIssue.Inputs) -> Observations:
        resource = _traced(ctx, "issue", inputs.repo)
        found = self._find(ctx, self._api(ctx, inputs), inputs)
        if found is None:
            return [Observation.absent(resource)]
        state = {"number": found["number"], "state": found["state"], "labels": labels_of(found)}
        facts = {"url": found["html_url"], "title": found["title"]}
        return [Observation(resource=resource, exists=True, state=state, facts=facts)]

    def done(self, ctx: Context, inputs: CreateIssue.Inputs, seen: Observations) -> IssueResult | None:
        if not seen[0].exists:
            return None
        return IssueResult(number=seen[0].state["number"], url=seen[0].facts["url"])

    def apply(self, ctx: Context, inputs: CreateIssue.Inputs, seen: Observations) -> IssueResult:
        body: dict[str, Any] = {"title": inputs.title, "body": with_mark(ctx, inputs.body)}
        body |= {"labels": inputs.labels} if inputs.labels else {}
        body |= {"assignees": inputs.assignees} if inputs.assignees else {}
        made = self._api(ctx, inputs).post(f"/repos/{inputs.repo}/issues", body)
        return IssueResult(number=made["number"], url=made["html_url"])

    def restore(self, ctx: Context, inputs: CreateIssue.Inputs, before: Observations, now: Observations) -> None:
        api = Api(ctx, f"undo the issue {inputs.title!r} in {inputs.repo}", inputs.repo)
        if before[0].exists:  # an undo that closed it is itself taken back
            body = {"state": before[0].state["state"]}
            api.patch(f"/repos/{inputs.repo}/issues/{before[0].state['number']}", body)
        elif now[0].exists and now[0].state["state"] == "open":
            body = {"state": "closed", "state_reason": "not_planned"}
            api.patch(f"/repos/{inputs.repo}/issues/{now[0].state['number']}", body)

    def _find(self, ctx: Context, api: Api, inputs: CreateIssue.Inputs) -> Any:
        """By the recorded number if there is one (an undo may come late), else among the newest."""
        recorded = ctx.recorded(_traced(ctx, "issue", inputs.repo))
        if recorded is not None and recorded.exists:
            found = api.find(f"/repos/{inputs.repo}/issues/{recorded.state['number']}", absent=(404, 410))
            if found is not None and is_marked(ctx, found["body"]):
                return found
        newest = api.all(f"/repos/{inputs.repo}/issues", pages=_PAGES, state="all", sort="created", direction="desc")
        return next((one for one in newest if is_marked(ctx, one["body"]) and "pull_request" not in one), None)

    def _api(self, ctx: Context, inputs: CreateIssue.Inputs) -> Api:
        return Api(ctx, f"open an issue in {inputs.repo}", inputs.repo)


def _comment(ctx: Context, api: Api, repo: str, number: int) -> Any:
    """The comment that this task wrote; None if it has not, or nobody has such an issue."""
    for found in api.all(f"/repos/{repo}/issues/{number}/comments"):
        if is_marked(ctx, found["body"]):
            return found
    return None


def _observed_comment(ctx: Context, api: Api, repo: str, number: int) -> Observation:
    resource = _traced(ctx, "comment", repo)
    found = _comment(ctx, api, repo, number)
    if found is None:
        return Observation.absent(resource)
    facts = {"id": found["id"], "url": found["html_url"]}
    return Observation(resource=resource, exists=True, state={"body": found["body"]}, facts=facts)


class CommentIssue(Operation["CommentIssue.Inputs", "CommentIssue.Result"]):
    """One comment for each task, however often the task is tried. Pull requests are commented in the same way."""

    name: ClassVar[str] = "github.comment_issue"
    summary: ClassVar[str] = "Comment on an issue or a pull request"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "the comment is deleted; the mails that went out are not"
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        number: int = Field(ge=1, description="of the issue or pull request")
        body: str = Field(min_length=1, max_length=60_000)

    class Result(OperationResult):
        number: int
        comment_id: int
        url: str = Field(description="the comment's page")

    def touches(self, ctx: Context, inputs: CommentIssue.Inputs) -> Sequence[str]:
        return [_traced(ctx, "comment", inputs.repo)]

    def inspect(self, ctx: Context, inputs: CommentIssue.Inputs) -> Observations:
        return [_observed_comment(ctx, self._api(ctx, inputs), inputs.repo, inputs.number)]

    def done(self, ctx: Context, inputs: CommentIssue.Inputs, seen: Observations) -> CommentIssue.Result | None:
        if not seen[0].exists:
            return None
        facts = seen[0].facts
        return self.Result(number=inputs.number, comment_id=facts["id"], url=facts["url"])

    def apply(self, ctx: Context, inputs: CommentIssue.Inputs, seen: Observations) -> CommentIssue.Result:
        place = f"/repos/{inputs.repo}/issues/{inputs.number}/comments"
        made = self._api(ctx, inputs).post(place, {"body": with_mark(ctx, inputs.body)})
        return self.Result(number=inputs.number, comment_id=made["id"], url=made["html_url"])

    def restore(self, ctx: Context, inputs: CommentIssue.Inputs, before: Observations, now: Observations) -> None:
        api = Api(ctx, f"undo the comment on #{inputs.number} of {inputs.repo}", inputs.repo)
        if before[0].exists:  # an undo that deleted it is itself taken back
            place = f"/repos/{inputs.repo}/issues/{inputs.number}/comments"
            text = before[0].state["body"]
            if all(one["body"] != text for one in api.all(place)):
                api.post(place, {"body": text})
        elif now[0].exists:
            api.delete(f"/repos/{inputs.repo}/issues/comments/{now[0].facts['id']}")

    def _api(self, ctx: Context, inputs: CommentIssue.Inputs) -> Api:
        return Api(ctx, f"comment on #{inputs.number} of {inputs.repo}", inputs.repo)


class CloseIssue(Operation["CloseIssue.Inputs", "IssueResult"]):
    """With a last comment, if one is given."""

    name: ClassVar[str] = "github.close_issue"
    summary: ClassVar[str] = "Close an issue"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "reopened, and the comment deleted"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)
    Result = IssueResult

    class Inputs(RepoInputs):
        number: int = Field(ge=1, description="of the issue")
        body: str | None = Field(default=None, description="a comment that says why")
        reason: Literal["completed", "not_planned"] = "completed"

    def touches(self, ctx: Context, inputs: CloseIssue.Inputs) -> Sequence[str]:
        return [address("issue", inputs.repo, inputs.number), _traced(ctx, "comment", inputs.repo)]

    def inspect(self, ctx: Context, inputs: CloseIssue.Inputs) -> Observations:
        api = self._api(ctx, inputs)
        found = api.get(f"/repos/{inputs.repo}/issues/{inputs.number}")
        state = {"state": found["state"], "reason": found.get("state_reason") if found["state"] == "closed" else None}
        facts = {"url": found["html_url"], "title": found["title"]}
        issue = Observation(
            resource=address("issue", inputs.repo, inputs.number), exists=True, state=state, facts=facts
        )
        return [issue, _observed_comment(ctx, api, inputs.repo, inputs.number)] if inputs.body else [issue]

    def done(self, ctx: Context, inputs: CloseIssue.Inputs, seen: Observations) -> IssueResult | None:
        if seen[0].state["state"] != "closed" or not all(one.exists for one in seen[1:]):
            return None
        return IssueResult(number=inputs.number, url=seen[0].facts["url"])

    def apply(self, ctx: Context, inputs: CloseIssue.Inputs, seen: Observations) -> IssueResult:
        api = self._api(ctx, inputs)
        place = f"/repos/{inputs.repo}/issues/{inputs.number}"
        if inputs.body and not seen[1].exists:
            api.post(f"{place}/comments", {"body": with_mark(ctx, inputs.body)})
        if seen[0].state["state"] != "closed":
            api.patch(place, {"state": "closed", "state_reason": inputs.reason})
        return IssueResult(number=inputs.number, url=seen[0].facts["url"])

    def restore(self, ctx: Context, inputs: CloseIssue.Inputs, before: Observations, now: Observations) -> None:
        api = Api(ctx, f"reopen #{inputs.number} of {inputs.repo}", inputs.repo)
        place = f"/repos/{inputs.repo}/issues"
        if before[0].state["state"] == "open" and now[0].state["state"] == "closed":
            api.patch(f"{place}/{inputs.number}", {"state": "open"})
        if len(before) > 1 and not before[1].exists and now[1].exists:
            api.delete(f"{place}/comments/{now[1].facts['id']}")

    def _api(self, ctx: Context, inputs: CloseIssue.Inputs) -> Api:
        return Api(ctx, f"close #{inputs.number} of {inputs.repo}", inputs.repo)
