"""Secrets of containers: kept out of records, and within reach of an undo.

docker.run notes in a label which parts of a container came from which secret reference. Parts that look like secrets
in containers that others made have no reference: a record holds ``kept://`` and a keyed digest in their place, which
tells equal from changed and nothing else. Only when such a container is about to be removed are they written to the
worker's own state folder, readable for its user alone, and dropped after 90 days.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from reign.security.masking import MASK
from reign.security.secretlike import looks_secret
from reign.security.secrets import resolve

#: {place: reference without its ``secret://``, which would be resolved; "" where the secret is but a part of the text}
SECRETS_LABEL = "reign.secrets"
_KEPT = re.compile(r"kept://([0-9a-f]{32})")
_DAYS = 90
_SHORTEST = 6  # characters; masking a shorter text that only looks like a secret would tear holes into a log
_SCHEME = "secret://"
_KEY = "key"
_LISTS = ("Cmd", "Entrypoint")


def parts(env: Mapping[str, str], config: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """``(place, text, looks like a secret)`` of all texts of a container that may be or hold one."""
    for name, text in env.items():
        yield f"env.{name}", text, looks_secret(name, text)
    for key in _LISTS:
        before = ""
        for i, text in enumerate(config.get(key) or ()):
            # `--password=x`, and `--password x`
            flag, equals, value = text.partition("=")
            secret = looks_secret(flag, value) if equals else before.startswith("-") and looks_secret(before, text)
            yield f"{key}.{i}", text, secret or looks_secret("", text)
            before = "" if equals else text
    for name, text in (config.get("Labels") or {}).items():
        yield f"Labels.{name}", text, name != SECRETS_LABEL and looks_secret(name, text)


def label(ctx: Context, env: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, str]:
    """The label that says which parts of a new container are secrets of this attempt."""
    found = {}
    for place, text, _ in parts(env, config):
        recorded = ctx.masker.record(text)
        if recorded != text:
            found[place] = str(recorded).removeprefix(_SCHEME) if str(recorded).startswith(_SCHEME) else ""
    return {SECRETS_LABEL: json.dumps(found, sort_keys=True)} if found else {}


def _known(config: Mapping[str, Any]) -> dict[str, str]:
    text = (config.get("Labels") or {}).get(SECRETS_LABEL)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def teach(ctx: Context, container: Mapping[str, Any]) -> None:
    """Have this attempt mask the secrets of a container (as ``docker inspect`` shows it) in what it prints."""
    config = container.get("Config") or {}
    env = dict(text.partition("=")[::2] for text in config.get("Env") or ())
    known = _known(config)
    for place, text, secret in parts(env, config):
        if place in known or (secret and len(text) >= _SHORTEST):
            ctx.masker.add(_SCHEME + known[place] if known.get(place) else "", text)


def hidden(ctx: Context, env: dict[str, str], config: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """``env`` and ``config`` with references in place of secrets."""
    known = _known(config)
    replaced = {
        place: _SCHEME + known[place] if known.get(place) else f"kept://{_mark(ctx, text)}"
        for place, text, secret in parts(env, config)
        if secret or place in known
    }
    return _replace(env, config, replaced)


def _replace(
    env: Mapping[str, str], config: Mapping[str, Any], replaced: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any]]:
    env = {name: replaced.get(f"env.{name}", text) for name, text in env.items()}
    config = dict(config)
    for key in _LISTS:
        if config.get(key):
            config[key] = [replaced.get(f"{key}.{i}", text) for i, text in enumerate(config[key])]
    if config.get("Labels"):
        config["Labels"] = {name: replaced.get(f"Labels.{name}", text) for name, text in config["Labels"].items()}
    return env, config


def keep(ctx: Context, env: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Write down what :func:`hidden` has no reference for, so that a container can be made again after its removal."""
    known = _known(config)
    for place, text, secret in parts(env, config):
        if (secret or place in known) and not known.get(place):
            path = _folder(ctx) / _mark(ctx, text)
            path.touch(mode=0o600)
            path.write_text(text)
    for old in _folder(ctx).iterdir():
        if old.name != _KEY and old.stat().st_mtime < time.time() - _DAYS * 86400:
            old.unlink(missing_ok=True)


def resolved(
    ctx: Context, name: str, env: Mapping[str, str], config: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """``env`` and ``config`` with the secrets in their places again.

    Raises TaskFailed if one was not recorded, or was kept on another machine.
    """
    replaced = {}
    for place, text, _ in parts(env, config):
        if match := _KEPT.fullmatch(text):
            path = _folder(ctx) / match[1]
            if not path.is_file():
                raise TaskFailed(
                    f"container {name} cannot be made again here: the secret {place} was kept where it was removed",
                    kind=FailureKind.CONFLICT,
                    hint=f"take it back on the machine of that worker, within {_DAYS} days, or make it again by hand",
                )
            replaced[place] = path.read_text()
        elif MASK in text:
            raise TaskFailed(
                f"container {name} cannot be made again: {place} held a secret that was not recorded",
                kind=FailureKind.CONFLICT,
                hint="make it again by hand; a secret:// as the whole value of a variable can be brought back",
            )
        elif _SCHEME in text:
            replaced[place] = resolve(text, ctx.masker)
    return _replace(env, config, replaced)


def _folder(ctx: Context) -> Path:
    folder = ctx.state_dir / "kept"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _mark(ctx: Context, text: str) -> str:
    """A digest of a secret that nobody can try guesses against who has not this worker's key."""
    path = _folder(ctx) / _KEY
    if not path.is_file():
        made = path.with_name(f"{_KEY}.{os.getpid()}.{threading.get_ident()}")
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):  # another worker was first
            path.hardlink_to(made)
        made.unlink()
    return hmac.new(path.read_bytes(), text.encode(), "sha256").hexdigest()[:32]
