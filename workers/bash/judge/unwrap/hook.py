"""The value that describes a command given to a tool as an option, a setting or a variable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hook:
    """`text` is run by the tool because of `option`."""

    option: str
    text: str
