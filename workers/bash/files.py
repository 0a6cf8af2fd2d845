"""bash.write_file, copy_file, move_file, delete_file, make_directory: exact undo, inside the allowed roots only."""

from __future__ import annotations

import base64
import errno
import hashlib
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from reign.core.catalog import OperationInputs, OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.bash.places import Place, in_words, locate
from workers.bash.snapshots import checked_stream, kind_of, observe, put_back, require_ordinary, require_replaceable


class FileResult(OperationResult):
    path: str = Field(description="absolute path")
    sha256: str | None = Field(None, description="of the content, in hex; none for a folder or a file that is gone")


def checked_mode(value: Any) -> Any:
    """Octal digits in quotes. Raises ValueError: a bare 0644 has become 420 before anybody can see what was meant."""
    if value is None or (isinstance(value, str) and re.fullmatch(r"(0o)?[0-7]{3,4}", value)):
        return value
    raise ValueError(f'{value!r} is no mode; write octal digits in quotes, e.g. "0644"')


class _FileOperation(Operation[Any, FileResult]):
    Result: ClassVar = FileResult
    undo = Undo.EXACT
    undo_note = "the former file with its mode and owner, or none; folders made on the way go if they are empty"
    timeout = 300.0
    converges = True

    def places(self, ctx: Context, inputs: Any) -> list[Place]:
        """What changes. Raises TaskFailed for a place outside the roots."""
        return [locate(ctx, inputs.path)]

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        places = {key: scope.path(inputs[key]) for key in ("path", "source", "destination") if key in inputs}
        return {**inputs, **places}

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return [place.resource for place in self.places(ctx, inputs)]

    def inspect(self, ctx: Context, inputs: Any) -> Observations:
        return [observe(ctx, place) for place in self.places(ctx, inputs)]

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        for place, former in zip(self.places(ctx, inputs), before, strict=True):
            put_back(ctx, place, former)


class _Mode(OperationInputs):
    mode: str | None = Field(None, description='permissions, e.g. "0644" (default: as it was, or as new files get it)')

    @field_validator("mode", mode="before")
    @classmethod
    def _octal(cls, value: Any) -> Any:
        return checked_mode(value)

    @property
    def bits(self) -> int | None:
        return int(self.mode, 8) if self.mode else None


class WriteFile(_FileOperation):
    name = "bash.write_file"
    summary = "Write a file"

    class Inputs(_Mode):
        path: str = Field(description="where to, below the work folder", min_length=1)
        content: str = Field(description="what the file holds")
        encoding: Literal["utf-8", "base64"] = Field("utf-8", description="base64 for content that is no text")

        @model_validator(mode="after")
        def _decodes(self) -> WriteFile.Inputs:
            if self.encoding == "base64" and "${{" not in self.content:
                try:
                    base64.b64decode(self.content, validate=True)
                except ValueError as error:
                    raise ValueError(f"content is no base64: {error}") from None
            return self

        @property
        def data(self) -> bytes:
            return base64.b64decode(self.content) if self.encoding == "base64" else self.content.encode()

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult | None:
        sha = hashlib.sha256(inputs.data).hexdigest()
        [there] = seen
        if not there.exists or there.state.get("sha256") != sha or not _mode_fits(there, inputs.bits):
            return None
        return FileResult(path=str(locate(ctx, inputs.path).path), sha256=sha)

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult:
        [place], [there] = self.places(ctx, inputs), seen
        require_replaceable(place, there)
        place.replace(iter([inputs.data]), mode=_mode(there, inputs.bits), owner=_owner(there))
        return FileResult(path=str(place.path), sha256=hashlib.sha256(inputs.data).hexdigest())


class _FromTo(_Mode):
    source: str = Field(description="the file, below the work folder", min_length=1)
    destination: str = Field(description="where to; a name that ends with / is a folder to put it into", min_length=1)

    @property
    def target(self) -> str:
        if self.destination.endswith("/"):
            return self.destination + PurePosixPath(self.source).name
        return self.destination


class CopyFile(_FileOperation):
    name = "bash.copy_file"
    summary = "Copy a file"

    class Inputs(_FromTo):
        pass

    def places(self, ctx: Context, inputs: Any) -> list[Place]:
        return [locate(ctx, inputs.target)]

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult | None:
        source, [there] = observe(ctx, locate(ctx, inputs.source)), seen
        wanted = inputs.bits if inputs.bits is not None else _bits(source)
        if not source.exists or not there.exists or source.state.get("sha256") is None:
            return None
        if there.state.get("sha256") != source.state["sha256"] or not _mode_fits(there, wanted):
            return None
        return FileResult(path=str(self.places(ctx, inputs)[0].path), sha256=there.state["sha256"])

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult:
        [place], [there] = self.places(ctx, inputs), seen
        source = locate(ctx, inputs.source)
        status = _require_file(source)
        require_replaceable(place, there)
        sha = hashlib.sha256()

        def stream() -> Any:
            for data in checked_stream(ctx, source.chunks()):
                sha.update(data)
                yield data

        place.replace(stream(), mode=inputs.bits if inputs.bits is not None else status, owner=_owner(there))
        return FileResult(path=str(place.path), sha256=sha.hexdigest())


class MoveFile(_FileOperation):
    name = "bash.move_file"
    summary = "Move or rename a file"

    class Inputs(_FromTo):
        pass

    def places(self, ctx: Context, inputs: Any) -> list[Place]:
        return [locate(ctx, inputs.source), locate(ctx, inputs.target)]

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult | None:
        source, there = seen
        if source.exists or not there.exists or not _mode_fits(there, inputs.bits):
            return None
        return FileResult(path=str(self.places(ctx, inputs)[1].path), sha256=there.state.get("sha256"))

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult:
        source, target = self.places(ctx, inputs)
        if source == target:
            raise TaskFailed(f"{source.path} is both source and destination", kind=FailureKind.WRONG_INPUT)
        mode = _require_file(source)
        require_replaceable(target, seen[1])
        mode = mode if inputs.bits is None else inputs.bits
        try:
            with in_words(target.path, but=errno.EXDEV):
                source.move_to(target)
        except OSError:
            require_replaceable(source, seen[0])
            target.replace(checked_stream(ctx, source.chunks()), mode=mode, owner=_owner(seen[0]))
            source.remove()
        after = observe(ctx, target)
        if _bits(after) != mode:
            target.set_mode(mode, tuple(after.state["owner"]))
        return FileResult(path=str(target.path), sha256=after.state["sha256"])

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        source, target = self.places(ctx, inputs)
        moved = now[1].exists and now[1].state.get("sha256") == before[0].state.get("sha256")
        if before[0].exists and not now[0].exists and moved:
            try:
                with in_words(source.path, but=errno.EXDEV):
                    target.move_to(source)  # a file too large to be kept comes back this way
            except OSError:
                ctx.log(f"{source.path} is on another file system: it is written anew")
        super().restore(ctx, inputs, before, now)


class DeleteFile(_FileOperation):
    name = "bash.delete_file"
    summary = "Delete a file"

    class Inputs(OperationInputs):
        path: str = Field(description="the file, below the work folder", min_length=1)

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult | None:
        return None if seen[0].exists else FileResult(path=str(locate(ctx, inputs.path).path))

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult:
        [place], [there] = self.places(ctx, inputs), seen
        require_replaceable(place, there)
        place.remove()
        return FileResult(path=str(place.path))


class MakeDirectory(_FileOperation):
    name = "bash.make_directory"
    summary = "Make a folder, and those on the way to it"
    undo_note = "the folders that it made go, if they are empty"

    class Inputs(_Mode):
        path: str = Field(description="the folder, below the work folder", min_length=1)

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult | None:
        [there] = seen
        if not there.exists or there.state["kind"] != "folder" or not _mode_fits(there, inputs.bits):
            return None
        return FileResult(path=str(locate(ctx, inputs.path).path))

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> FileResult:
        [place], [there] = self.places(ctx, inputs), seen
        if there.exists and there.state["kind"] != "folder":
            raise TaskFailed(f"{place.path} is there already and is no folder", kind=FailureKind.CONFLICT)
        place.make_folder(inputs.bits)
        return FileResult(path=str(place.path))


def _require_file(place: Place) -> int:
    """The mode of the ordinary file there. Raises TaskFailed."""
    seen = place.status()
    if seen is None:
        raise TaskFailed(f"{place.path} is not there", kind=FailureKind.WRONG_INPUT)
    require_ordinary(place.path, kind_of(seen.st_mode))
    return stat.S_IMODE(seen.st_mode)


def _bits(seen: Observation) -> int | None:
    return int(seen.state["mode"], 8) if seen.exists and "mode" in seen.state else None


def _mode(seen: Observation, wanted: int | None) -> int | None:
    return _bits(seen) if wanted is None else wanted


def _mode_fits(seen: Observation, wanted: int | None) -> bool:
    return wanted is None or _bits(seen) == wanted


def _owner(seen: Observation) -> tuple[int, int] | None:
    if not seen.exists or "owner" not in seen.state:
        return None
    uid, gid = seen.state["owner"]
    return uid, gid
