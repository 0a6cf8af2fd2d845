"""What a fake vendor answers, in no vendor's words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A call of an output tool. ``arguments`` as a text stands for itself, however malformed."""

    tool: str = "propose_plan"
    arguments: Any = None
    thinking: str = ""
    text: str = ""
    ends: str = "tool"  # tool, text, refusal, cut_off
    input_tokens: int = 1000
    output_tokens: int = 100
    cached_tokens: int = 0

    @property
    def json(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments or {})


def plan(**tasks: Any) -> Answer:
    """An answer with these tasks."""
    return Answer(arguments={"tasks": tasks})


def question(text: str, *choices: str) -> Answer:
    return Answer(tool="ask_back", arguments={"question": text, "choices": list(choices)})


@dataclass(frozen=True)
class Failure:
    """An HTTP error. ``kind`` is the vendor's own word for it, if not the usual one of the status."""

    status: int
    retry_after: str | None = None
    message: str = "no"
    kind: str | None = None


@dataclass(frozen=True)
class BreaksOff:
    """A stream that begins and then reports ``kind`` (or just ends, if None)."""

    kind: str | None = "overloaded_error"
    arguments: str = '{"tasks": {"web": {"uses": "docker.'


@dataclass(frozen=True)
class Silence:
    """Takes the request and says nothing until the server is closed."""


@dataclass(frozen=True)
class Raw:
    """Any bytes at all."""

    body: bytes
    content_type: str = "text/event-stream"
    status: int = 200
    retry_after: str | None = None


Reply = Answer | Failure | BreaksOff | Silence | Raw
