"""How much a command may use; the operator's figures are the ceiling, a plan can only ask for less."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reign.core.errors import InvalidInput, did_you_mean
from workers.bash.warden.order import Limits

#: Enough for builds and tests of ordinary projects; an operator changes them with the agent's option `limits`.
DEFAULT = Limits(memory=4 << 30, processes=512, file_size=8 << 30, open_files=4096, cpu=3600)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


def amount(value: Any) -> int:
    """``512``, ``"512M"`` or ``"1.5 GiB"`` as a number (units are powers of 1024). Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _SIZE.fullmatch(str(value).strip())
    if not match or not float(match[1]):
        raise ValueError(f"{value!r} is no amount; write 512M, 2G or a number above 0")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def checked(given: Mapping[str, Any]) -> dict[str, int]:
    """The named limits as numbers. Raises ValueError naming what is wrong."""
    known = asdict(DEFAULT)
    for name in given:
        if name not in known:
            raise ValueError(
                f"there is no limit {name!r}; {did_you_mean(name, known) or 'there are ' + ', '.join(known)}"
            )
    return {name: amount(value) for name, value in given.items()}


def limits_for(operator: Mapping[str, Any] | None, asked: Mapping[str, Any] | None) -> Limits:
    """The limits in force for a task. Raises InvalidInput if the operator's own are wrong."""
    try:
        ceiling = asdict(DEFAULT) | checked(operator or {})
    except ValueError as error:
        raise InvalidInput(f"option `limits` of the bash agent: {error}") from None
    for name, value in checked(asked or {}).items():
        ceiling[name] = min(value, ceiling[name])
    return Limits(**ceiling)
