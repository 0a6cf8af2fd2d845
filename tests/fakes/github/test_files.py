"""Files and git data: the contents API's rules, and commits of many files."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from github import GithubException, InputGitAuthor, InputGitTreeElement, UnknownObjectException
from github.ContentFile import ContentFile
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


@pytest.fixture
def repo(github_server: GitHubServer, client: Client) -> Repository:
    github_server.add_repository("mona/shop", {"README.md": "# shop\n", "src/app.py": "print(1)\n"})
    return client().get_repo("mona/shop")


def content_of(repo: Repository, path: str, ref: str = "main") -> ContentFile:
    found = repo.get_contents(path, ref)
    assert isinstance(found, ContentFile)
    return found


def refusal(raised: pytest.ExceptionInfo[GithubException]) -> tuple[int, str]:
    return raised.value.status, raised.value.data["message"]


def test_a_file_is_created_updated_and_deleted(repo: Repository) -> None:
    made = repo.create_file("docs/a.txt", "add", "one\n")
    updated = repo.update_file("docs/a.txt", "change", "two\n", made["content"].sha)
    assert content_of(repo, "docs/a.txt").decoded_content == b"two\n"
    assert [one.sha for one in repo.get_git_commit(updated["commit"].sha).parents] == [made["commit"].sha]
    repo.delete_file("docs/a.txt", "remove", updated["content"].sha)
    with pytest.raises(UnknownObjectException):
        repo.get_contents("docs/a.txt")
    with pytest.raises(UnknownObjectException):
        repo.get_contents("docs")


def test_replacing_needs_the_sha_of_what_stands_there(repo: Repository) -> None:
    with pytest.raises(GithubException) as raised:
        repo.create_file("README.md", "overwrite", "x")
    assert refusal(raised) == (422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    old = content_of(repo, "README.md").sha
    repo.update_file("README.md", "first", "x", old)
    with pytest.raises(GithubException) as raised:
        repo.update_file("README.md", "second", "y", old)
    assert refusal(raised) == (409, f"README.md does not match {old}")
    with pytest.raises(GithubException) as raised:
        repo.delete_file("README.md", "gone", old)
    assert raised.value.status == 409


def test_a_branch_has_to_exist_and_a_folder_is_no_file(repo: Repository) -> None:
    with pytest.raises(GithubException) as raised:
        repo.create_file("a", "m", "x", branch="nowhere")
    assert refusal(raised) == (404, "Branch nowhere not found")
    with pytest.raises(GithubException) as raised:
        repo.create_file("src", "m", "x")
    assert raised.value.status == 422
    listing = repo.get_contents("")
    assert isinstance(listing, list)
    assert [(one.name, one.type) for one in listing] == [("README.md", "file"), ("src", "dir")]


def test_the_first_file_makes_the_branch_of_an_empty_repository(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/empty")
    repo = client().get_repo("mona/empty")
    repo.create_file("a", "m", "x")
    assert [one.name for one in repo.get_branches()] == ["main"]


def test_an_author_of_its_own_signs_a_commit(repo: Repository) -> None:
    author = InputGitAuthor("Ada", "ada@example.org", "2024-02-03T04:05:06Z")
    commit = repo.create_file("a", "m", "x", author=author, committer=author)["commit"]
    git = repo.get_git_commit(commit.sha)
    assert (git.author.name, git.author.email, git.author.date.isoformat()) == (
        "Ada",
        "ada@example.org",
        "2024-02-03T04:05:06+00:00",
    )


def test_many_files_go_into_one_commit(repo: Repository) -> None:
    head = repo.get_branch("main").commit
    blob = repo.create_git_blob("AAEC", "base64")
    elements = [
        InputGitTreeElement("bin/tool", "100755", "blob", sha=blob.sha),
        InputGitTreeElement("src/new.py", "100644", "blob", content="new = 1\n"),
        InputGitTreeElement("README.md", "100644", "blob", sha=None),
    ]
    tree = repo.create_git_tree(elements, repo.get_git_tree(head.sha))
    commit = repo.create_git_commit("many at once", tree, [repo.get_git_commit(head.sha)])
    repo.get_git_ref("heads/main").edit(commit.sha)
    listed = {(one.path, one.mode) for one in repo.get_git_tree("main", recursive=True).tree}
    assert listed == {
        ("bin", "040000"),
        ("bin/tool", "100755"),
        ("src", "040000"),
        ("src/app.py", "100644"),
        ("src/new.py", "100644"),
    }
    assert content_of(repo, "bin/tool").decoded_content == b"\x00\x01\x02"
    changed = {(one.filename, one.status) for one in repo.get_commit(commit.sha).files}
    assert changed == {("README.md", "removed"), ("bin/tool", "added"), ("src/new.py", "added")}


@pytest.mark.skipif(shutil.which("git") is None, reason="no git on PATH")
def test_shas_are_those_of_git_itself(repo: Repository) -> None:
    made = repo.create_git_blob("hello\n", "utf-8").sha
    by_git = subprocess.run(
        ["git", "hash-object", "--stdin"], input="hello\n", capture_output=True, text=True, check=True
    )
    assert made == by_git.stdout.strip()


def test_wrong_objects_are_refused_in_words(repo: Repository) -> None:
    nothing = "0" * 40
    with pytest.raises(GithubException) as raised:
        repo.create_git_tree([InputGitTreeElement("a", "100644", "blob", sha=nothing)])
    assert refusal(raised) == (422, f"tree.sha {nothing} is not a valid blob")
    with pytest.raises(GithubException) as raised:
        repo.create_git_ref("refs/heads/x", nothing)
    assert refusal(raised) == (422, "Object does not exist")
    with pytest.raises(GithubException) as raised:
        repo.create_git_ref("refs/heads/main", repo.get_branch("main").commit.sha)
    assert refusal(raised) == (422, "Reference already exists")
    with pytest.raises(GithubException) as raised:
        repo.create_git_ref("refs/heads/no..dots", repo.get_branch("main").commit.sha)
    assert "is not a valid ref name" in raised.value.data["message"]
    with pytest.raises(GithubException) as raised:
        repo.get_git_blob(nothing)
    assert raised.value.status == 404


def test_a_ref_moves_forward_unless_forced(repo: Repository) -> None:
    first = repo.get_branch("main").commit.sha
    repo.create_file("a", "m", "x")
    ref = repo.get_git_ref("heads/main")
    with pytest.raises(GithubException) as raised:
        ref.edit(first)
    assert refusal(raised) == (422, "Update is not a fast forward")
    ref.edit(first, force=True)
    assert repo.get_branch("main").commit.sha == first
    assert [one.ref for one in repo.get_git_matching_refs("heads/")] == ["refs/heads/main"]


def test_tags_and_annotated_tags_lead_to_their_commit(repo: Repository) -> None:
    sha = repo.get_branch("main").commit.sha
    tag = repo.create_git_tag("v1", "first", sha, "commit")
    repo.create_git_ref("refs/tags/v1", tag.sha)
    repo.create_git_ref("refs/tags/light", sha)
    assert [(one.name, one.commit.sha) for one in repo.get_tags()] == [("v1", sha), ("light", sha)]
    assert repo.get_git_tag(tag.sha).message == "first"
    assert repo.get_git_ref("tags/v1").object.type == "tag"
    assert content_of(repo, "README.md", "v1").decoded_content == b"# shop\n"


def test_history_comparison_and_renames(repo: Repository) -> None:
    first = repo.get_branch("main").commit.sha
    body = "".join(f"line {number}\n" for number in range(20))
    made = repo.create_file("old.txt", "add", body)
    repo.create_git_ref("refs/heads/side", first)
    repo.create_file("other.txt", "side", "x", branch="side")
    assert [one.commit.message for one in repo.get_commits(path="old.txt")] == ["add"]
    compared = repo.compare("side", "main")
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("diverged", 1, 1)
    assert [(one.filename, one.additions) for one in compared.files] == [("old.txt", 20)]
    elements = [
        InputGitTreeElement("old.txt", "100644", "blob", sha=None),
        InputGitTreeElement("new.txt", "100644", "blob", sha=made["content"].sha),
    ]
    tree = repo.create_git_tree(elements, repo.get_git_tree("main"))
    moved = repo.create_git_commit("move", tree, [repo.get_git_commit(made["commit"].sha)])
    (change,) = repo.get_commit(moved.sha).files
    assert (change.status, change.previous_filename, change.filename) == ("renamed", "old.txt", "new.txt")
