"""Values of charts: from objects, files, texts and secret references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.executor import TaskFailed
from reign.executor.testing import make_context
from reign.security import secrets
from workers.kubernetes.charts import merged


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (None, {}),
        ({"a": 1}, {"a": 1}),
        ("values.yaml", {"a": {"b": 1, "c": 2}}),
        ("a: {b: 7}", {"a": {"b": 7}}),
        ('{"a": 1}', {"a": 1}),
        ("# nothing\n", {}),
        (["values.yaml", "a: {b: 7}\nd: x\n", {"d": "y"}], {"a": {"b": 7, "c": 2}, "d": "y"}),
    ],
)
def test_later_ones_win(tmp_path: Path, values: Any, found: dict[str, Any]) -> None:
    (tmp_path / "values.yaml").write_text("a: {b: 1, c: 2}\n")
    assert merged(make_context(tmp_path / "s", workdir=tmp_path), values) == found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("none.yaml", r"values file .*none\.yaml: No such file"),
        ("list.yaml", r"list\.yaml: it holds no mapping"),
        ("binary.yaml", r"binary\.yaml: it is no text"),
        ("a: [\n", r"the text of values: it is no YAML \(line 2\)"),
        ("- a\n- b\n", "the text of values: it holds no mapping"),
    ],
)
def test_what_holds_no_values(tmp_path: Path, values: Any, said: str) -> None:
    (tmp_path / "list.yaml").write_text("[1]")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(TaskFailed, match=said):
        merged(make_context(tmp_path / "s", workdir=tmp_path), values)


def test_all_values_behind_one_secret_reference(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text("replicas: 2\ndb: {password: correct-horse, name: shop}\nhosts: [first.example]\n")
    ctx = make_context(tmp_path / "s", workdir=tmp_path)
    given = secrets.resolve(f"secret://file{file}", ctx.masker)
    assert merged(ctx, given)["db"] == {"password": "correct-horse", "name": "shop"}
    assert ctx.masker.mask("correct-horse for shop at first.example") == "*** for shop at ***"
