"""A Secret whose values stand in a plan is told before anything is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import registry

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}
TEXT = """
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
---
kind: Secret
metadata: {name: db}
stringData: {password: "%s"}
"""


def found(manifest: Any) -> list[str]:
    operation = registry.operation("kubernetes.apply")
    inputs = operation.Inputs.model_validate({"manifest": manifest, "context": "kind"})
    return [finding.message for finding in operation.assess(inputs).findings]


@pytest.mark.parametrize(
    "manifest",
    [
        {**SECRET, "stringData": {"password": "hunter2"}},
        [{**SECRET, "data": {"password": "aHVudGVyMg=="}}],
        TEXT % "hunter2",
    ],
)
def test_values_in_clear_are_a_finding(manifest: Any) -> None:
    [message] = found(manifest)
    assert "Secret db" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "manifest",
    [
        {**SECRET, "stringData": {"password": "secret://env/PASSWORD"}},
        {**SECRET, "stringData": {"password": "${{ params.password }}"}},
        {**SECRET, "type": "Opaque"},
        TEXT % "secret://env/PASSWORD",
        "kind: Secret\nmetadata: [",
        "manifests/secret.yaml",
    ],
)
def test_references_files_and_what_cannot_be_read_are_none(manifest: Any) -> None:
    assert found(manifest) == []
