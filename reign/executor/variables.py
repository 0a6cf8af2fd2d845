"""Secrets among the variables of a task: sealed before a plan is stored, told by their names and their shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reign.core.expressions import has_expression
from reign.security.secretlike import can_be_hidden, looks_secret, names_secret

if TYPE_CHECKING:
    from reign.executor.contract import Sealing

#: A text that is one expression and nothing else.
_EXPRESSION = re.compile(r"\s*\$\{\{(?:(?!\}\}).)*\}\}\s*", re.DOTALL)


def sealed_variables(
    inputs: Mapping[str, Any], sealing: Sealing, names: Sequence[str], secret: Sequence[str]
) -> dict[str, Any]:
    """``inputs`` with the secrets in the variables ``names`` sealed: ``{NAME: value}``, or a list of ``NAME=value``.

    ``secret``: inputs that are secrets whatever they are called and look like, texts or variables of texts.
    """
    found = dict(inputs)
    for name in names:
        if name in found:
            found[name] = _variables(found[name], sealing, False)
    for name in secret:
        if isinstance(found.get(name), str):
            found[name] = _value(name, found[name], sealing, True)
        elif name in found:
            found[name] = _variables(found[name], sealing, True)
    return found


def _variables(given: Any, sealing: Sealing, secret: bool) -> Any:
    if isinstance(given, Mapping):
        return {name: _value(str(name), value, sealing, secret) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return [_assignment(item, sealing, secret) for item in given]
    return given


def _assignment(item: Any, sealing: Sealing, secret: bool) -> Any:
    name, equals, value = item.partition("=") if isinstance(item, str) else (item, "", "")
    return f"{name}={_value(name, value, sealing, secret)}" if equals else item


def _value(name: str, value: Any, sealing: Sealing, secret: bool) -> Any:
    if not isinstance(value, str):
        return value
    if has_expression(value):
        if (secret or names_secret(name)) and _EXPRESSION.fullmatch(value):
            sealing.follow(value, lambda found: _found(found, sealing))
        return value
    return _hidden(value, sealing) if secret or looks_secret(name, value) else value


def _found(value: Any, sealing: Sealing) -> Any:
    """What an expression takes from the plan."""
    return _hidden(value, sealing) if isinstance(value, str) else value


def _hidden(value: str, sealing: Sealing) -> str:
    return sealing.value(value) if can_be_hidden(value) else value
