"""What ``init`` made of a configuration, kept a while for the tasks that come next with the same code and settings.

A plan file's tasks would each initialise the same directory, which asks a registry for the same answers each time. Kept
is only what stands by itself: links to providers that lie elsewhere, the list of local modules, a local state's place.
Downloaded modules name the folder that they were downloaded to, and a remote backend's settings may hold secrets:
those are initialised for every task.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from reign.executor import Context
from workers.terraform.configuration import Configuration

#: Seconds after which init looks again for what a registry or a mirror has by now.
KEPT = 3600.0
_SECRETS = "backend.hcl"


def take(ctx: Context, key: str, base: Path) -> bool:
    """Copy what is kept under ``key`` to the attempt's own folder ``base``; whether there was anything that serves."""
    kept = _root(ctx) / key
    if base.exists():
        return False  # an init that went wrong: it is made anew
    try:
        if not 0 <= time.time() - kept.stat().st_mtime <= KEPT:
            return False
        base.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copytree(kept, base, symlinks=True)
    except OSError:  # none is kept, or it was replaced meanwhile
        shutil.rmtree(base, ignore_errors=True)
        return False
    if all(path.exists() for path in _entries(base / "data" / "providers")):
        return True
    shutil.rmtree(base)  # the providers are gone from where they lay
    return False


def keep(ctx: Context, keys: Iterable[str], base: Path, directory: Path, content: Configuration) -> None:
    """Keep what init made in ``base``, if it stands by itself. What cannot be kept is made again: never raises."""
    if not _stands_alone(base / "data", directory, content):
        return
    root = _root(ctx)
    try:
        root.mkdir(exist_ok=True, mode=0o700)
        _forget_old(root)
        for key in set(keys):
            with _aside(root) as aside:
                new = Path(aside) / "new"
                shutil.copytree(base, new, symlinks=True, ignore=shutil.ignore_patterns(_SECRETS))
                _move_away(root / key, Path(aside))
                new.rename(root / key)
    except OSError as error:
        ctx.log(f"what init made is not kept: {error}")


def mark(folders: Iterable[Path]) -> list[tuple[str, int, int]]:
    """What tells whether local files and folders of providers are as before: every path with its time and size."""
    found = []
    for folder in folders:
        for path in sorted(_entries(folder)) if folder.is_dir() else [folder] if folder.is_file() else []:
            stat = path.lstat()
            found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return found


def _root(ctx: Context) -> Path:
    return ctx.state_dir / "initialised"


def _entries(folder: Path) -> list[Path]:
    """All files below a folder, and the links to folders, which are not followed."""
    found = []
    for path, folders, files in os.walk(folder):
        links = [name for name in folders if Path(path, name).is_symlink()]
        found += [Path(path, name) for name in (*files, *links)]
    return found


def _stands_alone(data: Path, directory: Path, content: Configuration) -> bool:
    if not all(path.is_symlink() for path in _entries(data / "providers")):
        return False
    modules = data / "modules"
    if any(path.name != "modules.json" for path in _entries(modules)):
        return False
    try:
        listed = json.loads((modules / "modules.json").read_bytes())["Modules"]
        places = [Path(os.path.normpath(directory / entry["Dir"])) for entry in listed]
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
    # Of other folders nothing would tell that their code, and so what it needs, has changed.
    return all(any(place.is_relative_to(folder) for folder in content.folders) for place in places)


def _aside(root: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=".", dir=root, ignore_cleanup_errors=True)


def _move_away(kept: Path, aside: Path) -> None:
    """By renaming: whoever copies it just now fails on the next file, and never takes half of it for all."""
    if kept.exists():
        kept.rename(aside / "old")


def _forget_old(root: Path) -> None:
    for kept in root.iterdir():
        if time.time() - kept.stat().st_mtime > KEPT:
            with _aside(root) as aside:
                _move_away(kept, Path(aside))
