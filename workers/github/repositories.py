"""github.create_repository, and how it is taken back: only if nothing of anybody else is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from reign.core.catalog import OperationInputs, OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import RepoName, part, repository_name
from workers.github.marks import commit_of_run, of_run
from workers.github.trees import tip

#: GitHub fills a new repository after it has answered; looked at so many times, a second apart.
_LOOKS = 60


class CreateRepository(Operation["CreateRepository.Inputs", "CreateRepository.Result"]):
    """A repository of that name that is as asked is taken as it is."""

    name: ClassVar[str] = "github.create_repository"
    summary: ClassVar[str] = "Create a repository"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "deleted if it holds nothing but what this run put there; otherwise it stays"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)

    class Inputs(OperationInputs):
        name: Annotated[
            str, BeforeValidator(repository_name), StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")
        ] = Field(description="of the repository; owner/name names both")
        owner: str | None = Field(default=None, description="user or organization; by default the token's account")
        private: bool = Field(default=True, description="whether only those who are let in see it")
        description: str | None = None
        template: RepoName | None = Field(default=None, description="the template repository to start from")
        initialize: bool = Field(default=True, description="start with a README on the branch main")

        @model_validator(mode="before")
        @classmethod
        def _owner_in_front(cls, value: Any) -> Any:
            name = repository_name(value.get("name")) if isinstance(value, dict) else None
            if isinstance(name, str) and name.count("/") == 1 and "${{" not in name:
                owner, _, bare = name.partition("/")
                if value.get("owner") not in (None, owner):
                    raise ValueError(f"name says owner {owner!r}, owner says {value['owner']!r}")
                return {**value, "owner": owner, "name": bare}
            return value

    class Result(OperationResult):
        full_name: str = Field(description="owner/name")
        url: str = Field(description="the repository's page")
        clone_url: str
        default_branch: str
        private: bool

    def touches(self, ctx: Context, inputs: CreateRepository.Inputs) -> Sequence[str]:
        return [_address(inputs)]

    def inspect(self, ctx: Context, inputs: CreateRepository.Inputs) -> Observations:
        api = self._api(ctx, inputs)
        found = api.find(f"/repos/{_full_name(api, inputs)}")
        if found is None:
            return [Observation.absent(_address(inputs))]
        state = {"private": found["private"], "description": found["description"]}
        facts = {"full_name": found["full_name"], "default_branch": found["default_branch"], "url": found["html_url"]}
        return [Observation(resource=_address(inputs), exists=True, state=state, facts=facts)]

    def done(self, ctx: Context, inputs: CreateRepository.Inputs, seen: Observations) -> CreateRepository.Result | None:
        if not seen[0].exists or not _as_asked(inputs, seen[0]):
            return None
        api = self._api(ctx, inputs)
        found = api.get(f"/repos/{seen[0].facts['full_name']}")
        if inputs.initialize and tip(api, found["full_name"], found["default_branch"]) is None:
            return None
        return self._result(found)

    def apply(self, ctx: Context, inputs: CreateRepository.Inputs, seen: Observations) -> CreateRepository.Result:
        api = self._api(ctx, inputs)
        if seen[0].exists and not _as_asked(inputs, seen[0]):
            raise TaskFailed(
                f"cannot {api.doing}: there is one already, {_difference(inputs, seen[0])}",
                kind=FailureKind.CONFLICT,
                hint="take another name, or ask for what is there",
            )
        full_name = _full_name(api, inputs)
        found = api.find(f"/repos/{full_name}") or self._create(api, inputs, full_name)
        if inputs.initialize or inputs.template:
            self._wait_until_filled(ctx, api, found)
        return self._result(found)

    def _create(self, api: Api, inputs: CreateRepository.Inputs, full_name: str) -> Any:
        owner = full_name.partition("/")[0]
        body: dict[str, Any] = {"name": inputs.name, "private": inputs.private}
        if inputs.description:
            body["description"] = inputs.description
        if inputs.template:
            return api.post(f"/repos/{inputs.template}/generate", {**body, "owner": owner})
        body["auto_init"] = inputs.initialize
        kind = (api.find(f"/users/{part(owner)}") or {}).get("type")
        return api.post(f"/orgs/{part(owner)}/repos" if kind == "Organization" else "/user/repos", body)

    def _wait_until_filled(self, ctx: Context, api: Api, found: Any) -> None:
        repo, branch = found["full_name"], found["default_branch"]
        for _ in range(_LOOKS):
            if tip(api, repo, branch) is not None:
                return
            ctx.progress(f"waiting for GitHub to fill {repo}")
            ctx.wait(ctx.options.get("poll", 1.0))
        raise TaskFailed(
            f"{repo} was created, but has no branch {branch!r} yet",
            kind=FailureKind.TRANSIENT,
            hint="GitHub is slow to fill it; try again",
        )

    def restore(self, ctx: Context, inputs: CreateRepository.Inputs, before: Observations, now: Observations) -> None:
        if before[0].exists and not now[0].exists:
            raise TaskFailed(
                f"the repository {before[0].facts['full_name']} was deleted, and cannot be brought back from here",
                kind=FailureKind.CONFLICT,
                hint="its owner can restore it for 90 days (Settings, Repositories, Deleted repositories)",
            )
        if before[0].exists or not now[0].exists:
            return
        full_name = now[0].facts["full_name"]
        api = Api(ctx, f"delete {full_name}", full_name)
        foreign = next(_foreign(ctx, api, full_name), None)
        if foreign is not None:
            raise TaskFailed(
                f"{full_name} stays: it holds {foreign}, which this run did not put there",
                kind=FailureKind.CONFLICT,
                hint="delete it by hand if nobody needs it",
            )
        api.delete(f"/repos/{full_name}")

    def _api(self, ctx: Context, inputs: CreateRepository.Inputs) -> Api:
        shown = f"{inputs.owner}/{inputs.name}" if inputs.owner else inputs.name
        return Api(ctx, f"create the repository {shown}", owner=inputs.owner)

    def _result(self, found: Any) -> CreateRepository.Result:
        return self.Result(
            full_name=found["full_name"],
            url=found["html_url"],
            clone_url=found["clone_url"],
            default_branch=found["default_branch"],
            private=found["private"],
        )


def _address(inputs: CreateRepository.Inputs) -> str:
    owner = f"{inputs.owner}/" if inputs.owner else ""  # without one it is the token's account
    return f"github:repository/{owner}{inputs.name}".lower()


def _full_name(api: Api, inputs: CreateRepository.Inputs) -> str:
    return f"{inputs.owner or api.login()}/{inputs.name}"


def _as_asked(inputs: CreateRepository.Inputs, seen: Observation) -> bool:
    described = not inputs.description or seen.state["description"] == inputs.description
    return described and bool(seen.state["private"]) == inputs.private


def _difference(inputs: CreateRepository.Inputs, seen: Observation) -> str:
    if bool(seen.state["private"]) != inputs.private:
        return "and it is private" if seen.state["private"] else "and it is public"
    return "with another description"


def _foreign(ctx: Context, api: Api, repo: str) -> Iterator[str]:
    """What of others is in a repository that the run made. A first commit of GitHub's own belongs to the creation."""
    place = f"/repos/{repo}"
    if api.get(place)["forks_count"]:
        yield "a network of forks"
    seen: set[str] = set()
    for branch in api.all(f"{place}/branches"):
        for commit in api.all(f"{place}/commits", sha=branch["name"]):
            if commit["sha"] in seen:
                break
            seen.add(commit["sha"])
            message = commit["commit"]["message"]
            parents = len(commit["parents"])
            # A merge brings nothing that its parents, which are looked at too, do not have.
            own = parents > 1 or (parents == 0 and message == "Initial commit") or commit_of_run(ctx, message)
            if not own:
                yield f"the commit {commit['sha'][:8]} on {branch['name']}"
    for issue in api.all(f"{place}/issues", state="all"):
        if not of_run(ctx, issue["body"]):
            yield f"#{issue['number']} ({issue['title']})"
    for release in api.all(f"{place}/releases"):
        if not of_run(ctx, release["body"]):
            yield f"the release {release['tag_name']}"
