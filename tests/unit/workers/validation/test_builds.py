"""What a Compose file builds: its folders and Dockerfiles, and the checks of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from tests.unit.workers.validation.keys import AWS
from workers.validation import Dockerfile, ScanSecrets
from workers.validation.builds import Build, builds

STACK = """\
services:
  web:
    build: ./web
  api:
    build:
      context: api
      dockerfile: docker/Api
      additional_contexts: {shared: ./shared, base: "docker-image://alpine"}
  again: {build: ./web}
  inline: {build: {context: web, dockerfile_inline: "FROM a:1\\nRUN cd x"}}
  far: {build: "https://example.com/app.git"}
  db: {image: "postgres:16"}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    for folder in ("stack/web", "stack/api/docker", "stack/shared"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "stack" / "compose.yaml").write_text(STACK)
    (tmp_path / "stack" / "web" / "Dockerfile").write_text("FROM a:1\nRUN sudo x\n")
    (tmp_path / "stack" / "api" / "docker" / "Api").write_text("FROM a:1\n")
    return tmp_path / "stack"


def test_folders_and_dockerfiles(stack: Path) -> None:
    web = stack / "web"
    wanted = [
        Build("web", (web,), web / "Dockerfile"),
        Build("api", (stack / "api", stack / "shared"), stack / "api" / "docker" / "Api"),
        Build("again", (web,), web / "Dockerfile"),
        Build("inline", (web,), None, "FROM a:1\nRUN cd x"),
    ]
    assert builds(stack / "compose.yaml") == wanted
    assert builds(stack) == wanted


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        ("${WHERE}", "web"), ("$WHERE/../api", "api"), ("${NONE:-api}", "api"), ("${EMPTY:-api}", "api"),
        ("${EMPTY-api}", "."), ("${WHERE:+api}", "api"), ("${NONE+web}", "."), ("we$$b", "we$b"),
    ],
)  # fmt: skip
def test_variables(stack: Path, context: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    (stack / "we$b").mkdir()
    (stack / ".env").write_text("# a remark = no\nWHERE='web'\nEMPTY=shared\n")
    (stack / "compose.yml").write_text(f"services: {{a: {{build: {{context: '{context}'}}}}}}")
    [build] = builds(stack / "compose.yml")
    assert build.folders == ((stack / wanted).resolve(),)


def test_what_is_included_and_extended_counts(stack: Path) -> None:
    (stack / "api" / "more.yml").write_text("services: {a: {build: .}, b: {image: x, build: docker}}")
    (stack / "compose.yaml").write_text(
        "include: [api/more.yml, {path: [api/more.yml]}, 'oci://example.com/stack']\n"
        "services:\n  c: {extends: {file: api/more.yml, service: b}}\n  d: {extends: {service: c}}\n"
        "  e: {build: !override {context: web}, ports: !reset [], command: !reset x}\n  f: {extends: c}\n"
    )
    found = [(build.service, build.folders[0].relative_to(stack).as_posix()) for build in builds(stack)]
    twice = [("a", "api"), ("b", "api/docker")]
    assert found == [*twice, *twice, ("c", "api/docker"), ("e", "web")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: {build: ./none}}", "service a is built from ./none, and there is no such folder"),
        ("a: [", "cannot be read: expected the node content"),
        ("FROM a:1", "is not a Compose file"),
        ("include: [c.yml]", "more than 20 files deep"),
        ("services: {a: {extends: {file: c.yml, service: a}}}", "more than 20 files deep"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "c.yml").write_text(text)
    with pytest.raises(TaskFailed, match=said) as caught:
        builds(tmp_path / "c.yml")
    assert caught.value.kind is FailureKind.WRONG_INPUT


def failure(operation: Any, stack: Path) -> TaskFailed:
    inputs = {"path": "stack/compose.yaml", "builds": True, "fail_on": "medium", "ignore_files": [".dockerignore"]}
    given = operation.Inputs.model_validate(
        {key: value for key, value in inputs.items() if key in operation.Inputs.model_fields}
    )
    with pytest.raises(TaskFailed) as caught:
        run_operation(operation, make_context(stack.parent), given)
    return caught.value


def test_secrets_in_what_is_built_are_found_and_those_beside_it_not(stack: Path) -> None:
    for file in (".env", "web/.env", "web/ignored", "shared/key"):
        (stack / file).write_text(f"KEY={AWS}\n")
    (stack / "web" / ".dockerignore").write_text("ignored\n")
    failed = failure(ScanSecrets(), stack)
    assert sorted(found["place"] for found in failed.details["findings"]) == ["shared/key:1:5", "web/.env:1:5"]


def test_the_dockerfiles_of_what_is_built_are_linted(stack: Path) -> None:
    failed = failure(Dockerfile(), stack)
    found = [(finding["rule"], finding["place"].partition(":")[0]) for finding in failed.details["findings"]]
    assert ("DL3004", "web/Dockerfile") in found
    assert ("DL3003", "Dockerfile of service inline") in found


def test_nothing_to_build_is_nothing_to_check(stack: Path) -> None:
    (stack / "compose.yaml").write_text("services: {db: {image: 'postgres:16'}}\n")
    for operation in (ScanSecrets(), Dockerfile()):
        given = operation.Inputs.model_validate({"path": "stack", "builds": True})
        result: Any = run_operation(operation, make_context(stack.parent), given)
        assert result.findings == []


def test_builds_wants_a_path() -> None:
    with pytest.raises(ValueError, match="`builds` needs the `path`"):
        ScanSecrets.Inputs.model_validate({"text": "a", "builds": True})
