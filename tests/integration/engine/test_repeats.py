"""A command that only looks is simply run again after a death (one that changes something is not: test_deaths)."""

from __future__ import annotations

from pathlib import Path

import pytest

from reign.core.states import RunState
from tests.engines.installation import Installation, until

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is told here is no matter of the database
def test_a_killed_look_needs_nobody(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "facts").write_text("seen")
    installation.start_general()
    installation.start_worker("bash", REIGN_TESTING="1", REIGN_CRASH_POINT=f"after-apply@{tmp_path / 'died'}")
    task = {"uses": "bash.run", "with": {"command": "cat facts | wc -c"}}
    run = installation.submit({"name": "look", "tasks": {"look": task}})
    until((tmp_path / "died").exists)
    installation.start_worker("bash")
    assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
    look = installation.tasks(run)["look"]
    assert (look.attempt, look.result["stdout"].strip()) == (2, "4")
