"""github.open_pull_request: the open pull request of the same head and base is the one that is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, Operation
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import Ref, RepoInputs, address
from workers.github.marks import with_mark


def names(value: Any) -> Any:
    """A list of names, or one text with commas."""
    if isinstance(value, str) and "${{" not in value:
        return [name.strip().removeprefix("@") for name in value.split(",") if name.strip()]
    return [name.removeprefix("@") if isinstance(name, str) else name for name in value] if value else []


Names = Annotated[list[str], BeforeValidator(names)]


def labels_of(found: Any) -> list[str]:
    return sorted(label["name"] for label in found["labels"])


def reviewers_of(found: Any) -> list[str]:
    """Who is asked for a review: logins, and ``team:slug`` for teams."""
    people = [one["login"] for one in found["requested_reviewers"]]
    return sorted([*people, *(f"team:{one['slug']}" for one in found["requested_teams"])])


def as_requested(reviewers: Iterable[str]) -> dict[str, list[str]]:
    """The body of a request for reviews; ``org/team`` and ``team:slug`` name teams."""
    wanted = sorted(set(reviewers))
    teams = [one.removeprefix("team:").rpartition("/")[2] for one in wanted if "/" in one or one.startswith("team:")]
    return {"reviewers": [one for one in wanted if "/" not in one and not one.startswith("team:")]} | (
        {"team_reviewers": teams} if teams else {}
    )


def missing_reviewers(api: Api, repo: str, found: Any, wanted: Iterable[str]) -> list[str]:
    """Of ``wanted`` those who are neither asked nor have reviewed already; the author cannot be asked."""
    asked = {one.lower() for one in [*reviewers_of(found), found["user"]["login"]]}
    left = [one for one in wanted if not {one.lower(), f"team:{one.rpartition('/')[2]}".lower()} & asked]
    if not left:
        return []
    reviews = api.all(f"/repos/{repo}/pulls/{found['number']}/reviews")
    reviewed = {one["user"]["login"].lower() for one in reviews if one["user"]}
    return [one for one in left if one.lower() not in reviewed]


def missing_labels(found: Any, wanted: Iterable[str]) -> list[str]:
    """Labels are compared without case, as GitHub does."""
    has = {label.lower() for label in labels_of(found)}
    return [label for label in wanted if label.lower() not in has]


def take_back(api: Api, repo: str, before: dict[str, Any], now: dict[str, Any], number: int) -> None:
    """Remove the labels and the requests for review that were not there before."""
    for label in sorted(set(now["labels"]) - set(before["labels"])):
        api.delete(f"/repos/{repo}/issues/{number}/labels/{quote(label, safe='')}")
    added = set(now["reviewers"]) - set(before["reviewers"])
    if added:
        api.delete(f"/repos/{repo}/pulls/{number}/requested_reviewers", as_requested(added))


class OpenPullRequest(Operation["OpenPullRequest.Inputs", "OpenPullRequest.Result"]):
    """An open one of the same head and base is taken as it is, but for labels and reviewers that it lacks."""

    name: ClassVar[str] = "github.open_pull_request"
    summary: ClassVar[str] = "Open a pull request"
    undo: ClassVar[Undo] = Undo.COMPENSATING
    undo_note: ClassVar[str] = "closed; GitHub does not delete pull requests"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        head: Ref | Annotated[str, Field(pattern=r"^[\w-]+:.+$")] = Field(
            description="the branch with the change; owner:branch for one in a fork"
        )
        base: Ref = Field(description="the branch that it goes into")
        title: str = Field(min_length=1, max_length=256)
        body: str | None = None
        draft: bool = False
        labels: Names = Field(default_factory=list)
        reviewers: Names = Field(default_factory=list, description="logins; org/team for a team")

    class Result(OperationResult):
        number: int
        url: str = Field(description="the pull request's page")
        head_sha: str

    def touches(self, ctx: Context, inputs: OpenPullRequest.Inputs) -> Sequence[str]:
        return [_address(inputs)]

    def inspect(self, ctx: Context, inputs: OpenPullRequest.Inputs) -> Observations:
        found = _find(self._api(ctx, inputs), inputs)
        if found is None:
            return [Observation.absent(_address(inputs))]
        state = {"number": found["number"], "labels": labels_of(found), "reviewers": reviewers_of(found)}
        facts = {"url": found["html_url"], "title": found["title"], "head": found["head"]["sha"]}
        return [Observation(resource=_address(inputs), exists=True, state=state, facts=facts)]

    def done(self, ctx: Context, inputs: OpenPullRequest.Inputs, seen: Observations) -> OpenPullRequest.Result | None:
        if not seen[0].exists:
            return None
        api = self._api(ctx, inputs)
        found = api.get(f"/repos/{inputs.repo}/pulls/{seen[0].state['number']}")
        if missing_labels(found, inputs.labels) or missing_reviewers(api, inputs.repo, found, inputs.reviewers):
            return None
        return self._result(found)

    def apply(self, ctx: Context, inputs: OpenPullRequest.Inputs, seen: Observations) -> OpenPullRequest.Result:
        api = self._api(ctx, inputs)
        found = _find(api, inputs) or self._open(api, inputs)
        number = found["number"]
        labels = missing_labels(found, inputs.labels)
        if labels:
            api.post(f"/repos/{inputs.repo}/issues/{number}/labels", {"labels": labels})
        reviewers = missing_reviewers(api, inputs.repo, found, inputs.reviewers)
        if reviewers:
            api.post(f"/repos/{inputs.repo}/pulls/{number}/requested_reviewers", as_requested(reviewers))
        return self._result(found)

    def _open(self, api: Api, inputs: OpenPullRequest.Inputs) -> Any:
        body = {
            "head": inputs.head,
            "base": inputs.base,
            "title": inputs.title,
            "body": with_mark(api.ctx, inputs.body),
            "draft": inputs.draft,
        }
        return api.post(f"/repos/{inputs.repo}/pulls", body)

    def restore(self, ctx: Context, inputs: OpenPullRequest.Inputs, before: Observations, now: Observations) -> None:
        api = Api(ctx, f"undo the pull request {inputs.head} -> {inputs.base} in {inputs.repo}", inputs.repo)
        if not now[0].exists:
            # Closed, or merged (then it is the merge that has to be undone); reopened if an undo had closed it.
            if before[0].exists:
                api.patch(f"/repos/{inputs.repo}/pulls/{before[0].state['number']}", {"state": "open"})
            return
        number = now[0].state["number"]
        if before[0].exists:
            take_back(api, inputs.repo, before[0].state, now[0].state, number)
        else:
            api.patch(f"/repos/{inputs.repo}/pulls/{number}", {"state": "closed"})

    def _api(self, ctx: Context, inputs: OpenPullRequest.Inputs) -> Api:
        return Api(ctx, f"open a pull request {inputs.head} -> {inputs.base} in {inputs.repo}", inputs.repo)

    def _result(self, found: Any) -> OpenPullRequest.Result:
        return self.Result(number=found["number"], url=found["html_url"], head_sha=found["head"]["sha"])


def _address(inputs: OpenPullRequest.Inputs) -> str:
    return address("pull", inputs.repo, f"{inputs.head}->{inputs.base}")


def _find(api: Api, inputs: OpenPullRequest.Inputs) -> Any:
    """The open pull request of that head and base; GitHub allows one."""
    owner = inputs.repo.partition("/")[0]
    head = inputs.head if ":" in inputs.head else f"{owner}:{inputs.head}"
    found = api.all(f"/repos/{inputs.repo}/pulls", state="open", head=head, base=inputs.base)
    return next(iter(found), None)
