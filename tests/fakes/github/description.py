"""GitHub's published material, fetched once from npm into a cache folder.

`@octokit/openapi` carries the OpenAPI description of api.github.com, `@octokit/fixtures` recorded exchanges.
Both are pinned in the package.json beside this file and stay out of the repository: the description alone is
29 MB packed. Only the members asked for are unpacked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

PINS = Path(__file__).with_name("package.json")
DESCRIPTION_MEMBER = "package/generated/api.github.com.json"
RECORDINGS_PREFIX = "package/scenarios/api.github.com/"
FETCH_SECONDS = 300


class MaterialMissing(Exception):
    """GitHub's published material cannot be had here; the message says why."""


def cache_folder() -> Path:
    """`REIGN_TEST_CACHE`, or a folder of the user's cache directory."""
    root = os.environ.get("REIGN_TEST_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "reign-github"


@cache
def openapi_description() -> dict[str, Any]:
    """The OpenAPI 3.0 description of api.github.com. Raises MaterialMissing."""
    path = _unpacked("@octokit/openapi") / DESCRIPTION_MEMBER
    loaded: dict[str, Any] = json.loads(path.read_bytes())
    return loaded


@cache
def recorded_scenarios() -> dict[str, list[dict[str, Any]]]:
    """Recorded exchanges with api.github.com by scenario name. Raises MaterialMissing."""
    folder = _unpacked("@octokit/fixtures") / RECORDINGS_PREFIX
    return {path.parent.name: json.loads(path.read_bytes()) for path in sorted(folder.glob("*/raw-fixture.json"))}


def pinned_version(package: str) -> str:
    version: str = json.loads(PINS.read_text())["dependencies"][package]
    return version


@cache
def _unpacked(package: str) -> Path:
    version = pinned_version(package)
    folder = cache_folder() / f"{package.replace('/', '-').lstrip('@')}-{version}"
    if not folder.is_dir():
        fetch(package, version, folder)
    return folder


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """A file of the archive; ``extractall`` has its ``filter`` only since Python 3.11.4."""
    content = archive.extractfile(member)
    if content is not None:
        (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
        (folder / member.name).write_bytes(content.read())


def fetch(package: str, version: str, folder: Path) -> None:
    """Unpacks what is wanted of a package of npm into `folder`. Raises MaterialMissing."""
    npm = shutil.which("npm")
    if npm is None:
        raise MaterialMissing(f"{package} {version}: npm is not on PATH")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        command = [npm, "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
        try:
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired:
            raise MaterialMissing(f"{package} {version}: npm pack took longer than {FETCH_SECONDS} s") from None
        if done.returncode != 0:
            raise MaterialMissing(f"{package} {version}: npm pack failed: {done.stderr.strip()[-300:]}")
        unpacked = Path(work) / "unpacked"
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            for member in archive:
                inside = ".." not in Path(member.name).parts
                if inside and (member.name == DESCRIPTION_MEMBER or member.name.startswith(RECORDINGS_PREFIX)):
                    _unpack(archive, member, unpacked)
        try:
            unpacked.rename(folder)
        except OSError:
            # Another test process was faster; its copy is the same pinned version.
            if not folder.is_dir():
                raise
