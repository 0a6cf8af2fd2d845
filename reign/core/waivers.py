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
        entries = content.get("waivers", []) if isinstance(content, dict) else content or []
        return [Waiver.model_validate(entry) for entry in entries]
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError, TypeError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error).splitlines()[0]
        raise InvalidInput(
            f"{source}: {problem.removeprefix('Value error, ')}",
            hint="each waiver has `rule` or `fingerprint`, `reason` and `until` (a date)",
        ) from None


def dump(waivers: Iterable[Waiver]) -> str:
    """The file's text."""
    entries = [waiver.model_dump(exclude_none=True) for waiver in waivers]
    return yaml.safe_dump({"waivers": entries}, sort_keys=False, allow_unicode=True, width=110)
