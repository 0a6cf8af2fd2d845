"""How people ask for what the github agent does."""

from __future__ import annotations

from dataclasses import replace

from reign.core.lexicon import CHECK, CREATE, REMOVE, WAIT, Gives, Kind, Phrase, Slot, Words

_CUES = ("github", "gh")
_REPO = Slot(
    "repo",
    Kind.REPO,
    labels=("repository", "repo", "github repo", "github repository", "-R", "--repo"),
    after=("in", "on", "of", "for", "at"),
    required=True,
    scope=True,
    things=("repository",),
    ask="in which repository? for example acme/shop",
)
_BRANCH = Slot(
    "branch",
    Kind.REF,
    labels=("branch",),
    after=("to", "on", "in", "from", "into"),
    required=True,
    scope=True,
    things=("branch",),
    ask="on which branch?",
)
_MESSAGE = Slot("message", Kind.TEXT, labels=("message", "commit message", "-m"))
_TITLE = Slot(
    "title",
    Kind.TEXT,
    labels=("title", "--title"),
    after=("titled", "entitled", "called", "named", "saying", "about"),
    bare=True,
    required=True,
    ask="with which title? put it in quotes",
)
_BODY = Slot(
    "body",
    Kind.TEXT,
    labels=("body", "description", "text", "note", "release note", "--body"),
    after=("saying", "with", "described as", "containing"),
)
_FILE = Slot(
    "path",
    Kind.PATH,
    labels=("file",),
    bare=True,
    required=True,
    things=("repository file",),
    ask="which file?",
)
_CONTENT = Slot(
    "content",
    Kind.TEXT,
    labels=("content", "text", "contents"),
    after=("with", "containing", "saying"),
    bare=True,
    required=True,
    ask="what should the file hold? put it in quotes",
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


_WORKFLOW = Slot(
    "workflow",
    like=r"\.ya?ml$",
    tells=True,
    labels=("workflow", "action", "github action", "ci workflow"),
    bare=True,
    required=True,
    things=("workflow",),
    ask="which workflow? for example ci.yml",
)

WORDS: Words = {
    "github.create_repository": (
        Phrase(
            verbs=(*CREATE, "open"),
            cues=_CUES,
            object_needed=True,
            slots=(
                Slot(
                    ("owner", "name"),
                    Kind.REPO,
                    labels=("repository", "repo", "github repo", "github repository"),
                    after=("called", "named"),
                    bare=True,
                    things=("repository",),
                ),
                Slot(
                    "name",
                    labels=("repository", "repo", "github repo", "github repository"),
                    after=("called", "named"),
                    bare=True,
                    required=True,
                    ask="how should the repository be called? for example acme/shop",
                ),
                Slot("owner", labels=("owner", "organisation", "organization", "org"), after=("in", "under", "for")),
                Slot("private", Kind.CHOICE, choices={"private": True, "public": False}),
                Slot(
                    "description",
                    Kind.TEXT,
                    labels=("description", "--description"),
                    after=("described as", "about", "describing"),
                ),
                Slot("template", Kind.REPO, labels=("template",), after=("from",)),
            ),
            gives=(Gives("repository", "{owner}/{name}"), Gives("repository", "{result.full_name}")),
            example="create a private GitHub repo acme/payments",
        ),
    ),
    "github.create_branch": (
        Phrase(
            verbs=(*CREATE, "branch", "cut", "open", "start"),
            cues=_CUES,
            object_needed=True,
            slots=(
                Slot(
                    "branch",
                    Kind.REF,
                    labels=("branch", "feature branch", "release branch"),
                    after=("called", "named", "as"),
                    bare=True,
                    required=True,
                    things=("branch",),
                    ask="how should the branch be called?",
                ),
                Slot("from", Kind.REF, labels=("base",), after=("from", "off", "based on", "off of")),
                _REPO,
            ),
            gives=(Gives("branch", "{branch}"),),
            example="create a branch release-1 from main in acme/shop",
        ),
    ),
    "github.put_file": (
        Phrase(
            verbs=(*CREATE, "put", "commit", "write", "push", "update", "save", "upload"),
            cues=_CUES,
            slots=(_FILE, _CONTENT, _BRANCH, _REPO, _MESSAGE),
            gives=(Gives("repository file", "{path}"),),
            example="commit the file README.md with content '# Shop' to branch main of acme/shop",
        ),
    ),
    "github.delete_file": (
        Phrase(
            verbs=REMOVE,
            cues=_CUES,
            slots=(_FILE, _BRANCH, _REPO, _MESSAGE),
            example="delete the file old.txt from branch main of acme/shop",
        ),
    ),
    "github.put_workflow": (
        Phrase(
            verbs=(*CREATE, "put", "commit", "push", "update", "install"),
            cues=_CUES,
            object_needed=True,
            slots=(
                Slot(
                    "name",
                    labels=("workflow", "github workflow", "ci workflow"),
                    after=("called", "named"),
                    bare=True,
                    required=True,
                    things=("workflow",),
                    ask="how should the workflow be called? for example ci.yml",
                ),
                _CONTENT,
                _BRANCH,
                _REPO,
                _MESSAGE,
            ),
            gives=(Gives("workflow", "{name}"),),
            example="add the workflow ci.yml with content 'on: push' to branch main of acme/shop",
        ),
    ),
    "github.open_pull_request": (
        Phrase(
            verbs=(*CREATE, "open", "raise", "submit", "file", "propose"),
            cues=_CUES,
            about=_PULL,
            slots=(
                Slot(
                    "head",
                    Kind.REF,
                    labels=("head", "branch"),
                    after=("from", "of", "for"),
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
                _BODY,
                _REPO,
                Slot("draft", Kind.CHOICE, choices={"draft": True}),
                Slot("reviewers", labels=("reviewer",), many=True),
            ),
            gives=(Gives("pull request", "{result.number}"),),
            example="open a pull request from release-1 to main titled 'Release 1' in acme/shop",
        ),
    ),
    "github.merge_pull_request": (
        Phrase(
            verbs=("squash and merge", "squash merge", "squash-merge", "squash"),
            objects=_PULL,
            cues=_CUES,
            slots=(_number(_PULL, "pull request", "which pull request? for example 12"), _REPO),
            sets={"method": "squash"},
        ),
        Phrase(
            verbs=("rebase and merge",),
            objects=_PULL,
            cues=_CUES,
            slots=(_number(_PULL, "pull request", "which pull request? for example 12"), _REPO),
            sets={"method": "rebase"},
        ),
        Phrase(
            verbs=("merge", "land"),
            objects=_PULL,
            cues=_CUES,
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
                _REPO,
            ),
            example="merge pull request 12 of acme/shop with squash",
        ),
    ),
    "github.create_issue": (
        Phrase(
            verbs=(*CREATE, "open", "file", "raise", "report", "submit", "log"),
            about=("issue", "bug", "ticket", "bug report", "github issue"),
            cues=_CUES,
            slots=(_TITLE, _BODY, replace(_REPO, after=(*_REPO.after, "to", "against"))),
            gives=(Gives("issue", "{result.number}"),),
            example="open an issue on acme/shop titled 'Disk almost full'",
        ),
    ),
    "github.comment_issue": (
        Phrase(
            verbs=("comment", "reply"),
            cues=_CUES,
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
                _REPO,
            ),
            example="comment 'fixed in 1.2' on issue 15 of acme/shop",
        ),
        Phrase(
            verbs=("write", "post", "leave", *CREATE),
            about=("comment",),
            cues=_CUES,
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
                _REPO,
            ),
        ),
    ),
    "github.close_issue": (
        Phrase(
            verbs=("close", "resolve"),
            objects=("issue", "bug", "ticket"),
            cues=_CUES,
            object_needed=True,
            slots=(_number(("issue", "bug", "ticket"), "issue", "which issue? for example 7"), _REPO),
            example="close issue 7 on acme/shop",
        ),
    ),
    "github.dispatch_workflow": (
        Phrase(
            verbs=("dispatch", "trigger", "run", "start", "kick off", "launch", "execute"),
            cues=_CUES,
            object_needed=True,
            slots=(
                _WORKFLOW,
                Slot(
                    "ref",
                    Kind.REF,
                    labels=("ref", "branch", "tag"),
                    after=("on", "at", "for", "against"),
                    required=True,
                    things=("branch",),
                    ask="on which branch or tag?",
                ),
                Slot("inputs", Kind.PAIRS, labels=("input",)),
                _REPO,
            ),
            gives=(Gives("workflow run", "{result.run_id}"), Gives("workflow", "{workflow}")),
            example="trigger the workflow deploy.yml on main in acme/shop",
        ),
    ),
    "github.watch_workflow": (
        Phrase(
            verbs=(*WAIT, "follow"),
            objects=("workflow run", "run", "workflow", "action"),
            states=("finish", "finished", "done", "complete", "completed", "passes", "green", "succeeds"),
            cues=_CUES,
            object_needed=True,
            slots=(
                Slot(
                    "run_id",
                    Kind.NUMBER,
                    labels=("workflow run", "run", "workflow", "github run"),
                    after=("for",),
                    bare=True,
                    required=True,
                    things=("workflow run",),
                    ask="which workflow run? give its number",
                ),
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in")),
                _REPO,
            ),
            example="watch the workflow run 991 of acme/shop",
        ),
        Phrase(
            verbs=(*WAIT, "follow"),
            states=("finish", "finished", "done", "complete", "completed", "passes", "green", "succeeds"),
            cues=_CUES,
            object_needed=True,
            slots=(
                _WORKFLOW,
                Slot("ref", Kind.REF, labels=("branch", "tag"), after=("on", "at"), things=("branch",)),
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in")),
                _REPO,
            ),
            weight=-1,
            example="wait for the workflow ci.yml on main in acme/shop",
        ),
    ),
    "github.wait_for_checks": (
        Phrase(
            verbs=(*WAIT, *CHECK, "follow"),
            about=("check", "ci check", "status check", "ci"),
            states=("pass", "passes", "passed", "green", "finished", "done", "complete", "succeed"),
            cues=_CUES,
            slots=(
                _number(_PULL, "pull request", "of which pull request? for example 12"),
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in", "at most", "up to")),
                _REPO,
            ),
            example="wait for the checks of pull request 12 of acme/shop",
        ),
        Phrase(
            verbs=(*WAIT, *CHECK, "follow"),
            about=("check", "ci check", "status check", "ci"),
            states=("pass", "passes", "passed", "green", "finished", "done", "complete", "succeed"),
            cues=_CUES,
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
                _REPO,
            ),
        ),
    ),
    "github.add_labels": (
        Phrase(
            verbs=("add", "put", "set", "label"),
            about=("label",),
            cues=_CUES,
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
                _REPO,
            ),
            example="add the label bug to issue 7 of acme/shop",
        ),
    ),
    "github.request_reviewers": (
        Phrase(
            verbs=("request", "ask", "add", "assign"),
            about=("review", "reviewer"),
            cues=_CUES,
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
                _REPO,
            ),
            example="request a review from anna on pull request 12 of acme/shop",
        ),
    ),
    "github.delete_branch": (
        Phrase(
            verbs=REMOVE,
            cues=_CUES,
            about=("branch",),
            slots=(replace(_BRANCH, bare=True, scope=False, after=()), _REPO),
            example="delete the branch old-docs of acme/shop",
        ),
    ),
    "github.put_files": (
        Phrase(
            verbs=("commit", "push", "put", "upload", "publish"),
            about=("folder", "directory", "file"),
            cues=_CUES,
            slots=(
                Slot(
                    "directory",
                    Kind.PATH,
                    labels=("folder", "directory"),
                    after=("in", "from", "of"),
                    bare=True,
                    required=True,
                    things=("folder",),
                    ask="which folder?",
                ),
                replace(_BRANCH, after=("to", "on", "into")),
                _REPO,
                _MESSAGE,
            ),
            filler=("content", "all"),
            example="commit the folder ./site to branch main of acme/shop",
        ),
    ),
    "github.create_release": (
        Phrase(
            verbs=(*CREATE, "publish", "release", "cut", "draft", "ship", "tag"),
            about=("release", "github release"),
            cues=_CUES,
            slots=(
                Slot(
                    "tag",
                    Kind.REF,
                    labels=("release", "tag", "version", "github release"),
                    after=("for", "from"),
                    bare=True,
                    required=True,
                    ask="for which tag? for example v1.2.0",
                ),
                Slot(
                    "name",
                    Kind.TEXT,
                    labels=("name", "title"),
                    after=("called", "named", "titled"),
                ),
                _BODY,
                Slot("assets", Kind.PATH, labels=("asset", "file"), many=True),
                _REPO,
            ),
            example="publish release v1.4.0 of acme/shop",
        ),
    ),
}
