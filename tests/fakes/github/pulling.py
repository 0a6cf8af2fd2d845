"""What happens to pull requests: following their branches, mergeability, merging, protection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.fakes.github.git import CommitInfo, Signature
from tests.fakes.github.problems import Problem
from tests.fakes.github.repository import Repository
from tests.fakes.github.runs import FINISHED
from tests.fakes.github.tracker import Issue, PullRequest


def follow_branch(repository: Repository, branch: str, now: datetime) -> list[Issue]:
    """Updates open pull requests after a branch moved; returns those whose head moved."""
    moved = []
    sha = repository.branch(branch)
    for issue in repository.pulls:
        pull = issue.pull
        if pull is None or issue.state != "open" or branch not in (pull.head, pull.base):
            continue
        pull.mergeable = None
        issue.updated_at = now
        if sha is None:
            issue.state, issue.closed_at = "closed", now
        elif branch == pull.head:
            pull.head_sha = sha
            _dismiss_stale_reviews(repository, pull)
            moved.append(issue)
        else:
            pull.base_sha = sha
    return moved


def _dismiss_stale_reviews(repository: Repository, pull: PullRequest) -> None:
    rules = protection_of(repository, pull.base).get("required_pull_request_reviews") or {}
    if rules.get("dismiss_stale_reviews"):
        for review in pull.reviews:
            if review.state == "APPROVED":
                review.state = "DISMISSED"


def work_out_mergeable(repository: Repository, pull: PullRequest) -> None:
    """What GitHub does in the background after a branch of a pull request moved."""
    _, pull.conflicts = repository.git.merge(pull.base_sha, pull.head_sha)
    pull.mergeable = not pull.conflicts


def mergeable_state(repository: Repository, issue: Issue) -> str:
    """unknown, dirty, draft, blocked, behind, unstable or clean."""
    pull = issue.pull
    assert pull is not None
    if pull.mergeable is None:
        return "unknown"
    if not pull.mergeable:
        return "dirty"
    if pull.draft:
        return "draft"
    if blocked_by(repository, pull):
        return "blocked"
    checks = protection_of(repository, pull.base).get("required_status_checks") or {}
    if checks.get("strict") and not repository.git.is_ancestor(pull.base_sha, pull.head_sha):
        return "behind"
    outcomes = check_outcomes(repository, pull.head_sha).values()
    return "unstable" if any(outcome != "success" for outcome in outcomes) else "clean"


def protection_of(repository: Repository, branch: str) -> dict[str, Any]:
    return repository.protections.get(branch, {})


def check_outcomes(repository: Repository, sha: str) -> dict[str, str]:
    """The newest outcome of every check and status of a commit: success, pending or failure."""
    found: dict[str, str] = {}
    for status in repository.statuses:
        if status.sha == sha:
            found[status.context] = "failure" if status.state == "error" else status.state
    for check in repository.check_runs:
        if check.sha == sha:
            found[check.name] = _outcome(check.status, check.conclusion)
    for run in repository.runs:
        if run.sha == sha:
            found |= {job.name: _outcome(job.status, job.conclusion) for job in run.jobs}
    return found


def _outcome(status: str, conclusion: str | None) -> str:
    if status != FINISHED:
        return "pending"
    return "success" if conclusion in ("success", "neutral", "skipped") else "failure"


def blocked_by(repository: Repository, pull: PullRequest) -> str | None:
    """The protection rule that keeps a pull request from being merged, in GitHub's words."""
    rules = protection_of(repository, pull.base)
    missing = unmet_checks(repository, pull.base, pull.head_sha)
    if missing:
        return missing
    reviews = rules.get("required_pull_request_reviews")
    if reviews is not None:
        latest = {review.author.login: review.state for review in pull.reviews if review.state != "COMMENTED"}
        wanted = reviews.get("required_approving_review_count", 1)
        if "CHANGES_REQUESTED" in latest.values():
            return "Changes have been requested."
        if sum(state == "APPROVED" for state in latest.values()) < wanted:
            plural = "review is" if wanted == 1 else "reviews are"
            return f"At least {wanted} approving {plural} required by reviewers with write access."
    return None


def unmet_checks(repository: Repository, branch: str, sha: str) -> str | None:
    """The required status checks of a branch that a commit has not passed, in GitHub's words."""
    rules = protection_of(repository, branch).get("required_status_checks") or {}
    contexts = rules.get("contexts", [])
    outcomes = check_outcomes(repository, sha)
    unmet = [context for context in contexts if outcomes.get(context) != "success"]
    if not unmet:
        return None
    if len(unmet) > 1:
        return f"{len(unmet)} of {len(contexts)} required status checks are expected."
    states = {"pending": "pending", "failure": "failing"}
    return f'Required status check "{unmet[0]}" is {states.get(outcomes.get(unmet[0], ""), "expected")}.'


def check_direct_push(repository: Repository, branch: str, sha: str | None, is_admin: bool, status: int) -> None:
    """Raises Problem if protection forbids moving a branch to `sha` without a pull request."""
    rules = protection_of(repository, branch)
    if not rules or (is_admin and not rules.get("enforce_admins")):
        return
    if sha is None:
        if not rules.get("allow_deletions"):
            raise Problem(422, "Cannot delete a protected branch")
        return
    if rules.get("lock_branch"):
        raise Problem(status, "Cannot change this locked branch")
    reasons = [unmet_checks(repository, branch, sha)]
    if rules.get("required_pull_request_reviews") is not None:
        reasons.append("Changes must be made through a pull request.")
    if any(reasons):
        raise Problem(status, " ".join(reason for reason in reasons if reason))
    current = repository.branch(branch)
    forced = current is not None and not repository.git.is_ancestor(current, sha)
    if forced and not rules.get("allow_force_pushes"):
        raise Problem(422, "Cannot force-push to this branch")


def merged_commit(
    repository: Repository, issue: Issue, method: str, title: str | None, message: str | None, by: Signature
) -> str:
    """The commit a merge puts on the base branch: method is merge, squash or rebase."""
    pull = issue.pull
    assert pull is not None
    git = repository.git
    commits = list(git.history(pull.head_sha, exclude=pull.base_sha))[::-1]
    if method == "rebase":
        return _rebased(repository, pull.base_sha, commits, by)
    tree, _ = git.merge(pull.base_sha, pull.head_sha)
    if method == "squash":
        headline = title or f"{issue.title} (#{issue.number})"
        body = message if message is not None else "\n\n".join(f"* {c.message}" for c in commits[1:])
        author = git.commit(commits[-1].sha).author if commits else by
        return git.put_commit(tree, [pull.base_sha], _joined(headline, body), author, by)
    headline = title or f"Merge pull request #{issue.number} from {repository.owner.login}/{pull.head}"
    text = _joined(headline, message if message is not None else issue.title)
    return git.put_commit(tree, [pull.base_sha, pull.head_sha], text, by, by)


def _rebased(repository: Repository, base: str, commits: list[CommitInfo], by: Signature) -> str:
    git = repository.git
    tip = base
    for commit in commits:
        tree, conflicts = git.merge(tip, commit.sha, base=commit.parents[0] if commit.parents else None)
        if conflicts:
            raise Problem(405, "This branch can't be rebased")
        tip = git.put_commit(tree, [tip], commit.message, commit.author, by)
    return tip


def _joined(headline: str, body: str | None) -> str:
    return f"{headline}\n\n{body}" if body else headline
