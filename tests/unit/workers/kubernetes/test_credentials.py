"""The folder of keys: this process's own, and nobody's that is gone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workers.kubernetes import credentials


def test_it_is_private_and_what_the_dead_left_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = credentials.prefix()
    names = (f"{mine}{gone.pid}-x", f"{mine}{os.getppid()}-x", f"reign-kubeconfig-1-{gone.pid}-x")
    left, living, other = (tmp_path / name for name in names)
    for each in (left, living, other):
        each.mkdir()
        (each / "key").write_text("secret")
    credentials.folder.cache_clear()
    try:
        made = credentials.folder()
    finally:
        credentials.folder.cache_clear()
    assert made.parent == tmp_path
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert not left.exists()
    assert (living / "key").exists()
    assert (other / "key").exists(), "of another namespace of pids"


def test_it_goes_with_its_process(tmp_path: Path) -> None:
    code = "from workers.kubernetes import credentials; (credentials.folder() / 'key').write_text('x')"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
