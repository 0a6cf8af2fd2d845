"""Secrets in the files of a manifest are known before the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.core.resource import Undo
from workers.kubernetes.apply import Apply, Delete
from workers.kubernetes.on_disk import secret_on_disk

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: x}\n"
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "all", plain=PLAIN, secret=SECRET)
    assert secret_on_disk("all", tmp_path)
    assert secret_on_disk("./all/secret.yaml", tmp_path)
    assert secret_on_disk(str(tmp_path / "all/secret.yaml"), Path("/elsewhere"))
    assert not secret_on_disk("all/plain.yaml", tmp_path)


def test_a_kustomization_counts_with_all_that_it_brings(tmp_path: Path) -> None:
    put(tmp_path / "generated", kustomization="secretGenerator: [{name: a, literals: [p=x]}]\n")
    put(tmp_path / "base", kustomization="resources: [one.yaml, ../over]\n", one=SECRET)
    put(tmp_path / "over", kustomization="resources: [../base, https://example.org/x]\n")  # and round again
    put(tmp_path / "plain", kustomization="resources: [one.yaml]\nbases: ./none\n", one=PLAIN, other=SECRET)
    assert secret_on_disk("generated", tmp_path)
    assert secret_on_disk("generated/kustomization.yaml", tmp_path)
    assert secret_on_disk("over", tmp_path)
    assert not secret_on_disk("plain", tmp_path)


@pytest.mark.parametrize("manifest", [SECRET, {"kind": "Secret"}, "none.yaml", "n\0ne", "x" * 5000, "${{ params.x }}"])
def test_what_is_no_file_here(manifest: object, tmp_path: Path) -> None:
    assert not secret_on_disk(manifest, tmp_path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe kind: Secret")
    put(tmp_path / "broken", kustomization="resources: [\n")
    assert not secret_on_disk("binary.yaml", tmp_path)
    assert not secret_on_disk("broken", tmp_path)


def test_the_undo_is_not_called_exact(tmp_path: Path) -> None:
    put(tmp_path, secret=SECRET, plain=PLAIN)
    both: list[Any] = [Apply(), Delete()]
    for operation in both:
        for file, undo in (("secret.yaml", Undo.COMPENSATING), ("plain.yaml", Undo.EXACT)):
            found = operation.assess_in(operation.Inputs.model_validate({"manifest": file}), tmp_path)
            assert found.undo is undo
            assert "never their values" in found.note or "value" in found.note
