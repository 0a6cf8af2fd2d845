"""A configuration that cannot be initialised is, first: from providers beside it, or with versions chosen anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reign.core.states import RunState
from reign.engine.repair import Repairs
from reign.executor import FailureKind, TaskFailed
from tests.engines import terraform as engines
from tests.engines.installation import Installation
from tests.integration.terraform.world import ONE, OPERATIONS, World


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with a configuration in it, and providers beside it."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.tf").write_text(ONE)
    (tmp_path / "providers").symlink_to(engines.plugins())
    return tmp_path


def test_terraform_init_is_added(kept: Path) -> None:
    engines.terraform()  # or it is skipped
    installation = Installation(kept)
    try:
        installation.prepare()
        installation.start_worker("terraform")
        plan = {"name": "test", "tasks": {"apply": {"uses": "terraform.apply", "with": {"directory": "./infra"}}}}
        run = installation.wait(installation.submit(plan), 100)
        found = Repairs(installation.runtime, installation.general)
        shown = found.look(run.name)
        assert shown.safe, (shown.as_dict(), installation.tasks(run))
        assert shown.amendment is not None
        assert shown.amendment.plan.tasks["init"].uses == "terraform.init"
        assert shown.amendment.plan.tasks["init"].with_ == {"directory": "./infra", "plugin_dir": "./providers"}
        run = installation.wait(found.apply(run.name, shown.digest or "", by="ada"), 100)
        assert run.state is RunState.SUCCEEDED, installation.tasks(run)
    finally:
        installation.close()


ABSENT = TaskFailed("Failed to query available provider packages", kind=FailureKind.MISSING_PREREQUISITE)
LOCKED = TaskFailed(
    "terraform init: Failed to query available provider packages",
    kind=FailureKind.MISSING_PREREQUISITE,
    details={
        "diagnostics": [{"summary": "x", "detail": "locked provider does not match; must use terraform init -upgrade"}]
    },
)


def test_what_is_proposed(kept: Path) -> None:
    shutil.rmtree(kept / "infra")
    (kept / "infra").mkdir()
    world = World(kept, "terraform", kept)
    apply, init = OPERATIONS["terraform.apply"], OPERATIONS["terraform.init"]
    given = {"directory": "infra", "backend": {"path": "x"}, "env": {"A": "b"}}
    inputs = apply.Inputs.model_validate(given)
    ctx = world.context()

    found = apply.repair(ctx, inputs, ABSENT)
    assert found is not None
    assert found.before[0].with_ == {**given, "plugin_dir": "./providers"}
    found = init.repair(ctx, init.Inputs.model_validate({"directory": "infra"}), ABSENT)
    assert found is not None
    assert (found.inputs, found.before) == ({"plugin_dir": "./providers"}, ())
    for name in ("terraform.plan", "terraform.import", "terraform.create_workspace"):
        operation = OPERATIONS[name]
        assert operation.repair(ctx, inputs, LOCKED).before[0].with_["upgrade"] is True  # type: ignore[union-attr]

    assert apply.repair(ctx, inputs, TaskFailed("no")) is None
    assert apply.repair(ctx, inputs, TaskFailed("no", kind=FailureKind.MISSING_PREREQUISITE)) is None
    placed = apply.Inputs.model_validate({"directory": "infra", "plugin_dir": "./there"})
    assert apply.repair(ctx, placed, ABSENT) is None
    (kept / "providers").unlink()
    assert apply.repair(ctx, inputs, ABSENT) is None
