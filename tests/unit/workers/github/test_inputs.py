"""What people write, as the operations take it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workers.github import AGENT
from workers.github.inputs import repository_of
from workers.github.marks import without_mark

INPUTS = {operation.name.partition(".")[2]: operation.Inputs for operation in AGENT.operations}


def parsed(verb: str, **given: Any) -> Any:
    return INPUTS[verb].model_validate(given)


@pytest.mark.parametrize(
    "text",
    [
        "acme/shop",
        "https://github.com/acme/shop",
        "https://github.com/acme/shop.git",
        "https://github.example.com/acme/shop/",
        "git@github.com:acme/shop.git",
        "ssh://git@github.com/acme/shop.git",
    ],
)
def test_repositories(text: str) -> None:
    assert parsed("create_branch", repo=text, branch="b").repo == "acme/shop"


@pytest.mark.parametrize("text", ["shop", "acme/shop/tree", "acme/", "-acme/shop", "acme/sh op", 7])
def test_what_is_no_repository(text: Any) -> None:
    with pytest.raises(ValidationError):
        parsed("create_branch", repo=text, branch="b")


def test_names_of_repositories() -> None:
    assert (parsed("create_repository", name="acme/pay").owner, parsed("create_repository", name="pay").owner) == (
        "acme",
        None,
    )
    assert parsed("create_repository", name="acme/pay", owner="acme").name == "pay"
    with pytest.raises(ValidationError, match="name says owner 'acme', owner says 'other'"):
        parsed("create_repository", name="acme/pay", owner="other")


@pytest.mark.parametrize(("given", "meant"), [("refs/heads/a/b", "a/b"), ("main", "main"), ("v1.0-rc", "v1.0-rc")])
def test_branches(given: str, meant: str) -> None:
    assert parsed("create_branch", repo="a/b", branch=given).branch == meant


@pytest.mark.parametrize("given", ["", "a b", "/a", ".a", "a~1", "a:b", "a\\b"])
def test_what_is_no_branch(given: str) -> None:
    with pytest.raises(ValidationError):
        parsed("create_branch", repo="a/b", branch=given)


@pytest.mark.parametrize("path", ["/etc/passwd", "a//b", "a/", "", "../x", "a/../b", "a/./b", "a/.git/config"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValidationError):
        parsed("put_file", repo="a/b", branch="main", path=path, content="")


def test_paths() -> None:
    for path, meant in (("./a/b.txt", "a/b.txt"), (".github/x", ".github/x"), ("a/..b", "a/..b"), (".gitignore",) * 2):
        assert parsed("put_file", repo="a/b", branch="main", path=path, content="").path == meant


def test_files() -> None:
    files = {"a": "text", "b": None, "c": {"content": "AA==", "encoding": "base64"}, "d": {"source": "x"}}
    put = parsed("put_files", repo="a/b", branch="main", files=files)
    assert put.files["a"].content == "text"
    assert put.files["b"] is None
    wrongs: list[dict[str, Any]] = [
        {"files": {"a": {}}},
        {"files": {"a": {"content": "x", "source": "y"}}},
        {"files": {"a": {"content": "%", "encoding": "base64"}}},
        {"files": 7},
        {},
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            parsed("put_files", repo="a/b", branch="main", **wrong)
    with pytest.raises(ValidationError, match="content is not base64"):
        parsed("put_file", repo="a/b", branch="main", path="a", content="%", encoding="base64")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("ci", "ci.yml"),
        ("ci.yaml", "ci.yaml"),
        (".github/workflows/ci.yml", "ci.yml"),
        ("./.github/workflows/x", "x.yml"),
    ],
)
def test_names_of_workflows(given: str, meant: str) -> None:
    assert parsed("put_workflow", repo="a/b", branch="main", name=given, content="").name == meant


def test_lists_of_names() -> None:
    given = {"repo": "a/b", "head": "x", "base": "main", "title": "t"}
    assert parsed("open_pull_request", **given, reviewers="@mona, acme/ops").reviewers == ["mona", "acme/ops"]
    assert parsed("open_pull_request", **given, labels=["bug"]).labels == ["bug"]
    assert parsed("open_pull_request", **given, labels=None).labels == []
    assert parsed("open_pull_request", **given | {"head": "fork:x"}).head == "fork:x"
    with pytest.raises(ValidationError):
        parsed("add_labels", repo="a/b", number=1, labels=[])


def test_assets() -> None:
    release = {"repo": "a/b", "tag": "v1"}
    assert parsed("create_release", **release, assets="dist/a.whl").assets == {"a.whl": "dist/a.whl"}
    assert parsed("create_release", **release, assets=["x/a", "y/b"]).assets == {"a": "x/a", "b": "y/b"}
    assert parsed("create_release", **release, assets={"n": "x/a"}).assets == {"n": "x/a"}


def test_what_is_watched_and_awaited() -> None:
    with pytest.raises(ValidationError, match="name the run by run_id"):
        parsed("watch_workflow", repo="a/b")
    for wrong in ({}, {"number": 1, "ref": "main"}):
        with pytest.raises(ValidationError, match="name a pull request by number, or a ref"):
            parsed("wait_for_checks", repo="a/b", **wrong)
    assert parsed("watch_workflow", repo="a/b", run_id=1, timeout="5m").timeout == 300


def test_a_mark_is_left_out_of_what_is_compared() -> None:
    assert without_mark("notes\n\n<!-- reign:brave-otter-17/release -->") == "notes"
    assert without_mark(None) == ""


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("github:pull_request/mona/shop/1", "github:repository/mona/shop"),
        ("github:branch/mona/shop/a/b", "github:repository/mona/shop"),
        ("github:repository/mona/shop", None),
    ],
)
def test_what_a_resource_lies_in(address: str, repository: str | None) -> None:
    assert repository_of(address) == repository
