"""What terraform finds wrong, out of its JSON and its text, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import FailureKind
from reign.security.masking import Masker
from workers.terraform.diagnostics import Diagnostic, distinct, failure, from_json, from_text

BOXED = """
\x1b[31m╷\x1b[0m
│ Error: Unsupported argument
│
│   on main.tf line 3, in resource "null_resource" "x":
│    3:   triggres = {}
│
│ An argument named "triggres" is not expected here. Did you mean "triggers"?
╵
╷
│ Warning: Deprecated
│
│   with aws_instance.web,
│   on modules/web/main.tf line 12:
│   12:   old = 1
│
│ Use new instead.
╵
"""


def diagnostic(summary: str, detail: str = "", **more: Any) -> Diagnostic:
    return from_json({"severity": "error", "summary": summary, "detail": detail, **more}, Masker())


def test_out_of_boxes() -> None:
    error, warning = from_text(BOXED, Masker())
    assert (error.severity, error.summary, error.file, error.line) == ("error", "Unsupported argument", "main.tf", 3)
    assert error.code == "  triggres = {}"
    assert error.remedy == 'Did you mean "triggers"?'
    assert (warning.severity, warning.address, warning.file, warning.line) == (
        "warning", "aws_instance.web", "modules/web/main.tf", 12,
    )  # fmt: skip
    assert warning.remedy == "Use new instead."


@pytest.mark.parametrize(
    "file, place",
    [
        ("/tmp/reign-a-1/terraform/values/variables.tfvars.json", "variables: "),
        ("../values/terraform/values/00.tfvars", "var_files[0]:3: "),
        ("/x/terraform/values/12.tfvars.json", "var_files[12]:3: "),
        ("values/mine.tfvars", "values/mine.tfvars:3: "),
    ],
)
def test_a_value_is_named_by_the_input_that_it_came_in(file: str, place: str) -> None:
    data = {"summary": "Invalid value", "range": {"filename": file, "start": {"line": 3, "column": 1}}}
    assert from_json(data, Masker()).sentence() == f"{place}Invalid value"


def test_a_bare_message_is_one_error() -> None:
    [found] = from_text("Failed to do it: because\n- of this\n", Masker())
    assert (found.severity, found.summary, found.detail) == ("error", "Failed to do it: because", "- of this")
    assert from_text("", Masker()) == []


def test_secrets_are_masked_in_every_text() -> None:
    masker = Masker({"secret://env/X": "hunter2hunter2"})
    found = from_json(
        {
            "summary": "hunter2hunter2",
            "detail": "You must not use hunter2hunter2.",
            "snippet": {"code": 'x = "hunter2hunter2"'},
        },
        masker,
    )
    assert "hunter2" not in found.model_dump_json()
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("summary", "detail", "kind", "retryable"),
    [
        ("Error acquiring the state lock", "Error message: resource temporarily unavailable", "conflict", True),
        ("Error acquiring the state lock", "Unsupported state file format: x", "conflict", False),
        ("Saved plan is stale", "", "conflict", False),
        ("No value for required variable", "", "wrong_input", False),
        ("Could not load plugin", "", "missing_prerequisite", False),
        (
            "Could not load plugin",
            "failed to instantiate: timeout while waiting for plugin to start",
            "transient",
            True,
        ),
        ("Plugin did not respond", "to the plugin.(*GRPCProvider).GetProviderSchema call.", "transient", True),
        ("Plugin did not respond", "to the plugin.(*GRPCProvider).ApplyResourceChange call.", "unknown", False),
        ("Failed to query available provider packages", "", "missing_prerequisite", False),
        ("error configuring Terraform AWS Provider", "no valid credential sources found", "permission", False),
        ("creating EC2 Instance", "api error RequestLimitExceeded: slow down", "transient", True),
        ("Post https://x", "dial tcp: connection refused", "transient", True),
        ("Reference to undeclared resource", "", "wrong_input", False),
        ("Instance cannot be destroyed", "", "conflict", False),
        ("Something nobody has seen", "", "unknown", False),
    ],
)
def test_what_may_follow(summary: str, detail: str, kind: str, retryable: bool) -> None:
    error = failure("terraform plan", [diagnostic(summary, detail)], exit_code=1)
    assert (error.kind.value, error.retryable) == (kind, retryable)
    again = failure("terraform apply", [diagnostic(summary, detail)], exit_code=1, converges=True)
    assert again.retryable is (retryable or kind == "unknown")


def test_the_sentence_names_place_and_first_words() -> None:
    found = diagnostic("Bad thing.", "First sentence. Second one.", range={"filename": "a.tf", "start": {"line": 7}})
    assert found.sentence() == "a.tf:7: Bad thing (First sentence.)"
    assert diagnostic("Bad thing", address="x.y").sentence() == "x.y: Bad thing"


def test_the_holder_of_a_lock_is_named() -> None:
    told = ["Error message: held", "Lock Info:", "  ID:   abc", "  Who:  ada@host", "  Operation: Apply"]
    info = "\n".join([*told, "  Created: 2026-01-01 10:00:00.5", ""])
    error = failure("terraform plan", [diagnostic("Error acquiring the state lock", info)], exit_code=1)
    assert error.message.endswith("(held); held by ada@host since 2026-01-01 10:00:00 for Apply, lock abc")


def test_without_diagnostics_the_exit_is_told() -> None:
    assert "exit code 3" in failure("terraform apply", [], exit_code=3).message
    killed = failure("terraform apply", [], exit_code=-9, last_words="panic", converges=True)
    assert "signal 9" in killed.message
    assert killed.retryable
    assert killed.details["last_words"] == "panic"
    assert killed.kind is FailureKind.UNKNOWN


def test_repetitions_and_mere_announcements_are_left_out() -> None:
    one, two = diagnostic("one"), diagnostic("execution halted")
    warning = from_json({"severity": "warning", "summary": "w"}, Masker())
    assert distinct([warning, one, one, two]) == [one, warning]
    assert distinct([two]) == [two]
    assert "(and 1 more)" in failure("x", [one, diagnostic("three")], exit_code=1).message
