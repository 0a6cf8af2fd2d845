"""Secrets of containers: kept out of records, and within reach of an undo.

docker.run notes in a label which parts of a container came from which secret reference. Parts that look like secrets
in containers that others made have no reference: a record names them ``kept://<container id>/<place>``, and only when
such a container is about to be removed are they written to the worker's own state folder, readable for its user alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reign.executor import Context, FailureKind, TaskFailed
from reign.security.masking import MASK
from reign.security.secrets import resolve
from workers.docker.secretlike import looks_secret

#: {place: reference without its ``secret://``, which would be resolved; "" where the secret is but a part of the text}
SECRETS_LABEL = "reign.secrets"
_KEPT = re.compile(r"kept://([0-9a-f]{64})/(\S+)")
_SCHEME = "secret://"
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


def hidden(container: str, env: dict[str, str], config: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """``env`` and ``config`` with references in place of secrets."""
    known = _known(config)
    replaced = {
        place: _SCHEME + known[place] if known.get(place) else f"kept://{container}/{quote(place, safe='')}"
        for place, _, secret in parts(env, config)
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


def keep(ctx: Context, container: str, env: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Write what :func:`hidden` names as kept, so that the container can be made again after its removal."""
    known = _known(config)
    found = {place: text for place, text, secret in parts(env, config) if secret or place in known}
    found = {place: text for place, text in found.items() if not known.get(place)}
    if not found:
        return
    folder = _folder(ctx)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / container
    path.touch(mode=0o600)
    path.write_text(json.dumps(found))


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
                    f"container {name} cannot be made again here: {place} was a secret, and {path} does not have it",
                    kind=FailureKind.CONFLICT,
                    hint="run the undo on the worker that removed the container, or make it again by hand",
                )
            replaced[place] = json.loads(path.read_text())[place]
        elif MASK in text:
            raise TaskFailed(
                f"container {name} cannot be made again: {place} held a secret that was not recorded",
                kind=FailureKind.CONFLICT,
                hint="make it again by hand; a secret:// as the whole value of a variable can be brought back",
            )
        elif _SCHEME in text:
            replaced[place] = resolve(text, ctx.masker)
    return _replace(env, config, replaced)


def forget(ctx: Context, container: str) -> None:
    """Remove what was kept of a container that is there again."""
    (_folder(ctx) / container).unlink(missing_ok=True)


def _folder(ctx: Context) -> Path:
    return ctx.state_dir / "kept"
