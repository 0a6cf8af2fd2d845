"""The text files of a folder that are to be scanned: what is ignored, binary, a link or too large is told apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from workers.validation.reading import read_regular

MAX_FILE = 5 * 1024 * 1024  # bytes of a file that are read
_SNIFF = 8192
_BINARY = """
.png .jpg .jpeg .gif .ico .webp .pdf .zip .gz .xz .zst .bz2 .tar .7z .jar .class .pyc .so .o .a .dll .exe .woff
.woff2 .ttf .eot .mp3 .mp4 .mov .avi .sqlite .db .parquet .wasm
"""
_BINARY_SUFFIXES = frozenset(_BINARY.split())


@dataclass
class Skipped:
    """What was not read, by reason; for a remark in the result."""

    binary: int = 0
    links: int = 0
    ignored: int = 0
    cut: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def add(self, other: Skipped, prefix: str) -> None:
        """What was not read of a folder; ``prefix`` stands before its paths."""
        self.binary += other.binary
        self.links += other.links
        self.ignored += other.ignored
        self.cut += [prefix + path for path in other.cut]
        self.unreadable += [prefix + path for path in other.unreadable]


@dataclass(frozen=True)
class TextFile:
    """A file's path relative to the scanned folder, and its text (at most MAX_FILE bytes of it)."""

    path: str
    text: str


def text_files(root: Path, exclude: Sequence[str], ignore_files: Sequence[str], skipped: Skipped) -> Iterator[TextFile]:
    """Every text file at or below ``root``, in the order of their paths; links are not followed."""
    if root.is_file():
        yield from _read(root, root.name, skipped)
        return
    for path, relative in _walk(root, GitIgnoreSpec.from_lines(exclude), ignore_files, skipped):
        yield from _read(path, relative, skipped)


def _walk(root: Path, excluded: GitIgnoreSpec, names: Sequence[str], skipped: Skipped) -> Iterator[tuple[Path, str]]:
    # Each folder carries the rules of its ignore files and of those above: (where they stand, rules).
    waiting: list[tuple[Path, str, list[tuple[str, GitIgnoreSpec]]]] = [(root, "", [])]
    while waiting:
        folder, prefix, rules = waiting.pop()
        rules = [*rules, *_rules_in(folder, prefix, names)]
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            skipped.unreadable.append(prefix or ".")
            continue
        below = []
        for entry in entries:
            relative = prefix + entry.name
            if entry.is_symlink():
                skipped.links += 1
            elif entry.is_dir(follow_symlinks=False):
                if not excluded.match_file(relative + "/") and not _prunes(rules, relative + "/"):
                    below.append((Path(entry.path), relative + "/", rules))
                else:
                    skipped.ignored += 1
            elif entry.is_file(follow_symlinks=False):
                if excluded.match_file(relative) or _ignored(rules, relative):
                    skipped.ignored += 1
                else:
                    yield Path(entry.path), relative
        waiting.extend(reversed(below))


def _rules_in(folder: Path, prefix: str, names: Sequence[str]) -> Iterator[tuple[str, GitIgnoreSpec]]:
    for name in names:
        if name == ".dockerignore" and prefix:
            continue  # counts at the root of a build context only
        file = folder / name
        if file.is_file() and not file.is_symlink():
            lines = file.read_text(errors="replace").splitlines()
            yield prefix, GitIgnoreSpec.from_lines(_anchored(lines) if name == ".dockerignore" else lines)


def _anchored(lines: Iterable[str]) -> Iterator[str]:
    """Docker's patterns start at the root of the context, git's match at any depth if they hold no slash."""
    for line in lines:
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            negated, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
            yield f"{negated}/{body.removeprefix('./').lstrip('/')}"


def _ignored(rules: list[tuple[str, GitIgnoreSpec]], relative: str) -> bool:
    """The innermost file with an opinion decides, as git has it."""
    for prefix, spec in reversed(rules):
        verdict = spec.check_file(relative[len(prefix) :]).include
        if verdict is not None:
            return verdict
    return False


def _prunes(rules: list[tuple[str, GitIgnoreSpec]], relative: str) -> bool:
    """Whether a folder need not be entered: it is ignored, and no exception could bring back a file in it."""
    exceptions = any(pattern.include is False for _, spec in rules for pattern in spec.patterns)
    return not exceptions and _ignored(rules, relative)


def _read(path: Path, relative: str, skipped: Skipped) -> Iterator[TextFile]:
    if path.suffix.lower() in _BINARY_SUFFIXES:
        skipped.binary += 1
        return
    try:
        content = read_regular(path, MAX_FILE + 1)
    except OSError:
        skipped.unreadable.append(relative)
        return
    yield from as_text(content, relative, skipped)


def as_text(content: bytes, path: str, skipped: Skipped) -> Iterator[TextFile]:
    """The file as text, or none if it is binary; ``content`` ends after MAX_FILE + 1 bytes if there is more."""
    if PurePosixPath(path).suffix.lower() in _BINARY_SUFFIXES:
        skipped.binary += 1
        return
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in content[:_SNIFF] and not wide:
        skipped.binary += 1
        return
    if len(content) > MAX_FILE:
        skipped.cut.append(path)
    yield TextFile(path, content[:MAX_FILE].decode("utf-16" if wide else "utf-8", errors="replace"))
