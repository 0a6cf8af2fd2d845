"""github.create_branch and delete_branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.commits import no_branch
from workers.github.inputs import Ref, RepoInputs, address, part
from workers.github.marks import commit_of_run
from workers.github.trees import tip


def observed(api: Api, repo: str, branch: str) -> Observation:
    """State: the commit that the branch points to."""
    resource = address("branch", repo, branch)
    sha = tip(api, repo, branch)
    return (
        Observation.absent(resource) if sha is None else Observation(resource=resource, exists=True, state={"sha": sha})
    )


def put_back(ctx: Context, repo: str, branch: str, before: Observation, now: Observation) -> None:
    """Make a deleted branch again at the commit that it pointed to. Raises TaskFailed if there is another by now."""
    if not before.exists or now.same_as(before):
        return
    sha = before.state["sha"]
    if now.exists:
        raise TaskFailed(
            f"{repo} has another branch {branch} by now",
            kind=FailureKind.CONFLICT,
            hint=f"its former commit was {sha}",
        )
    api = Api(ctx, f"create the branch {branch} in {repo} again", repo)
    api.post(f"/repos/{repo}/git/refs", {"ref": f"refs/heads/{branch}", "sha": sha})


class CreateBranch(Operation["CreateBranch.Inputs", "CreateBranch.Result"]):
    """A branch of that name is taken as it is, wherever it points."""

    name: ClassVar[str] = "github.create_branch"
    summary: ClassVar[str] = "Create a branch"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "deleted if nothing but what this run put there is on it"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        branch: Ref = Field(description="its name")
        from_: str | None = Field(
            default=None, alias="from", description="branch, tag or commit to start at; by default the main branch"
        )

    class Result(OperationResult):
        branch: str
        sha: str = Field(description="the commit that it points to")

    def touches(self, ctx: Context, inputs: CreateBranch.Inputs) -> Sequence[str]:
        return [address("branch", inputs.repo, inputs.branch)]

    def inspect(self, ctx: Context, inputs: CreateBranch.Inputs) -> Observations:
        return [observed(self._api(ctx, inputs), inputs.repo, inputs.branch)]

    def done(self, ctx: Context, inputs: CreateBranch.Inputs, seen: Observations) -> CreateBranch.Result | None:
        if not seen[0].exists:
            return None
        return self.Result(branch=inputs.branch, sha=seen[0].state["sha"])

    def apply(self, ctx: Context, inputs: CreateBranch.Inputs, seen: Observations) -> CreateBranch.Result:
        api = self._api(ctx, inputs)
        start = _start(api, inputs)
        found = api.find(f"/repos/{inputs.repo}/commits/{part(start)}", absent=(404, 409, 422))
        if found is None:
            others = [branch["name"] for branch in api.all(f"/repos/{inputs.repo}/branches", pages=1)]
            raise no_branch(api, inputs.repo, start, others)
        body = {"ref": f"refs/heads/{inputs.branch}", "sha": found["sha"]}
        return self.Result(branch=inputs.branch, sha=api.post(f"/repos/{inputs.repo}/git/refs", body)["object"]["sha"])

    def restore(self, ctx: Context, inputs: CreateBranch.Inputs, before: Observations, now: Observations) -> None:
        if before[0].exists:
            put_back(ctx, inputs.repo, inputs.branch, before[0], now[0])
            return
        if not now[0].exists:
            return
        api = Api(ctx, f"delete the branch {inputs.branch} of {inputs.repo}", inputs.repo)
        start = _start(api, inputs)
        known = api.find(f"/repos/{inputs.repo}/commits/{part(start)}", absent=(404, 409, 422))
        base = start if known else _main(api, inputs.repo)
        own = api.all(f"/repos/{inputs.repo}/compare/{part(base)}...{part(inputs.branch)}", key="commits")
        foreign = [commit["sha"][:8] for commit in own if not commit_of_run(ctx, commit["commit"]["message"])]
        if foreign:
            named = ", ".join(foreign[:5])
            raise TaskFailed(
                f"the branch {inputs.branch} of {inputs.repo} stays: it has commits of others ({named})",
                kind=FailureKind.CONFLICT,
                hint="merge or delete it by hand",
            )
        api.delete(f"/repos/{inputs.repo}/git/refs/heads/{part(inputs.branch)}")

    def _api(self, ctx: Context, inputs: CreateBranch.Inputs) -> Api:
        return Api(ctx, f"create the branch {inputs.branch} in {inputs.repo}", inputs.repo)


def _main(api: Api, repo: str) -> str:
    return str(api.get(f"/repos/{repo}")["default_branch"])


def _start(api: Api, inputs: CreateBranch.Inputs) -> str:
    return inputs.from_ or _main(api, inputs.repo)


class DeleteBranch(Operation["DeleteBranch.Inputs", "DeleteBranch.Result"]):
    """Done already if there is no such branch."""

    name: ClassVar[str] = "github.delete_branch"
    summary: ClassVar[str] = "Delete a branch"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = (
        "created again at the commit that it pointed to; pull requests that it closed stay closed"
    )
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(RepoInputs):
        branch: Ref = Field(description="its name")

    class Result(OperationResult):
        branch: str

    def touches(self, ctx: Context, inputs: DeleteBranch.Inputs) -> Sequence[str]:
        return [address("branch", inputs.repo, inputs.branch)]

    def inspect(self, ctx: Context, inputs: DeleteBranch.Inputs) -> Observations:
        return [observed(self._api(ctx, inputs), inputs.repo, inputs.branch)]

    def done(self, ctx: Context, inputs: DeleteBranch.Inputs, seen: Observations) -> DeleteBranch.Result | None:
        return None if seen[0].exists else self.Result(branch=inputs.branch)

    def apply(self, ctx: Context, inputs: DeleteBranch.Inputs, seen: Observations) -> DeleteBranch.Result:
        api = self._api(ctx, inputs)
        if tip(api, inputs.repo, inputs.branch) != seen[0].state["sha"]:
            raise TaskFailed(
                f"cannot {api.doing}: it moved meanwhile",
                kind=FailureKind.CONFLICT,
                hint="somebody pushed to it; look, then try again",
            )
        api.delete(f"/repos/{inputs.repo}/git/refs/heads/{part(inputs.branch)}")
        return self.Result(branch=inputs.branch)

    def restore(self, ctx: Context, inputs: DeleteBranch.Inputs, before: Observations, now: Observations) -> None:
        put_back(ctx, inputs.repo, inputs.branch, before[0], now[0])

    def _api(self, ctx: Context, inputs: DeleteBranch.Inputs) -> Api:
        return Api(ctx, f"delete the branch {inputs.branch} of {inputs.repo}", inputs.repo)
