"""The waivers file: which findings somebody accepts, why, and till when. Pure: reading and writing is the callers'.

```yaml
waivers:
  - {fingerprint: 3f0c9a51e2b7d684, reason: "a test key, revoked", until: 2030-06-30}
  - {rule: DL3007, path: "tools/*", reason: "rebuilt every night", until: 2030-01-31}
```
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from pydantic import ValidationError

from reign.core.errors import InvalidInput
from reign.core.findings import Waiver

WAIVERS_FILE = ".reign-waivers.yaml"
MAX_BYTES = 1_000_000


def parse(text: str | bytes, source: str = WAIVERS_FILE) -> list[Waiver]:
    """The waivers of a file: a list, or ``waivers:`` with a list. Raises InvalidInput; ``source`` names the text."""
    try:
        content: Any = yaml.safe_load(text[:MAX_BYTES])
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _wrong(source, str(error).splitlines()[0]) from None
    entries = content.get("waivers", []) if isinstance(content, dict) else content or []
    if not isinstance(entries, list):
        raise _wrong(source, "the waivers are no list")
    return [_entry(number, entry, source) for number, entry in enumerate(entries, 1)]


def _entry(number: int, entry: Any, source: str) -> Waiver:
    try:
        return Waiver.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"`{part}`: " for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        raise _wrong(source, f"waiver {number}: {where}{problem[:1].lower()}{problem[1:]}") from None


def _wrong(source: str, problem: str) -> InvalidInput:
    hint = "each waiver has `rule` or `fingerprint`, `reason` and `until` (a date)"
    return InvalidInput(f"{source}: {problem}", hint=hint)


def dump(waivers: Iterable[Waiver]) -> str:
    """The file's text."""
    entries = [waiver.model_dump(exclude_none=True) for waiver in waivers]
    return yaml.safe_dump({"waivers": entries}, sort_keys=False, allow_unicode=True, width=110)
