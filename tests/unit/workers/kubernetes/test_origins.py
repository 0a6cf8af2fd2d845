"""Secrets in the clear parts of objects: noted where they are written, masked wherever they are looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reign.executor import TaskFailed
from reign.executor.testing import make_context
from workers.kubernetes import origins

REFERENCE = "secret://env/SHOP_PASSWORD"
VALUE = "correct-horse"


def deployment(value: str, *before: dict[str, str]) -> dict[str, Any]:
    env = [*before, {"name": "PASSWORD", "value": value}, {"name": "MODE", "value": "fast"}]
    pod = {"containers": [{"name": "web", "image": "nginx", "env": env}]}
    meta: dict[str, Any] = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": {"spec": pod}}}


def value_of(body: dict[str, Any]) -> str:
    env = body["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(next(item["value"] for item in env if item["name"] == "PASSWORD"))


def written(folder: Path, value: str = VALUE) -> dict[str, Any]:
    """The deployment as a task makes it out of a reference."""
    ctx = make_context(folder)
    ctx.masker.add(REFERENCE, value)
    return origins.noted(ctx, deployment(value))


def seen(folder: Path, live: dict[str, Any], **known: str) -> dict[str, Any]:
    """As an attempt that holds no reference records it."""
    ctx = make_context(folder)
    for value in known.values():
        ctx.masker.add(REFERENCE, value)
    origins.teach(ctx, live)
    found: dict[str, Any] = ctx.masker.record(live)
    return found


def test_who_looks_later_sees_the_reference(tmp_path: Path) -> None:
    live = written(tmp_path)
    assert value_of(live) == VALUE
    assert VALUE not in json.dumps(live["metadata"])
    assert "secret://" not in json.dumps(live["metadata"]), "it would be resolved where it stands in a record"
    found = seen(tmp_path, live)
    assert value_of(found) == REFERENCE
    assert VALUE not in json.dumps(found)


def test_nothing_is_noted_where_there_is_no_secret(tmp_path: Path) -> None:
    body = deployment("x")
    assert origins.noted(make_context(tmp_path), body) == body
    assert seen(tmp_path, body) == body
    ctx = make_context(tmp_path)
    ctx.masker.add(REFERENCE, VALUE)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"p": VALUE}}
    assert origins.noted(ctx, secret) == secret


def test_what_others_put_in_its_place_is_a_digest(tmp_path: Path) -> None:
    live = written(tmp_path)
    other = {**deployment("somebody-elses", {"name": "A", "value": "first"}), "metadata": live["metadata"]}
    found = seen(tmp_path, other)
    assert value_of(found).startswith("scrypt:")
    assert "somebody-elses" not in json.dumps(found)


def test_a_secret_that_was_changed_since_is_a_digest_too(tmp_path: Path) -> None:
    assert value_of(seen(tmp_path, written(tmp_path), now="another-horse")).startswith("scrypt:")


def test_a_value_that_only_its_digest_is_known_of_comes_back_if_it_is_still_there(tmp_path: Path) -> None:
    live = {**deployment("somebody-elses"), "metadata": written(tmp_path)["metadata"]}
    before = seen(tmp_path, live)
    assert origins.whole(before, live) == live
    for gone in (None, deployment("a-third-one")):
        with pytest.raises(TaskFailed, match="PASSWORD/value was a secret that is not known") as caught:
            origins.whole(before, gone)
        assert caught.value.hint
    assert origins.whole(deployment("plain"), None) == deployment("plain")


@pytest.mark.parametrize("note", ["no JSON", "[]", "3", '{"spec": 1}', '{"spec/template": ["env/A"]}'])
def test_a_note_that_is_none_of_ours_is_passed_over(tmp_path: Path, note: str) -> None:
    live = deployment("x")
    live["metadata"]["annotations"] = {origins.ANNOTATION: note}
    assert seen(tmp_path, live) == live
