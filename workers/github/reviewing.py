"""github.add_labels and github.request_reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, Operation
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import RepoInputs, address
from workers.github.pulls import as_requested, labels_of, missing_labels, missing_reviewers, names, reviewers_of

SomeNames = Annotated[list[str], BeforeValidator(names), Field(min_length=1)]


class AddLabels(Operation["AddLabels.Inputs", "AddLabels.Result"]):
    """A label that the repository does not have yet is made by GitHub."""

    name: ClassVar[str] = "github.add_labels"
    summary: ClassVar[str] = "Add labels to an issue or a pull request"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "the labels that were not there before are removed from it"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        number: int = Field(ge=1, description="of the issue or pull request")
        labels: SomeNames

    class Result(OperationResult):
        labels: list[str] = Field(description="all that it has now")

    def touches(self, ctx: Context, inputs: AddLabels.Inputs) -> Sequence[str]:
        return [address("labels", inputs.repo, inputs.number)]

    def inspect(self, ctx: Context, inputs: AddLabels.Inputs) -> Observations:
        found = self._found(self._api(ctx, inputs), inputs)
        resource = address("labels", inputs.repo, inputs.number)
        return [Observation(resource=resource, exists=True, state={"labels": labels_of(found)})]

    def done(self, ctx: Context, inputs: AddLabels.Inputs, seen: Observations) -> AddLabels.Result | None:
        has: list[str] = seen[0].state["labels"]
        lacks = missing_labels({"labels": [{"name": label} for label in has]}, inputs.labels)
        return None if lacks else self.Result(labels=has)

    def apply(self, ctx: Context, inputs: AddLabels.Inputs, seen: Observations) -> AddLabels.Result:
        api = self._api(ctx, inputs)
        place = f"/repos/{inputs.repo}/issues/{inputs.number}/labels"
        return self.Result(labels=labels_of({"labels": api.post(place, {"labels": inputs.labels})}))

    def restore(self, ctx: Context, inputs: AddLabels.Inputs, before: Observations, now: Observations) -> None:
        api = self._api(ctx, inputs)
        wanted = {label.lower() for label in inputs.labels}
        added = set(now[0].state["labels"]) - set(before[0].state["labels"])
        for label in sorted(one for one in added if one.lower() in wanted):
            api.delete(f"/repos/{inputs.repo}/issues/{inputs.number}/labels/{quote(label, safe='')}")

    def _api(self, ctx: Context, inputs: AddLabels.Inputs) -> Api:
        return Api(ctx, f"label #{inputs.number} of {inputs.repo}", inputs.repo)

    def _found(self, api: Api, inputs: AddLabels.Inputs) -> Any:
        return api.get(f"/repos/{inputs.repo}/issues/{inputs.number}")


class RequestReviewers(Operation["RequestReviewers.Inputs", "RequestReviewers.Result"]):
    """Who is asked already, or has reviewed, is not asked again."""

    name: ClassVar[str] = "github.request_reviewers"
    summary: ClassVar[str] = "Ask people or teams to review a pull request"
    undo: ClassVar[Undo] = Undo.COMPENSATING
    undo_note: ClassVar[str] = "the requests are withdrawn; the mails that went out are not"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        number: int = Field(ge=1, description="of the pull request")
        reviewers: SomeNames = Field(description="logins; org/team for a team")

    class Result(OperationResult):
        reviewers: list[str] = Field(description="all who are asked now")

    def touches(self, ctx: Context, inputs: RequestReviewers.Inputs) -> Sequence[str]:
        return [address("reviewers", inputs.repo, inputs.number)]

    def inspect(self, ctx: Context, inputs: RequestReviewers.Inputs) -> Observations:
        found = self._found(self._api(ctx, inputs), inputs)
        resource = address("reviewers", inputs.repo, inputs.number)
        return [Observation(resource=resource, exists=True, state={"reviewers": reviewers_of(found)})]

    def done(self, ctx: Context, inputs: RequestReviewers.Inputs, seen: Observations) -> RequestReviewers.Result | None:
        api = self._api(ctx, inputs)
        if missing_reviewers(api, inputs.repo, self._found(api, inputs), inputs.reviewers):
            return None
        return self.Result(reviewers=seen[0].state["reviewers"])

    def apply(self, ctx: Context, inputs: RequestReviewers.Inputs, seen: Observations) -> RequestReviewers.Result:
        api = self._api(ctx, inputs)
        wanted = missing_reviewers(api, inputs.repo, self._found(api, inputs), inputs.reviewers)
        place = f"/repos/{inputs.repo}/pulls/{inputs.number}/requested_reviewers"
        return self.Result(reviewers=reviewers_of(api.post(place, as_requested(wanted))))

    def restore(self, ctx: Context, inputs: RequestReviewers.Inputs, before: Observations, now: Observations) -> None:
        added = set(now[0].state["reviewers"]) - set(before[0].state["reviewers"])
        if added:
            place = f"/repos/{inputs.repo}/pulls/{inputs.number}/requested_reviewers"
            self._api(ctx, inputs).delete(place, as_requested(added))

    def _api(self, ctx: Context, inputs: RequestReviewers.Inputs) -> Api:
        return Api(ctx, f"ask for reviews of #{inputs.number} of {inputs.repo}", inputs.repo)

    def _found(self, api: Api, inputs: RequestReviewers.Inputs) -> Any:
        return api.get(f"/repos/{inputs.repo}/pulls/{inputs.number}")
