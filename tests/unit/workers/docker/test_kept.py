from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reign.executor import TaskFailed
from reign.executor.testing import make_context
from reign.security.masking import Masker
from workers.docker import kept

ENV = {"PASSWORD": "hunter2", "PATH": "/bin"}
CONFIG = {"Cmd": ["app", "--token", "abcdef", "--api-key=xyz", "-v"], "Labels": {"auth.token": "lbl", "team": "web"}}


def test_secrets_are_hidden_kept_and_put_back(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    env, config = kept.hidden(ctx, ENV, CONFIG)
    assert env["PATH"] == "/bin"
    assert config["Labels"]["team"] == "web"
    for secret in ("hunter2", "abcdef", "xyz", "lbl"):
        assert secret not in repr((env, config))
    assert kept.hidden(ctx, ENV, CONFIG) == (env, config), "equal secrets are seen to be equal"
    assert kept.hidden(ctx, {**ENV, "PASSWORD": "other"}, CONFIG)[0] != env, "a changed one is seen to be changed"
    assert kept.hidden(make_context(tmp_path / "elsewhere"), ENV, CONFIG)[0] != env, "and cannot be guessed"
    with pytest.raises(TaskFailed, match=r"the secret env\.PASSWORD was kept where it was removed"):
        kept.resolved(ctx, "web", env, config)
    kept.keep(ctx, ENV, CONFIG)
    assert kept.resolved(ctx, "web", env, config) == (ENV, CONFIG)


def test_what_came_by_reference_stays_a_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB", "hunter2")
    ctx = make_context(tmp_path, masker=Masker({"secret://env/DB": "hunter2"}))
    env = {"PASSWORD": "hunter2", "URL": "db://u:hunter2@h", "ODD": "x"}
    labels = kept.label(ctx, env, {})
    assert labels == {kept.SECRETS_LABEL: '{"env.PASSWORD": "env/DB", "env.URL": ""}'}
    later = make_context(tmp_path)  # knows no secrets
    seen, config = kept.hidden(later, env, {"Labels": labels})
    assert seen["PASSWORD"] == "secret://env/DB"
    assert seen["URL"].startswith("kept://")
    assert seen["ODD"] == "x"
    assert config["Labels"] == labels
    kept.keep(later, env, {"Labels": labels})
    assert kept.resolved(later, "web", seen, config)[0] == env
    assert kept.label(make_context(tmp_path), env, {}) == {}


def test_a_broken_label_is_not_trusted(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    for text in ("{", "[1]"):
        env, _ = kept.hidden(ctx, {"PASSWORD": "hunter2"}, {"Labels": {kept.SECRETS_LABEL: text}})
        assert env["PASSWORD"].startswith("kept://")


def test_old_secrets_are_dropped(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    kept.keep(ctx, {"PASSWORD": "old"}, {})
    folder = tmp_path / "state" / "kept"
    (old,) = [path for path in folder.iterdir() if path.name != "key"]
    assert old.stat().st_mode & 0o777 == 0o600
    long_ago = time.time() - 91 * 86400
    os.utime(old, (long_ago, long_ago))
    os.utime(folder / "key", (long_ago, long_ago))
    kept.keep(ctx, {"PASSWORD": "new"}, {})
    assert not old.exists()
    assert (folder / "key").exists()
