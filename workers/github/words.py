"""How people ask for what the github agent does in repositories, and with issues and pull requests (issue_words)."""

from __future__ import annotations

from dataclasses import replace

from reign.core.lexicon import CREATE, REMOVE, WAIT, Gives, Kind, Phrase, Slot, Words
from workers.github.issue_words import ISSUE_WORDS
from workers.github.place_words import BODY, CUES, REPO

_BRANCH = Slot(
    "branch",
    Kind.REF,
    beside="repo",
    labels=("branch",),
    after=("to", "on", "in", "from", "into"),
    required=True,
    scope=True,
    things=("branch",),
    known=frozenset({"main"}),  # "on its main branch"
    ask="on which branch?",
)
_MESSAGE = Slot("message", Kind.TEXT, labels=("message", "commit message", "-m"))
_FILE = Slot(
    "path",
    Kind.PATH,
    labels=("file",),
    after=("as", "called", "named"),
    bare=True,
    required=True,
    things=("repository file",),
    ask="which file?",
)
#: "put 'x' into README.md": looks like a file, so it is no branch.
_INTO_FILE = Slot(
    "path", Kind.PATH, after=("into", "in", "to", "at"), only=r"^[^/:]*\.\w+$|/[^/]*\.\w+$|^[A-Z]{3,}$", like=r"\.\w+$"
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
            cues=CUES,
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
            verbs=(*CREATE, "branch", "cut", "open", "start", "spin off", "fork"),
            cues=CUES,
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
                replace(REPO, after=(*REPO.after, "to")),
            ),
            gives=(Gives("branch", "{branch}"),),
            example="create a branch release-1 from main in acme/shop",
        ),
    ),
    "github.put_file": (
        Phrase(
            verbs=(*CREATE, "put", "commit", "write", "push", "update", "save", "upload"),
            cues=CUES,
            slots=(_FILE, _INTO_FILE, _CONTENT, _BRANCH, REPO, _MESSAGE),
            gives=(Gives("repository file", "{path}"),),
            example="commit the file README.md with content '# Shop' to branch main of acme/shop",
        ),
    ),
    "github.delete_file": (
        Phrase(
            verbs=REMOVE,
            cues=CUES,
            slots=(_FILE, _BRANCH, REPO, _MESSAGE),
            example="delete the file old.txt from branch main of acme/shop",
        ),
    ),
    "github.put_workflow": (
        Phrase(
            verbs=(*CREATE, "put", "commit", "push", "update", "install"),
            cues=CUES,
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
                REPO,
                _MESSAGE,
            ),
            gives=(Gives("workflow", "{name}"),),
            example="add the workflow ci.yml with content 'on: push' to branch main of acme/shop",
        ),
    ),
    "github.dispatch_workflow": (
        Phrase(
            verbs=("dispatch", "trigger", "run", "start", "kick off", "launch", "execute"),
            cues=CUES,
            object_needed=True,
            slots=(
                _WORKFLOW,
                Slot(
                    "ref",
                    Kind.REF,
                    labels=("ref", "branch", "tag"),
                    after=("on", "at", "for", "against"),
                    beside="repo",
                    required=True,
                    things=("branch",),
                    ask="on which branch or tag?",
                ),
                Slot("inputs", Kind.PAIRS, labels=("input",)),
                REPO,
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
            cues=CUES,
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
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in", "at most", "up to")),
                REPO,
            ),
            example="watch the workflow run 991 of acme/shop",
        ),
        Phrase(
            verbs=(*WAIT, "follow"),
            states=("finish", "finished", "done", "complete", "completed", "passes", "green", "succeeds"),
            cues=CUES,
            object_needed=True,
            slots=(
                _WORKFLOW,
                Slot("ref", Kind.REF, labels=("branch", "tag"), after=("on", "at"), things=("branch",)),
                Slot("timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in", "at most", "up to")),
                REPO,
            ),
            weight=-1,
            example="wait for the workflow ci.yml on main in acme/shop",
        ),
    ),
    "github.delete_branch": (
        Phrase(
            verbs=REMOVE,
            cues=CUES,
            about=("branch",),
            slots=(replace(_BRANCH, bare=True, scope=False, after=()), REPO),
            example="delete the branch old-docs of acme/shop",
        ),
    ),
    "github.put_files": (
        Phrase(
            verbs=("commit", "push", "put", "upload", "publish"),
            about=("folder", "directory", "file"),
            cues=CUES,
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
                REPO,
                _MESSAGE,
            ),
            filler=("content", "all"),
            example="commit the folder ./site to branch main of acme/shop",
        ),
    ),
    "github.create_release": (
        Phrase(
            verbs=(*CREATE, "publish", "release", "cut", "draft", "ship", "tag"),
            about=("release", "github release", "prerelease", "pre-release"),
            cues=CUES,
            slots=(
                Slot(
                    "tag",
                    Kind.REF,
                    labels=("release", "tag", "version", "github release", "prerelease", "pre-release"),
                    after=("for", "from"),
                    bare=True,
                    required=True,
                    only=r"^[^/]+$",
                    ask="for which tag? for example v1.2.0",
                ),
                Slot(
                    "name",
                    Kind.TEXT,
                    labels=("name", "title"),
                    after=("called", "named", "titled"),
                ),
                BODY,
                Slot(
                    "prerelease",
                    Kind.CHOICE,
                    choices={"prerelease": True, "pre-release": True, "--prerelease": True, "release candidate": True},
                ),
                Slot("target", Kind.REF, labels=("target", "branch", "commit", "--target"), after=("off",)),
                Slot(
                    "assets",
                    Kind.PATH,
                    labels=("asset", "file"),
                    after=("with", "attaching"),
                    many=True,
                    things=("file",),
                ),
                REPO,
            ),
            example="publish release v1.4.0 of acme/shop",
        ),
    ),
    **ISSUE_WORDS,
}
