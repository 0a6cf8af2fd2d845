"""validation.terraform: a configuration's syntax, form and references, and checkov's rules where it is installed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from reign.core.findings import Finding, Severity, fingerprint
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from reign.executor.process import ToolResult, safe_environment
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.sources import program
from workers.validation.subject import PathOrText

#: What `validate` says of a folder where `init` has not run: it is no fault of the configuration.
_UNINITIALISED = re.compile(
    r"missing required provider|module not installed|provider requirements|inconsistent dependency lock|"
    r"required plugins are not installed|could not load plugin|backend initialization required",
    re.IGNORECASE,
)
_CHECKOV_SEVERITY = {
    "CRITICAL": Severity.CRITICAL, "HIGH": Severity.HIGH, "MEDIUM": Severity.MEDIUM, "LOW": Severity.LOW,
    "INFO": Severity.INFO,
}  # fmt: skip


class Terraform(Check["Terraform.Inputs", "Terraform.Result"]):
    """Errors of ``terraform validate`` are high, warnings medium, a file that ``fmt`` would change low."""

    name: ClassVar[str] = "validation.terraform"
    summary: ClassVar[str] = "Check a Terraform configuration"

    class Inputs(PathOrText):
        checkov: bool | None = Field(
            default=None, description="whether to run checkov's rules too; default: where it is installed"
        )
        skip_checks: tuple[str, ...] = Field(default=(), description="rules of checkov to leave out, e.g. CKV_AWS_18")

    class Result(CheckResult):
        validated: bool = Field(description="whether references and types were checked too, which needs an `init`")
        checkov: bool = Field(description="whether checkov's rules were applied")

    def apply(self, ctx: Context, inputs: Terraform.Inputs, seen: Observations) -> Terraform.Result:
        folder = _folder(ctx, inputs)
        terraform = str(ctx.options.get("terraform") or program("terraform") or program("tofu") or "")
        if not terraform:
            raise TaskFailed(
                "neither terraform nor tofu is there",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="install one of them; `reign doctor` shows what is missing",
            )
        ctx.progress("terraform validate")
        findings = list(_validate(ctx, terraform, folder))
        validated = not any(finding.rule == "terraform-init" for finding in findings)
        ctx.progress("terraform fmt")
        if not any(finding.severity is Severity.HIGH for finding in findings):
            findings += _form(ctx, terraform, folder)
        ran_checkov, more = _checkov(ctx, inputs, folder)
        judged = conclude(ctx, inputs.subject, [*findings, *more], inputs, place=inputs.place(ctx))
        return self.Result(validated=validated, checkov=ran_checkov, findings=kept(judged), summary=judged.sentence())


def _folder(ctx: Context, inputs: Terraform.Inputs) -> Path:
    place = inputs.place(ctx)
    if place is None:
        name = Path(inputs.filename or "main.tf").name
        (ctx.scratch / name).write_text(inputs.text or "")
        return ctx.scratch
    folder = place if place.is_dir() else place.parent
    if not any(file.name.endswith((".tf", ".tf.json", ".tofu")) for file in folder.iterdir()):
        raise TaskFailed(
            f"there is no Terraform file in {inputs.path}",
            kind=FailureKind.WRONG_INPUT,
            hint="name the root module's folder",
        )
    return folder


def _tool(ctx: Context, folder: Path, *argv: str) -> ToolResult:
    own = {name: os.environ[name] for name in ("TF_CLI_CONFIG_FILE", "TF_DATA_DIR") if name in os.environ}
    if not Path(own.get("TF_CLI_CONFIG_FILE", os.devnull)).is_file():
        own.pop("TF_CLI_CONFIG_FILE", None)  # it would warn before every answer
    env = safe_environment(own | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"})
    return ctx.tool(list(argv), cwd=folder, env=env, on_line=lambda stream, line: None, keep=16_000_000)


def _validate(ctx: Context, terraform: str, folder: Path) -> Iterator[Finding]:
    ran = _tool(ctx, folder, terraform, "validate", "-json", "-no-color")
    try:
        diagnostics = json.loads(ran.stdout[ran.stdout.index("{") :])["diagnostics"]
    except (ValueError, KeyError):
        raise TaskFailed(f"terraform validate gave no answer: {ran.tail(3) or 'it printed nothing'}") from None
    uninitialised = [
        item for item in diagnostics if _UNINITIALISED.search(f"{item['summary']} {item.get('detail', '')}")
    ]
    if uninitialised:
        message = "not initialised: only the syntax was checked"
        yield Finding(
            rule="terraform-init", severity=Severity.INFO, message=message, remedy="run terraform.init before it"
        )
    for item in diagnostics:
        if item not in uninitialised:
            severity = Severity.HIGH if item["severity"] == "error" else Severity.MEDIUM
            message = " ".join(f"{item['summary']}. {item.get('detail', '')}".split())
            yield _finding(folder, "terraform-validate", severity, message, None, item.get("range"))


def _form(ctx: Context, terraform: str, folder: Path) -> Iterator[Finding]:
    ran = _tool(ctx, folder, terraform, "fmt", "-check", "-list=true", "-recursive", "-no-color")
    for name in ran.stdout.split("\n"):
        if name.strip():
            yield Finding(
                rule="terraform-fmt",
                severity=Severity.LOW,
                message="not in Terraform's usual form",
                remedy="run terraform fmt",
                path=name.strip(),
            )


def _checkov(ctx: Context, inputs: Terraform.Inputs, folder: Path) -> tuple[bool, list[Finding]]:
    if inputs.checkov is False:
        return False, []
    checkov = str(ctx.options.get("checkov") or program("checkov") or "")
    if not checkov:
        if inputs.checkov:
            raise TaskFailed(
                "checkov is not there", kind=FailureKind.MISSING_PREREQUISITE, hint="pip install checkov for the worker"
            )
        return False, []
    ctx.progress("checkov")
    options = [f"--skip-check={','.join(inputs.skip_checks)}"] if inputs.skip_checks else []
    # Without --skip-download it fetches guidelines from its maker's service.
    argv = [checkov, "--directory", str(folder), "--framework", "terraform", "--output", "json", "--quiet", "--compact"]
    ran = _tool(ctx, folder, *argv, "--skip-download", *options)
    try:
        reports = json.loads(ran.stdout)
    except json.JSONDecodeError:
        raise TaskFailed(f"checkov gave no answer: {ran.tail(3) or 'it printed nothing'}") from None
    # One report, or a list of them; without any resource there is a summary instead.
    results = [report.get("results", {}) for report in (reports if isinstance(reports, list) else [reports])]
    return True, [_checkov_finding(folder, item) for result in results for item in result.get("failed_checks", [])]


def _checkov_finding(folder: Path, item: dict[str, Any]) -> Finding:
    severity = _CHECKOV_SEVERITY.get(str(item.get("severity")).upper(), Severity.MEDIUM)
    start = {"filename": str(item["file_path"]).lstrip("/"), "start": {"line": item["file_line_range"][0]}}
    message = f"{item['resource']}: {item['check_name']}"
    return _finding(folder, str(item["check_id"]), severity, message, item.get("guideline"), start)


def _finding(
    folder: Path, rule: str, severity: Severity, message: str, remedy: str | None, where: dict[str, Any] | None
) -> Finding:
    where = where or {}
    start = where.get("start") or {}
    path = where.get("filename")
    if path is not None and Path(path).is_absolute() and Path(path).is_relative_to(folder):
        path = Path(path).relative_to(folder).as_posix()
    return Finding(
        rule=rule,
        severity=severity,
        message=message,
        remedy=remedy,
        path=path,
        line=start.get("line"),
        column=start.get("column"),
        fingerprint=fingerprint(rule, path or "", message),
    )
