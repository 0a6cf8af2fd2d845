"""Where a configuration lives: its working copy, its neighbours, its backend, its providers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reign.executor import FailureKind, TaskFailed
from tests.engines import terraform as engines
from tests.integration.terraform.states import StateServer
from tests.integration.terraform.world import ONE, OPERATIONS, World

MODULE = 'variable "name" {}\nresource "null_resource" "it" {\n  triggers = { name = var.name }\n}\n'


def test_modules_and_files_beside_the_directory_are_found(every_world: World) -> None:
    world = every_world
    (world.folder / "modules" / "thing").mkdir(parents=True)
    (world.folder / "modules" / "thing" / "main.tf").write_text(MODULE)
    (world.folder / "beside.txt").write_text("beside")
    world.write('module "own" {\n  source = "./own"\n  name = "own"\n}\n')
    world.write(MODULE, "own/main.tf")
    world.write('module "thing" {\n  source = "../modules/thing"\n  name = file("../beside.txt")\n}\n', "two.tf")
    result = world.run("apply")
    assert result.resources == ["module.own.null_resource.it", "module.thing.null_resource.it"]


def test_an_undo_uses_the_modules_of_then(world: World) -> None:
    module = world.folder / "modules" / "thing"
    module.mkdir(parents=True)
    (module / "main.tf").write_text(MODULE)
    world.write('module "thing" {\n  source = "../modules/thing"\n  name = "x"\n}\n')
    world.run("apply")
    former = world.state_file().read_bytes()
    (module / "main.tf").write_text(MODULE + '\nresource "null_resource" "more" {}\n')
    _, before = world.change("apply")
    shutil.rmtree(world.directory / "modules", ignore_errors=True)
    world.undo("apply", before)
    assert world.state_file().read_bytes() == former


def test_an_undo_works_when_the_directory_is_gone(world: World) -> None:
    world.write(ONE)
    result, before = world.change("apply")
    (world.directory / "main.tf").unlink()
    parsed = world.inputs("apply")
    OPERATIONS["terraform.apply"].restore(world.context(), parsed, [before], [])
    assert result.resources == ["null_resource.one"]
    assert not world.state_file().exists()


def test_path_cwd_is_the_directory_and_a_path_of_the_copy_stays_the_same(world: World) -> None:
    world.write('output "cwd" { value = path.cwd }\noutput "module" { value = abspath(path.module) }\n')
    first = world.run("apply")
    assert first.outputs["cwd"] == str(world.directory)
    assert world.run("apply", world.context(task="another")).changes.add == 0
    assert world.run("plan").outputs == [], "the copy's path does not differ from run to run"


def test_nothing_of_terraforms_own_is_left_beside_the_configuration(world: World) -> None:
    world.write(ONE)
    world.run("plan", workspace="staging")
    assert [path.name for path in world.directory.iterdir()] == ["main.tf"]
    assert not any((world.folder / "state" / "work").rglob("*.tf")), "the working copy is gone"


def test_a_local_backend_keeps_its_own_path(every_world: World) -> None:
    world = every_world
    world.write('terraform {\n  backend "local" {\n    path = "states/own.tfstate"\n  }\n}\n' + ONE)
    _, before = world.change("apply")
    assert (world.directory / "states" / "own.tfstate").exists()
    assert not world.state_file().exists()
    world.undo("apply", before)
    assert not (world.directory / "states" / "own.tfstate").exists()


def test_backend_settings_of_init_count_for_later_tasks(world: World) -> None:
    world.write(ONE)
    world.run("init", backend={"path": "elsewhere.tfstate"})
    world.run("apply")
    assert (world.directory / "elsewhere.tfstate").exists()


def test_backend_settings_need_a_backend(world: World) -> None:
    world.write(ONE)
    with pytest.raises(TaskFailed, match="no backend block for the settings bucket") as failure:
        world.run("init", backend={"bucket": "x"})
    assert failure.value.kind is FailureKind.WRONG_INPUT


def test_a_remote_state_is_read_locked_and_taken_back(every_world: World) -> None:
    world = every_world
    world.write('terraform {\n  backend "http" {}\n}\n' + ONE)
    with StateServer() as server:
        world.run("init", backend=server.settings)
        assert not (world.folder / "state" / "initialised").exists(), "its settings may hold secrets"
        _, before = world.change("apply", variables={"what": "first"})
        assert not before.exists
        assert server.state()["outputs"]["what"]["value"] == "first"
        assert server.locks > 0
        assert world.run("output").outputs == {"what": "first"}
        assert world.run("state_list").addresses == ["null_resource.one"]
        assert world.look(variables={"what": "first"}).state["state"] is None, "a remote state has a history of its own"
        _, second = world.change("apply", variables={"what": "second"})
        world.undo("apply", second, variables={"what": "second"})
        assert server.state()["outputs"]["what"]["value"] == "first"
        world.undo("apply", before, variables={"what": "first"})
        assert server.state()["resources"] == []
    assert not any(world.directory.glob("*.tfstate"))


def test_a_remote_lock_is_respected(world: World) -> None:
    world.write('terraform {\n  backend "http" {}\n}\n' + ONE)
    with StateServer() as server:
        server.hold("somebody@elsewhere")
        with pytest.raises(TaskFailed, match="already locked: ID=11111111-2222") as failure:
            world.run("apply", backend=server.settings, lock_timeout=0)
        assert failure.value.kind is FailureKind.CONFLICT
        assert server.held, "never unlocked by force"


def test_a_remote_state_that_is_damaged_is_told(world: World) -> None:
    world.write('terraform {\n  backend "http" {}\n}\n' + ONE)
    with StateServer() as server:
        server.content = b'{"version": 4, "seri'
        with pytest.raises(TaskFailed) as failure:
            world.run("apply", backend=server.settings)
        assert failure.value.kind is FailureKind.CONFLICT
        assert server.content == b'{"version": 4, "seri'


def inits(world: World) -> int:
    """How often the binary has been asked to initialise so far."""
    return sum(report["message"] == "initialising" for ctx in world.contexts for report in ctx.reports)


def test_a_directory_is_initialised_once_for_what_stays_the_same(world: World) -> None:
    world.write(ONE)
    plan = world.run("plan")
    world.run("apply", plan_file=plan.plan_file)
    assert world.run("output").outputs == {"what": "first"}
    assert inits(world) == 1, "with the lock file, too, that the plan brings along"
    assert [r["message"] for ctx in world.contexts for r in ctx.reports].count("planning") == 1
    world.run("apply", variables={"what": "second"})
    assert [r["message"] for ctx in world.contexts for r in ctx.reports].count("planning") == 2, "looked at once"
    assert inits(world) == 1
    world.run("init")
    assert inits(world) == 2, "that is what was asked for"
    world.run("state_list", env={"TF_VAR_what": "third"})
    assert inits(world) == 3, "another environment may lead elsewhere"
    world.write(ONE + 'output "more" { value = 1 }\n')
    assert world.run("plan").outputs != []
    shutil.rmtree(world.folder / "state" / "providers")
    world.run("plan")
    assert inits(world) == 5, "for other code, and for providers that are gone"


def test_downloaded_modules_are_not_shared(world: World) -> None:
    (world.folder / "far").mkdir()
    (world.folder / "far" / "main.tf").write_text(MODULE)
    world.write(f'module "far" {{\n  source = "{world.folder}/far"\n  name = "x"\n}}\n')
    for _ in range(2):
        assert world.run("plan").changes.add == 1
    assert inits(world) == 2


def test_a_provider_mirror(world: World) -> None:
    world.write(ONE)
    assert list(world.run("init", plugin_dir=None, mirror=world.plugins).providers.values()) == [engines.NULL_VERSION]


def test_a_provider_that_is_nowhere_says_what_to_do(world: World) -> None:
    world.write(
        'terraform {\n  required_providers {\n    x = { source = "nobody/nothing" }\n  }\n}\nresource "x_y" "z" {}\n'
    )
    with pytest.raises(TaskFailed, match="nobody/nothing") as failure:
        world.run("init")
    assert failure.value.kind is FailureKind.MISSING_PREREQUISITE
    assert "plugin_dir" in (failure.value.hint or "")


def test_a_plugin_folder_that_is_not_there(world: World) -> None:
    world.write(ONE)
    with pytest.raises(TaskFailed, match="plugin_dir: there is no folder"):
        world.run("init", plugin_dir="nowhere")


def test_versions_stay_pinned_after_init_until_upgraded(world: World) -> None:
    world.write(ONE)
    pinned = world.run("init").providers
    assert world.run("init", upgrade=True).providers == pinned
    lock = world.directory / ".terraform.lock.hcl"
    assert not lock.exists()


def test_no_directory_and_no_configuration(world: World) -> None:
    with pytest.raises(TaskFailed, match="holds no terraform configuration") as failure:
        world.run("validate")
    assert failure.value.kind is FailureKind.WRONG_INPUT
    world.write(ONE, "dev/main.tf")
    with pytest.raises(TaskFailed) as failure:
        world.run("validate")
    assert failure.value.hint == "there is one in dev"
    with pytest.raises(TaskFailed, match="there is no folder") as failure:
        world.run("validate", directory="infar")
    assert failure.value.hint == "did you mean 'infra'?"


def test_no_binary(world: World) -> None:
    world.write(ONE)
    world.options["binary"] = str(world.folder / "terraform")
    with pytest.raises(TaskFailed) as failure:
        world.run("validate")
    assert failure.value.kind is FailureKind.MISSING_PREREQUISITE


def test_too_much_to_copy(world: World) -> None:
    world.write(ONE)
    world.options["max_configuration_mb"] = 1
    (world.directory / "data.bin").write_bytes(os.urandom(2_000_000))
    with pytest.raises(TaskFailed, match="more than 1 MB"):
        world.run("validate")


def test_environment_of_the_task_and_none_of_the_workers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_what", "of the worker")
    monkeypatch.setenv("PASSED_ON", "x")
    world.write(ONE)
    assert world.run("apply").outputs == {"what": "first"}
    assert world.run("apply", env={"TF_VAR_what": "of the task"}).outputs == {"what": "of the task"}
    world.options["pass_env"] = ["TF_VAR_what"]
    assert world.run("apply").outputs == {"what": "of the worker"}


def test_scripts_keep_their_mode_and_links_their_targets(world: World) -> None:
    script = world.directory / "tools" / "make.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ncat link.txt > {world.folder}/made\n")
    script.chmod(0o755)
    Path(world.directory / "link.txt").symlink_to("real.txt")
    world.write("linked", "real.txt")
    world.write('resource "null_resource" "x" {\n  provisioner "local-exec" { command = "./tools/make.sh" }\n}\n')
    world.run("apply")
    assert (world.folder / "made").read_text() == "linked"


def test_a_binary_that_breaks_off_is_told_with_its_last_words(world: World) -> None:
    world.write(ONE)
    script = world.folder / "terraform"
    version = '{"terraform_version": "1.9.0", "terraform_outdated": false}'
    says = f"case \"$*\" in *version*) echo '{version}';; *init*) ;; *) echo 'panic: oh no' >&2; exit 3;; esac"
    script.write_text(f"#!/bin/sh\n{says}\n")
    script.chmod(0o755)
    world.options["binary"] = str(script)
    for name in ("validate", "plan"):
        with pytest.raises(TaskFailed, match="ended with exit code 3") as failure:
            world.run(name)
        assert failure.value.details["last_words"] == "panic: oh no"
