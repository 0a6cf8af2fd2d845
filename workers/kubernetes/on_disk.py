"""Whether the files of a manifest hold Secrets, told before the run and without the cluster or kubectl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from workers.kubernetes.manifests import KUSTOMIZATION, is_text, secret_inside

_PARTS = ("resources", "bases", "components")


def secret_on_disk(manifest: Any, workdir: Path) -> bool:
    """Of a manifest given as file, folder or kustomization below ``workdir``; False for what cannot be read here."""
    if not isinstance(manifest, str) or is_text(manifest):
        return False
    path = workdir / Path(manifest).expanduser()
    if path.name in KUSTOMIZATION:
        path = path.parent
    try:
        return any(secret_inside(text) or "secretGenerator" in text for text in _texts(path, set()))
    except (OSError, ValueError):  # no path at all, or a folder that may not be listed; told by the run
        return False


def _texts(path: Path, seen: set[Path]) -> Iterator[str]:
    path = path.resolve()
    if path in seen:
        return
    seen.add(path)
    if not path.is_dir():
        yield _read(path)
    elif found := next((path / name for name in KUSTOMIZATION if (path / name).is_file()), None):
        text = _read(found)
        yield text
        for part in _parts(text):
            yield from _texts(path / part, seen)
    else:
        yield from (_read(file) for file in sorted(path.iterdir()) if file.suffix in (".yaml", ".yml", ".json"))


def _parts(text: str) -> list[str]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:  # told by the run
        return []
    named = [content.get(name) for name in _PARTS] if isinstance(content, dict) else []
    return [item for items in named if isinstance(items, list) for item in items if isinstance(item, str)]


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
