"""The files that a linter is to look at, the programs that look at them, and findings about their lines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reign.core.findings import Finding, Severity, fingerprint
from reign.executor import Context, FailureKind, TaskFailed
from workers.validation.reading import read_regular
from workers.validation.subject import MAX_TEXT, PathOrText

#: So many files of one kind are looked at in a folder; more is a wrong folder.
MAX_FILES = 500
_SKIP = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".terraform", ".tox"})


@dataclass(frozen=True)
class Source:
    """A text with the name that findings about it bear; ``file`` is where it lies, if it is a file."""

    name: str
    text: str
    file: Path | None = None

    def finding(
        self,
        rule: str,
        severity: Severity,
        message: str,
        remedy: str | None,
        line: int | None,
        column: int | None = None,
    ) -> Finding:
        """A finding about a line (from 1); its fingerprint depends on what stands there, not on the line's number."""
        lines = self.text.splitlines()
        content = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else message
        return Finding(
            rule=rule,
            severity=severity,
            message=message,
            remedy=remedy,
            path=self.name,
            line=line,
            column=column,
            fingerprint=fingerprint(rule, self.name, content),
        )


def sources(ctx: Context, inputs: PathOrText, kind: str, wanted: Callable[[Path], bool], name: str) -> list[Source]:
    """What is to be checked: the given text (called ``name`` if it has no name), the given file whatever its name, or
    the files of a folder and those below it that are ``wanted``.

    Raises TaskFailed if there is none, or a file is no text; ``kind`` says what was looked for.
    """
    place = inputs.place(ctx)
    if place is None:
        return [Source(inputs.filename or name, inputs.text or "")]
    if place.is_file():
        return [_source(place, place.name)]
    found: list[Source] = []
    for file in _files(place, wanted):
        if len(found) == MAX_FILES:
            raise TaskFailed(
                f"{inputs.path} holds more than {MAX_FILES} {kind}s",
                kind=FailureKind.WRONG_INPUT,
                hint="name a folder that holds fewer",
            )
        found.append(_source(file, file.relative_to(place).as_posix()))
    if not found:
        raise TaskFailed(
            f"there is no {kind} in {inputs.path}", kind=FailureKind.WRONG_INPUT, hint="name the file itself as `path`"
        )
    return found


def _files(folder: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIP)
        for name in sorted(names):
            file = Path(root, name)
            if wanted(file) and not file.is_symlink():
                yield file


def _source(file: Path, name: str) -> Source:
    try:
        content = read_regular(file, MAX_TEXT + 1)
        if len(content) > MAX_TEXT:
            size = MAX_TEXT // 1024 // 1024
            raise TaskFailed(f"{name} is larger than {size} MiB", kind=FailureKind.WRONG_INPUT, hint="split it")
        return Source(name, content.decode(), file)
    except UnicodeDecodeError:
        raise TaskFailed(f"{name} is not text in UTF-8", kind=FailureKind.WRONG_INPUT) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise TaskFailed(f"{name} cannot be read: {reason}", kind=FailureKind.WRONG_INPUT) from None


def program(name: str) -> str | None:
    """A program's path: beside this interpreter (where a wheel puts it), else on PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if os.access(beside, os.X_OK) else shutil.which(name)


def needed(name: str, hint: str) -> str:
    """A program's path. Raises TaskFailed (missing_prerequisite) if it is not there."""
    found = program(name)
    if found is None:
        raise TaskFailed(f"{name} is not there", kind=FailureKind.MISSING_PREREQUISITE, hint=hint)
    return found
