"""What a commit would change, as a diff for people."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Mapping

from workers.github.api import Api
from workers.github.commits import Content, Wanted, wanted_entry
from workers.github.trees import Entry

_LONGEST = 200  # lines of one file's diff


def diff(api: Api, repo: str, wanted: Mapping[str, Wanted], now: Mapping[str, Entry | None]) -> str:
    """A unified diff; "" if nothing would change. Content that is not text is only named."""
    parts = []
    for path, want in wanted.items():
        then, will = now[path], wanted_entry(want, now[path])
        if will != then:
            parts += _file(path, then, will, _former(api, repo, then), want)
    return api.ctx.masker.mask("\n".join(parts))


def _file(path: str, then: Entry | None, will: Entry | None, old: bytes, want: Wanted) -> list[str]:
    new = want.data if isinstance(want, Content) else b""
    head = [f"new mode {will.mode} {path}"] if then and will and then.mode != will.mode else []
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        return [*head, f"{path}: {len(old)} bytes -> {len(new)} bytes"]
    left, right = f"a/{path}" if then else "/dev/null", f"b/{path}" if will else "/dev/null"
    lines = list(difflib.unified_diff(before, after, left, right, lineterm="")) or [f"--- {left}", f"+++ {right}"]
    if len(lines) > _LONGEST:
        lines = [*lines[:_LONGEST], f"... {len(lines) - _LONGEST} lines more"]
    return head + lines


def _former(api: Api, repo: str, entry: Entry | None) -> bytes:
    if entry is None or entry.mode == "160000":
        return b""
    return base64.b64decode(api.get(f"/repos/{repo}/git/blobs/{entry.sha}")["content"])
