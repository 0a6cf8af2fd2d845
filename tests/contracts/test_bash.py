"""The bash agent's operations answer the contract's questions."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor.testing import make_context
from tests.contracts.suite import Case, OperationContract
from tests.engines.bash import processes_about
from workers.bash.agent import AGENT
from workers.bash.records import Shelf

OPERATIONS = {operation.name: operation() for operation in AGENT.operations}
STAYS = {"name": "steady", "command": "echo ready; exec sleep 300", "ready": "ready"}


def picture(folder: Path) -> list[tuple[Any, ...]]:
    """Every file and folder of the work folder with mode, owner and content."""
    seen = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        seen.append((str(path), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content))
    return seen


def running(folder: Path) -> list[str]:
    return [line for line in processes_about(folder) if line.startswith(("sleep", "bash", "bwrap", "/usr/bin/bwrap"))]


class World:
    """Hands to set the scene, and the picture that is compared."""

    def __init__(self, around: Path) -> None:
        self.around = around
        self.folder = around / "work"
        self.folder.mkdir(exist_ok=True)

    def file(self, name: str, content: str, mode: int = 0o640) -> Callable[[], None]:
        def make() -> None:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            path.chmod(mode)

        return make

    def started(self) -> None:
        operation = OPERATIONS["bash.start_process"]
        operation.apply(make_context(self.around, workdir=self.folder), operation.Inputs.model_validate(STAYS), ())

    def look(self) -> Any:
        kept = Shelf(self.around / "state" / "processes" / "steady").running()
        return [picture(self.folder), kept.about if kept else None]

    def case(self, name: str, inputs: dict[str, Any], **more: Any) -> Case:
        return Case(OPERATIONS[name], inputs, world=self.look, orphans=lambda: running(self.around), **more)


def _append(world: World) -> Case:
    slow = {"command": "sleep 300 & sleep 300"}
    return world.case("bash.run", {"command": "echo more >> made.txt"}, slow_inputs=slow)


def _with_undo(world: World) -> Case:
    return world.case("bash.run", {"command": "echo hi > made.txt", "undo": "rm -f made.txt", "creates": "made.txt"})


def _read_only(world: World) -> Case:
    return world.case("bash.run", {"command": "ls /usr", "sandbox": "read-only"})


def _script(world: World) -> Case:
    script = 'set -e\necho "$1" > made.txt\n'
    return world.case("bash.script", {"script": script, "args": ["x y"]}, slow_inputs={"script": "sleep 300\necho\n"})


def _script_file(world: World) -> Case:
    return world.case("bash.script", {"script": "build.sh"}, arrange=world.file("build.sh", "echo hi > made.txt\n"))


def _write_new(world: World) -> Case:
    return world.case("bash.write_file", {"path": "a/b/c.txt", "content": "ünï\n", "mode": "0600"})


def _write_over(world: World) -> Case:
    return world.case("bash.write_file", {"path": "c.txt", "content": "new"}, arrange=world.file("c.txt", "old", 0o751))


def _copy(world: World) -> Case:
    inputs = {"source": "c.txt", "destination": "deep/er/"}
    return world.case("bash.copy_file", inputs, arrange=world.file("c.txt", "old", 0o751))


def _move(world: World) -> Case:
    inputs = {"source": "c.txt", "destination": "deep/d.txt", "mode": "0600"}
    return world.case("bash.move_file", inputs, arrange=world.file("c.txt", "old", 0o751))


def _delete(world: World) -> Case:
    return world.case("bash.delete_file", {"path": "c.txt"}, arrange=world.file("c.txt", "old", 0o751))


def _folder(world: World) -> Case:
    return world.case("bash.make_directory", {"path": "a/b", "mode": "0700"})


def _start(world: World) -> Case:
    slow = {"name": "steady", "command": "exec sleep 300", "ready": {"log": "never printed", "within": 60}}
    return world.case("bash.start_process", STAYS, slow_inputs=slow)


def _stop(world: World) -> Case:
    return world.case("bash.stop_process", {"name": "steady"}, arrange=world.started)


def _status(world: World) -> Case:
    return world.case("bash.process_status", {"name": "steady"}, arrange=world.started)


CASES = (
    _append, _with_undo, _read_only, _script, _script_file, _write_new, _write_over, _copy, _move, _delete, _folder,
    _start, _stop, _status,
)  # fmt: skip


class TestBash(OperationContract):
    def context(self, case: Case, tmp_path: Path, **given: Any) -> Any:
        return super().context(case, tmp_path, workdir=tmp_path / "work", **given)

    @pytest.fixture(params=CASES, ids=lambda make: make.__name__.strip("_"))
    def case(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
        yield request.param(World(tmp_path))
        Shelf(tmp_path / "state" / "processes" / "steady").stop(make_context(tmp_path), 0)


def test_every_operation_has_a_case(tmp_path: Path) -> None:
    assert {make(World(tmp_path)).operation.name for make in CASES} == set(OPERATIONS)
