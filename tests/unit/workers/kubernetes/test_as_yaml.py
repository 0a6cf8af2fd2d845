"""YAML that people read holds no anchors."""

from __future__ import annotations

import yaml

from workers.kubernetes.as_yaml import as_yaml

SHARED = {"app": "web"}
BODY = {"kind": "Deployment", "metadata": {"labels": SHARED}, "spec": {"selector": {"matchLabels": SHARED}}}


def test_what_is_shared_is_written_out_each_time() -> None:
    text = as_yaml([BODY])
    assert "&" not in text
    assert "*" not in text
    assert text.count("app: web") == 2
    assert yaml.safe_load(text) == BODY


def test_several_objects_are_several_documents() -> None:
    assert list(yaml.safe_load_all(as_yaml([BODY, {"kind": "Service"}]))) == [BODY, {"kind": "Service"}]
    assert as_yaml([]) == ""
