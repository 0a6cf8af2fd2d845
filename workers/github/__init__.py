"""The github agent: repositories, branches, files, pull requests, issues, workflows and releases on GitHub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import Agent
from reign.executor.contract import NO_OPTIONS, Check
from workers.github.awaiting import WaitForChecks
from workers.github.branches import CreateBranch, DeleteBranch
from workers.github.files import DeleteFile, PutFile, PutFiles
from workers.github.inputs import repository_of
from workers.github.issues import CloseIssue, CommentIssue, CreateIssue
from workers.github.merging import MergePullRequest
from workers.github.pulls import OpenPullRequest
from workers.github.releases import CreateRelease
from workers.github.repositories import CreateRepository
from workers.github.reviewing import AddLabels, RequestReviewers
from workers.github.runs import DispatchWorkflow, WatchWorkflow
from workers.github.words import WORDS
from workers.github.workflow_files import PutWorkflow


def _checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    from workers.github.checks import checks

    return checks(options)


AGENT = Agent(
    "github",
    "Repositories, branches, files, pull requests, issues, workflows and releases on GitHub",
    operations=(
        CreateRepository, CreateBranch, DeleteBranch, PutFile, PutFiles, DeleteFile, PutWorkflow,
        OpenPullRequest, AddLabels, RequestReviewers, WaitForChecks, MergePullRequest,
        CreateIssue, CommentIssue, CloseIssue, DispatchWorkflow, WatchWorkflow, CreateRelease,
    ),
    checks=_checks,
    words=WORDS,
    lies_in=repository_of,
)  # fmt: skip
