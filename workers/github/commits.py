"""Commits through the git data API: any number of files in one commit, on top of whatever the branch has become."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reign.executor import FailureKind, TaskFailed
from workers.github.api import Api
from workers.github.inputs import part
from workers.github.marks import commit_of_run, with_trailer
from workers.github.trees import FILE, Entry, Trees, blob_sha, tip, tree_of

#: How often a commit is made anew because the branch moved while it was made.
_TRIES = 5
#: Texts up to this many bytes go inside the request for the tree; longer ones as blobs of their own.
_INLINE = 100_000
WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True)
class Content:
    """What a file is to hold; ``mode`` None keeps the mode of the file that stands there."""

    data: bytes
    mode: str | None = None

    def entry(self, now: Entry | None) -> Entry:
        """The entry that it will be, beside or instead of ``now``."""
        kept = now.mode if now is not None and now.mode.startswith("100") else FILE
        return Entry(self.mode or kept, blob_sha(self.data))


#: A new content, a former one that GitHub still has, or None: no file.
Wanted = Content | Entry | None


def wanted_entry(wanted: Wanted, now: Entry | None) -> Entry | None:
    return wanted.entry(now) if isinstance(wanted, Content) else wanted


def commit(
    api: Api,
    repo: str,
    branch: str,
    files: Mapping[str, Wanted],
    message: str,
    expected: Mapping[str, Entry | None],
) -> str:
    """Make ``branch`` hold ``files`` by one commit, and return the branch's tip. Nothing to do makes no commit.

    ``expected`` is what was seen at those paths: if another change came between, it is not written over. The branch
    is moved only from the tip that the commit was made on, so that no commit of others is ever lost.
    Raises TaskFailed.
    """
    scope = "workflow" if any(path.startswith(WORKFLOWS) for path in files) else None
    for _ in range(_TRIES):
        base = tip(api, repo, branch)
        if base is None:
            base = _first(api, repo, branch, files, message, scope)
        root = tree_of(api, repo, base)
        now = Trees(api, repo, root).entries(files)
        changes = {path: wanted for path, wanted in files.items() if wanted_entry(wanted, now[path]) != now[path]}
        if not changes:
            return base
        _refuse_foreign(api, changes, now, expected)
        entries = [_tree_entry(api, repo, path, wanted, now[path]) for path, wanted in changes.items()]
        tree = api.post(f"/repos/{repo}/git/trees", {"base_tree": root, "tree": entries}, wants=scope)["sha"]
        body = {"message": with_trailer(api.ctx, message), "tree": tree, "parents": [base]}
        made = str(api.post(f"/repos/{repo}/git/commits", body)["sha"])
        if _move(api, repo, branch, made, scope):
            return made
        api.ctx.log(f"{branch} of {repo} moved meanwhile; making the commit on its new tip")
    raise TaskFailed(
        f"cannot {api.doing}: {branch} of {repo} keeps moving",
        kind=FailureKind.CONFLICT,
        hint="others push to it all the time; try again when it is quiet",
        retryable=True,
    )


def _move(api: Api, repo: str, branch: str, sha: str, scope: str | None) -> bool:
    """Whether the branch could be moved forward to ``sha``."""
    try:
        api.patch(f"/repos/{repo}/git/refs/heads/{part(branch)}", {"sha": sha, "force": False}, wants=scope)
    except TaskFailed as error:
        if "fast forward" in str(error.details.get("message", "")).lower():
            return False
        raise
    return True


def _refuse_foreign(
    api: Api,
    changes: Mapping[str, Wanted],
    now: Mapping[str, Entry | None],
    expected: Mapping[str, Entry | None],
) -> None:
    changed = [path for path in changes if now[path] != expected.get(path)]
    if changed:
        raise TaskFailed(
            f"cannot {api.doing}: {', '.join(changed[:5])} was changed meanwhile",
            kind=FailureKind.CONFLICT,
            hint="somebody else wrote to it; look, then try again",
            retryable=True,
        )


def _tree_entry(api: Api, repo: str, path: str, wanted: Wanted, now: Entry | None) -> dict[str, Any]:
    if wanted is None:
        assert now is not None
        return {"path": path, "mode": now.mode, "type": "blob", "sha": None}
    if isinstance(wanted, Entry):
        kind = "commit" if wanted.mode == "160000" else "blob"
        return {"path": path, "mode": wanted.mode, "type": kind, "sha": wanted.sha}
    entry: dict[str, Any] = {"path": path, "mode": wanted.entry(now).mode, "type": "blob"}
    text = _text(wanted.data)
    if text is not None:
        return entry | {"content": text}
    api.ctx.progress(f"sending {path} ({len(wanted.data)} bytes)")
    blob = {"content": base64.b64encode(wanted.data).decode(), "encoding": "base64"}
    return entry | {"sha": api.post(f"/repos/{repo}/git/blobs", blob)["sha"]}


def _text(data: bytes) -> str | None:
    if len(data) > _INLINE or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _first(api: Api, repo: str, branch: str, files: Mapping[str, Wanted], message: str, scope: str | None) -> str:
    """The first commit of an empty repository, which only the contents API can make. Raises TaskFailed if the branch
    is missing from a repository that has others."""
    others = [found["name"] for found in api.all(f"/repos/{repo}/branches", pages=1)]
    path, content = next(((p, c) for p, c in files.items() if isinstance(c, Content)), (None, None))
    if others or path is None or content is None:
        raise no_branch(api, repo, branch, others)
    body = {
        "message": with_trailer(api.ctx, message),
        "content": base64.b64encode(content.data).decode(),
        "branch": branch,
    }
    return str(api.put(f"/repos/{repo}/contents/{part(path)}", body, wants=scope)["commit"]["sha"])


def no_branch(api: Api, repo: str, branch: str, others: list[str]) -> TaskFailed:
    """That there is no such branch, with the nearest right name. First makes sure that there is the repository."""
    from reign.core.errors import did_you_mean

    api.get(f"/repos/{repo}")
    return TaskFailed(
        f"cannot {api.doing}: {repo} has no branch {branch!r}",
        kind=FailureKind.WRONG_INPUT,
        hint=did_you_mean(branch, others) or "create it first (github.create_branch)",
    )


def last_is_ours(api: Api, repo: str, branch: str, path: str) -> bool:
    """Whether the newest change of that file on the branch was made by the run."""
    newest = api.find(f"/repos/{repo}/commits", absent=(404, 409), sha=branch, path=path, per_page=1)
    return bool(newest) and commit_of_run(api.ctx, newest[0]["commit"]["message"])
