"""validation.terraform on the real binary, and checkov's report as checkov prints it."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from tests.engines import terraform as engine
from workers.validation import Terraform

GOOD = 'variable "name" {\n  type = string\n}\n\noutput "name" {\n  value = var.name\n}\n'


@pytest.fixture(scope="module")
def binary() -> str:
    return engine.terraform()


def check(folder: Path, binary: str, options: dict[str, Any] | None = None, **inputs: Any) -> Terraform.Result:
    context = make_context(folder, options={"terraform": binary, **(options or {})})
    given = Terraform.Inputs.model_validate({"checkov": False, **inputs})
    result = run_operation(Terraform(), context, given)
    assert isinstance(result, Terraform.Result)
    return result


def failure(folder: Path, binary: str, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        check(folder, binary, **inputs)
    return caught.value


def put(folder: Path, name: str, content: str) -> None:
    path = folder / "infra" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_a_good_configuration(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", GOOD)
    result = check(tmp_path, binary, path="infra")
    assert result.findings == []
    assert result.validated
    assert not result.checkov
    assert sorted(path.name for path in (tmp_path / "infra").iterdir()) == ["main.tf"], "nothing is left there"


def test_a_text(tmp_path: Path, binary: str) -> None:
    assert check(tmp_path, binary, text=GOOD).findings == []


def test_a_reference_to_nothing_fails_with_its_place(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", GOOD.replace("var.name", "var.nome"))
    failed = failure(tmp_path, binary, path="infra/main.tf")
    assert failed.kind is FailureKind.CHECK_FAILED
    finding = failed.details["findings"][0]
    assert (finding["path"], finding["line"], finding["severity"]) == ("main.tf", 6, "high")
    assert "nome" in finding["message"]


def test_wrong_syntax_fails(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", "output {\n")
    assert {f["rule"] for f in failure(tmp_path, binary, path="infra").details["findings"]} == {"terraform-validate"}


def test_another_form_is_a_remark(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", GOOD)
    put(tmp_path, "modules/a/main.tf", 'output   "a" {\nvalue = 1\n}\n')
    found = check(tmp_path, binary, path="infra").findings
    assert [(f.rule, f.severity.value, f.path) for f in found] == [("terraform-fmt", "low", "modules/a/main.tf")]


def test_what_is_not_initialised_is_no_fault(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", 'resource "null_resource" "a" {\n}\n')
    result = check(tmp_path, binary, path="infra")
    assert [f.rule for f in result.findings] == ["terraform-init"]
    assert not result.validated


def test_no_configuration_is_said(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "readme.md", "x")
    assert failure(tmp_path, binary, path="infra").kind is FailureKind.WRONG_INPUT


def test_a_configuration_of_the_client_that_is_gone_does_not_disturb(
    tmp_path: Path, binary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "gone"))
    put(tmp_path, "main.tf", GOOD)
    assert check(tmp_path, binary, path="infra").findings == []


def test_no_terraform_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.validation.terraform.program", lambda name: None)
    put(tmp_path, "main.tf", GOOD)
    assert failure(tmp_path, "", path="infra").kind is FailureKind.MISSING_PREREQUISITE


def test_what_is_no_terraform_is_said(tmp_path: Path) -> None:
    put(tmp_path, "main.tf", GOOD)
    assert "gave no answer" in failure(tmp_path, "/bin/true", path="infra").message


def checkov(folder: Path, prints: str, code: int = 1) -> str:
    """A program that prints what checkov 3.3 does; the real one brings a hundred packages of its own."""
    path = folder / "checkov"
    called = str(folder / "called")
    path.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\n"
        f"pathlib.Path({called!r}).write_text(json.dumps(sys.argv[1:]))\nprint({prints!r})\nsys.exit({code})\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


FAILED_CHECK = {
    "check_id": "CKV_AWS_20",
    "check_name": "Ensure the bucket is not public",
    "file_path": "/main.tf",
    "file_line_range": [1, 4],
    "resource": "aws_s3_bucket.b",
    "severity": None,
    "guideline": None,
}


def test_checkov_is_heard_where_it_is_installed(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", GOOD)
    report = {
        "check_type": "terraform",
        "results": {"failed_checks": [FAILED_CHECK, {**FAILED_CHECK, "severity": "HIGH"}]},
    }
    program = checkov(tmp_path, json.dumps(report))
    result = check(
        tmp_path, binary, {"checkov": program}, path="infra", checkov=None, skip_checks=["CKV_AWS_18"], fail_on="never"
    )
    assert result.checkov
    assert [(f.rule, f.severity.value, f.place) for f in result.findings] == [
        ("CKV_AWS_20", "high", "main.tf:1"),
        ("CKV_AWS_20", "medium", "main.tf:1"),
    ]
    words = json.loads((tmp_path / "called").read_text())
    assert "--skip-download" in words, "it would call its maker's service"
    assert "--skip-check=CKV_AWS_18" in words


@pytest.mark.parametrize("report", [[], {"passed": 0, "failed": 0}, [{"results": {"failed_checks": []}}]])
def test_checkov_without_findings(tmp_path: Path, binary: str, report: Any) -> None:
    put(tmp_path, "main.tf", GOOD)
    program = checkov(tmp_path, json.dumps(report), code=0)
    assert check(tmp_path, binary, {"checkov": program}, path="infra", checkov=True).findings == []


def test_checkov_that_fails_is_said(tmp_path: Path, binary: str) -> None:
    put(tmp_path, "main.tf", GOOD)
    program = checkov(tmp_path, "out of memory")
    with pytest.raises(TaskFailed) as caught:
        check(tmp_path, binary, {"checkov": program}, path="infra", checkov=True)
    assert "checkov gave no answer: out of memory" in caught.value.message


def test_checkov_that_is_asked_for_must_be_there(tmp_path: Path, binary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.validation.terraform.program", lambda name: None)
    put(tmp_path, "main.tf", GOOD)
    assert failure(tmp_path, binary, path="infra", checkov=True).kind is FailureKind.MISSING_PREREQUISITE
    assert not check(tmp_path, binary, path="infra", checkov=None).checkov
