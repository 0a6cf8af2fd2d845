"""Operations that leave a commit on a branch, taken back by a commit that restores what was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

from pydantic import Field

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.commits import Wanted, commit, last_is_ours, wanted_entry
from workers.github.inputs import Ref, RepoInputs, address
from workers.github.previews import diff
from workers.github.trees import Entry, entries, tip

InputsT = TypeVar("InputsT", bound="BranchInputs")


class BranchInputs(RepoInputs):
    branch: Ref = Field(description="the branch to commit to")
    message: str | None = Field(default=None, description="of the commit; by default what it does")


class CommitResult(OperationResult):
    commit_sha: str = Field(description="the commit that brought it, or the newest that did before")
    url: str = Field(description="the commit's page")


class Committing(Operation[InputsT, CommitResult]):
    """Files that are to be on a branch. Subclasses say which (``wanted``) and what for (``doing``, ``summarized``)."""

    Result = CommitResult
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "a commit that restores the former content"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    def paths(self, ctx: Context, inputs: InputsT) -> Sequence[str]:
        return list(self.wanted(ctx, inputs))

    def wanted(self, ctx: Context, inputs: InputsT) -> Mapping[str, Wanted]:
        raise AssertionError(f"{self.name} wants nothing")

    def doing(self, inputs: InputsT) -> str:
        raise AssertionError(f"{self.name} does nothing")

    def summarized(self, inputs: InputsT) -> str:
        raise AssertionError(f"{self.name} has no summary")

    def touches(self, ctx: Context, inputs: InputsT) -> Sequence[str]:
        # The branch too, though no change of it is recorded: commits to one branch have to wait for each other.
        files = [_address(inputs, path) for path in self.paths(ctx, inputs)]
        return [address("branch", inputs.repo, inputs.branch), *files]

    def inspect(self, ctx: Context, inputs: InputsT) -> Observations:
        api = Api(ctx, self.doing(inputs), inputs.repo)
        found = entries(api, inputs.repo, inputs.branch, self.paths(ctx, inputs))
        return [_observed(inputs, path, entry) for path, entry in found.items()]

    def done(self, ctx: Context, inputs: InputsT, seen: Observations) -> CommitResult | None:
        now = _entries(self.paths(ctx, inputs), seen)
        wanted = self.wanted(ctx, inputs)
        if any(wanted_entry(want, now[path]) != now[path] for path, want in wanted.items()):
            return None
        api = Api(ctx, self.doing(inputs), inputs.repo)
        if tip(api, inputs.repo, inputs.branch) is None:
            return None
        where = {"path": next(iter(wanted))} if len(wanted) == 1 else {}
        newest = api.get(f"/repos/{inputs.repo}/commits", sha=inputs.branch, per_page=1, **where)
        # A file that was never there has no commit of its own.
        newest = newest or api.get(f"/repos/{inputs.repo}/commits", sha=inputs.branch, per_page=1)
        return CommitResult(commit_sha=newest[0]["sha"], url=newest[0]["html_url"])

    def apply(self, ctx: Context, inputs: InputsT, seen: Observations) -> CommitResult:
        api = Api(ctx, self.doing(inputs), inputs.repo)
        wanted = self.wanted(ctx, inputs)
        message = inputs.message or self.summarized(inputs)
        sha = commit(api, inputs.repo, inputs.branch, wanted, message, _entries(self.paths(ctx, inputs), seen))
        found = api.get(f"/repos/{inputs.repo}/commits/{sha}")
        return CommitResult(commit_sha=sha, url=found["html_url"])

    def preview(self, ctx: Context, inputs: InputsT) -> str | None:
        """A diff; None if the branch is not there yet."""
        api = Api(ctx, self.doing(inputs), inputs.repo)
        if tip(api, inputs.repo, inputs.branch) is None:
            return None
        wanted = self.wanted(ctx, inputs)
        return diff(api, inputs.repo, wanted, entries(api, inputs.repo, inputs.branch, wanted))

    def restore(self, ctx: Context, inputs: InputsT, before: Observations, now: Observations) -> None:
        api = Api(ctx, f"undo {self.name} on {inputs.branch} of {inputs.repo}", inputs.repo)
        # The paths are those of the record: a local folder that named them then may be another one by now.
        paths = [item.resource.removeprefix(_address(inputs, "")) for item in before]
        then, current = _entries(paths, before), entries(api, inputs.repo, inputs.branch, paths)
        changed = [path for path in paths if then[path] != current[path]]
        if not changed:
            return
        if tip(api, inputs.repo, inputs.branch) is None:
            if all(then[path] is None for path in changed):
                return
            api.get(f"/repos/{inputs.repo}")
            raise TaskFailed(f"cannot {api.doing}: the branch is gone", kind=FailureKind.CONFLICT)
        foreign = [path for path in changed if not last_is_ours(api, inputs.repo, inputs.branch, path)]
        if foreign:
            raise TaskFailed(
                f"cannot {api.doing}: {', '.join(foreign[:5])} was changed after this run",
                kind=FailureKind.CONFLICT,
                hint="undo it by hand, keeping what others wrote",
            )
        message = f'Revert "{(inputs.message or self.summarized(inputs)).splitlines()[0]}"'
        commit(api, inputs.repo, inputs.branch, {path: then[path] for path in changed}, message, current)


def _address(inputs: BranchInputs, path: str) -> str:
    return address("file", inputs.repo, f"{inputs.branch}:{path}")


def _observed(inputs: BranchInputs, path: str, entry: Entry | None) -> Observation:
    if entry is None:
        return Observation.absent(_address(inputs, path))
    return Observation(resource=_address(inputs, path), exists=True, state=entry.as_state())


def _entries(paths: Sequence[str], seen: Observations) -> dict[str, Entry | None]:
    """What observations say of the paths, which are in the same order."""
    return {
        path: Entry(item.state["mode"], item.state["sha"]) if item.exists else None
        for path, item in zip(paths, seen, strict=True)
    }
