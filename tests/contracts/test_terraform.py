"""The terraform agent through the contract suite, on today's terraform."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.suite import Case, OperationContract
from tests.engines import terraform as engines
from workers.terraform import AGENT

OPERATIONS = {operation.name: operation() for operation in AGENT.operations}
CONFIGURATION = """
variable "seconds" { default = 0 }
resource "null_resource" "fast" {}
resource "null_resource" "slow" {
  depends_on = [null_resource.fast]
  provisioner "local-exec" { command = "sleep ${var.seconds}; touch made" }
}
resource "terraform_data" "data" { input = "x" }
output "id" { value = null_resource.fast.id }
"""
INPUTS: dict[str, dict[str, Any]] = {
    "terraform.init": {},
    "terraform.validate": {},
    "terraform.plan": {},
    "terraform.apply": {},
    "terraform.destroy": {},
    "terraform.output": {},
    "terraform.show": {},
    "terraform.state_list": {},
    "terraform.import": {"address": "terraform_data.data", "id": "the-one"},
    "terraform.list_workspaces": {},
    "terraform.create_workspace": {"workspace": "staging"},
    "terraform.delete_workspace": {"workspace": "staging"},
}
APPLIED_BEFORE = {"terraform.destroy", "terraform.output", "terraform.show", "terraform.state_list"}


_applied: dict[str, bytes] = {}  # the files of a folder in which it was applied


class Folder:
    """A configuration, and what a person would see of it in the directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        (path / "main.tf").write_text(CONFIGURATION)

    def terraform(self, *words: str) -> None:
        env = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(self.path.parent / "by-hand")}
        command = [engines.terraform(), f"-chdir={self.path}", *words]
        subprocess.run(command, env=env, check=True, capture_output=True)

    def apply(self) -> None:
        """Terraform by hand, once for all: what it leaves names no folder."""
        if not _applied:
            self.terraform("init", f"-plugin-dir={engines.plugins()}")
            self.terraform("apply", "-auto-approve")
            (self.path / ".terraform.lock.hcl").unlink()
            _applied.update({path.name: path.read_bytes() for path in self.path.iterdir()})
        for name, content in _applied.items():
            (self.path / name).write_bytes(content)

    def make_workspace(self) -> None:
        (self.path / "terraform.tfstate.d" / "staging").mkdir(parents=True, exist_ok=True)

    def world(self) -> dict[str, Any]:
        """Every state by workspace, and the files; terraform's own backups and empty folders aside."""
        files = sorted(p.name for p in self.path.iterdir() if p.is_file() and not p.name.endswith(".backup"))
        found: dict[str, Any] = {"files": files, "workspaces": {}}
        for state in [self.path / "terraform.tfstate", *self.path.glob("terraform.tfstate.d/*/terraform.tfstate")]:
            if state.exists():
                found[str(state.relative_to(self.path))] = json.loads(state.read_text())
        found["workspaces"] = sorted(p.name for p in self.path.glob("terraform.tfstate.d/*"))
        return found

    def terraforms(self) -> list[str]:
        """Processes that still work on it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.path).encode() in words:
                found.append(words.decode(errors="replace"))
        return found


@pytest.fixture(params=sorted(INPUTS))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    name = request.param
    folder = Folder(tmp_path / "infra")
    inputs = {"directory": "infra", "plugin_dir": str(engines.plugins()), **INPUTS[name]}
    arrange: Callable[[], None] = lambda: None  # noqa: E731
    if name in APPLIED_BEFORE:
        arrange = folder.apply
    elif name == "terraform.delete_workspace":
        arrange = folder.make_workspace
    return Case(
        operation=OPERATIONS[name],
        inputs=inputs,
        world=folder.world,
        arrange=arrange,
        slow_inputs=inputs | {"variables": {"seconds": 30}} if name == "terraform.apply" else None,
        orphans=folder.terraforms,
        options={"binary": engines.terraform()},
    )


def test_every_operation_has_a_case() -> None:
    assert set(INPUTS) == set(OPERATIONS)


class TestTerraform(OperationContract):
    def context(self, case: Case, tmp_path: Path, **given: Any) -> Any:
        """With time for a dozen starts of the binary on a busy machine."""
        return super().context(case, tmp_path, timeout=200.0, **given)

    def test_a_compensating_undo_restores_all_but_what_had_to_be_made_anew(self, case: Case, tmp_path: Path) -> None:
        if case.operation.name not in ("terraform.apply", "terraform.destroy"):
            pytest.skip("its undo is exact, or not needed")
        case.arrange()
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        world, before = case.world(), list(case.operation.inspect(ctx, inputs))
        case.operation.apply(ctx, inputs, before)
        case.operation.restore(ctx, inputs, before, list(case.operation.inspect(ctx, inputs)))
        after = case.world()
        if case.operation.name == "terraform.apply":
            assert {name: value for name, value in after.items() if name != "files"} == {
                name: value for name, value in world.items() if name != "files"
            }
            assert "terraform.tfstate" not in after["files"]
        else:
            addresses = [r["name"] for r in after["terraform.tfstate"]["resources"]]
            assert addresses == [r["name"] for r in world["terraform.tfstate"]["resources"]]
