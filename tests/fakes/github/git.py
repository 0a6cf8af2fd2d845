"""A repository's git objects, in memory: real SHA-1s, histories, merges and diffs (by dulwich)."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import cast

from dulwich.diff_tree import RenameDetector, tree_changes
from dulwich.merge import three_way_merge
from dulwich.object_store import MemoryObjectStore, commit_tree_changes, iter_tree_contents
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree, TreeEntry
from dulwich.patch import is_binary

FILE_MODE = 0o100644
MODES = {
    "100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit",
}  # fmt: skip


@dataclass(frozen=True)
class Signature:
    name: str
    email: str
    at: datetime

    def who(self) -> bytes:
        return f"{self.name} <{self.email}>".encode()


@dataclass(frozen=True)
class CommitInfo:
    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: Signature
    committer: Signature


@dataclass(frozen=True)
class Entry:
    """A path of a tree; `size` is None for trees."""

    path: str
    mode: str
    sha: str
    size: int | None

    @property
    def type(self) -> str:
        return MODES[self.mode]


@dataclass(frozen=True)
class FileChange:
    path: str
    previous_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None


class GitStore:
    """Objects are never removed, as on GitHub, where an unreachable commit can still be read by its SHA."""

    def __init__(self) -> None:
        self._store = MemoryObjectStore()
        self.empty_tree = self._add(Tree())

    def _add(self, item: ShaFile) -> str:
        self._store.add_object(item)
        return item.id.decode()

    def _get(self, sha: str, kind: type[ShaFile]) -> ShaFile:
        """Raises KeyError if there is no such object of that kind."""
        item = self._store[_oid(sha)] if len(sha) == 40 and sha.isascii() else None
        if not isinstance(item, kind):
            raise KeyError(sha)
        return item

    def copy_from(self, other: GitStore) -> None:
        for sha in other._store:
            self._store.add_object(other._store[sha])

    # blobs and trees

    def put_blob(self, content: bytes) -> str:
        return self._add(Blob.from_string(content))

    def blob(self, sha: str) -> bytes:
        return self._get(sha, Blob).as_raw_string()

    def put_tree(self, base: str | None, changes: Iterable[tuple[str, str, str | None]]) -> str:
        """`changes` are (path, mode, sha), a sha of None removes the path; an emptied folder disappears."""
        applied = [
            (path.encode(), None if sha is None else int(mode, 8), None if sha is None else _oid(sha))
            for path, mode, sha in changes
        ]
        return commit_tree_changes(self._store, _oid(base or self.empty_tree), applied).decode()

    def tree(self, sha: str, recursive: bool = False) -> list[Entry]:
        top = cast(Tree, self._get(sha, Tree))
        if not recursive:
            return [self._entry(entry.path, entry.mode, entry.sha) for entry in top.iteritems()]
        found = iter_tree_contents(self._store, top.id, include_trees=True)
        return [self._entry(entry.path, entry.mode, entry.sha) for entry in found if entry.path]

    def entry(self, tree: str, path: str) -> Entry | None:
        """What stands at `path` of a tree; None if nothing does."""
        top = cast(Tree, self._get(tree, Tree))
        try:
            mode, sha = top.lookup_path(self._store.__getitem__, path.encode())
        except (KeyError, AttributeError):
            # dulwich answers a path through a file with either of the two.
            return None
        return self._entry(path.encode(), mode, sha)

    def _entry(self, path: bytes | None, mode: int | None, sha: ObjectID | None) -> Entry:
        assert path is not None
        assert mode is not None
        assert sha is not None
        item = self._store[sha]
        size = len(item.as_raw_string()) if isinstance(item, Blob) else None
        return Entry(path.decode(), f"{mode:06o}", sha.decode(), size)

    # commits and tags

    def put_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Signature, committer: Signature
    ) -> str:
        commit = Commit()
        commit.tree = _oid(tree)
        commit.parents = [_oid(parent) for parent in parents]
        commit.message = message.encode()
        commit.author, commit.author_time, commit.author_timezone = _stamp(author)
        commit.committer, commit.commit_time, commit.commit_timezone = _stamp(committer)
        return self._add(commit)

    def commit(self, sha: str) -> CommitInfo:
        found = cast(Commit, self._get(sha, Commit))
        return CommitInfo(
            sha=sha,
            tree=found.tree.decode(),
            parents=tuple(parent.decode() for parent in found.parents),
            message=found.message.decode(),
            author=_signature(found.author, found.author_time, found.author_timezone),
            committer=_signature(found.committer, found.commit_time, found.commit_timezone),
        )

    def put_tag(self, name: str, target: str, message: str, tagger: Signature) -> str:
        tag = Tag()
        tag.name = name.encode()
        tag.object = (Commit, _oid(target))
        tag.message = message.encode()
        tag.tagger, tag.tag_time, tag.tag_timezone = _stamp(tagger)
        return self._add(tag)

    def tag_target(self, sha: str) -> str:
        """The commit behind an annotated tag, or `sha` itself if that is a commit."""
        item = self._store[_oid(sha)]
        return item.object[1].decode() if isinstance(item, Tag) else sha

    def tag(self, sha: str) -> tuple[str, str, str, Signature]:
        """Name, target, message and tagger of an annotated tag."""
        tag = cast(Tag, self._get(sha, Tag))
        assert tag.tagger is not None
        assert tag.tag_time is not None
        signed = _signature(tag.tagger, tag.tag_time, tag.tag_timezone or 0)
        return tag.name.decode(), tag.object[1].decode(), (tag.message or b"").decode(), signed

    def type_of(self, sha: str) -> str:
        """blob, tree, commit or tag. Raises KeyError."""
        return self._get(sha, ShaFile).type_name.decode()

    def expand(self, prefix: str) -> str | None:
        """The one commit whose SHA starts with `prefix` (7 digits or more)."""
        if len(prefix) < 7:
            return None
        found = [sha for sha in self._store if sha.startswith(prefix.encode())]
        commits = [sha.decode() for sha in found if isinstance(self._store[sha], Commit)]
        return commits[0] if len(commits) == 1 else None

    # history

    def history(self, head: str, exclude: str | None = None) -> Iterator[CommitInfo]:
        """Commits reachable from `head` and not from `exclude`, newest first, children before parents."""
        hidden = self._ancestors(exclude) if exclude else set()
        wanted = self._ancestors(head) - hidden
        children = dict.fromkeys(wanted, 0)
        for sha in wanted:
            for parent in self.commit(sha).parents:
                if parent in children:
                    children[parent] += 1
        ready = [(-self.commit(sha).committer.at.timestamp(), sha) for sha, n in children.items() if n == 0]
        heapq.heapify(ready)
        while ready:
            info = self.commit(heapq.heappop(ready)[1])
            yield info
            for parent in info.parents:
                if parent in children:
                    children[parent] -= 1
                    if children[parent] == 0:
                        heapq.heappush(ready, (-self.commit(parent).committer.at.timestamp(), parent))

    def is_ancestor(self, older: str, newer: str) -> bool:
        return older in self._ancestors(newer)

    def merge_base(self, ours: str, theirs: str) -> str | None:
        common = self._ancestors(ours) & self._ancestors(theirs)
        for info in self.history(ours):
            if info.sha in common:
                return info.sha
        return None

    def _ancestors(self, head: str) -> set[str]:
        seen: set[str] = set()
        todo = [head]
        while todo:
            sha = todo.pop()
            if sha not in seen:
                seen.add(sha)
                todo.extend(self.commit(sha).parents)
        return seen

    # merges and diffs

    def merge(self, ours: str, theirs: str, base: str | None = None) -> tuple[str, list[str]]:
        """The tree of a three-way merge of two commits, and the paths in conflict."""
        ancestor = base or self.merge_base(ours, theirs)
        commits = [cast(Commit, self._get(sha, Commit)) if sha else None for sha in (ancestor, ours, theirs)]
        assert commits[1] is not None
        assert commits[2] is not None
        tree, conflicts = three_way_merge(self._store, commits[0], commits[1], commits[2])
        return self._add(tree), [path.decode() for path in conflicts]

    def diff(self, old: str | None, new: str) -> list[FileChange]:
        """Changes from one tree to another, renames found, sorted by path."""
        detector = RenameDetector(self._store)
        changes = tree_changes(self._store, _oid(old or self.empty_tree), _oid(new), rename_detector=detector)
        found = [self._change(change.type, change.old, change.new) for change in changes]
        return sorted(found, key=lambda change: change.path)

    def _change(self, kind: str, old: TreeEntry | None, new: TreeEntry | None) -> FileChange:
        here = new if new is not None and new.path else old
        assert here is not None
        assert here.path is not None
        assert here.sha is not None
        before = self._content(old)
        after = self._content(new)
        renamed = kind == "rename" and old is not None and old.path
        patch = None
        added = removed = 0
        if not is_binary(before) and not is_binary(after):
            lines = _hunks(before.decode(errors="replace"), after.decode(errors="replace"))
            added = sum(line.startswith("+") for line in lines)
            removed = sum(line.startswith("-") for line in lines)
            patch = "\n".join(lines) or None
        return FileChange(
            path=here.path.decode(),
            previous_path=old.path.decode() if renamed and old is not None and old.path else None,
            status={"add": "added", "delete": "removed", "rename": "renamed", "copy": "copied"}.get(kind, "modified"),
            sha=here.sha.decode(),
            additions=added,
            deletions=removed,
            patch=patch,
        )

    def _content(self, entry: TreeEntry | None) -> bytes:
        return b"" if entry is None or entry.sha is None else self._store[entry.sha].as_raw_string()


def _hunks(before: str, after: str) -> list[str]:
    """The hunks of a unified diff without its two header lines."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    return list(lines)[2:]


def _oid(sha: str) -> ObjectID:
    return ObjectID(sha.encode())


def _stamp(signature: Signature) -> tuple[bytes, int, int]:
    offset = signature.at.utcoffset() or timedelta()
    return signature.who(), int(signature.at.timestamp()), int(offset.total_seconds())


def _signature(who: bytes, at: int, offset: int) -> Signature:
    name, _, email = who.decode().partition(" <")
    zone = timezone(timedelta(seconds=offset))
    return Signature(name, email.removesuffix(">"), datetime.fromtimestamp(at, zone))
