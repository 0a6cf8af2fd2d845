"""Git data: blobs, trees, commits, tags, refs."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

from tests.fakes.github import pulling
from tests.fakes.github.access import check_workflow_change
from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Json, Page
from tests.fakes.github.git import MODES, Signature
from tests.fakes.github.links import node_id
from tests.fakes.github.problems import Problem, not_found, unprocessable
from tests.fakes.github.render import commits as shown
from tests.fakes.github.repository import HEADS, TAGS
from tests.fakes.github.routing import Routes

routes = Routes()
READ, WRITE = "contents:read", "contents:write"
VALID_REF = re.compile(r"refs/(?:[^/\x00-\x20~^:?*\[\\]+/)+[^/\x00-\x20~^:?*\[\\]+")


def _require_commits(call: Call) -> None:
    if not call.repository.refs:
        raise Problem(409, "Git Repository is empty.")


@routes.add("POST", "/repos/{owner}/{repo}/git/blobs", permission=WRITE, role="push", scopes="")
def create_blob(call: Call) -> Answer:
    _require_commits(call)
    call.required("Blob", "content")
    content = str(call.body["content"])
    if call.body.get("encoding", "utf-8") == "base64":
        try:
            data = base64.b64decode(content)
        except (binascii.Error, ValueError):
            raise unprocessable("content is not valid Base64") from None
    else:
        data = content.encode()
    sha = call.repository.git.put_blob(data)
    url = call.links.repo(call.repository, f"/git/blobs/{sha}")
    return created({"sha": sha, "url": url}, url)


@routes.add("GET", "/repos/{owner}/{repo}/git/blobs/{file_sha}", permission=READ, scopes="")
def get_blob(call: Call) -> Answer:
    sha = call.params["file_sha"]
    try:
        content = call.repository.git.blob(sha)
    except KeyError:
        raise not_found() from None
    if call.request.accepts("raw"):
        return Answer(raw=content, content_type=call.request.raw_type())
    body = {
        "sha": sha,
        "node_id": node_id("B", call.repository.id, sha),
        "size": len(content),
        "url": call.links.repo(call.repository, f"/git/blobs/{sha}"),
        "content": shown.broken_base64(content),
        "encoding": "base64",
    }
    return Answer(body=body)


@routes.add("POST", "/repos/{owner}/{repo}/git/trees", permission=WRITE, role="push", scopes="")
def create_tree(call: Call) -> Answer:
    _require_commits(call)
    call.required("Tree", "tree")
    git = call.repository.git
    base = call.body.get("base_tree")
    if base is not None:
        base = _tree_of(call, str(base))
    entries = call.body["tree"]
    if not isinstance(entries, list) or not entries:
        raise unprocessable("Invalid tree info")
    check_workflow_change(call.identity, [str(entry.get("path")) for entry in entries])
    changes = [_tree_change(call, entry) for entry in entries]
    if base is not None:
        present = [path for path, _, sha in changes if sha is None and git.entry(base, path) is None]
        if present:
            raise unprocessable("GitRPC::BadObjectState")
    sha = git.put_tree(base, changes)
    return created(_tree(call, sha, recursive=False), call.links.repo(call.repository, f"/git/trees/{sha}"))


def _tree_of(call: Call, sha: str) -> str:
    """A tree's SHA, also from a commit's."""
    git = call.repository.git
    try:
        kind = git.type_of(sha)
    except KeyError:
        raise unprocessable("base_tree is not a valid tree oid") from None
    if kind == "commit":
        return git.commit(sha).tree
    if kind != "tree":
        raise unprocessable("base_tree is not a valid tree oid")
    return sha


def _tree_change(call: Call, entry: Json) -> tuple[str, str, str | None]:
    path, mode = entry.get("path"), entry.get("mode", "100644")
    if not isinstance(path, str) or not path or path.startswith("/") or mode not in MODES:
        raise unprocessable("tree.path contains a malformed path component" if path else "Invalid tree info")
    if "content" in entry:
        if "sha" in entry:
            raise unprocessable("Must supply either tree.sha or tree.content")
        return path, mode, call.repository.git.put_blob(str(entry["content"]).encode())
    if "sha" not in entry:
        raise unprocessable("Must supply either tree.sha or tree.content")
    sha = entry["sha"]
    if sha is not None:
        try:
            kind = call.repository.git.type_of(sha)
        except KeyError:
            raise unprocessable(f"tree.sha {sha} is not a valid {MODES[mode]}") from None
        if kind != MODES[mode]:
            raise unprocessable(f"tree.sha {sha} is not a valid {MODES[mode]}")
    return path, mode, sha


@routes.add("GET", "/repos/{owner}/{repo}/git/trees/{tree_sha}", permission=READ, scopes="")
def get_tree(call: Call) -> Answer:
    _require_commits(call)
    name = call.params["tree_sha"]
    head = call.repository.head(name)
    sha = head.tree if head is not None else name
    try:
        return Answer(body=_tree(call, sha, recursive="recursive" in call.request.query))
    except KeyError:
        raise not_found() from None


def _tree(call: Call, sha: str, recursive: bool) -> Json:
    found = call.repository
    entries = found.git.tree(sha, recursive)
    return {
        "sha": sha,
        "url": call.links.repo(found, f"/git/trees/{sha}"),
        "tree": [shown.tree_entry(call.links, found, entry) for entry in entries],
        "truncated": False,
    }


@routes.add("POST", "/repos/{owner}/{repo}/git/commits", permission=WRITE, role="push", scopes="")
def create_commit(call: Call) -> Answer:
    _require_commits(call)
    call.required("Commit", "message", "tree")
    git = call.repository.git
    tree, parents = str(call.body["tree"]), call.body.get("parents", [])
    if _kind(call, tree) != "tree":
        raise unprocessable("Tree SHA does not exist")
    if any(_kind(call, str(parent)) != "commit" for parent in parents):
        raise unprocessable("Parent SHA does not exist or is not a commit object")
    author = signature_of(call, "author")
    committer = signature_of(call, "committer", author)
    sha = git.put_commit(tree, parents, str(call.body["message"]), author, committer)
    body = shown.git_commit(call.links, call.repository, git.commit(sha))
    return created(body, body["url"])


def signature_of(call: Call, name: str, default: Signature | None = None) -> Signature:
    """`author` or `committer` of the body, completed from the default or the acting account."""
    fallback = default or call.world.signature(call.user)
    given = call.body.get(name)
    if given is None:
        return fallback
    if not given.get("name") or not given.get("email"):
        raise unprocessable(f'Invalid request.\n\n"email", "name" weren\'t supplied for {name}.')
    at = fallback.at
    if given.get("date"):
        try:
            at = datetime.fromisoformat(given["date"])
        except ValueError:
            raise unprocessable(f"{name}.date is not a valid timestamp") from None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Signature(given["name"], given["email"], at)


def _kind(call: Call, sha: str) -> str | None:
    try:
        return call.repository.git.type_of(sha)
    except KeyError:
        return None


@routes.add("GET", "/repos/{owner}/{repo}/git/commits/{commit_sha}", permission=READ, scopes="")
def get_commit(call: Call) -> Answer:
    _require_commits(call)
    try:
        found = call.repository.git.commit(call.params["commit_sha"])
    except KeyError:
        raise not_found() from None
    return Answer(body=shown.git_commit(call.links, call.repository, found))


@routes.add("POST", "/repos/{owner}/{repo}/git/tags", permission=WRITE, role="push", scopes="")
def create_tag(call: Call) -> Answer:
    _require_commits(call)
    call.required("Tag", "tag", "message", "object", "type")
    target = str(call.body["object"])
    if _kind(call, target) != "commit":
        raise unprocessable("Object does not exist")
    sha = call.repository.git.put_tag(
        str(call.body["tag"]), target, str(call.body["message"]), signature_of(call, "tagger")
    )
    body = _tag(call, sha)
    return created(body, body["url"])


@routes.add("GET", "/repos/{owner}/{repo}/git/tags/{tag_sha}", permission=READ, scopes="")
def get_tag(call: Call) -> Answer:
    try:
        return Answer(body=_tag(call, call.params["tag_sha"]))
    except KeyError:
        raise not_found() from None


def _tag(call: Call, sha: str) -> Json:
    name, target, message, tagger = call.repository.git.tag(sha)
    return {
        "node_id": node_id("TA", call.repository.id, sha),
        "tag": name,
        "sha": sha,
        "url": call.links.repo(call.repository, f"/git/tags/{sha}"),
        "message": message,
        "tagger": shown.person(tagger),
        "object": {
            "sha": target,
            "type": "commit",
            "url": call.links.repo(call.repository, f"/git/commits/{target}"),
        },
        "verification": shown.verification(),
    }


@routes.add("GET", "/repos/{owner}/{repo}/git/ref/{ref}", permission=READ, scopes="")
def get_ref(call: Call) -> Answer:
    _require_commits(call)
    ref = f"refs/{call.params['ref']}"
    if ref not in call.repository.refs:
        raise not_found()
    return Answer(body=shown.git_ref(call.links, call.repository, ref, call.repository.refs[ref]))


@routes.add("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref}", permission=READ, scopes="")
def matching_refs(call: Call) -> Page:
    return _refs(call)


@routes.add("GET", "/repos/{owner}/{repo}/git/refs/{ref}", permission=READ, scopes="repo", documented=False)
@routes.add("GET", "/repos/{owner}/{repo}/git/refs", permission=READ, scopes="repo", documented=False)
def list_refs(call: Call) -> Page:
    """A path of the old API, which the recorded scenarios and PyGithub's get_git_refs use."""
    return _refs(call)


def _refs(call: Call) -> Page:
    _require_commits(call)
    found = call.repository
    prefix = f"refs/{call.params.get('ref', '')}"
    names = sorted(ref for ref in found.refs if ref.startswith(prefix))
    return Page(names, lambda ref: shown.git_ref(call.links, found, ref, found.refs[ref]))


@routes.add("POST", "/repos/{owner}/{repo}/git/refs", permission=WRITE, role="push", scopes="repo")
def create_ref(call: Call) -> Answer:
    _require_commits(call)
    call.required("Reference", "ref", "sha")
    ref, sha = str(call.body["ref"]), str(call.body["sha"])
    if not VALID_REF.fullmatch(ref) or ref.endswith((".lock", ".")) or ".." in ref:
        raise unprocessable(
            f"{ref} is not a valid ref name." if ref.startswith("refs/") else "Reference name must start with 'refs/'."
        )
    if ref in call.repository.refs:
        raise unprocessable("Reference already exists")
    _check_target(call, ref, sha)
    call.world.move_ref(call.repository, ref, sha, call.user)
    body = shown.git_ref(call.links, call.repository, ref, sha)
    return created(body, body["url"])


def _check_target(call: Call, ref: str, sha: str) -> None:
    kind = _kind(call, sha)
    if kind is None:
        raise unprocessable("Object does not exist")
    if ref.startswith(HEADS) and kind != "commit":
        raise unprocessable("Reference update failed")


@routes.add("PATCH", "/repos/{owner}/{repo}/git/refs/{ref}", permission=WRITE, role="push", scopes="repo")
def update_ref(call: Call) -> Answer:
    _require_commits(call)
    call.required("Reference", "sha")
    found, ref, sha = call.repository, f"refs/{call.params['ref']}", str(call.body["sha"])
    if ref not in found.refs:
        raise unprocessable("Reference does not exist")
    _check_target(call, ref, sha)
    current = found.refs[ref]
    forced = bool(call.body.get("force"))
    if ref.startswith(HEADS) and not forced and not found.git.is_ancestor(current, sha):
        raise unprocessable("Update is not a fast forward")
    if ref.startswith(TAGS) and not forced and current != sha:
        raise unprocessable("Reference cannot be updated")
    if ref.startswith(HEADS):
        pulling.check_direct_push(found, ref.removeprefix(HEADS), sha, call.is_admin, 422)
    call.world.move_ref(found, ref, sha, call.user)
    return Answer(body=shown.git_ref(call.links, found, ref, sha))


@routes.add("DELETE", "/repos/{owner}/{repo}/git/refs/{ref}", permission=WRITE, role="push", scopes="repo")
def delete_ref(call: Call) -> Answer:
    found, ref = call.repository, f"refs/{call.params['ref']}"
    if ref not in found.refs:
        raise unprocessable("Reference does not exist")
    branch = ref.removeprefix(HEADS)
    if ref == HEADS + found.default_branch:
        raise unprocessable("Cannot delete the default branch")
    pulling.check_direct_push(found, branch, None, call.is_admin, 422)
    call.world.move_ref(found, ref, None, call.user)
    return no_content()
