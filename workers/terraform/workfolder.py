"""The working copy of one task: the configuration laid out where its relative paths still lead to the right places.

A copy, so that a run uses what was there when it began, whoever edits meanwhile, and so that nothing of terraform's own
(data folder, lock file, plans) lands beside the configuration. What terraform wrote into the copy on the
configuration's behalf (a local_file at ``${path.module}/x``) is carried back.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reign.executor import Context
from workers.terraform.configuration import LOCK_FILE, Configuration, is_content

_SLOTS = 64
#: By a path, by the folder above a path, or from the folder in which terraform or a script was started.
_WAY_OUT = re.compile(rb"\.\.|dirname|path\.cwd|PWD|pwd")


@dataclass
class WorkFolder:
    """``folder`` stands for ``directory``; the copy lives as long as the ``with`` that made it."""

    directory: Path
    folder: Path
    laid: dict[str, tuple[int, int]]  # what was laid out, relative: (size, mtime_ns)

    def carry_back(self) -> list[str]:
        """Take what changed in the copy since it was laid out over to the directory; the relative paths of that."""
        present = _listing(self.folder)
        changed = [name for name, mark in sorted(present.items()) if self.laid.get(name) != mark]
        gone = [name for name in sorted(self.laid) if name not in present]
        for name in changed:
            target = self.directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_file() and not target.is_symlink() and not (self.folder / name).is_symlink():
                shutil.copyfile(self.folder / name, target)  # keeps the mode that the file has there
            else:
                target.unlink(missing_ok=True)
                shutil.copy2(self.folder / name, target, follow_symlinks=False)
        for name in gone:
            (self.directory / name).unlink(missing_ok=True)
        self.laid = present
        return changed + gone


@contextmanager
def laid_out(ctx: Context, directory: Path, configuration: Configuration, given: str = "") -> Iterator[WorkFolder]:
    """The configuration in a folder of its own, removed at the end. ``given``: the values that it is used with.

    The folder's path is the same each time unless two tasks use the directory at once: a configuration that holds
    ``abspath(path.module)`` would otherwise differ from itself in every run.
    """
    key = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    with _slot(ctx.state_dir / "work" / key) as root:
        tree = root / "tree"
        if tree.exists():
            shutil.rmtree(tree)  # of a worker that was killed
        try:
            _lay_out(configuration, tree)
            folder = Path(f"{tree}{directory}")
            folder.mkdir(parents=True, exist_ok=True)
            if _reaches_out(configuration, given):
                _link_surroundings(configuration, tree, directory)
            yield WorkFolder(directory, folder, _listing(folder))
        finally:
            shutil.rmtree(tree, ignore_errors=True)


@contextmanager
def _slot(base: Path) -> Iterator[Path]:
    """The first place that nobody uses; the kernel frees it with its process."""
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(_SLOTS):
        place = base / str(number)
        place.mkdir(exist_ok=True, mode=0o700)
        handle = os.open(place / "taken", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            continue
        try:
            yield place
        finally:
            os.close(handle)
        return
    raise RuntimeError(f"more than {_SLOTS} tasks use one configuration at the same time")


def _lay_out(configuration: Configuration, tree: Path) -> None:
    for path, file in configuration.files.items():
        place = Path(f"{tree}{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        place.chmod(0o700 if file.executable else 0o600)
    for path, target in [*configuration.links.items(), *((large, large) for large in configuration.large)]:
        place = Path(f"{tree}{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def _reaches_out(configuration: Configuration, given: str) -> bool:
    """Whether anything could lead out of the copied folders. Most configurations stay inside, and what lies beside them
    and above them may be thousands of files, each of which would need a link."""
    if any(".." in target for target in (*configuration.links.values(), given)):
        return True
    return any(_WAY_OUT.search(file.content) for file in configuration.files.values())


def _link_surroundings(configuration: Configuration, tree: Path, directory: Path) -> None:
    """Beside each folder on the way to the copied ones: links to what lies there, so that ``../x`` is found."""
    copied = {Path(folder) for folder in configuration.folders} | {directory}
    for above in {parent for folder in copied for parent in folder.parents}:
        if above in copied or copied & set(above.parents) or not above.is_dir():
            continue
        place = Path(f"{tree}{above}")
        place.mkdir(parents=True, exist_ok=True)
        for entry in os.scandir(above):
            link = place / entry.name
            if not link.is_symlink() and not link.exists():
                link.symlink_to(entry.path)


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    """The configuration's own files below a folder; not terraform's."""
    found = {}
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if is_content(name)]
        for name in files:
            if is_content(name) and name != LOCK_FILE:
                stat = os.lstat(os.path.join(path, name))  # noqa: PTH118 - hot, and only joins
                found[os.path.relpath(os.path.join(path, name), folder)] = (stat.st_size, stat.st_mtime_ns)  # noqa: PTH118
    return found
