"""Inputs as people write them, the binary, the stream of lines, and what doctor says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context
from workers.terraform import binary as binaries
from workers.terraform.applying import Apply
from workers.terraform.binary import Binary, environment, identify, words
from workers.terraform.checks import checks
from workers.terraform.inputs import Planned
from workers.terraform.reading import Plan
from workers.terraform.stream import Stream


def test_one_may_stand_alone() -> None:
    made = Planned.model_validate({"directory": ".", "var_files": "a.tfvars", "targets": "x.y", "env": {"N": 1}})
    assert (made.var_files, made.targets, made.env) == (["a.tfvars"], ["x.y"], {"N": "1"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"workspace": "a b"}, {"workspace": ""}, {"workspace": "a/b"}, {"variables": {"1x": 1}},
        {"mirror": "http://mirror"}, {"parallelism": 0}, {"directory": ""}, {"wrokspace": "x"},
    ],
)  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Planned.model_validate({"directory": ".", **wrong})


def test_command_lines_survive_spaces_and_hold_no_values(tmp_path: Path) -> None:
    binary = Binary("/opt/my tools/terraform", "terraform", (1, 11, 4))
    made = words(binary, tmp_path / "a b", "plan", json=True, var_file=["x", "y z"], target=[], lock=False, out=None)
    assert made == [
        "/opt/my tools/terraform", f"-chdir={tmp_path}/a b", "plan",
        "-json", "-var-file=x", "-var-file=y z", "-lock=false",
    ]  # fmt: skip
    assert words(binary, tmp_path, "workspace new", "w")[2:] == ["workspace", "new", "w"]


def test_which_binary_it_is() -> None:
    said = {"terraform_version": "1.11.4", "platform": "linux_amd64", "terraform_outdated": False}
    assert str(identify("x", "Warning\n" + json.dumps(said))) == "terraform 1.11.4"
    del said["terraform_outdated"]
    assert str(identify("x", json.dumps(said | {"terraform_version": "1.12.0-rc1"}))) == "tofu 1.12.0"
    with pytest.raises(TaskFailed, match=r"0\.15\.5; 1\.0 is the oldest") as failure:
        identify("x", json.dumps({"terraform_version": "0.15.5"}))
    assert failure.value.kind is FailureKind.MISSING_PREREQUISITE
    with pytest.raises(TaskFailed, match="does not say"):
        identify("x", "hello")


def test_only_what_is_safe_of_the_workers_environment_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("TF_LOG", "trace")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing"))
    ctx = make_context(tmp_path)
    made = environment(ctx, tmp_path / "data", {"GIVEN": "1"})
    assert not {"AWS_SECRET_ACCESS_KEY", "TF_LOG", "TF_CLI_CONFIG_FILE"} & made.keys()
    assert (made["GIVEN"], made["TF_DATA_DIR"]) == ("1", str(tmp_path / "data"))
    assert made["TF_PLUGIN_CACHE_DIR"].startswith(str(ctx.state_dir))
    (tmp_path / "missing").touch()
    ctx.options = {"plugin_cache": False, "pass_env": ["AWS_SECRET_ACCESS_KEY"]}
    made = environment(ctx, tmp_path / "data", {})
    assert "TF_PLUGIN_CACHE_DIR" not in made
    assert made["AWS_SECRET_ACCESS_KEY"] == "x"
    assert made["TF_CLI_CONFIG_FILE"] == str(tmp_path / "missing")


def test_the_binary_is_found_on_path_or_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TaskFailed, match="neither terraform nor tofu is there"):
        binaries.locate({})
    with pytest.raises(TaskFailed, match=r"/nowhere/tofu is not there"):
        binaries.locate({"binary": "/nowhere/tofu"})
    [check] = checks()
    assert not check.ok
    assert check.fix
    tofu = tmp_path / "tofu"
    tofu.write_text('#!/bin/sh\necho \'{"terraform_version": "1.9.0"}\'\n')
    tofu.chmod(0o755)
    assert binaries.locate({}) == str(tofu)
    [check] = checks()
    assert check.ok
    assert check.detail == f"tofu 1.9.0 at {tofu}"
    tofu.write_text("#!/bin/nowhere\n")
    [check] = checks()
    assert not check.ok
    assert "does not answer" in check.detail


def line(kind: str, **more: Any) -> str:
    return json.dumps({"@level": "info", "@message": f"said {kind}", "type": kind, **more})


def hook(address: str, action: str = "create", **more: Any) -> dict[str, Any]:
    return {"hook": {"resource": {"addr": address}, "action": action, **more}}


def test_a_stream_becomes_progress_and_log(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    flying: list[list[str]] = []
    stream = Stream(ctx, 2, lambda addresses: flying.append(list(addresses)))
    for text in [
        line("version"),
        line("refresh_start", **hook("a.b")),
        line("planned_change", change={}),
        line("apply_start", **hook("a.b")),
        line("provision_start", **hook("a.b", provisioner="local-exec")),
        line("apply_progress", **hook("a.b", elapsed_seconds=10)),
        line("apply_complete", **hook("a.b")),
        line("apply_start", **hook("c.d", "update")),
        line("apply_errored", **hook("c.d", "update")),
        line("resource_drift", change={"resource": {"addr": "a.b"}, "action": "delete"}),
        line("change_summary", changes={"add": 1, "operation": "apply"}),
        line("outputs", outputs={"password": {"value": "hunter2hunter2", "sensitive": True}}),
        line("diagnostic", diagnostic={"severity": "error", "summary": "Oh"}),
        "{not json",
        '{"json": "of somebody else"}',
        "panic: oh no",
        "",
    ]:
        stream.line("stdout", text)
    assert [r["message"] for r in ctx.reports] == [
        "a.b: looking", "a.b: creating", "a.b: running local-exec", "a.b: creating, 10 s so far", "a.b: created",
        "c.d: changing", "c.d: failed",
    ]  # fmt: skip
    assert ctx.reports[-1]["done"] == 2
    assert flying == [["a.b"], [], ["c.d"], []]
    assert (stream.drift, stream.counts) == ({"a.b": "delete"}, {"add": 1})
    logged = [text for _, text in ctx.lines]
    assert "hunter2hunter2" not in str(logged)
    assert logged[-3:] == ["{not json", '{"json": "of somebody else"}', "panic: oh no"]
    assert "error: Oh" in logged
    assert "said planned_change" not in logged


def test_a_quiet_stream_logs_nothing(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    stream = Stream(ctx, quiet=True)
    stream.line("stdout", line("diagnostic", diagnostic={"severity": "error", "summary": "Oh"}))
    stream.line("stdout", "plain")
    assert ctx.lines == []
    assert stream.diagnostics[0].summary == "Oh"


def test_what_an_init_before_will_have_settled() -> None:
    init = ("terraform.init", {"directory": "infra/", "backend": {"path": "a"}, "plugin_dir": "p", "mirror": None})
    later = ("terraform.init", {"directory": "./infra", "backend": {"path": "b"}})
    other = ("terraform.init", {"directory": "other", "mirror": "m"})
    plan = ("terraform.plan", {"directory": "infra", "plugin_dir": "x"})
    given = {"directory": "./infra", "backend": None}
    settled = {"directory": "./infra", "backend": {"path": "b"}, "plugin_dir": "p"}
    assert Apply().foreseen(given, [init, later, other, plan]) == settled
    own = {"directory": "infra", "plugin_dir": "mine"}
    assert Plan().foreseen(own, [init]) == {**own, "backend": {"path": "a"}}
    assert Plan().foreseen(own, [other, plan]) == own
