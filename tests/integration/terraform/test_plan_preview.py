"""What `reign plan` shows of a terraform plan, and that the plan is carried out for just that state and code."""

from __future__ import annotations

from typing import Any

import pytest

from reign.config import Settings
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.executor import FailureKind, TaskFailed
from reign.planner.choose import make_planner
from tests.integration.terraform.world import TWO, World


def shown(world: World, **tasks: Any) -> list[dict[str, Any]]:
    settings = Settings(data_dir=world.folder / "data", agents={"terraform": world.options}, preview_timeout=60)
    general = ReignGeneral(Runtime(settings), make_planner)
    plan = {"name": "infra", "tasks": tasks}
    found, _ = general.plan(Submission(plan=plan, workdir=str(world.folder)), rehearse=True)
    return list(found.as_dict()["tasks"])


def task(world: World, verb: str, **more: Any) -> dict[str, Any]:
    with_ = {"directory": "infra", "plugin_dir": world.plugins, **more.pop("with", {})}
    return {"uses": f"terraform.{verb}", "with": with_, **more}


def test_the_diff_is_shown_and_pins_what_is_applied(world: World) -> None:
    world.write(TWO)
    plan, apply = shown(world, plan=task(world, "plan"), apply=task(world, "apply", needs=["plan"]))
    for one in (plan, apply):
        assert "null_resource.one" in one["preview"]["diff"], one
        assert one["preview"]["not_previewed"] is None
    pinned = apply["pins"]["pinned"]
    assert (pinned["lineage"], pinned["serial"]) == ("", 0)
    assert "pins" not in plan
    world.run("apply", world.context(attempt=1), pinned=pinned)

    # Nothing is left to do now; and what was shown was shown for a state that is not there any more.
    [again] = shown(world, apply=task(world, "apply"))
    assert again["preview"]["diff"] == ""
    assert again["pins"]["pinned"]["serial"] > 0
    with pytest.raises(TaskFailed, match=r"since the plan was shown; nothing was changed") as stale:
        world.run("apply", world.context(attempt=1), pinned=pinned)
    assert stale.value.kind is FailureKind.CONFLICT
    world.write(TWO.replace('"first"', '"second"'))
    with pytest.raises(TaskFailed, match="the configuration was changed"):
        world.run("apply", world.context(attempt=1), pinned=again["pins"]["pinned"])
    assert world.run("apply", world.context(attempt=2), pinned=pinned).changes.add  # its own cut-off attempt goes on

    world.write("")
    for limit, asks in ((1, True), (9, False)):
        [less] = shown(world, apply=task(world, "apply", **{"with": {"max_destroy": limit}}))
        assert ("\nasks: " in less["preview"]["diff"]) is asks, less
    world.write(TWO)

    [destroy] = shown(world, destroy=task(world, "destroy"))
    assert "null_resource.two" in destroy["preview"]["diff"]
    world.run("destroy", world.context(attempt=1, approved=True), **destroy["pins"])
    with pytest.raises(TaskFailed, match="the state moved from serial"):
        world.run("apply", world.context(attempt=1), **destroy["pins"])


def test_what_cannot_be_shown_is_said(world: World) -> None:
    world.write('resource "null_resource" "x" {')
    before = {"uses": "bash.write_file", "with": {"path": "infra/main.tf", "content": TWO}}
    _, faulty, later = shown(
        world,
        write=before,
        faulty=task(world, "apply", needs=["write"]),
        later=task(world, "apply", **{"with": {"plan_file": "${{ tasks.faulty.result.state_serial }}"}}),
    )
    assert faulty["preview"]["diff"] is None
    assert faulty["preview"]["not_previewed"]
    assert "pins" not in faulty  # what runs before it changes what would be pinned
    assert later["preview"]["not_previewed"] == "what it is given is known only during the run"


def test_what_an_init_of_the_plan_settles_counts_for_the_preview(world: World) -> None:
    world.write('terraform {\n  backend "local" {}\n}\n' + TWO)
    backend = {"path": "elsewhere.tfstate"}
    world.run("apply", backend=backend)
    settled = {"directory": "infra", "backend": backend, "plugin_dir": world.plugins}
    _, apply = shown(
        world,
        init={"uses": "terraform.init", "with": settled},
        apply={"uses": "terraform.apply", "needs": ["init"], "with": {"directory": "./infra"}},
    )
    assert apply["preview"]["diff"] == "", apply
    assert apply["pins"]["pinned"]["serial"] > 0
