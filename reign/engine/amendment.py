"""A plan with repairs in it: what is added, what is changed, and the difference to the plan as it was.

Pure. What has succeeded is never touched; what is added stands before the task that needed it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from reign.core import dag, expressions
from reign.core.check import parse_plan
from reign.core.plan import Plan
from reign.core.resource import canonical, differences
from reign.executor import PortMoved, Proposal, Step


@dataclass(frozen=True)
class Difference:
    """One line of a diff: ``kind`` is added or changed; ``before`` is None where nothing stood."""

    task: str
    kind: str
    path: str
    before: Any
    after: Any

    def as_dict(self) -> dict[str, Any]:
        """``{task, kind, path, before, after}``; the path of an added task is empty, ``after`` is the task."""
        return {
            "task": self.task, "kind": self.kind, "path": self.path, "before": self.before, "after": self.after,
        }  # fmt: skip


@dataclass(frozen=True)
class Amendment:
    """The whole plan as it would be, and what is new in it."""

    plan: Plan
    added: tuple[str, ...]
    changed: tuple[str, ...]
    diff: tuple[Difference, ...]


def amend(plan: Plan, repairs: Mapping[str, Proposal], remaining: Collection[str]) -> Amendment:
    """``plan`` with the repairs of its failed tasks. Only tasks in ``remaining`` (which have not succeeded) change.

    Values of a proposal are data: an expression in them stays a text. Raises InvalidPlan if the outcome is no plan.
    """
    body = plan.as_file()
    old = {name: dict(task) for name, task in body["tasks"].items()}
    tasks: dict[str, dict[str, Any]] = {name: dict(task) for name, task in old.items()}
    params = dict(plan.params)
    after = dag.successors(plan.needs)
    before: dict[str, list[str]] = {}
    steps: dict[str, str] = {}  # what a step does -> its id, so that two tasks that need the same share it
    new: dict[str, dict[str, Any]] = {}
    for name, proposal in repairs.items():
        task = tasks[name]
        _change(task, proposal)
        for step in proposal.before:
            _place(step, name, task, {**tasks, **new}, steps, new, before)
        if proposal.moved:
            for other in [name, *(dag.descendants(name, after))]:
                if other in remaining and other in tasks:
                    moved = _moved(tasks[other].get("with", {}), proposal.moved)
                    tasks[other] = {**tasks[other], **({"with": moved} if moved else {})}
            params = {key: _moved_param(key, value, proposal.moved) for key, value in params.items()}
    ordered: dict[str, Any] = {}
    for name, task in tasks.items():
        for step_id in before.get(name, ()):
            ordered[step_id] = new[step_id]
        ordered[name] = task
    return compared(plan, parse_plan({**body, "tasks": ordered, **({"params": params} if params else {})}))


def compared(before: Plan, after: Plan) -> Amendment:
    """``after`` as an amendment of ``before``: what is new in it, and what is different."""
    old, new = before.as_file()["tasks"], after.as_file()["tasks"]
    added = tuple(name for name in new if name not in old)
    changed = tuple(name for name in old if canonical(old[name]) != canonical(new[name]))
    return Amendment(after, added, changed, tuple(_differences(old, new, before.params, after.params)))


def _change(task: dict[str, Any], proposal: Proposal) -> None:
    if proposal.instead is not None:
        task["uses"] = proposal.instead.uses
        task["with"] = expressions.escape(proposal.instead.with_)
    if proposal.inputs:
        task["with"] = {**task.get("with", {}), **expressions.escape(proposal.inputs)}
    if proposal.retry_attempts:
        task["retry"] = {**(task.get("retry") or {"delay": 2.0}), "attempts": proposal.retry_attempts}
    if proposal.timeout:
        task["timeout"] = proposal.timeout


def _place(
    step: Step,
    name: str,
    task: dict[str, Any],
    known: Mapping[str, Any],
    steps: dict[str, str],
    new: dict[str, dict[str, Any]],
    before: dict[str, list[str]],
) -> None:
    """Add a step before ``name``; the steps of a proposal come one after the other."""
    body = {"uses": step.uses, "with": expressions.escape(step.with_)}
    key = canonical(body)
    step_id = steps.get(key)
    if step_id is None:
        step_id = steps[key] = _free(step.id, known)
        own = before.setdefault(name, [])
        new[step_id] = {**body, **({"needs": [own[-1]]} if own else {})}
        own.append(step_id)
    task["needs"] = list(dict.fromkeys([*task.get("needs", ()), step_id]))


def _free(wish: str, known: Mapping[str, Any]) -> str:
    return wish if wish not in known else next(f"{wish}-{n}" for n in range(2, 10_000) if f"{wish}-{n}" not in known)


_HERE = r"(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\]|host\.docker\.internal)"


def _moved(value: Any, port: PortMoved, key: str = "") -> Any:
    """``value`` with references to a port of this machine following it: addresses in texts, and inputs named port."""
    if isinstance(value, Mapping):
        return {name: _moved(item, port, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(item, port, key) for item in value]
    if isinstance(value, str):
        if key in ("port", "host_port") and value == str(port.was):
            return str(port.now)
        return re.sub(rf"({_HERE}):{port.was}(?!\d)", rf"\g<1>:{port.now}", value)
    if isinstance(value, int) and not isinstance(value, bool) and key in ("port", "host_port") and value == port.was:
        return port.now
    return value


def _moved_param(name: str, value: Any, port: PortMoved) -> Any:
    if "port" not in name.lower() or isinstance(value, bool) or str(value) != str(port.was):
        return value
    return type(value)(port.now) if isinstance(value, int | str) else value


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], params: Mapping[str, Any], params_now: Mapping[str, Any]
) -> list[Difference]:
    found = []
    for name, task in new.items():
        if name not in old:
            found.append(Difference(name, "added", "", None, task))
        else:
            found += [Difference(name, "changed", path, was, now) for path, was, now in differences(old[name], task)]
    return found + [
        Difference("params", "changed", path, was, now)
        for path, was, now in differences(dict(params), dict(params_now))
    ]
