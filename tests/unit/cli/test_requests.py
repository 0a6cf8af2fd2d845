"""What was typed: a plan file, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from reign.cli import requests
from reign.core.errors import InvalidInput


@pytest.mark.parametrize("text", ["apply manifest ./all.yaml", "run the tests of compose.yml"])
def test_a_sentence_may_end_in_the_name_of_a_file(text: str) -> None:
    assert requests.read([text]) == (text, None, {})


@pytest.mark.parametrize("name", ["plan.yaml", "my plan.yaml"])
def test_a_plan_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        requests.read([str(tmp_path / name)])


def test_a_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "the plan of today"
    file.write_text("name: x\ntasks: {a: {uses: bash.run, with: {command: ls}}}\n")
    assert requests.read([str(file)])[0] is None


def test_a_number_that_would_be_written_otherwise_stays_text() -> None:
    given = ["n=2", "r=0.5", "version=1.10", "id=007", "list=[1, 2]", "none=", "t=v1"]
    assert requests.params(given) == {
        "n": 2,
        "r": 0.5,
        "version": "1.10",
        "id": "007",
        "list": [1, 2],
        "none": "",
        "t": "v1",
    }
