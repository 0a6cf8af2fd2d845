"""Local files that go to a repository: a folder without what git would leave out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reign.executor import FailureKind, TaskFailed

#: More than this belongs into a push, not into requests (each tree is one request).
MOST_FILES = 2_000
#: Source: GitHub, "About large files on GitHub".
LARGEST_FILE = 100 * 1024 * 1024


@dataclass(frozen=True)
class Local:
    """A file of this machine."""

    file: Path
    executable: bool


def files_below(folder: Path, into: str | None = None) -> Mapping[str, Local]:
    """Path in the repository -> file, in order; without ``.git`` and what a ``.gitignore`` there names.

    Raises TaskFailed for what is no folder, or holds too much.
    """
    from pathspec import GitIgnoreSpec

    if not folder.is_dir():
        raise _missing(folder)
    ignore = folder / ".gitignore"
    spec = GitIgnoreSpec.from_lines(ignore.read_text().splitlines() if ignore.is_file() else [])
    found: dict[str, Local] = {}
    for file in _files(folder, folder, spec):
        name = file.relative_to(folder).as_posix()
        found[f"{into}/{name}" if into else name] = Local(file, bool(file.stat().st_mode & 0o100))
        if len(found) > MOST_FILES:
            raise TaskFailed(
                f"{folder} holds more than {MOST_FILES} files",
                kind=FailureKind.WRONG_INPUT,
                hint="name a smaller folder, ignore what is generated in .gitignore, or push it with git",
            )
    return found


def _files(folder: Path, top: Path, spec: object) -> Iterator[Path]:
    """Links are left out: they may lead anywhere on this machine."""
    for path in sorted(folder.iterdir()):
        name = path.relative_to(top).as_posix()
        ignored = spec.match_file(name + "/" if path.is_dir() else name)  # type: ignore[attr-defined]
        if path.is_symlink() or path.name == ".git" or ignored:
            continue
        if path.is_dir():
            yield from _files(path, top, spec)
        elif path.is_file():
            _refuse_large(path)
            yield path


def read(file: Path) -> bytes:
    """Raises TaskFailed for what cannot be read or is larger than GitHub takes."""
    if not file.is_file():
        raise _missing(file)
    _refuse_large(file)
    return file.read_bytes()


def _refuse_large(file: Path) -> None:
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise TaskFailed(
            f"{file} has {size >> 20} MB; GitHub takes files of at most {LARGEST_FILE >> 20} MB",
            kind=FailureKind.WRONG_INPUT,
            hint="put it into a release's assets",
        )


def _missing(path: Path) -> TaskFailed:
    what = "there is no" if not path.exists() else "that is not the right kind of"
    return TaskFailed(f"{what} {path}", kind=FailureKind.MISSING_PREREQUISITE, hint="check the path")
