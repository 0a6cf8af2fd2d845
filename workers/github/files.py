"""github.put_file, put_files and delete_file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reign.executor import Context
from workers.github.commits import Content, Wanted
from workers.github.committing import BranchInputs, Committing
from workers.github.folders import Local, files_below, read
from workers.github.inputs import FilePath
from workers.github.trees import EXECUTABLE, FILE

Encoding = Literal["utf-8", "base64"]


def decoded(content: str, encoding: Encoding) -> bytes:
    """Raises ValueError for what is not base64."""
    if encoding == "utf-8":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise ValueError("content is not base64, as its encoding says") from None


def mode_of(executable: bool | None) -> str | None:
    return None if executable is None else EXECUTABLE if executable else FILE


class PutFile(Committing["PutFile.Inputs"]):
    """Makes no commit if the file already is as asked."""

    name: ClassVar[str] = "github.put_file"
    summary: ClassVar[str] = "Create or replace a file on a branch"

    class Inputs(BranchInputs):
        path: FilePath = Field(description="in the repository")
        content: str = Field(description="what the file is to hold")
        encoding: Encoding = Field(default="utf-8", description="base64 for what is not text")
        executable: bool | None = Field(default=None, description="by default as it is")

        @model_validator(mode="after")
        def _content_can_be_read(self) -> PutFile.Inputs:
            decoded(self.content, self.encoding)
            return self

    def wanted(self, ctx: Context, inputs: PutFile.Inputs) -> Mapping[str, Wanted]:
        return {inputs.path: Content(decoded(inputs.content, inputs.encoding), mode_of(inputs.executable))}

    def doing(self, inputs: PutFile.Inputs) -> str:
        return f"write {inputs.path} to {inputs.branch} of {inputs.repo}"

    def summarized(self, inputs: PutFile.Inputs) -> str:
        return f"Write {inputs.path}"


class DeleteFile(Committing["DeleteFile.Inputs"]):
    """Done already if there is no such file."""

    name: ClassVar[str] = "github.delete_file"
    summary: ClassVar[str] = "Delete a file from a branch"

    class Inputs(BranchInputs):
        path: FilePath = Field(description="in the repository")

    def wanted(self, ctx: Context, inputs: DeleteFile.Inputs) -> Mapping[str, Wanted]:
        return {inputs.path: None}

    def doing(self, inputs: DeleteFile.Inputs) -> str:
        return f"delete {inputs.path} from {inputs.branch} of {inputs.repo}"

    def summarized(self, inputs: DeleteFile.Inputs) -> str:
        return f"Delete {inputs.path}"


class FileContent(BaseModel):
    """One file of ``put_files``, where a plain text does not say enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    content: str | None = Field(default=None, description="what the file is to hold")
    source: str | None = Field(default=None, description="or a file of the worker's machine, taken as it is")
    encoding: Encoding = Field(default="utf-8", description="base64 for what is not text")
    executable: bool | None = Field(default=None, description="by default as it is")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.content is None) == (self.source is None):
            raise ValueError("a file needs either content or source")
        decoded(self.content or "", self.encoding)
        return self


class PutFiles(Committing["PutFiles.Inputs"]):
    """One commit, whatever the number of files. What else is on the branch stays."""

    name: ClassVar[str] = "github.put_files"
    summary: ClassVar[str] = "Create, replace or delete many files of a branch in one commit"

    class Inputs(BranchInputs):
        files: dict[FilePath, FileContent | None] = Field(
            default_factory=dict,
            description="path to content (a text, or {content|source, encoding, executable}); null deletes the file",
        )
        directory: str | None = Field(
            default=None, description="a folder of the worker's machine to put too, without what git ignores"
        )
        into: FilePath | None = Field(default=None, description="where the folder goes; by default the top")

        @field_validator("files", mode="before")
        @classmethod
        def _texts_are_contents(cls, value: Any) -> Any:
            if not isinstance(value, Mapping):
                return value
            return {path: {"content": item} if isinstance(item, str) else item for path, item in value.items()}

        @model_validator(mode="after")
        def _something_is_put(self) -> Self:
            if not self.files and self.directory is None:
                raise ValueError("give files or a directory")
            return self

    def paths(self, ctx: Context, inputs: PutFiles.Inputs) -> Sequence[str]:
        return list({**self._below(ctx, inputs), **inputs.files})

    def wanted(self, ctx: Context, inputs: PutFiles.Inputs) -> Mapping[str, Wanted]:
        found: dict[str, Wanted] = {
            path: Content(local.file.read_bytes(), mode_of(local.executable))
            for path, local in self._below(ctx, inputs).items()
        }
        for path, given in inputs.files.items():
            found[path] = None if given is None else _content(ctx, given)
        return found

    def _below(self, ctx: Context, inputs: PutFiles.Inputs) -> Mapping[str, Local]:
        if inputs.directory is None:
            return {}
        folder = ctx.path(inputs.directory)
        if ctx.undoes and not folder.is_dir():
            return {}  # an undo goes by what was recorded, and needs the folder no more
        return files_below(folder, inputs.into)

    def doing(self, inputs: PutFiles.Inputs) -> str:
        return f"write files to {inputs.branch} of {inputs.repo}"

    def summarized(self, inputs: PutFiles.Inputs) -> str:
        if inputs.directory is None and len(inputs.files) <= 3:
            return f"Write {', '.join(inputs.files)}"
        return "Write files"


def _content(ctx: Context, given: FileContent) -> Content:
    if given.source is not None:
        return Content(read(ctx.path(given.source)), mode_of(given.executable))
    return Content(decoded(given.content or "", given.encoding), mode_of(given.executable))
