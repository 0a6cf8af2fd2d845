"""Memory as lines of JSON: written by export, checked line by line by import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reign.core.errors import InvalidInput
from reign.memory.episodes import IMPORTED, Episode
from reign.memory.recipes import Applied

VERSION = 1
MAX_LINES = 20_000  # of one import
MAX_BYTES = 15 * 1024 * 1024
_PART_LINES = 5_000
_PART_CHARACTERS = 3_000_000  # four bytes each at most
_WEEK_AHEAD = 7 * 86_400.0


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


_Text = Annotated[str, AfterValidator(_printable)]  # plans print it within a line
_Name = Annotated[_Text, Field(min_length=1, max_length=100)]
_Operation = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=100)]
_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
_Seconds = Annotated[float, Field(ge=0, le=30 * 86_400.0, allow_inf_nan=False)]
_At = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EpisodeLine(_Line):
    """An attempt. What identifies equal inputs is not carried: it is keyed by the installation that wrote it."""

    what: Literal["episode"] = "episode"
    operation: _Operation
    pattern: _Hex
    environment: _Name
    ok: bool
    sort: str | None = Field(default=None, max_length=40)
    signature: _Hex | None = None
    message: _Text | None = Field(default=None, max_length=300)
    seconds: _Seconds
    worked: bool
    recovered: _Seconds | None = None
    run: _Name
    task: _Name
    attempt: int = Field(ge=1, le=1_000_000)
    by: _Name
    at: _At


class RepairLine(_Line):
    """A repair that was applied."""

    what: Literal["repair"] = "repair"
    operation: _Operation
    signature: _Hex
    sort: str = Field(max_length=40)
    reason: _Text = Field(max_length=300)
    source: str = Field(max_length=40)
    recipe: dict[str, Any]
    worked: bool
    run: _Name
    round: int = Field(ge=0, le=1000)
    task: _Name
    by: _Name
    at: _At


Line = EpisodeLine | RepairLine
_ADAPTER: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="what")])
_LARGEST_RECIPE = 16_384  # characters


def episode_line(episode: Episode, attempt: int) -> str:
    body = {key: value for key, value in asdict(episode).items() if key != "same"}
    return json.dumps({"what": "episode", **body, "attempt": attempt}, ensure_ascii=False)


def repair_line(repair: Applied) -> str:
    return json.dumps({"what": "repair", **asdict(repair)}, ensure_ascii=False)


def head() -> str:
    return json.dumps({"what": "reign-memory", "version": VERSION})


def parts(text: str) -> Iterator[tuple[str, int]]:
    """An export of any size as exports that can each be read, with how many lines stand before each one's own."""
    first, *lines = text.removesuffix("\n").split("\n")
    begin, held, size = 0, list[str](), 0
    for number, line in enumerate(lines):
        if held and (len(held) == _PART_LINES or size + len(line) > _PART_CHARACTERS):
            yield "\n".join([first, *held]), begin
            begin, held, size = number, [], 0
        held.append(line)
        size += len(line) + 1
    yield "\n".join([first, *held]), begin


def read(text: str, now: float, before: int = 0) -> Iterator[tuple[Episode, int] | Applied]:
    """What an export holds. Requesters are marked as imported, so that they never count as people from here.

    ``before``: how many lines of a larger export stand before it, for the numbers that errors name.
    Raises InvalidInput naming the first wrong line; nothing is to be kept then.
    """
    if len(text) > MAX_BYTES:
        raise InvalidInput(f"the import has more than {MAX_BYTES // 2**20} MB", hint="split it")
    lines = text.removesuffix("\n").split("\n")  # other ends of lines may stand within a message
    if not lines[0] or _json(lines[0], 1) != {"what": "reign-memory", "version": VERSION}:
        raise InvalidInput("this is no export of memory", hint="make one with `reign memory export`")
    if len(lines) > MAX_LINES:
        raise InvalidInput(f"the import has {len(lines)} lines; at most {MAX_LINES} are read", hint="split it")
    for number, line in enumerate(lines[1:], start=before + 2):
        if line.strip():
            yield _read(_json(line, number), number, now)


def _json(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidInput(f"line {number} of the import is not JSON") from None


def _read(body: Any, number: int, now: float) -> tuple[Episode, int] | Applied:
    try:
        found = _ADAPTER.validate_python(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the line"
        raise InvalidInput(f"line {number} of the import: {place}: {first['msg']}") from None
    if found.at > now + _WEEK_AHEAD:
        raise InvalidInput(f"line {number} of the import is of the future")
    by = f"{IMPORTED}{found.by.removeprefix(IMPORTED)}"[:100]
    if isinstance(found, RepairLine):
        if len(json.dumps(found.recipe)) > _LARGEST_RECIPE:
            raise InvalidInput(f"line {number} of the import: the repair is too large")
        return Applied(**{**found.model_dump(exclude={"what"}), "by": by})
    body = {**found.model_dump(exclude={"what", "attempt"}), "same": "", "by": by}
    return Episode(**body), found.attempt
