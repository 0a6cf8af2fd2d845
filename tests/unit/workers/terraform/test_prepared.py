"""What init made, kept for the tasks that come next: only what stands by itself, and not for ever."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from reign.executor.testing import RecordingContext, make_context
from workers.terraform import prepared
from workers.terraform.configuration import Configuration

CONTENT = Configuration(("/src/infra", "/src/modules"))


@pytest.fixture
def ctx(tmp_path: Path) -> RecordingContext:
    return make_context(tmp_path)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An attempt's folder as init leaves it."""
    base = tmp_path / "first"
    package = tmp_path / "plugins" / "null"
    package.mkdir(parents=True)
    (base / "data" / "providers" / "registry").mkdir(parents=True)
    (base / "data" / "providers" / "registry" / "null").symlink_to(package)
    (base / "backend.hcl").write_text('token = "secret"')
    (base / "ready.json").write_text("{}")
    return base


def modules(base: Path, *places: str) -> None:
    folder = base / "data" / "modules"
    folder.mkdir(exist_ok=True)
    listed = [{"Key": "", "Dir": place} for place in places]
    (folder / "modules.json").write_text(json.dumps({"Modules": listed}))


def kept(ctx: RecordingContext, made: Path) -> bool:
    prepared.keep(ctx, {"key"}, made, Path("/src/infra"), CONTENT)
    return prepared.take(ctx, "key", ctx.scratch / "second")


def test_what_stands_by_itself_is_taken_over(ctx: RecordingContext, made: Path) -> None:
    modules(made, ".", "own", "../modules/thing")
    assert kept(ctx, made)
    taken = ctx.scratch / "second"
    assert (taken / "data" / "providers" / "registry" / "null").is_symlink()
    assert (taken / "ready.json").exists()
    assert not (taken / "backend.hcl").exists()
    assert not prepared.take(ctx, "key", taken), "there is something already"
    assert not prepared.take(ctx, "another", ctx.scratch / "third")
    (made / "ready.json").write_text("newer")
    prepared.keep(ctx, {"key"}, made, Path("/src/infra"), CONTENT)
    assert prepared.take(ctx, "key", ctx.scratch / "fourth")
    assert (ctx.scratch / "fourth" / "ready.json").read_text() == "newer"
    assert [path.name for path in (ctx.state_dir / "initialised").iterdir()] == ["key"], "nothing is left over"


def test_what_does_not_is_not_kept(ctx: RecordingContext, made: Path) -> None:
    modules(made, ".", "../elsewhere")
    assert not kept(ctx, made)
    (made / "data" / "modules" / "modules.json").write_text("{")
    assert not kept(ctx, made)
    modules(made, ".")
    assert kept(ctx, made)


def test_downloads_are_not_kept(ctx: RecordingContext, made: Path) -> None:
    modules(made, ".")
    (made / "data" / "modules" / "vpc").mkdir()
    (made / "data" / "modules" / "vpc" / "main.tf").touch()
    assert not kept(ctx, made)


def test_unpacked_providers_are_not_kept(ctx: RecordingContext, made: Path) -> None:
    (made / "data" / "providers" / "registry" / "local").write_bytes(b"\x7fELF")
    assert not kept(ctx, made)


def test_providers_that_are_gone(ctx: RecordingContext, made: Path) -> None:
    (made.parent / "plugins" / "null").rmdir()
    assert not kept(ctx, made)
    assert not (ctx.scratch / "second").exists()


def test_not_for_ever(ctx: RecordingContext, made: Path) -> None:
    assert kept(ctx, made)
    old = time.time() - prepared.KEPT - 1
    os.utime(ctx.state_dir / "initialised" / "key", (old, old))
    assert not prepared.take(ctx, "key", ctx.scratch / "third")
    prepared.keep(ctx, {"another"}, made, Path("/src/infra"), CONTENT)
    assert [path.name for path in (ctx.state_dir / "initialised").iterdir()] == ["another"]


def test_a_folder_that_cannot_be_written_is_no_failure(ctx: RecordingContext, made: Path) -> None:
    (ctx.state_dir / "initialised").write_text("in the way")
    assert not kept(ctx, made)
    ctx.close_logs()
    assert "what init made is not kept" in ctx.lines[0][1]


def test_the_mark_of_local_folders(tmp_path: Path) -> None:
    folder, file = tmp_path / "plugins", tmp_path / "cli.tfrc"
    folder.mkdir()
    nothing = prepared.mark([folder, file])
    assert nothing == []
    file.touch()
    (folder / "a").mkdir()
    (folder / "a" / "provider").write_text("1")
    (folder / "link").symlink_to(tmp_path)
    first = prepared.mark([folder, file])
    assert [Path(entry[0]).name for entry in first] == ["provider", "link", "cli.tfrc"]
    (folder / "a" / "provider").write_text("12")
    assert prepared.mark([folder, file]) != first
