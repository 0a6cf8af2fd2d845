"""What expressions read of results: a field that an operation's result never has is a fault of the plan."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from reign.core.catalog import Catalog
from reign.core.errors import did_you_mean
from reign.core.expressions import Binary, Call, Index, Literal, Name, Node, children
from reign.core.plan import Plan, Task

_PLAIN = {str: "a text", int: "a number", float: "a number", bool: "true or false"}


def unknown_fields(plan: Plan, task: Task, catalog: Catalog) -> Iterator[tuple[tuple[str, ...], str, str | None]]:
    """``(path, message, hint)`` for each result that ``task`` reads and that cannot be there.

    Only what is closed is judged: not outputs and parsed content, nor what ``??`` or ``default()`` replaces.
    """
    for node in task.nodes():
        for path in dict.fromkeys(_certain(node)):
            if len(path) < 4 or path[0] != "tasks" or path[2] != "result" or path[1] not in plan.tasks:
                continue
            read = plan.tasks[path[1]]
            spec = catalog.get(read.uses)
            if spec is None or read.original is not None:
                continue
            shape: Any = list[spec.result] if read.for_each is not None else spec.result  # type: ignore[name-defined]
            if fault := _fault(f"tasks.{path[1]}.result", shape, path[3:], read.uses):
                yield path, *fault


def _certain(node: Node) -> Iterator[tuple[str, ...]]:
    """The dotted names that must be there for the expression to have a value."""
    match node:
        case Binary("??", _, other) | Call("default", (_, other)):
            yield from _certain(other)
        case Index():
            if (whole := _written_out(node)) is not None:
                yield whole
            else:
                for child in children(node):
                    yield from _certain(child)
        case _:
            for child in children(node):
                yield from _certain(child)


def _written_out(node: Node) -> tuple[str, ...] | None:
    """``tasks.a.result[0].name`` as its parts; None if a part of it is computed."""
    parts: list[str] = []
    while isinstance(node, Index):
        if not isinstance(node.key, Literal):
            return None
        parts.append(str(node.key.value))
        node = node.of
    return (node.name, *reversed(parts)) if isinstance(node, Name) else None


def _fault(place: str, shape: Any, keys: tuple[str, ...], uses: str) -> tuple[str, str | None] | None:
    """What is wrong with reading ``keys`` below a value of that shape; None where the shape says nothing."""
    for number, key in enumerate(keys):
        shape = _without_none(shape)
        if get_origin(shape) is list:
            if not key.lstrip("-").isdigit():
                return f"{place} is a list and has no {key!r}", f"write {place}[0].{'.'.join(keys[number:])}"
            place, shape = f"{place}[{key}]", (get_args(shape) or (Any,))[0]
            continue
        if shape in _PLAIN:
            return f"{place} is {_PLAIN[shape]} and has no {key!r}", f"write {place}"
        fields = _fields(shape)
        if fields is None:
            return None
        if key not in fields:
            return f"{place} has no {key!r}", did_you_mean(key, fields) or f"see `reign operations {uses}`"
        place, shape = f"{place}.{key}", fields[key]
    return None


def _without_none(shape: Any) -> Any:
    if get_origin(shape) not in (Union, types.UnionType):
        return shape
    left = [item for item in get_args(shape) if item is not type(None)]
    return left[0] if len(left) == 1 else Any


def _fields(shape: Any) -> dict[str, Any] | None:
    """Name to type of all that a model has; None for what takes any name, and for a model that declares none."""
    if not (isinstance(shape, type) and issubclass(shape, BaseModel)) or shape.model_config.get("extra") == "allow":
        return None
    found = {
        field.serialization_alias or field.alias or name: field.annotation for name, field in shape.model_fields.items()
    }
    return (found | dict.fromkeys(shape.__pydantic_decorators__.computed_fields, Any)) or None
