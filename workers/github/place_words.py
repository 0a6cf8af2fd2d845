"""How people say what all of the github agent's operations share: the repository, and a text."""

from __future__ import annotations

from reign.core.lexicon import Kind, Slot

CUES = ("github", "gh")
REPO = Slot(
    "repo",
    Kind.REPO,
    labels=("repository", "repo", "github repo", "github repository", "-R", "--repo"),
    after=("in", "on", "of", "for", "at"),
    required=True,
    scope=True,
    things=("repository",),
    ask="in which repository? for example acme/shop",
)
BODY = Slot(
    "body",
    Kind.TEXT,
    labels=("body", "description", "text", "note", "release note", "--body"),
    after=("saying", "with", "described as", "containing"),
)
