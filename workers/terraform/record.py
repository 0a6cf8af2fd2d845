"""What is remembered of a directory and workspace between tasks: how it was initialised, what was applied, the backups.

Terraform's state says what exists, not which configuration made it; an undo needs that. Kept on this machine, secrets
by reference; on another machine the last recorded observation (``Context.recorded``) says the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError

from reign.executor import Context
from reign.security import secrets
from workers.terraform.files import write_private

_BACKUPS = 20
ModelT = TypeVar("ModelT", bound=BaseModel)


class Applied(BaseModel):
    """A configuration with its values, as applied; ``configuration`` and ``var_files`` are blobs."""

    configuration: str
    variables: dict[str, Any] = Field(default_factory=dict)
    var_files: list[str] = Field(default_factory=list)
    targets: list[str] = Field(default_factory=list)
    lineage: str = ""
    serial: int = 0


class Init(BaseModel):
    """What ``terraform.init`` was given for a directory, and the provider versions that it chose."""

    backend: dict[str, Any] | None = None
    plugin_dir: str | None = None
    mirror: str | None = None
    lock_file: str | None = None


class Record(BaseModel):
    """Of one state: what was applied last, what was begun and not ended, and the refs of the state's backups."""

    applied: Applied | None = None
    begun: Applied | None = None  # what was being applied; its serial is that of the state it began or ended with
    open: bool = False  # nothing says yet how what was begun has ended
    in_flight: list[str] = Field(default_factory=list)  # objects whose creation, change or removal was under way
    plan: str | None = None  # the saved plan whose application was begun
    backups: list[str] = Field(default_factory=list)

    def made(self, lineage: str, serial: int) -> Applied | None:
        """What a state of that lineage and serial came from; None if others have changed it since.

        A state that only an apply of our own which did not succeed has moved still goes back to what was applied
        before that.
        """
        if self.applied is not None and (self.applied.lineage, self.applied.serial) == (lineage, serial):
            return self.applied
        if self.begun is None:
            return None
        failed = (self.begun.lineage, self.begun.serial) == (lineage, serial)
        cut_off = self.open and self.begun.lineage in ("", lineage)
        if not failed and not cut_off:
            return None
        return (self.applied or self.begun).model_copy(update={"lineage": lineage, "serial": serial})

    def backed_up(self, ref: str) -> None:
        self.backups = [*(known for known in self.backups if known != ref), ref][-_BACKUPS:]

    @classmethod
    def load(cls, ctx: Context, resource: str) -> Self:
        return _load(cls, _path(ctx, "records", resource))

    def save(self, ctx: Context, resource: str) -> None:
        _save(ctx, self, _path(ctx, "records", resource))


def load_init(ctx: Context, directory: Path) -> Init:
    """The settings of the last ``terraform.init``, secrets resolved anew."""
    known = _load(Init, _path(ctx, "init", str(directory)))
    return Init.model_validate(secrets.resolve(known.model_dump(), ctx.masker))


def save_init(ctx: Context, directory: Path, init: Init) -> None:
    _save(ctx, init, _path(ctx, "init", str(directory)))


def _path(ctx: Context, kind: str, name: str) -> Path:
    return ctx.state_dir / kind / (hashlib.sha256(name.encode()).hexdigest()[:20] + ".json")


def _load(cls: type[ModelT], path: Path) -> ModelT:
    try:
        return cls.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return cls()  # none yet, or of another release: what it held is only a convenience


def _save(ctx: Context, value: BaseModel, path: Path) -> None:
    write_private(path, json.dumps(ctx.masker.record(value.model_dump())).encode())
