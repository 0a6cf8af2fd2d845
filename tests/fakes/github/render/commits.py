"""Git objects, contents, commits and statuses as GitHub answers them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC

from tests.fakes.github.accounts import Account
from tests.fakes.github.exchange import Json
from tests.fakes.github.git import CommitInfo, Entry, FileChange, Signature
from tests.fakes.github.links import Links, node_id, quoted
from tests.fakes.github.render.accounts import simple_user, timestamp, user_or_none
from tests.fakes.github.repository import CheckRun, Repository
from tests.fakes.github.runs import Job, Run
from tests.fakes.github.tracker import Status

# GitHub breaks base64 into lines, so that a client that forgets to strip newlines fails here too.
BASE64_LINE = 60
ENTRY_KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}


def person(signature: Signature) -> Json:
    return {
        "name": signature.name,
        "email": signature.email,
        "date": timestamp(signature.at.astimezone(UTC)),
    }


def verification() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def git_ref(links: Links, found: Repository, ref: str, sha: str) -> Json:
    kind = found.git.type_of(sha)
    return {
        "ref": ref,
        "node_id": node_id("REF", found.id, ref),
        "url": links.repo(found, f"/git/{quoted(ref)}"),
        "object": {"sha": sha, "type": kind, "url": links.repo(found, f"/git/{kind}s/{sha}")},
    }


def git_commit(links: Links, found: Repository, commit: CommitInfo) -> Json:
    return {
        "sha": commit.sha,
        "node_id": node_id("C", found.id, commit.sha),
        "url": links.repo(found, f"/git/commits/{commit.sha}"),
        "html_url": links.html(found, f"/commit/{commit.sha}"),
        "author": person(commit.author),
        "committer": person(commit.committer),
        "tree": {"sha": commit.tree, "url": links.repo(found, f"/git/trees/{commit.tree}")},
        "message": commit.message,
        "parents": [
            {
                "sha": sha,
                "url": links.repo(found, f"/git/commits/{sha}"),
                "html_url": links.html(found, f"/commit/{sha}"),
            }
            for sha in commit.parents
        ],
        "verification": verification(),
    }


def commit(
    links: Links,
    found: Repository,
    info: CommitInfo,
    accounts: Mapping[str, Account],
    with_files: bool = False,
) -> Json:
    """`accounts` is by email; `with_files` adds the changes against the first parent."""

    def account_of(signature: Signature) -> Json | None:
        return user_or_none(links, accounts.get(signature.email))

    shown: Json = {
        "sha": info.sha,
        "node_id": node_id("C", found.id, info.sha),
        "commit": {
            "author": person(info.author),
            "committer": person(info.committer),
            "message": info.message,
            "tree": {"sha": info.tree, "url": links.repo(found, f"/git/trees/{info.tree}")},
            "url": links.repo(found, f"/git/commits/{info.sha}"),
            "comment_count": 0,
            "verification": verification(),
        },
        "url": links.repo(found, f"/commits/{info.sha}"),
        "html_url": links.html(found, f"/commit/{info.sha}"),
        "comments_url": links.repo(found, f"/commits/{info.sha}/comments"),
        "author": account_of(info.author),
        "committer": account_of(info.committer),
        "parents": [
            {
                "sha": sha,
                "url": links.repo(found, f"/commits/{sha}"),
                "html_url": links.html(found, f"/commit/{sha}"),
            }
            for sha in info.parents
        ],
    }
    if with_files:
        before = found.git.commit(info.parents[0]).tree if info.parents else None
        changes = found.git.diff(before, info.tree)
        added = sum(change.additions for change in changes)
        removed = sum(change.deletions for change in changes)
        shown["stats"] = {"total": added + removed, "additions": added, "deletions": removed}
        shown["files"] = [diff_entry(links, found, info.sha, change) for change in changes]
    return shown


def diff_entry(links: Links, found: Repository, sha: str, change: FileChange) -> Json:
    path = quoted(change.path)
    entry: Json = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": links.html(found, f"/blob/{sha}/{path}"),
        "raw_url": links.html(found, f"/raw/{sha}/{path}"),
        "contents_url": links.repo(found, f"/contents/{path}?ref={sha}"),
    }
    if change.patch is not None:
        entry["patch"] = change.patch
    if change.previous_path is not None:
        entry["previous_filename"] = change.previous_path
    return entry


def content_entry(links: Links, found: Repository, path: str, entry: Entry, ref: str) -> Json:
    """A file or folder without its content."""
    kind = ENTRY_KINDS[entry.type]
    own = links.repo(found, f"/contents/{quoted(path)}?ref={ref}")
    git = links.repo(found, f"/git/{entry.type}s/{entry.sha}")
    page = links.html(found, f"/{entry.type}/{ref}/{quoted(path)}")
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": own,
        "html_url": page,
        "git_url": git,
        "download_url": f"{links.web}/raw/{found.full_name}/{ref}/{quoted(path)}" if kind == "file" else None,
        "type": kind,
        "_links": {"self": own, "git": git, "html": page},
    }


def content_file(links: Links, found: Repository, path: str, entry: Entry, ref: str) -> Json:
    return content_entry(links, found, path, entry, ref) | {
        "content": broken_base64(found.git.blob(entry.sha)),
        "encoding": "base64",
    }


def broken_base64(content: bytes) -> str:
    encoded = base64.b64encode(content).decode()
    return "".join(f"{encoded[at : at + BASE64_LINE]}\n" for at in range(0, len(encoded), BASE64_LINE))


def tree_entry(links: Links, found: Repository, entry: Entry) -> Json:
    shown: Json = {
        "path": entry.path,
        "mode": entry.mode,
        "type": entry.type,
        "sha": entry.sha,
        "url": links.repo(found, f"/git/{entry.type}s/{entry.sha}"),
    }
    return shown if entry.size is None else shown | {"size": entry.size}


def status(links: Links, found: Repository, one: Status) -> Json:
    return simple_status(links, found, one) | {"creator": simple_user(links, one.creator)}


def simple_status(links: Links, found: Repository, one: Status) -> Json:
    return {
        "url": links.repo(found, f"/statuses/{one.sha}"),
        "avatar_url": f"{links.web}/avatars/u/{one.creator.id}?v=4",
        "id": one.id,
        "node_id": node_id("SC", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
    }


def check_run(links: Links, found: Repository, check: CheckRun, app: Json | None) -> Json:
    url = links.repo(found, f"/check-runs/{check.id}")
    page = links.html(found, f"/runs/{check.id}")
    return {
        "id": check.id,
        "name": check.name,
        "node_id": node_id("CR", check.id),
        "head_sha": check.sha,
        "external_id": check.external_id or "",
        "url": url,
        "html_url": page,
        "details_url": check.details_url or page,
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": timestamp(check.started_at),
        "completed_at": timestamp(check.completed_at),
        "output": {
            "title": check.title,
            "summary": check.summary,
            "text": check.text,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": check.id},
        "app": app,
        "pull_requests": [],
    }


def check_of_job(run: Run, job: Job) -> CheckRun:
    """The check run that GitHub Actions keeps for a job."""
    return CheckRun(
        id=job.id,
        name=job.name,
        sha=run.sha,
        status=job.status,
        conclusion=job.conclusion,
        app="github-actions",
        started_at=job.started_at or job.created_at,
        completed_at=job.completed_at,
    )
