"""File operations: exact undo, the roots, and the tricks by which a path leaves them."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.executor import Cancelled, FailureKind, Operation, TaskFailed
from reign.executor.testing import RecordingContext, make_context, run_operation
from workers.bash.files import CopyFile, DeleteFile, MakeDirectory, MoveFile, WriteFile
from workers.bash.places import locate

Act = Callable[..., Any]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def ctx(tmp_path: Path, work: Path) -> RecordingContext:
    return make_context(tmp_path / "reign", workdir=work)


@pytest.fixture
def act(ctx: RecordingContext) -> Act:
    def run(operation: Operation[Any, Any], **inputs: Any) -> Any:
        return run_operation(operation, ctx, operation.Inputs.model_validate(inputs))

    return run


def undo_after(
    operation: Operation[Any, Any], ctx: RecordingContext, between: Callable[[], None], **given: Any
) -> None:
    inputs = operation.Inputs.model_validate(given)
    before = list(operation.inspect(ctx, inputs))
    operation.apply(ctx, inputs, before)
    between()
    operation.restore(ctx, inputs, before, list(operation.inspect(ctx, inputs)))


def test_a_file_is_written_whole_with_the_mode_asked_for(work: Path, act: Act) -> None:
    result = act(WriteFile(), path="a/b.sh", content="#!/bin/sh\n", mode="0750")
    assert result.path == str(work / "a" / "b.sh")
    assert (work / "a" / "b.sh").read_text() == "#!/bin/sh\n"
    assert stat.S_IMODE((work / "a" / "b.sh").stat().st_mode) == 0o750
    assert [path.name for path in (work / "a").iterdir()] == ["b.sh"]


def test_content_that_is_no_text_comes_as_base64(work: Path, act: Act) -> None:
    act(WriteFile(), path="blob", content="AP8Q", encoding="base64")
    assert (work / "blob").read_bytes() == b"\x00\xff\x10"


def test_an_existing_file_keeps_its_mode_and_owner(work: Path, act: Act) -> None:
    (work / "f").write_text("old")
    (work / "f").chmod(0o641)
    if os.getuid() == 0:
        os.chown(work / "f", 1234, 4321)
    act(WriteFile(), path="f", content="new")
    status = (work / "f").stat()
    assert stat.S_IMODE(status.st_mode) == 0o641
    assert os.getuid() != 0 or (status.st_uid, status.st_gid) == (1234, 4321)


@pytest.mark.parametrize(
    "path", ["../out", "/etc/reign-was-here", "a/../../out", "~/x", "way/file", "way", "a/./../../work2/x", "."]
)
@pytest.mark.parametrize("operation", [WriteFile(), DeleteFile(), MakeDirectory()])
def test_a_path_that_leaves_the_work_folder_is_refused(
    tmp_path: Path, work: Path, act: Act, path: str, operation: Operation[Any, Any]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").write_text("kept")
    (work / "way").symlink_to(out)
    with pytest.raises(TaskFailed) as failure:
        act(operation, path=path, **({"content": "no"} if isinstance(operation, WriteFile) else {}))
    assert failure.value.kind in (FailureKind.PERMISSION, FailureKind.WRONG_INPUT, FailureKind.CONFLICT)
    assert [p.name for p in out.iterdir()] == ["file"]
    assert (out / "file").read_text() == "kept"
    assert (work / "way").is_symlink()


def test_a_link_to_a_file_is_not_followed(tmp_path: Path, work: Path, act: Act) -> None:
    (tmp_path / "target").write_text("kept")
    (work / "link").symlink_to(tmp_path / "target")
    for operation, inputs in (
        (WriteFile(), {"path": "link", "content": "no"}),
        (DeleteFile(), {"path": "link"}),
        (CopyFile(), {"source": "link", "destination": "copy"}),
        (MoveFile(), {"source": "link", "destination": "moved"}),
    ):
        with pytest.raises(TaskFailed, match="symbolic link"):
            act(operation, **inputs)
    assert (tmp_path / "target").read_text() == "kept"


def test_a_folder_swapped_for_a_link_while_it_works_is_not_followed(tmp_path: Path, work: Path) -> None:
    """The race that a check by path would lose: locate() has looked, then the folder becomes a way out."""
    ctx = make_context(tmp_path / "reign", workdir=work)
    (work / "a").mkdir()
    place = locate(ctx, "a/file")
    (work / "a").rmdir()
    (work / "a").symlink_to(tmp_path)
    with pytest.raises(TaskFailed, match="symbolic link"):
        place.replace(iter([b"no"]), mode=None, owner=None)
    assert not (tmp_path / "file").exists()


def test_a_work_folder_reached_through_a_link_is_fine(tmp_path: Path, work: Path) -> None:
    (tmp_path / "link").symlink_to(work)
    ctx = make_context(tmp_path / "reign", workdir=tmp_path / "link")
    for path in ("f", str(tmp_path / "link" / "f"), str(work / "f")):
        assert locate(ctx, path).path == work / "f"


def test_the_operator_can_name_more_roots(tmp_path: Path, work: Path) -> None:
    ctx = make_context(tmp_path / "reign", workdir=work, options={"roots": [str(tmp_path / "more")]})
    (tmp_path / "more").mkdir()
    run_operation(WriteFile(), ctx, WriteFile.Inputs(path=str(tmp_path / "more" / "f"), content="x"))
    assert (tmp_path / "more" / "f").read_text() == "x"


def test_secrets_and_reigns_own_files_are_out_of_bounds(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(work))
    (work / ".ssh").mkdir()
    ctx = make_context(work / "reign", workdir=work, private=[work / "reign"])
    for path in (".ssh/authorized_keys", "reign/state/x"):
        with pytest.raises(TaskFailed, match="plans may not touch"):
            locate(ctx, path)


def test_undo_takes_the_folders_it_made_and_leaves_what_others_put_there(ctx: RecordingContext, work: Path) -> None:
    undo_after(WriteFile(), ctx, lambda: None, path="a/b/c", content="x")
    assert list(work.iterdir()) == []
    undo_after(WriteFile(), ctx, lambda: (work / "a" / "mine").touch(), path="a/b/c", content="x")
    assert [str(path.relative_to(work)) for path in sorted(work.rglob("*"))] == ["a", "a/mine"]
    assert any("others have put something into it" in line for _, line in ctx.lines)
    undo_after(MakeDirectory(), ctx, lambda: (work / "d" / "e" / "mine").touch(), path="d/e")
    assert (work / "d" / "e" / "mine").exists()


def test_undo_restores_mode_and_owner(ctx: RecordingContext, work: Path) -> None:
    (work / "f").write_text("old")
    (work / "f").chmod(0o604)
    if os.getuid() == 0:
        os.chown(work / "f", 1234, 4321)
    before = (work / "f").stat()
    undo_after(WriteFile(), ctx, lambda: None, path="f", content="new", mode="0777")
    undo_after(DeleteFile(), ctx, lambda: None, path="f")
    undo_after(MoveFile(), ctx, lambda: None, source="f", destination="g", mode="0777")
    after = (work / "f").stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert (work / "f").read_text() == "old"
    assert not (work / "g").exists()


def test_moving_over_another_file_brings_both_back(ctx: RecordingContext, work: Path) -> None:
    (work / "f").write_text("one")
    (work / "g").write_text("two")
    undo_after(MoveFile(), ctx, lambda: None, source="f", destination="g")
    assert ((work / "f").read_text(), (work / "g").read_text()) == ("one", "two")


def test_files_too_large_to_be_kept_are_not_destroyed(tmp_path: Path, work: Path) -> None:
    ctx = make_context(tmp_path / "reign", workdir=work, options={"keep_files": "1K"})
    (work / "large").write_bytes(b"x" * 2000)
    for operation, inputs in (
        (WriteFile(), {"path": "large", "content": ""}),
        (DeleteFile(), {"path": "large"}),
    ):
        with pytest.raises(TaskFailed, match="2000 bytes, more than is kept"):
            run_operation(operation, ctx, operation.Inputs.model_validate(inputs))
    (work / "large").chmod(0o604)
    undo_after(MoveFile(), ctx, lambda: None, source="large", destination="elsewhere", mode="0600")
    assert (work / "large").stat().st_mode & 0o777 == 0o604
    assert (work / "large").stat().st_size == 2000
    undo_after(CopyFile(), ctx, lambda: None, source="large", destination="copy")
    assert not (work / "copy").exists()


def test_what_is_not_there_and_what_is_no_file(work: Path, act: Act) -> None:
    (work / "folder").mkdir()
    os.mkfifo(work / "pipe")
    assert act(DeleteFile(), path="nothing").sha256 is None
    for operation, inputs, says in (
        (CopyFile(), {"source": "nothing", "destination": "x"}, "is not there"),
        (MoveFile(), {"source": "nothing", "destination": "x"}, "is not there"),
        (WriteFile(), {"path": "folder", "content": ""}, "is a folder"),
        (DeleteFile(), {"path": "folder"}, "is a folder"),
        (CopyFile(), {"source": "pipe", "destination": "x"}, "no ordinary file"),
        (MoveFile(), {"source": "f", "destination": "f"}, "both source and destination"),
        (MakeDirectory(), {"path": "pipe"}, "is no folder"),
        (WriteFile(), {"path": "pipe/x", "content": ""}, "is no folder"),
        (WriteFile(), {"path": "a\0b", "content": ""}, "NUL"),
        (WriteFile(), {"path": "n" * 256, "content": ""}, "longer than the 255 bytes"),
    ):
        (work / "f").write_text("x")
        with pytest.raises(TaskFailed, match=says):
            act(operation, **inputs)


def test_a_cancelled_copy_leaves_no_half_file(ctx: RecordingContext, work: Path) -> None:
    (work / "large").write_bytes(b"x" * (8 << 20))
    inputs = CopyFile.Inputs(source="large", destination="copy")
    seen = CopyFile().inspect(ctx, inputs)
    threading.Timer(0, ctx.cancelled.set).run()
    with pytest.raises(Cancelled):
        CopyFile().apply(ctx, inputs, seen)
    assert [path.name for path in work.iterdir()] == ["large"]


def test_a_move_to_another_file_system_is_a_copy_and_comes_back(tmp_path: Path, work: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if Path(other).stat().st_dev == work.stat().st_dev:
            pytest.skip("one file system only")
        ctx = make_context(tmp_path / "reign", workdir=work, options={"roots": [other]})
        (work / "f").write_text("x")
        (work / "f").chmod(0o640)
        undo_after(
            MoveFile(),
            ctx,
            lambda: pytest.fail("the source is still there") if (work / "f").exists() else None,
            source="f",
            destination=f"{other}/g",
        )
        assert (work / "f").stat().st_mode & 0o777 == 0o640
        assert list(Path(other).iterdir()) == []


def test_a_full_disk_is_said_in_words_and_leaves_no_half_file(ctx: RecordingContext, work: Path) -> None:
    (work / "f").write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(TaskFailed, match="f: File too large"):
            run_operation(WriteFile(), ctx, WriteFile.Inputs(path="f", content="x" * 5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, former)
    assert [(path.name, path.read_text()) for path in work.iterdir()] == [("f", "old")]


def test_undo_remakes_a_folder_that_was_there(ctx: RecordingContext, work: Path) -> None:
    (work / "d").mkdir(mode=0o755)
    undo_after(MakeDirectory(), ctx, lambda: (work / "d").rmdir(), path="d", mode="0700")
    assert (work / "d").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("mode", [420, "644x", "9", True])
def test_a_mode_must_be_octal_digits_in_quotes(mode: Any) -> None:
    with pytest.raises(ValueError, match="octal digits in quotes"):
        WriteFile.Inputs.model_validate({"path": "f", "content": "", "mode": mode})


def test_content_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="content is no base64"):
        WriteFile.Inputs(path="f", content="äöü?", encoding="base64")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_permission_is_said_in_words(work: Path, act: Act) -> None:
    (work / "shut").mkdir(mode=0o500)
    with pytest.raises(TaskFailed, match="Permission denied"):
        act(WriteFile(), path="shut/f", content="")


_NAMES = st.sampled_from(["a", "b", "way", "..", ".", "", "out", "file"])


def _around(folder: Path) -> list[Path]:
    """What lies beside the work folder, REIGN's own files aside."""
    own = [folder / "work", folder / "reign"]
    return sorted(path for path in folder.rglob("*") if not any(path.is_relative_to(place) for place in own))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=st.lists(_NAMES, min_size=1, max_size=6), slash=st.booleans())
def test_no_path_of_any_shape_writes_outside(tmp_path: Path, work: Path, parts: list[str], slash: bool) -> None:
    (tmp_path / "out").mkdir(exist_ok=True)
    if not (work / "way").is_symlink():
        (work / "way").symlink_to(tmp_path / "out")
    ctx = make_context(tmp_path / "reign", workdir=work)
    text = ("/" if slash else "") + "/".join(parts)
    before = _around(tmp_path)
    with contextlib.suppress(TaskFailed, ValueError):
        undo_after(WriteFile(), ctx, lambda: None, path=text, content="no")
    assert _around(tmp_path) == before
