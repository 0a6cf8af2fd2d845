"""The validation agent's operations answer the contract's questions."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core.catalog import Effect
from reign.core.resource import Undo
from tests.contracts.suite import Case, OperationContract
from tests.engines import terraform as engine
from tests.unit.workers.validation.servers import answer, free_port, web
from workers.validation import AGENT

OPERATIONS = {operation.name: operation() for operation in AGENT.operations}
FILES = {
    "app/Dockerfile": "FROM debian:12.5\nCOPY main.py /\n",
    "app/main.py": "print('hello')\n",
    "app/run.sh": "#!/bin/sh\nexec python3 main.py\n",
    ".github/workflows/ci.yml": "on: push\npermissions: {}\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: ls}]}\n",
    "k8s/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
    "infra/main.tf": 'output "a" {\n  value = 1\n}\n',
    "plan.yaml": "name: p\ntasks: {a: {uses: validation.tcp, with: {host: localhost, port: 80}}}\n",
}


def picture(folder: Path) -> list[tuple[str, int, int, bytes]]:
    """Every file and folder with mode, time of change and content."""
    seen = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        seen.append((str(path), stat.S_IMODE(status.st_mode), status.st_mtime_ns, content))
    return seen


def children() -> list[str]:
    """Process ids of what this process has started and not ended."""
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has ended since
            found += (task / "children").read_text().split()
    return found


class World:
    """A repository and a web server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        for name, content in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def case(self, name: str, inputs: dict[str, Any], **more: Any) -> Case:
        others = set(children())  # engines that other tests of this process keep
        return Case(
            OPERATIONS[f"validation.{name}"],
            inputs,
            world=lambda: picture(self.folder),
            orphans=lambda: [pid for pid in children() if pid not in others],
            **more,
        )

    def at(self, name: str) -> str:
        return str(self.folder / name)


def _http(world: World) -> Case:
    slow = {"url": f"http://127.0.0.1:{free_port()}/", "within": 60}
    return world.case("http", {"url": f"http://127.0.0.1:{world.port}/", "expect_body": "hello"}, slow_inputs=slow)


def _tcp(world: World) -> Case:
    slow = {"host": "127.0.0.1", "port": free_port(), "within": 60}
    return world.case("tcp", {"host": "127.0.0.1", "port": world.port}, slow_inputs=slow)


def _ports(world: World) -> Case:
    closed = free_port()
    inputs = {"host": "127.0.0.1", "expect_open": [world.port], "expect_closed": [closed]}
    slow = {"host": "127.0.0.1", "expect_open": [closed], "within": 60}
    return world.case("scan_ports", inputs, slow_inputs=slow)


def _terraform(world: World) -> Case:
    return world.case("terraform", {"path": world.at("infra")}, options={"terraform": engine.terraform()})


CASES: dict[str, Callable[[World], Case]] = {
    "http": _http,
    "tcp": _tcp,
    "scan_ports": _ports,
    "scan_secrets": lambda world: world.case("scan_secrets", {"path": world.at("")}),
    "dockerfile": lambda world: world.case("dockerfile", {"path": world.at("app")}),
    "script": lambda world: world.case("script", {"path": world.at("app")}),
    "workflow": lambda world: world.case("workflow", {"path": world.at("")}),
    "manifest": lambda world: world.case("manifest", {"path": world.at("k8s"), "server": "never"}),
    "terraform": _terraform,
    "policy": lambda world: world.case("policy", {"path": world.at("plan.yaml")}),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "repository"
    folder.mkdir()
    with web(lambda request: answer(request)) as port:
        yield World(folder, port)


@pytest.mark.parametrize("name", CASES)
class TestValidation(OperationContract):
    @pytest.fixture
    def case(self, name: str, world: World) -> Case:
        return CASES[name](world)

    def test_it_changes_nothing(self, case: Case, tmp_path: Path) -> None:
        ctx, inputs = self.context(case, tmp_path), case.parsed()
        before = case.world()
        assert case.operation.effect is Effect.READ
        assert case.operation.assess(inputs).undo is Undo.UNNEEDED
        assert case.operation.assess(inputs).asks is None
        case.operation.apply(ctx, inputs, ())
        assert case.world() == before


def test_every_operation_has_its_cases() -> None:
    assert {name.removeprefix("validation.") for name in OPERATIONS} == set(CASES)
