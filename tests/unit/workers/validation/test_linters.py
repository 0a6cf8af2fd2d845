"""validation.dockerfile, script and workflow: what they find, where, and how bad it is."""

from __future__ import annotations

import importlib
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from reign.core.findings import Finding
from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from workers.validation import Dockerfile, Script, Workflow, sources

BAD_DOCKERFILE = "FROM debian:latest\nRUN sudo apt-get install curl\nMAINTAINER ada\n"
GOOD_DOCKERFILE = 'FROM debian:12.5\nCOPY app /app\nCMD ["/app"]\n'


def check(folder: Path, operation: Any, **inputs: Any) -> Any:
    context = make_context(folder)
    return run_operation(operation(), context, operation.Inputs.model_validate(inputs))


def failure(folder: Path, operation: Any, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        check(folder, operation, **inputs)
    return caught.value


def findings(folder: Path, operation: Any, **inputs: Any) -> list[Finding]:
    return list(check(folder, operation, fail_on="never", **inputs).findings)


def said(found: list[Finding]) -> set[tuple[str, str, int | None]]:
    return {(finding.rule, finding.severity.value, finding.line) for finding in found}


# Dockerfiles


def test_a_dockerfile_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(BAD_DOCKERFILE)
    failed = failure(tmp_path, Dockerfile, path=".")
    assert failed.kind is FailureKind.CHECK_FAILED
    assert failed.message.startswith(".: Do not use sudo")
    assert "at Dockerfile:2:1" in failed.message
    assert failed.hint == "see https://github.com/hadolint/hadolint/wiki/DL3004"
    assert {("DL3004", "high", 2), ("DL4000", "high", 3), ("DL3007", "medium", 1)} <= said(
        findings(tmp_path, Dockerfile, path="Dockerfile")
    )


def test_a_good_dockerfile(tmp_path: Path) -> None:
    result = check(tmp_path, Dockerfile, text=GOOD_DOCKERFILE)
    assert (result.files, result.findings) == (["Dockerfile"], [])


def test_dockerfiles_by_their_names(tmp_path: Path) -> None:
    for name in (
        "Dockerfile.web",
        "api.dockerfile",
        "sub/Containerfile",
        "Dockerfile.dockerignore",
        "app.py",
        ".git/Dockerfile",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(GOOD_DOCKERFILE)
    (tmp_path / "Dockerfile").symlink_to("/etc/hostname")
    assert check(tmp_path, Dockerfile, path=".").files == ["Dockerfile.web", "api.dockerfile", "sub/Containerfile"]


def test_only_the_dockerfile_that_a_build_takes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "Dockerfile").write_text(BAD_DOCKERFILE)
    (tmp_path / "Containerfile").write_text(GOOD_DOCKERFILE)
    assert check(tmp_path, Dockerfile, path=".", recursive=False).files == ["Containerfile"]
    (tmp_path / "Containerfile").unlink()
    assert "Dockerfile is not there" in failure(tmp_path, Dockerfile, path=".", recursive=False).message


@pytest.mark.parametrize("text", ["", "# nothing\n", "ARG A=1\n"])
def test_a_dockerfile_without_an_image_fails(tmp_path: Path, text: str) -> None:
    assert ("no-from", "high", 1) in said(findings(tmp_path, Dockerfile, text=text))


def test_rules_may_be_left_out_and_registries_trusted(tmp_path: Path) -> None:
    assert check(tmp_path, Dockerfile, text=BAD_DOCKERFILE, ignore=["DL3004", "DL4000"])
    rules = {f.rule for f in findings(tmp_path, Dockerfile, text=GOOD_DOCKERFILE, trusted_registries=["quay.io"])}
    assert rules == {"DL3026"}


def test_what_is_no_dockerfile_is_said(tmp_path: Path) -> None:
    assert failure(tmp_path, Dockerfile, text="FRUM x\n").details["findings"][0]["rule"] == "DL1000"


def test_a_folder_without_one_is_said(tmp_path: Path) -> None:
    failed = failure(tmp_path, Dockerfile, path=".")
    assert (failed.kind, failed.message) == (FailureKind.WRONG_INPUT, "there is no Dockerfile in .")


def test_a_shell_mistake_in_a_run_is_explained_where_it_belongs(tmp_path: Path) -> None:
    found = findings(tmp_path, Dockerfile, text='FROM debian:12\nRUN if [ $x = 1 ]; then echo "$y"; fi\n')
    assert any(f.rule == "SC2154" and f.remedy == "see https://www.shellcheck.net/wiki/SC2154" for f in found)


def test_fingerprints_do_not_depend_on_lines_above(tmp_path: Path) -> None:
    first = findings(tmp_path, Dockerfile, text=BAD_DOCKERFILE)
    later = findings(tmp_path, Dockerfile, text="# syntax=docker/dockerfile:1\n\n" + BAD_DOCKERFILE)
    assert {f.fingerprint for f in first} == {f.fingerprint for f in later}


def test_a_missing_linter_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "program", lambda name: None)
    for operation, text in ((Dockerfile, GOOD_DOCKERFILE), (Script, "ls\n")):
        assert failure(tmp_path, operation, text=text).kind is FailureKind.MISSING_PREREQUISITE


def fake(folder: Path, name: str, prints: str) -> str:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\nprint({prints!r})\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_linter_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake(tmp_path, "broken", "out of memory")
    monkeypatch.setattr(sources, "program", lambda name: program)
    for operation, text in ((Dockerfile, GOOD_DOCKERFILE), (Script, "ls\n")):
        failed = failure(tmp_path, operation, text=text)
        assert "gave no answer: out of memory" in failed.message


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe\xfa", "is not text in UTF-8"), (b"x" * (8 * 1024 * 1024 + 1), "is larger than 8 MiB")],
)
def test_files_that_cannot_be_checked(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "Dockerfile").write_bytes(content)
    failed = failure(tmp_path, Dockerfile, path=".")
    assert (failed.kind, failed.message) == (FailureKind.WRONG_INPUT, f"Dockerfile {reason}")


def test_what_is_no_file_cannot_be_checked(tmp_path: Path) -> None:
    assert failure(tmp_path, Dockerfile, path="/dev/null").kind is FailureKind.WRONG_INPUT


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    for number in range(3):
        (tmp_path / f"Dockerfile.{number}").write_text(GOOD_DOCKERFILE)
    assert "more than 2 Dockerfiles" in failure(tmp_path, Dockerfile, path=".").message


# scripts


def test_scripts_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_text("#!/bin/sh\nrm $1\n")
    (tmp_path / "deploy").write_text("#!/usr/bin/env bash\nls\n")
    (tmp_path / "tool").write_text("#!/usr/bin/env python3\n")
    (tmp_path / "notes.txt").write_text("ls\n")
    result = check(tmp_path, Script, path=".")
    assert result.files == ["a.sh", "deploy"]
    assert said(result.findings) == {("SC2086", "low", 2)}


def test_a_syntax_error_fails(tmp_path: Path) -> None:
    failed = failure(tmp_path, Script, text="if [ -f x ]; then\n  echo\n")
    assert failed.details["counts"]["high"] >= 1


def test_what_only_the_shell_itself_sees(tmp_path: Path) -> None:
    # shellcheck reads this as bash, dash does not know the operator.
    found = findings(tmp_path, Script, text="cat < <(ls)\n", shell="dash", ignore=["SC3001", "SC2148"])
    if sources.program("dash") is None:
        pytest.skip("there is no dash")
    assert ("shell-syntax", "high", 1) in said(found)


def test_the_shell_is_told_by_the_first_line(tmp_path: Path) -> None:
    bashism = "[[ -n $x ]] && ls\n"
    assert findings(tmp_path, Script, text=bashism) == []
    assert [f.rule for f in findings(tmp_path, Script, text="#!/bin/sh\n" + bashism)] == ["SC3010"]
    assert [f.rule for f in findings(tmp_path, Script, text=bashism, shell="sh")] == ["SC3010"]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        *(("#!/usr/bin/env python3", "python3"), ("#!/bin/zsh", "zsh"), ("#!/usr/bin/env -S deno run", "deno")),
        *(("#!/bin/busybox sh", None), ("#! /bin/sh -e", None), ("# python3", None)),
    ],
)
def test_what_is_for_another_interpreter_is_said_and_not_read_as_bash(
    tmp_path: Path, first: str, other: str | None
) -> None:
    found = findings(tmp_path, Script, text=f"{first}\nprint(1, 2)\n")
    told = [finding for finding in found if finding.rule == "not-a-shell-script"]
    assert bool(told) == (other is not None)
    if other:
        assert found == told
        assert other in told[0].message
        assert len(findings(tmp_path, Script, text=f"{first}\nprint(1, 2)\n", shell="bash")) > 1


def test_a_script_is_not_run(tmp_path: Path) -> None:
    check(tmp_path, Script, text=f"touch {tmp_path}/ran\n")
    assert not (tmp_path / "ran").exists()


def test_a_shell_that_is_not_there_is_not_asked(tmp_path: Path) -> None:
    if sources.program("ksh"):
        pytest.skip("there is a ksh")
    assert findings(tmp_path, Script, text="ls\n", shell="ksh") == []


# workflows

GOOD_WORKFLOW = """\
on: push
permissions: {contents: read}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: make test
"""


def test_a_good_workflow(tmp_path: Path) -> None:
    assert check(tmp_path, Workflow, text=GOOD_WORKFLOW).findings == []


def test_workflows_of_a_repository(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text(GOOD_WORKFLOW)
    (tmp_path / "action.yml").write_text("name: x\ndescription: y\nruns: {using: composite, steps: []}\n")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    assert check(tmp_path, Workflow, path=".").files == ["action.yml", ".github/workflows/ci.yml"]


@pytest.mark.parametrize(
    ("change", "rule", "severity", "line", "message"),
    [
        (("runs-on:", "runs_on:"), "workflow-schema", "high", 5, "runs_on"),
        (("run: make test", "run: 3\n        usess: 4"), "workflow-schema", "high", 9, "usess"),
        (("on: push", "on: pushes"), "workflow-schema", "high", 1, "pushes"),
        (("    steps:", "    needs: [lint]\n    steps:"), "unknown-job", "high", 6, "'lint'"),
        (("    steps:", "    needs: lint\n    steps:"), "unknown-job", "high", 6, "'lint'"),
        (("make test", "echo ${{ github.event.issue.title }}"), "script-injection", "high", 8, "issue.title"),
        (("make test", "echo ${{ github.head_ref }}"), "script-injection", "high", 8, "head_ref"),
        (("make test", "echo ${{ github.sha }"), "expression-syntax", "high", 8, "not closed"),
        (("checkout@v4", "checkout@main"), "action-branch", "medium", 7, "branch main"),
        (("checkout@v4", "checkout"), "action-version", "high", 7, "names no version"),
        (("actions/checkout@v4", "acme/tool@v1"), "action-tag", "info", 7, "can be moved"),
        (("permissions: {contents: read}\n", ""), "permissions-missing", "low", 1, "no `permissions`"),
        (("{contents: read}", "write-all"), "permissions-all", "medium", 2, "write everything"),
        (("on: push", "on: push\non: pull_request"), "duplicate-key", "high", 2, "'on'"),
        (("jobs:", "jobs: ["), "yaml-syntax", "high", None, "not YAML"),
        (("on: push", "on: {schedule: [{cron: '99 * * * *'}]}"), "schedule-cron", "high", 1, "bad minute"),
        (("on: push", "on: {schedule: [{cron: '* * * *'}]}"), "schedule-cron", "high", 1, "4 fields"),
        (("    steps:", "    needs: build\n    steps:"), "needs-circle", "high", 6, "build -> build"),
        (
            (
                "jobs:",
                "jobs:\n  a: {needs: [c, build], uses: ./x}\n  b: {needs: a, uses: ./x}\n  c: {needs: b, uses: ./x}",
            ),
            "needs-circle",
            "high",
            None,
            "need each other",
        ),
    ],
)
def test_a_fault_of_a_workflow(
    tmp_path: Path, change: tuple[str, str], rule: str, severity: str, line: int | None, message: str
) -> None:
    found = findings(tmp_path, Workflow, text=GOOD_WORKFLOW.replace(*change))
    match = [finding for finding in found if finding.rule == rule and message in finding.message]
    assert match, found
    assert match[0].severity == severity
    assert line is None or match[0].line == line


def test_a_schedule_and_a_chain_that_are_right(tmp_path: Path) -> None:
    text = GOOD_WORKFLOW.replace("on: push", "on: {schedule: [{cron: '30 5 * JAN-MAR 1-5'}, {}]}")
    text += "  a: {needs: build, uses: ./x}\n  b: {needs: [a, build], uses: ./x}\n"
    assert not {"schedule-cron", "needs-circle"} & {
        rule for rule, _, _ in said(findings(tmp_path, Workflow, text=text))
    }


def test_code_of_outsiders_with_secrets_at_hand(tmp_path: Path) -> None:
    text = GOOD_WORKFLOW.replace("on: push", "on: pull_request_target").replace(
        "checkout@v4", "checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}"
    )
    assert ("untrusted-checkout", "high", 8) in said(findings(tmp_path, Workflow, text=text))


def test_a_reusable_workflow_is_used_by_a_job(tmp_path: Path) -> None:
    used = "  a: {uses: acme/x/.github/workflows/y.yml@main}\n  b: {uses: ./.github/workflows/z.yml}\n"
    text = f"on: push\npermissions: {{}}\njobs:\n{used}"
    assert said(findings(tmp_path, Workflow, text=text)) == {("action-branch", "medium", 4)}


@pytest.mark.parametrize(
    "text", ["[]", "", "a: 1\n---\nb: 2\n", "on: push\njobs: 3\n", "on: [x, {y: 1}]\njobs: {a: b}\n"]
)
def test_what_is_no_workflow_is_said(tmp_path: Path, text: str) -> None:
    assert failure(tmp_path, Workflow, text=text).details["findings"][0]["rule"] == "workflow-schema"


def test_actionlint_is_heard_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said_by_it = '[{"message": "shell is unknown", "kind": "shell-name", "line": 8, "column": 3}]'
    program = fake(tmp_path, "actionlint", said_by_it)
    monkeypatch.setattr("workers.validation.workflow.program", lambda name: program)
    assert said(findings(tmp_path, Workflow, text=GOOD_WORKFLOW)) == {("actionlint-shell-name", "medium", 8)}
    program = fake(tmp_path, "actionlint", "usage: something else")
    assert findings(tmp_path, Workflow, text=GOOD_WORKFLOW) == []


def test_doctor_lists_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = importlib.import_module("workers.validation.checks")
    assert {check.name for check in checks.checks() if check.ok} >= {"hadolint", "shellcheck"}
    monkeypatch.setattr(checks, "program", lambda name: None)
    lines = checks.checks()
    assert not any(line.ok for line in lines), "what is optional is not there either"
    assert all(line.fix for line in lines)
    assert not any(line.required for line in lines)
    monkeypatch.setattr(checks, "program", lambda name: "/usr/bin/tofu" if name == "tofu" else None)
    assert next(line for line in checks.checks() if line.name == "terraform").ok
