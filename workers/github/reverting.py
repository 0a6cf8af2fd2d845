"""A pull request that takes a merge back. GitHub's own "Revert" button has no REST call; this is what it does."""

from __future__ import annotations

from typing import Any

from reign.executor import FailureKind, TaskFailed
from workers.github.api import Api
from workers.github.commits import Wanted, commit
from workers.github.inputs import part
from workers.github.marks import with_mark
from workers.github.trees import Trees, tip, tree_of


def open_revert(api: Api, repo: str, merged: Any) -> str:
    """Open the pull request that reverts ``merged`` (a merged one), or find it open; returns its page.

    Files that were changed again since are a conflict, which a person has to settle. Raises TaskFailed.
    """
    base, number = merged["base"]["ref"], merged["number"]
    branch = f"revert-{number}-{merged['head']['ref']}"
    found = _pull(api, repo, branch, base)
    if found is not None:
        return str(found["html_url"])
    files, now = _former(api, repo, merged)
    if not files:
        api.ctx.log(f"#{number} changed nothing that is still there")
        return str(merged["html_url"])
    if tip(api, repo, branch) is None:
        head = tip(api, repo, base)
        api.post(f"/repos/{repo}/git/refs", {"ref": f"refs/heads/{branch}", "sha": head})
    title = f'Revert "{merged["title"]}"'
    commit(api, repo, branch, files, f"{title}\n\nThis reverts #{number}.", now)
    body = {"head": branch, "base": base, "title": title, "body": with_mark(api.ctx, f"Reverts #{number}.")}
    return str(api.post(f"/repos/{repo}/pulls", body)["html_url"])


def _pull(api: Api, repo: str, branch: str, base: str) -> Any:
    head = f"{repo.partition('/')[0]}:{branch}"
    return next(iter(api.all(f"/repos/{repo}/pulls", state="open", head=head, base=base)), None)


def _former(api: Api, repo: str, merged: Any) -> tuple[dict[str, Wanted], Any]:
    """The files as they were before the merge, and as they are now; what is so already is left out."""
    merge_sha = merged["merge_commit_sha"]
    start = _before(api, repo, merged)
    compared = api.all(f"/repos/{repo}/compare/{start}...{merge_sha}", key="files", pages=1)
    paths = {path for one in compared for path in (one["filename"], one.get("previous_filename")) if path}
    then, made, now = (
        Trees(api, repo, tree_of(api, repo, sha)).entries(sorted(paths))
        for sha in (start, merge_sha, tip(api, repo, merged["base"]["ref"]) or merge_sha)
    )
    left = [path for path in sorted(paths) if now[path] != then[path]]
    changed = [path for path in left if now[path] != made[path]]
    if changed:
        raise TaskFailed(
            f"cannot {api.doing}: {', '.join(changed[:5])} was changed again since",
            kind=FailureKind.CONFLICT,
            hint=f"revert {merge_sha[:8]} by hand",
        )
    return {path: then[path] for path in left}, now


def _before(api: Api, repo: str, merged: Any) -> str:
    """The base branch's commit just before the merge: one commit back for a merge or a squash, n for a rebase of n."""
    found = api.get(f"/repos/{repo}/commits/{part(merged['merge_commit_sha'])}")
    if len(found["parents"]) > 1 or merged["commits"] == 1:
        return str(found["parents"][0]["sha"])
    history = list(api.all(f"/repos/{repo}/commits", pages=3, sha=merged["merge_commit_sha"]))
    own = [one["commit"]["message"] for one in api.all(f"/repos/{repo}/pulls/{merged['number']}/commits")]
    rebased = [one["commit"]["message"] for one in history[: len(own)]][::-1] == own
    return str(history[len(own) if rebased else 1]["sha"])
