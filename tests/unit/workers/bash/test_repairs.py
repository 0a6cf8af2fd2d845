"""What is proposed for a port that is taken and a terraform that is not initialised, and where nothing is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, Proposal, TaskFailed
from reign.executor.testing import make_context
from workers.bash.commands import CommandResult, Run, Script, failed
from workers.bash.processes import StartInputs, StartProcess


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port: int = listening.getsockname()[1]
        yield port


def proposal(folder: Path, port: int, *, secret: str | None = None, **given: Any) -> Proposal | None:
    ctx = make_context(folder)
    if secret:
        ctx.masker.add("secret://env/KEY", secret)
    operation = StartProcess()
    inputs = StartInputs.model_validate({"name": "web", "ready": port, **given})
    with pytest.raises(TaskFailed, match=f"port {port} is taken") as failed:
        operation.apply(ctx, inputs, ())
    return operation.repair(ctx, inputs, failed.value)


def test_the_next_free_port_takes_its_place(tmp_path: Path, taken: int) -> None:
    found = proposal(tmp_path, taken, command=f"python3 -m http.server {taken} # 1{taken}")
    assert found is not None
    assert found.moved is not None
    now = found.moved.now
    assert found.inputs == {"command": f"python3 -m http.server {now} # 1{taken}", "ready": {"port": now}}
    assert found.sure
    assert now > taken


def test_a_variable_and_an_address_follow(tmp_path: Path, taken: int) -> None:
    ready = {"url": f"http://127.0.0.1:{taken}/up", "within": 5}
    found = proposal(tmp_path, taken, command="./serve", env={"PORT": str(taken), "NAME": "web"}, ready=ready)
    assert found is not None
    assert found.moved is not None
    now = found.moved.now
    assert found.inputs == {
        "env": {"PORT": str(now), "NAME": "web"},
        "ready": {"url": f"http://127.0.0.1:{now}/up", "within": 5.0},
    }


def test_what_does_not_name_the_port_or_holds_a_secret_is_left_alone(tmp_path: Path, taken: int) -> None:
    assert proposal(tmp_path, taken, command="./serve") is None
    command = f"./serve --port {taken} --key hunter2000"
    assert proposal(tmp_path, taken, command=command, secret="hunter2000") is None
    other = TaskFailed("no", kind=FailureKind.CONFLICT)
    inputs = StartInputs.model_validate({"name": "web", "ready": taken, "command": command})
    assert StartProcess().repair(make_context(tmp_path), inputs, other) is None


def test_no_free_port_is_near(tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.bash.repairs.is_open", lambda _: True)
    assert proposal(tmp_path, taken, command=f"serve {taken}") is None


NEVER = (
    "Error: Module not installed",
    'This module is not yet installed. Run "terraform init" to install all modules',
    "required by this configuration.",
)
WITHOUT_PROVIDERS = ("Error: Inconsistent dependency lock file", "lock file, run:", "  terraform init")


def init(folder: Path, *last: str, operation: Any = None, secret: str | None = None, **given: Any) -> Proposal | None:
    ctx = make_context(folder)
    if secret:
        ctx.masker.add("secret://env/KEY", secret)
    made = operation or Run()
    inputs = made.Inputs.model_validate(given)
    ran = CommandResult(exit_code=1, stdout="", stderr="\n".join(last))
    return made.repair(ctx, inputs, failed(ctx, inputs, made.name, ran))


@pytest.mark.parametrize(
    "command, first",
    [
        ("terraform plan -out=p", "terraform init -input=false"),
        ("cd infra && terraform plan", "cd infra && terraform init -input=false"),
        ("set -e\ncd ./a b c\nterraform plan", None),
        ("cd 'a b'; /opt/tf/tofu -chdir=./x validate", "cd 'a b' && /opt/tf/tofu -chdir=./x init -input=false"),
        ("TF_DATA_DIR=/tmp/d X=1 terraform output", "TF_DATA_DIR=/tmp/d terraform init -input=false"),
        ("if true; then terraform plan; fi", "terraform init -input=false"),
        ("cd $DIR && terraform plan", None),
        ("terraform init && terraform plan", None),
        ("make plan", None),
    ],
)
def test_a_terraform_that_is_not_initialised_gets_its_init_first(
    tmp_path: Path, command: str, first: str | None
) -> None:
    found = init(tmp_path, *NEVER, command=command)
    if first is None:
        assert found is None
        return
    assert found is not None
    (step,) = found.before
    assert (step.uses, step.with_, found.sure) == ("bash.run", {"command": first}, True)


def test_the_init_runs_where_the_command_ran(tmp_path: Path) -> None:
    found = init(tmp_path, *NEVER, operation=Script(), script="set -e\nterraform plan\n", cwd="x", env={"A": "b"})
    assert found is not None
    assert found.before[0].with_ == {"command": "terraform init -input=false", "cwd": "x", "env": {"A": "b"}}
    found = init(tmp_path, *NEVER, command="terraform plan", sandbox="read-only")
    assert found is not None
    assert "sandbox" not in found.before[0].with_, "it must write"
    assert init(tmp_path, *NEVER, command="terraform plan", env={"A": "hunter2000"}, secret="hunter2000") is None


def test_an_init_that_must_fetch_providers_asks_for_the_network(tmp_path: Path) -> None:
    found = init(tmp_path, *WITHOUT_PROVIDERS, command="terraform plan")
    assert found is not None
    assert (found.before[0].with_["sandbox"], found.sure) == ("network", False)
    found = init(tmp_path, *WITHOUT_PROVIDERS, command="terraform plan", sandbox="network")
    assert found is not None
    assert found.sure, "it had the network before"


def test_only_what_asks_for_an_init_gets_one(tmp_path: Path) -> None:
    assert init(tmp_path, "Error: Invalid reference", command="terraform plan") is None
    ctx, inputs = make_context(tmp_path), Run.Inputs.model_validate({"command": "terraform plan"})
    told = failed(ctx, inputs, "bash.run", CommandResult(exit_code=1, stdout="", stderr="\n".join(NEVER)))
    assert (told.kind, told.message) == (
        FailureKind.MISSING_PREREQUISITE,
        "bash.run ended with exit code 1: Error: Module not installed",
    )
