"""What a check of files looks at: a path, or a text given in the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from reign.executor import Context, FailureKind, TaskFailed
from workers.validation.checking import CheckInputs

MAX_TEXT = 8 * 1024 * 1024  # characters or bytes of one text


class PathOrText(CheckInputs):
    """Inputs of a check that takes either."""

    path: str | None = Field(default=None, description="file or folder; relative to the work folder")
    text: str | None = Field(default=None, description="the content itself, instead of a path", max_length=MAX_TEXT)
    filename: str | None = Field(default=None, description="the name that a text would have as a file")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.path is None) == (self.text is None):
            raise ValueError("give either `path` or `text`")
        return self

    @property
    def subject(self) -> str:
        return self.path or self.filename or "the text"

    def place(self, ctx: Context) -> Path | None:
        """The path as it is on this machine, or None for a text. Raises TaskFailed if nothing is there."""
        if self.path is None:
            return None
        place = ctx.path(self.path)
        if not place.exists():
            raise TaskFailed(
                f"{self.path} is not there",
                kind=FailureKind.WRONG_INPUT,
                hint=f"the worker looked at {place}",
            )
        return place.resolve()
