"""Checks that are put before risky operations on their own: secrets before a build, a linter before what it reads.

Which operation is gated by which check is data; a plan that already makes the check before the operation is left as
it is. Pure, and the same plan gives the same gates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from reign.core import dag
from reign.core.catalog import Catalog
from reign.core.expressions import expressions, has_expression, paths
from reign.core.plan import Plan, Task

#: How a gate's title begins, by which the UI and people tell it from what was asked for.
TITLE = "Gate"
Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Gate:
    """A check before an operation: ``inputs`` makes the check's inputs out of the operation's, None: not this time."""

    check: str
    prefix: str
    title: str
    inputs: Callable[[Inputs], dict[str, Any] | None]
    subject: tuple[str, ...] = ("path", "text")  # inputs of the check by which two checks look at the same thing
    needless: Callable[[Plan, str], bool] = lambda plan, task_id: False  # what else in the plan does its work


def _context(given: Inputs) -> dict[str, Any] | None:
    if not _is_local(given.get("context")):
        return None
    # What goes into an image is what .dockerignore lets through, whatever git ignores.
    return {"path": given["context"], "ignore_files": [".dockerignore"], "fail_on": "high"}


def _dockerfile(given: Inputs) -> dict[str, Any] | None:
    context, file = given.get("context"), given.get("dockerfile")
    if not _is_local(context) or not isinstance(file, str | None):
        return None
    if file is None:
        return {"path": context, "recursive": False}
    # As docker.build finds it: in the context, unless it is told from where.
    return {"path": file if file.startswith(("/", "~", "./", "../")) else f"{str(context).rstrip('/')}/{file}"}


def _manifest(given: Inputs) -> dict[str, Any] | None:
    manifest = given.get("manifest")
    about = {name: given[name] for name in ("context", "namespace") if given.get(name) is not None}
    if isinstance(manifest, Mapping | list):
        return {"text": _as_yaml(manifest), **about}
    if not isinstance(manifest, str) or "://" in manifest.partition("\n")[0]:
        return None
    if "\n" in manifest or manifest.lstrip().startswith(("{", "apiVersion:", "---")):
        return {"text": manifest, **about}
    # An expression alone may stand for a path or a text: that is known too late.
    return None if has_expression(manifest) and not _looks_like_path(manifest) else {"path": manifest, **about}


def _script(given: Inputs) -> dict[str, Any] | None:
    script, shell = given.get("script"), given.get("shell")
    if not isinstance(script, str) or shell == "pwsh":
        return None
    about = {"shell": shell} if shell in ("bash", "sh") else {}
    if "\n" in script or script.startswith("#!"):
        return {"text": script, **about}
    if has_expression(script) and not _looks_like_path(script):
        return None
    return {"path": script, **about} if _looks_like_path(script) else {"text": script, **about}


def _workflow(given: Inputs) -> dict[str, Any] | None:
    content, name = given.get("content"), given.get("name")
    if not isinstance(content, str):
        return None
    return {"text": content, "filename": name if isinstance(name, str) else "workflow.yml"}


def _image(given: Inputs) -> dict[str, Any] | None:
    image = given.get("image")
    return {"image": image, "fail_on": "high"} if isinstance(image, str) else None


def _compose_contexts(given: Inputs) -> dict[str, Any] | None:
    file = given.get("file")
    if not isinstance(file, str):
        return None
    return {"path": file, "builds": True, "ignore_files": [".dockerignore"], "fail_on": "high"}


def _compose_dockerfiles(given: Inputs) -> dict[str, Any] | None:
    file = given.get("file")
    return {"path": file, "builds": True} if isinstance(file, str) else None


def _is_known(plan: Plan, task_id: str) -> bool:
    """Whether the plan scans what a push sends: builds it from a folder, or looks for secrets on its own before."""
    before = _before(plan, task_id)
    scans = any(plan.tasks[other].uses == "validation.scan_secrets" for other in before)
    return scans or _is_built(plan, plan.tasks[task_id].with_.get("image"), before)


def _is_built(plan: Plan, image: Any, before: AbstractSet[str]) -> bool:
    """Whether an image, under whatever tags, comes from a folder that the plan builds."""
    named = {path[1] for node in expressions(image) for path in paths(node) if path[0] == "tasks" and len(path) > 1}
    for other in before:
        task = plan.tasks[other]
        made = task.with_.get("tag" if task.uses == "docker.build" else "target")
        if other not in named and (not isinstance(made, str) or _tagged(made) != _tagged(str(image))):
            continue
        if task.uses == "docker.build" and _is_local(task.with_.get("context")):
            return True
        if task.uses == "docker.tag" and _is_built(plan, task.with_.get("image"), before - {other}):
            return True
    return False


def _tagged(image: str) -> str:
    """With the tag that counts where none is given."""
    return image if {":", "@"} & set(image.rpartition("/")[2]) else f"{image}:latest"


def _before(plan: Plan, task_id: str) -> set[str]:
    """The tasks that one needs, and those that these need."""
    return dag.descendants(task_id, plan.needs)


_SECRETS = Gate("validation.scan_secrets", "scan", "no secrets in the build context", _context)
#: operation -> the checks before it.
GATES: Mapping[str, tuple[Gate, ...]] = {
    "docker.build": (
        _SECRETS,
        Gate("validation.dockerfile", "lint", "Dockerfile", _dockerfile),
    ),
    "docker.push": (Gate("validation.scan_secrets", "scan", "no secrets in the image", _image, needless=_is_known),),
    # Compose builds what is not there yet, asked or not.
    "docker.compose_up": (
        Gate("validation.scan_secrets", "scan", "no secrets in what is built", _compose_contexts),
        Gate("validation.dockerfile", "lint", "Dockerfiles of what is built", _compose_dockerfiles),
    ),
    "kubernetes.apply": (Gate("validation.manifest", "check", "manifest", _manifest),),
    "bash.script": (Gate("validation.script", "lint", "script", _script),),
    "github.put_workflow": (Gate("validation.workflow", "check", "workflow", _workflow),),
}


def add_gates(plan: Plan, catalog: Catalog, gates: Mapping[str, tuple[Gate, ...]] = GATES) -> Plan:
    """The plan with a check before each risky task that has none, which that task then needs.

    A gate is named after its task (``scan-build`` before ``build``), needs what the task needs, and has a title that
    begins with "Gate". It runs under the same ``if`` and for each of the same items. Left alone: a task whose input may
    be a path or a text, depending on an expression, and one before which the plan already checks the same thing. What
    the plan builds from a folder is scanned there, before the build; any other image before its push.
    """
    tasks: dict[str, Task] = {}
    changed = False
    for task_id, task in plan.tasks.items():
        added = []
        for gate in gates.get(task.uses, ()):
            inputs = _gate_inputs(gate, task, catalog)
            if inputs is None or _is_checked(plan, task_id, gate, inputs) or gate.needless(plan, task_id):
                continue
            name = _free_name(f"{gate.prefix}-{task_id}", plan, tasks)
            title = f"{TITLE}: {gate.title} for {task_id}"
            given = {"uses": gate.check, "with": inputs, "needs": task.needs, "name": title}
            tasks[name] = Task.model_validate(given | {"if": task.if_, "for_each": task.for_each})
            added.append(name)
        changed = changed or bool(added)
        tasks[task_id] = task.model_copy(update={"needs": (*task.needs, *added)}) if added else task
    return plan.model_copy(update={"tasks": tasks}) if changed else plan


def is_gate(task: Task) -> bool:
    """Whether a task was put there by :func:`add_gates`."""
    return task.uses.startswith("validation.") and (task.name or "").startswith(f"{TITLE}: ")


def _gate_inputs(gate: Gate, task: Task, catalog: Catalog) -> dict[str, Any] | None:
    if gate.check not in catalog or task.original is not None:
        return None
    return gate.inputs(task.with_)


def _is_checked(plan: Plan, task_id: str, gate: Gate, inputs: Inputs) -> bool:
    """Whether a task that this one waits for already makes that check, of that or something that holds it."""
    for other in _before(plan, task_id):
        task = plan.tasks[other]
        if task.uses == gate.check and any(_covers(task.with_.get(key), inputs.get(key)) for key in gate.subject):
            return True
    return False


def _covers(checked: Any, wanted: Any) -> bool:
    if checked is None or wanted is None:
        return False
    if checked == wanted:
        return True
    whole, part = PurePosixPath(str(checked)), PurePosixPath(str(wanted))
    return "\n" not in str(wanted) and (whole in (part, part / "Dockerfile") or whole in part.parents)


def _free_name(wanted: str, plan: Plan, tasks: Mapping[str, Task]) -> str:
    name, number = wanted[:60], 2
    while name in plan.tasks or name in tasks:
        name, number = f"{wanted[:57]}-{number}", number + 1
    return name


def _is_local(path: Any) -> bool:
    """A path on the worker, not the address of a repository."""
    return isinstance(path, str) and "://" not in path and not path.startswith("git@")


def _looks_like_path(text: str) -> bool:
    known = re.sub(r"\$\{\{.*?\}\}", "", text.strip())
    return not re.search(r"[\s;|&]", known) and ("/" in known or "." in known)


def _as_yaml(manifest: Any) -> str:
    """An object, or a list of objects, as a manifest's text; expressions in it stay what they are."""
    documents = manifest if isinstance(manifest, list) else [manifest]
    return "---\n".join(json.dumps(document, indent=2, default=str) + "\n" for document in documents)
