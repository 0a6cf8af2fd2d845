"""How checks follow what a rehearsal has moved: to the ports that stand for those that the plan opens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reign.executor.scope import Scope

_LOCAL = re.compile(r"(?<=//)((?:[^/@]*@)?(?:127\.0\.0\.1|localhost|\[::1\])):(\d+)")


def url(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    moved = _LOCAL.sub(lambda found: f"{found[1]}:{scope.known_port(int(found[2]))}", str(inputs["url"]))
    return {**inputs, "url": moved}


def ports(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    if str(inputs.get("host", "127.0.0.1")) not in ("127.0.0.1", "localhost", "::1"):
        return dict(inputs)
    return dict(inputs) | {
        key: _moved(inputs[key], scope) for key in ("port", "ports", "expect_open", "expect_closed") if key in inputs
    }


def _moved(value: Any, scope: Scope) -> Any:
    if isinstance(value, list | tuple):
        return [_moved(item, scope) for item in value]
    return scope.known_port(int(value)) if str(value).isdigit() else value
