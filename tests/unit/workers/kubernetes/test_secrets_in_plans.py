"""What a manifest means before it runs: a Secret whose values stand in it, and what only the run can tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import registry
from reign.executor.assessing import partial_inputs

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


def undo(operation: str, **inputs: Any) -> tuple[str, str]:
    asked = registry.operation(operation)
    told = asked.assess(partial_inputs(asked.Inputs, {"context": "kind", **inputs}))
    return told.undo.value, told.note


@pytest.mark.parametrize(
    "manifest",
    [
        "${{ tasks.render.result.manifest }}",
        "k8s/${{ tasks.pick.result.stage }}.yaml",
        [TEXT.partition("---")[0], "${{ tasks.render.result.object }}"],
        {"kind": "${{ tasks.pick.result.kind }}", "metadata": {"name": "a"}},
        TEXT.partition("---")[0] + "---\n${{ tasks.render.result.manifest }}\n",
        "kind: ${{ tasks.pick.result.kind }}\nmetadata: {name: a}\n",
    ],
)
def test_what_only_the_run_knows_is_not_called_exact(manifest: Any) -> None:
    how, note = undo("kubernetes.apply", manifest=manifest)
    assert how == "compensating"
    assert note.startswith("what is applied is known only in the run")
    assert undo("kubernetes.delete", manifest=manifest)[0] == "compensating"


@pytest.mark.parametrize(
    "manifest",
    [
        TEXT.partition("---")[0],
        "kind: ConfigMap\nmetadata: {name: a}\ndata: {colour: '${{ tasks.pick.result.colour }}'}\n",
        {"kind": "ConfigMap", "metadata": {"name": "${{ tasks.pick.result.name }}"}},
        "k8s/app.yaml",
    ],
)
def test_what_the_plan_tells_is_exact(manifest: Any) -> None:
    how, note = undo("kubernetes.apply", manifest=manifest)
    assert how == "exact"
    assert "goes only if nothing of others is in it" in note


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
