"""What would keep GitHub from reading a workflow is said before it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import TaskFailed
from workers.github.workflow_files import faults, refuse_faulty

GOOD = """
name: CI
on: [push]
permissions: {contents: read}
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [{uses: actions/checkout@v4}, {run: "echo ${{ github.sha }}"}]
  test:
    needs: [build]
    runs-on: ubuntu-latest
    steps:
      - run: make test
"""


def test_a_good_one() -> None:
    assert list(faults(GOOD)) == []
    refuse_faulty("ci.yml", GOOD)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("on: [push]\n", ""), "'on' is a required property"),
        (("needs: [build]", "needs: [biuld]"), "line 10: there is no job 'biuld'"),
        (("needs: [build]", "needs: biuld"), "line 10: there is no job 'biuld'"),
        (("runs-on: ubuntu-latest\n    steps:\n", "steps:\n"), "line 9: jobs.test: 'runs-on' is a required property"),
        (("- run: make test", "- rnu: make test"), "steps.0.rnu: 'rnu' was unexpected; did you mean 'run'?"),
        (("- run: make test", "- {run: a, uses: b}"), "line 13: jobs.test.steps.0: only one of 'uses' and 'run'"),
        (("github.sha }}", "github.sha"), "an expression is opened with ${{ and not closed"),
        (("name: CI", "name: CI\nname: CD"), "name"),
        (("name: CI", "name: [CI"), "line 3, column 3: this is not YAML"),
        (("on: [push]", "on: [pushh]"), "pushh"),
    ],
)
def test_faults(change: tuple[str, str], expected: str) -> None:
    found = list(faults(GOOD.replace(*change)))
    assert any(expected in one for one in found), found


@pytest.mark.parametrize(
    ("content", "expected"),
    [("", "it is empty"), ("# later\n", "the workflow is empty"), ("- a\n", "a workflow is one object")],
)
def test_what_is_no_workflow(content: str, expected: str) -> None:
    [found] = faults(content)
    assert expected in found


@pytest.mark.parametrize("jobs", ["7", "[]", "{a: 7}", "{a: {needs: {}}}"])
def test_nonsense_does_not_break_the_check(jobs: str) -> None:
    assert list(faults(f"on: push\njobs: {jobs}\n"))


def test_the_refusal_names_the_first_few() -> None:
    content: Any = "on: push\njobs:\n" + "".join(f"  j{n}: {{needs: none}}\n" for n in range(20))
    with pytest.raises(TaskFailed, match=r"the workflow ci\.yml is not valid") as raised:
        refuse_faulty("ci.yml", content)
    assert len(raised.value.details["findings"]) == 10
