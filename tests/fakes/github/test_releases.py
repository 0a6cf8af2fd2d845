"""Releases, their tags and their assets."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import requests
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


@pytest.fixture(params=["url", "enterprise_url"])
def repo(request: pytest.FixtureRequest, github_server: GitHubServer, client: Client) -> Repository:
    github_server.add_repository("mona/shop", {"a": "1"})
    return client(base_url=getattr(github_server, request.param)).get_repo("mona/shop")


def test_a_release_makes_its_tag_and_leaves_it_behind(repo: Repository) -> None:
    sha = repo.get_branch("main").commit.sha
    release = repo.create_git_release("v1.0", "First", "notes", target_commitish=sha)
    assert repo.get_git_ref("tags/v1.0").object.sha == sha
    assert repo.get_release("v1.0").id == release.id
    assert (repo.get_latest_release().id, repo.get_release(release.id).name) == (release.id, "First")
    release.delete_release()
    with pytest.raises(UnknownObjectException):
        repo.get_release("v1.0")
    assert [tag.name for tag in repo.get_tags()] == ["v1.0"]


def test_a_taken_or_malformed_tag_is_named(repo: Repository) -> None:
    repo.create_git_release("v1", "First", "notes")
    with pytest.raises(GithubException) as raised:
        repo.create_git_release("v1", "Again", "notes")
    assert raised.value.data["errors"] == [{"resource": "Release", "code": "already_exists", "field": "tag_name"}]
    with pytest.raises(GithubException) as raised:
        repo.create_git_release("no tag", "x", "notes")
    assert raised.value.data["errors"][0]["field"] == "tag_name"
    with pytest.raises(GithubException) as raised:
        repo.create_git_release("v2", "x", "notes", target_commitish="nowhere")
    assert raised.value.data["errors"][0]["field"] == "target_commitish"


def test_a_draft_is_seen_by_its_writers_and_has_no_tag_until_published(
    repo: Repository, github_server: GitHubServer, client: Client
) -> None:
    github_server.add_user("reader")
    draft = repo.create_git_release("v1", "First", "notes", draft=True)
    assert [one.draft for one in repo.get_releases()] == [True]
    assert list(client(github_server.add_token("reader")).get_repo("mona/shop").get_releases()) == []
    assert list(repo.get_tags()) == []
    published = draft.update_release("First", "better notes", draft=False)
    assert (published.body, [tag.name for tag in repo.get_tags()]) == ("better notes", ["v1"])


def test_assets_are_uploaded_read_renamed_and_deleted(repo: Repository, tmp_path: Path) -> None:
    release = repo.create_git_release("v1", "First", "notes")
    file = tmp_path / "tool.bin"
    file.write_bytes(b"\x00binary\xff")
    uploaded = release.upload_asset(str(file), label="the tool", content_type="application/octet-stream")
    assert (uploaded.name, uploaded.size, uploaded.label) == ("tool.bin", 8, "the tool")
    with pytest.raises(GithubException) as raised:
        release.upload_asset(str(file))
    assert raised.value.data["errors"] == [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]
    into = tmp_path / "back"
    uploaded.download_asset(str(into))
    assert into.read_bytes() == b"\x00binary\xff"
    uploaded.update_asset("tool", "renamed")
    release.upload_asset_from_memory(io.BytesIO(b"text"), 4, "notes.txt", content_type="text/plain")
    assert [one.name for one in repo.get_release("v1").get_assets()] == ["tool", "notes.txt"]
    uploaded.delete_asset()
    assert [one.name for one in repo.get_release("v1").assets] == ["notes.txt"]


def test_a_signed_download_expires(github_server: GitHubServer) -> None:
    assert requests.get(f"{github_server.url}/api/storage/assets/1/2?se=1&sig=0", timeout=5).status_code == 403
    signed = github_server.world.sign("assets/1/2")
    assert requests.get(f"{github_server.url}/api/storage/assets/1/2?{signed}", timeout=5).status_code == 404
