"""Secrets that stand in a plan in clear, sealed before anything of it is stored, shown or sent.

Which values are secrets says the operation (``Operation.sealed``): those of a Kubernetes Secret by their place, those
of variables by their names and shapes. Where such a value comes from a parameter or an item
of ``for_each``, it is sealed there, since those are stored too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reign.core import expressions
from reign.core.plan import Plan, Task
from reign.engine.repeats import Repeats
from reign.executor import registry
from reign.security.masking import SHORTEST, Masker
from reign.security.sealed import PREFIX, Seal, unsealed
from reign.security.shapes import secrets_in

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Sealed:
    """A plan and the parameters given with it. ``values``: what was sealed, by its reference."""

    plan: Plan
    params: Mapping[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)
    #: How many of them stay elsewhere in the plan, as they name something there.
    names: int = 0


def concerns(plan: Any) -> bool:
    """Whether anything of a plan, as a file has it, may have to be sealed. Never raises."""
    tasks = plan.get("tasks") if isinstance(plan, Mapping) else None
    return isinstance(tasks, Mapping) and any(
        isinstance(task, Mapping) and _concerned(task.get("uses"), task.get("with")) for task in tasks.values()
    )


def _concerned(uses: Any, inputs: Any) -> bool:
    """Whether these inputs of an operation may hold secrets."""
    if not isinstance(uses, str) or not isinstance(inputs, Mapping):
        return False
    return not registry.sealing().get(uses, frozenset()).isdisjoint(inputs)


def sealed(plan: Plan, params: Mapping[str, Any], seal: Callable[[], Seal]) -> Sealed:
    """``seal`` is asked for only if there is something to seal. Raises InvalidInput for what cannot be looked into."""
    concerned = [name for name, task in plan.tasks.items() if _concerned(task.uses, task.with_)]
    if not concerned:
        return Sealed(plan, params)
    work = _Work(plan, params, seal)
    for name in concerned:
        work.task(name)
    if not work.values:
        return Sealed(plan, params)
    names = work.repeats()
    said = {
        "name": _named(plan.name, work.values.values()),
        "description": plan.description and Masker(work.values).mask(plan.description),
    }
    changed = plan.model_copy(update={**said, "params": work.defaults, "tasks": work.tasks})
    return Sealed(changed, work.given, work.values, names)


def _named(name: str, values: Iterable[str]) -> str:
    """A plan's name, which a planner makes of the words of a request, cut to a length: without a secret in them."""
    for value in values:
        if len(value) >= SHORTEST:
            name = name.replace(value, "secret")
        slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        ends = (slug[:length] for length in range(len(slug) - 1, SHORTEST - 1, -1) if name.endswith(slug[:length]))
        part = slug if slug in name else next(ends, "")
        if len(part) >= SHORTEST:
            name = name.replace(part, "secret")
    return name


def opened(plan: Plan) -> Plan:
    """A plan that was sealed here with its values in clear again, for an installation that may have another key."""
    tasks = {
        name: task.model_copy(update={"with_": unsealed(task.with_), "for_each": unsealed(task.for_each)})
        for name, task in plan.tasks.items()
    }
    return plan.model_copy(update={"params": unsealed(plan.params), "tasks": tasks})


class _Work:
    """The sealing of one plan."""

    def __init__(self, plan: Plan, params: Mapping[str, Any], seal: Callable[[], Seal]) -> None:
        self.defaults, self.given = dict(plan.params), dict(params)
        self.tasks = dict(plan.tasks)
        self.values: dict[str, str] = {}
        self._seal = seal
        self._items: Any = None
        self._data = False  # what is looked at now is a value, in which nothing is an expression

    def task(self, name: str) -> None:
        task = self.tasks[name]
        self._items = task.for_each
        inputs = dict(registry.operation(task.uses).sealed(task.with_, self))
        if inputs != task.with_ or self._items != task.for_each:
            self.tasks[name] = task.model_copy(update={"with_": inputs, "for_each": self._items})

    def repeats(self) -> int:
        """Seal in every other place what was sealed in one; tells how many values name something, and stay there."""
        tasks = [(task.with_, task.for_each) for task in self.tasks.values()]
        wanted = {value for reference in self.values for value in self._forms(reference)}
        found = Repeats(wanted, lambda text: self._token(text, False, False), tasks)
        self.defaults = found.sealed(self.defaults, template=False)
        self.given = found.sealed(self.given, template=False)
        hide = Masker(self.values).mask
        for name, task in self.tasks.items():
            fields = {
                "with_": found.sealed(task.with_),
                "for_each": found.sealed(task.for_each),
                "if_": found.condition(task.if_),
                "locks": tuple(map(found.sealed, task.locks)),
                "name": task.name and hide(task.name),
            }
            if any(getattr(task, field) != value for field, value in fields.items()):
                self.tasks[name] = Task(**{**dict(task), **fields})
        return len(found.names)

    def _forms(self, reference: str) -> Iterator[str]:
        """What was sealed, and what it is the base64 of."""
        yield self.values[reference]
        if opened := self._seal().open(reference.removeprefix(PREFIX)):
            yield from opened.within.values()

    # --- what the operation calls ------------------------------------------------------------------------------------

    def value(self, text: str, *, base64: bool = False, quoted: bool = False) -> str:
        if not text or "secret://" in text:
            return text
        if self._data or "${{" not in text:
            return self._token(text, base64, quoted)
        pieces = expressions.split(text)
        literal = [piece for piece in pieces if isinstance(piece, str)]
        if len(literal) == len(pieces):
            return self._token("".join(literal), base64, quoted)
        if found := secrets_in(text):  # a password beside an expression: only it is hidden
            # All at once: a short one may stand within the token of another.
            return re.sub("|".join(map(re.escape, found)), lambda match: self._token(match[0], False, False), text)
        self.follow(text, lambda value: self._each(value, base64))
        return text

    def follow(self, text: str, change: Change) -> None:
        if "${{" not in text or self._data:
            return
        self._data = True
        try:
            for node in expressions.expressions(text):
                for path in expressions.paths(node):
                    self._along(path, change)
        finally:
            self._data = False

    # --- where it comes from ------------------------------------------------------------------------------------------

    def _along(self, path: tuple[str, ...], change: Change) -> None:
        root, *rest = path
        if root == "params" and rest:
            for params in (self.defaults, self.given):
                if rest[0] in params:
                    params[rest[0]] = _at(params[rest[0]], rest[1:], change)
        elif root == "item" and isinstance(self._items, list):
            self._items = [_at(item, rest, change) for item in self._items]
        elif root == "item" and isinstance(self._items, str):
            for source in _paths(self._items):
                if source[0] == "params":
                    self._along(source, lambda found: _of_items(found, rest, change))

    def _each(self, value: Any, base64: bool) -> Any:
        """Every text of a value."""
        if isinstance(value, str):
            return self.value(value, base64=base64)
        if isinstance(value, Mapping):
            return {key: self._each(item, base64) for key, item in value.items()}
        return [self._each(item, base64) for item in value] if isinstance(value, list) else value

    def _token(self, text: str, base64: bool, quoted: bool) -> str:
        reference = self._seal().seal(text, base64=base64, quoted=quoted)
        self.values[reference] = text
        return reference


def _paths(text: str) -> Iterator[tuple[str, ...]]:
    for node in expressions.expressions(text):
        yield from expressions.paths(node)


def _at(value: Any, path: Sequence[str], change: Change) -> Any:
    """``value`` changed at ``path``, or the whole of it where the path ends early."""
    if not path:
        return change(value)
    key, *rest = path
    if isinstance(value, Mapping) and key in value:
        return {**value, key: _at(value[key], rest, change)}
    if isinstance(value, list) and key.isdigit() and int(key) < len(value):
        return [_at(item, rest, change) if number == int(key) else item for number, item in enumerate(value)]
    return value


def _of_items(found: Any, path: Sequence[str], change: Change) -> Any:
    """What ``for_each`` goes over: a list, or an object as ``{key, value}`` pairs."""
    if isinstance(found, list):
        return [_at(item, path, change) for item in found]
    if isinstance(found, Mapping) and path and path[0] == "value":
        return {key: _at(item, path[1:], change) for key, item in found.items()}
    return found
