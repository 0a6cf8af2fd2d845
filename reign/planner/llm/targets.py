"""Targets that must exist: a model may name what the request says, what is recorded, or what the plan itself makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from reign.core import dag
from reign.core.catalog import Catalog, Effect
from reign.core.errors import nearest
from reign.core.expressions import has_expression
from reign.core.lexicon import Kind, Phrase
from reign.core.plan import Plan, Task

_NAMES = frozenset({Kind.NAME, Kind.REF, Kind.NUMBER, Kind.REPO})
_PATHS = frozenset({Kind.PATH})
_HERE = frozenset({".", "./", ""})


def invented(plan: Plan, catalog: Catalog, request: str, resources: Sequence[str]) -> Iterator[str]:
    """A sentence for each input that names something existing of which nobody has heard.

    Which inputs those are comes from the operations' own words: a slot that names a thing which its operation does not
    make.
    """
    recorded = {part for address in resources for part in re.split(r"[:/@]", address) if part} | set(resources)
    for task_id, task in plan.tasks.items():
        before = [plan.tasks[name] for name in dag.descendants(task_id, plan.needs)]
        for name, kind, things in _existing(task, catalog):
            value = task.with_.get(name)
            if not isinstance(value, str | int) or isinstance(value, bool) or has_expression(value):
                continue
            text = str(value)
            if _said(text, kind, request) or text in recorded or any(_makes(other, text, catalog) for other in before):
                continue
            if any(_brings_more(other, task) for other in before):
                continue
            close = nearest(text, recorded) if recorded else None
            hint = f"; recorded is {close!r}" if close else ""
            yield (
                f"tasks.{task_id}.with.{name}: {text!r} is a {things[0]} that neither the request names nor the state "
                f"records nor an earlier task makes{hint}; take one of those, or ask_back"
            )


def unnamed(task: Task, catalog: Catalog, request: str) -> str | None:
    """A thing that the task changes and that the request itself does not name: it comes from data. Else None."""
    for name, kind, _ in _existing(task, catalog):
        value = task.with_.get(name)
        if isinstance(value, str | int) and not has_expression(value) and not _said(str(value), kind, request):
            return str(value)
    return None


def _existing(task: Task, catalog: Catalog) -> Iterator[tuple[str, Kind, tuple[str, ...]]]:
    """The inputs of a task that name something which should be there already."""
    spec = catalog[task.uses]
    phrases = [phrase for phrase in spec.phrases if isinstance(phrase, Phrase)]
    made = {given.value for phrase in phrases for given in phrase.gives if given.made}
    seen: set[str] = set()
    for phrase in phrases:
        for slot in phrase.slots:
            names = slot.kind in _NAMES or (slot.kind in _PATHS and spec.effect is not Effect.READ)
            one = len(slot.inputs) == 1 and slot.inputs[0] not in seen
            if slot.things and slot.required and names and one and f"{{{slot.inputs[0]}}}" not in made:
                seen.add(slot.inputs[0])
                yield slot.inputs[0], slot.kind, slot.things


def _said(text: str, kind: Kind, request: str) -> bool:
    """Whether the request has the name, as a word of its own; of a path one of its folders is enough."""
    if kind in _PATHS:
        parts = [part for part in text.split("/") if part not in _HERE and part != ".."]
        return not parts or _word(text.rstrip("/"), request) or any(_word(part, request) for part in parts)
    return _word(text, request)


def _word(text: str, request: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(text)}(?![\w])", request, re.IGNORECASE) is not None


def _makes(task: Task, text: str, catalog: Catalog) -> bool:
    """Whether an earlier task leaves something of that name behind."""
    spec = catalog[task.uses]
    gives = [given for phrase in spec.phrases if isinstance(phrase, Phrase) for given in phrase.gives if given.made]
    values: dict[str, Any] = {name: value for name, value in task.with_.items() if isinstance(value, str | int)}
    names = {str(values[g.value[1:-1]]) for g in gives if g.value.startswith("{") and g.value[1:-1] in values}
    return text in names or (spec.effect is Effect.CHANGE and text in {str(value) for value in values.values()})


def _brings_more(task: Task, later: Task) -> bool:
    """Manifests, charts, compose files and configurations make things whose names only they know."""
    whole = ("apply", "compose_up", "helm_install", "helm_upgrade", "put_files", "run", "script")
    return task.agent == later.agent and task.uses.partition(".")[2] in whole
