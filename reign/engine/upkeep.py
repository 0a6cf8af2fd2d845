"""What the leading service does for the state beside the runs: anchors, backups, and a note when settings change."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from reign.config import Settings
from reign.core.resource import canonical, differences
from reign.engine.audit import AnchorKeeper
from reign.engine.backups import BackupKeeper
from reign.engine.runtime import Runtime
from reign.store import audit
from reign.store.jsontext import load

#: Settings that say where a process runs, not how the installation behaves.
_LOCAL = frozenset({"data_dir", "api_port", "flower_port", "crash_point", "testing"})
_EVERY = 1.0  # seconds


class Upkeep:
    """One pass is :meth:`tick`; the service calls it while it leads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._anchors = AnchorKeeper(runtime.database, runtime.journal)
        self._backups = BackupKeeper(runtime)
        self._noted = False
        self._next = 0.0

    def tick(self) -> None:
        """Raises Unavailable."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        if not self._noted:
            note_settings(self._runtime)
            self._noted = True
        self._anchors.tick()
        self._backups.tick()


def note_settings(runtime: Runtime) -> bool:
    """An audit entry if the settings in force differ from those last noted; returns whether one was written."""
    now = _shown(runtime.settings)
    with runtime.database.read() as tx:
        last = next(iter(audit.listing(tx, kind="settings.change", limit=1)), None)
        before = load(last.data)["settings"] if last else None
    if before is not None and canonical(before) == canonical(now):
        return False
    changed = [place for place, _, _ in differences(before, now)] if before is not None else []
    with runtime.database.write() as tx:
        audit.note(tx, "settings.change", actor=audit.ITSELF, data={"changed": changed, "settings": now})
    return True


def _shown(settings: Settings) -> dict[str, Any]:
    """Settings without secrets: keys, tokens, URLs (which may hold a password) and tables show by a keyed digest."""
    shown: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name in _LOCAL:
            continue
        if isinstance(value, Mapping):
            shown[name] = {str(key): _digest(settings, item) for key, item in value.items()}
        elif value is None or isinstance(value, bool | int | float):
            shown[name] = value
        elif isinstance(value, SecretStr) or name.endswith("_url") or not isinstance(value, str | Path):
            shown[name] = _digest(settings, value)
        else:
            shown[name] = str(value)
    if settings.policy is not None:
        shown["policy_content"] = _content(settings.policy)
    return shown


def _content(path: Path) -> str | None:
    """What tells one content of a file from another; None if it cannot be read."""
    try:
        return hashlib.sha256(path.expanduser().read_bytes()).hexdigest()
    except OSError:
        return None


def _digest(settings: Settings, value: Any) -> str:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return hmac.new(settings.key, canonical([plain]).encode(), hashlib.sha256).hexdigest()[:12]
