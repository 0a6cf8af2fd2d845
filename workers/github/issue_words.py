"""How people ask for what the github agent does with issues and pull requests."""

from __future__ import annotations

from dataclasses import replace

from reign.core.lexicon import CHECK, CREATE, WAIT, Gives, Kind, Phrase, Slot, Words
from workers.github.place_words import BODY, CUES, REPO

_TITLE = Slot(
    "title",
    Kind.TEXT,
    labels=("title", "--title"),
    after=("titled", "entitled", "called", "named", "saying", "about"),
    bare=True,
    required=True,
    ask="with which title? put it in quotes",
)
_PULL = ("pull request", "pr", "merge request")


def _number(labels: tuple[str, ...], thing: str, ask: str) -> Slot:
    return Slot(
        "number",
        Kind.NUMBER,
        labels=labels,
        after=("on", "to", "of", "for"),
        bare=True,
        required=True,
        things=(thing,),
        ask=ask,
    )


_OPENED = (
    Slot(
        "head",
        Kind.REF,
        labels=("head", "branch"),
        after=("from", "of", "for"),
        beside="repo",
        required=True,
        things=("branch",),
        ask="from which branch?",
    ),
    Slot(
        "base",
        Kind.REF,
        labels=("base", "base branch"),
        after=("to", "into", "against", "onto"),
        required=True,
        ask="into which branch?",
    ),
    _TITLE,
    BODY,
    REPO,
    Slot("draft", Kind.CHOICE, choices={"draft": True}),
    Slot("reviewers", Kind.REF, labels=("reviewer", "--reviewer"), after=("reviewed by",), many=True),
    Slot("labels", Kind.REF, labels=("label", "--label"), after=("labelled", "labeled"), many=True),
)


ISSUE_WORDS: Words = {
    "github.open_pull_request": (
        Phrase(
            verbs=(*CREATE, "open", "raise", "submit", "file", "propose", "send"),
            cues=CUES,
            about=_PULL,
            slots=_OPENED,
            gives=(Gives("pull request", "{result.number}"),),
            example="open a pull request from release-1 to main titled 'Release 1' in acme/shop",
        ),
        Phrase(
            verbs=("draft",),
            cues=CUES,
            about=_PULL,
            slots=_OPENED,
            gives=(Gives("pull request", "{result.number}"),),
            sets={"draft": True},
        ),
    ),
    "github.merge_pull_request": (
        Phrase(
            verbs=("squash and merge", "squash merge", "squash-merge", "squash"),
            objects=_PULL,
            cues=CUES,
            slots=(_number(_PULL, "pull request", "which pull request? for example 12"), REPO),
            sets={"method": "squash"},
        ),
        Phrase(
            verbs=("rebase and merge",),
            objects=_PULL,
            cues=CUES,
            slots=(_number(_PULL, "pull request", "which pull request? for example 12"), REPO),
            sets={"method": "rebase"},
        ),
        Phrase(
            verbs=("merge", "land"),
            objects=_PULL,
            cues=CUES,
            slots=(
                _number(_PULL, "pull request", "which pull request? for example 12"),
                Slot(
                    "method",
                    Kind.CHOICE,
                    labels=("method",),
                    choices={
                        "squash": "squash",
                        "squashing": "squash",
                        "squash merge": "squash",
                        "rebase": "rebase",
                        "rebasing": "rebase",
                        "merge commit": "merge",
                    },
                ),
                REPO,
            ),
            example="merge pull request 12 of acme/shop with squash",
        ),
    ),
    "github.create_issue": (
        Phrase(
            verbs=(*CREATE, "open", "file", "raise", "report", "submit", "log"),
            about=("issue", "bug", "ticket", "bug report", "github issue"),
            cues=CUES,
            slots=(
                _TITLE,
                BODY,
                replace(REPO, after=(*REPO.after, "to", "against")),
                Slot("labels", Kind.REF, labels=("label",), after=("labelled", "labeled"), many=True),
                Slot("assignees", Kind.REF, labels=("assignee",), after=("assigned to",), many=True),
            ),
            gives=(Gives("issue", "{result.number}"),),
            example="open an issue on acme/shop titled 'Disk almost full'",
        ),
    ),
    "github.comment_issue": (
        Phrase(
            verbs=("comment", "reply"),
            cues=CUES,
            slots=(
                _number(("issue", "ticket", *_PULL), "issue", "on which issue? for example 15"),
                Slot(
                    "body",
                    Kind.TEXT,
                    labels=("comment", "text", "body"),
                    after=("with", "saying", "that says", "as"),
                    bare=True,
                    required=True,
                    ask="what should the comment say? put it in quotes",
                ),
                REPO,
            ),
            example="comment 'fixed in 1.2' on issue 15 of acme/shop",
        ),
        Phrase(
            verbs=("write", "post", "leave", *CREATE),
            about=("comment",),
            cues=CUES,
            slots=(
                _number(("issue", "ticket", *_PULL), "issue", "on which issue? for example 15"),
                Slot(
                    "body",
                    Kind.TEXT,
                    labels=("comment", "text", "body"),
                    after=("with", "saying", "that says"),
                    bare=True,
                    required=True,
                    ask="what should the comment say? put it in quotes",
                ),
                REPO,
            ),
        ),
    ),
    "github.close_issue": (
        Phrase(
            verbs=("close", "resolve"),
            objects=("issue", "bug", "ticket"),
            cues=CUES,
            object_needed=True,
            slots=(
                replace(
                    _number(("issue", "bug", "ticket"), "issue", "which issue? for example 7"), like=r"^#", tells=True
                ),
                Slot("body", Kind.TEXT, labels=("comment", "text", "note"), after=("with", "saying")),
                Slot("reason", Kind.CHOICE, choices={"not planned": "not_planned", "completed": "completed"}),
                REPO,
            ),
            example="close issue 7 on acme/shop",
        ),
    ),
    "github.wait_for_checks": (
        Phrase(
            verbs=(*WAIT, *CHECK, "follow"),
            about=("check", "ci check", "status check", "ci"),
            states=("pass", "passes", "passed", "green", "finished", "done", "complete", "succeed"),
            cues=CUES,
            slots=(
                _number(_PULL, "pull request", "of which pull request? for example 12"),
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in", "at most", "up to")),
                REPO,
            ),
            example="wait for the checks of pull request 12 of acme/shop",
        ),
        Phrase(
            verbs=(*WAIT, *CHECK, "follow"),
            about=("check", "ci check", "status check", "ci"),
            states=("pass", "passes", "passed", "green", "finished", "done", "complete", "succeed"),
            cues=CUES,
            slots=(
                Slot(
                    "ref",
                    Kind.REF,
                    labels=("branch", "tag", "commit"),
                    after=("on", "of", "for"),
                    required=True,
                    things=("branch",),
                    ask="of which branch or pull request?",
                ),
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in", "at most", "up to")),
                REPO,
            ),
        ),
    ),
    "github.add_labels": (
        Phrase(
            verbs=("add", "put", "set", "label"),
            about=("label",),
            cues=CUES,
            slots=(
                _number(("issue", "ticket", *_PULL), "issue", "on which issue or pull request?"),
                Slot(
                    "labels",
                    Kind.REF,
                    labels=("label",),
                    after=("as", "with"),
                    bare=True,
                    many=True,
                    required=True,
                    ask="which labels?",
                ),
                REPO,
            ),
            example="add the label bug to issue 7 of acme/shop",
        ),
    ),
    "github.request_reviewers": (
        Phrase(
            verbs=("request", "ask", "add", "assign", "get", "want"),
            about=("review", "reviewer"),
            filler=("review",),
            cues=CUES,
            slots=(
                _number(_PULL, "pull request", "of which pull request? for example 12"),
                Slot(
                    "reviewers",
                    Kind.REF,
                    labels=("reviewer",),
                    after=("from", "by"),
                    bare=True,
                    many=True,
                    required=True,
                    ask="from whom?",
                ),
                REPO,
            ),
            example="request a review from anna on pull request 12 of acme/shop",
        ),
    ),
}
