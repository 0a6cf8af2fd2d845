"""Files by path: reading, and commits of one file."""

from __future__ import annotations

import base64
import binascii

from tests.fakes.github import pulling
from tests.fakes.github.access import check_workflow_change
from tests.fakes.github.call import Call
from tests.fakes.github.exchange import Answer, Json
from tests.fakes.github.git import FILE_MODE, Entry
from tests.fakes.github.problems import Problem, not_found, unprocessable
from tests.fakes.github.render import commits as shown
from tests.fakes.github.repository import HEADS
from tests.fakes.github.routes.git_data import signature_of
from tests.fakes.github.routing import Routes

routes = Routes()
PATH = "/repos/{owner}/{repo}/contents/{path}"


@routes.add("GET", "/repos/{owner}/{repo}/readme", permission="contents:read", scopes="repo")
def readme(call: Call) -> Answer:
    return _read(call, "README.md")


@routes.add("GET", PATH, permission="contents:read", scopes="")
def get(call: Call) -> Answer:
    return _read(call, call.params["path"].strip("/"))


def _read(call: Call, path: str) -> Answer:
    found = call.repository
    ref = call.query("ref") or found.default_branch
    head = found.head(ref)
    if head is None:
        raise (
            Problem(404, "This repository is empty.")
            if not found.refs
            else Problem(404, f"No commit found for the ref {ref}")
        )
    entry = found.git.entry(head.tree, path)
    if entry is None:
        raise not_found()
    modified = {"Last-Modified": head.committer.at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    if entry.type == "tree":
        return Answer(body=_folder(call, path, entry, ref), headers=modified)
    if call.request.accepts("raw"):
        content = found.git.blob(entry.sha)
        return Answer(raw=content, content_type=call.request.raw_type(), headers=modified)
    return Answer(body=shown.content_file(call.links, found, path, entry, ref), headers=modified)


def _folder(call: Call, path: str, folder: Entry, ref: str) -> list[Json] | Json:
    found = call.repository
    entries = [
        shown.content_entry(call.links, found, f"{path}/{one.path}".lstrip("/"), one, ref)
        for one in found.git.tree(folder.sha)
    ]
    if not call.request.accepts("object"):
        return entries
    return shown.content_entry(call.links, found, path, folder, ref) | {"entries": entries}


@routes.add("PUT", PATH, permission="contents:write", role="push", scopes="")
def put(call: Call) -> Answer:
    call.required("Content", "message", "content")
    found, path = call.repository, call.params["path"]
    if not path or path.startswith("/") or path.endswith("/") or ".." in path.split("/"):
        raise unprocessable("path contains a malformed path component")
    try:
        content = base64.b64decode(str(call.body["content"]))
    except (binascii.Error, ValueError):
        raise unprocessable("content is not valid Base64") from None
    branch = _branch(call)
    check_workflow_change(call.identity, [path])
    current = _current(call, branch)
    _check_sha(path, current, call.body.get("sha"))
    commit = _commit(call, branch, content, "create" if current is None else "update")
    entry = found.git.entry(found.git.commit(commit).tree, path)
    assert entry is not None
    body = {
        "content": shown.content_entry(call.links, found, path, entry, branch),
        "commit": shown.git_commit(call.links, found, found.git.commit(commit)),
    }
    return Answer(201 if current is None else 200, body)


@routes.add("DELETE", PATH, permission="contents:write", role="push", scopes="")
def delete(call: Call) -> Answer:
    # A DELETE's fields may come in the query as well as in the body.
    for name in ("message", "sha", "branch"):
        if name in call.request.query:
            call.body.setdefault(name, call.request.query[name])
    call.required("Content", "message", "sha")
    branch = _branch(call)
    check_workflow_change(call.identity, [call.params["path"]])
    current = _current(call, branch)
    if current is None:
        raise not_found()
    _check_sha(call.params["path"], current, call.body["sha"])
    commit = _commit(call, branch, None, "delete")
    found = call.repository
    body = {"content": None, "commit": shown.git_commit(call.links, found, found.git.commit(commit))}
    return Answer(200, body)


def _branch(call: Call) -> str:
    """The branch to commit to; only an empty repository may gain one this way."""
    found = call.repository
    branch = str(call.body.get("branch") or found.default_branch).removeprefix(HEADS)
    if found.refs and found.branch(branch) is None:
        raise Problem(404, f"Branch {branch} not found")
    return branch


def _current(call: Call, branch: str) -> Entry | None:
    found = call.repository
    head = found.head(HEADS + branch)
    return None if head is None else found.git.entry(head.tree, call.params["path"])


def _check_sha(path: str, current: Entry | None, sha: str | None) -> None:
    """Raises Problem: 422 if a file is to be replaced without naming what stands there, 409 if it changed."""
    if current is not None and current.type == "tree":
        raise unprocessable(f"{path} is a directory")
    if current is not None and not sha:
        raise unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if sha and (current is None or current.sha != sha):
        raise Problem(409, f"{path} does not match {sha}")


def _commit(call: Call, branch: str, content: bytes | None, verb: str) -> str:
    found, path = call.repository, call.params["path"]
    parent = found.branch(branch)
    base = found.git.commit(parent).tree if parent else None
    blob = None if content is None else found.git.put_blob(content)
    old = None if base is None else found.git.entry(base, path)
    mode = old.mode if old is not None else f"{FILE_MODE:06o}"
    tree = found.git.put_tree(base, [(path, mode, blob)])
    author = signature_of(call, "author")
    committer = signature_of(call, "committer", author)
    parents = [parent] if parent else []
    sha = found.git.put_commit(tree, parents, str(call.body["message"]), author, committer)
    try:
        pulling.check_direct_push(found, branch, sha, call.is_admin, 409)
    except Problem as problem:
        raise Problem(409, f"Could not {verb} file: {problem}") from None
    call.world.move_ref(found, HEADS + branch, sha, call.user)
    return sha
