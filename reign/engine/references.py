"""What depends on what among the recorded resources: by what their observations name, and by the results that the
tasks which made them read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reign.core.errors import NotFound
from reign.core.plan import Task
from reign.core.resource import Observation
from reign.executor import registry
from reign.store import history
from reign.store.database import Transaction
from reign.store.history import ResourceRecord

#: Where a file is what its name begins with is a folder: whoever is made with that is made with the file.
_FILE = "bash:file/"


@dataclass(frozen=True, slots=True)
class Reference:
    """``dependent`` needs ``needs``; ``why`` in words."""

    dependent: str
    needs: str
    why: str


def references(tx: Transaction, records: Sequence[ResourceRecord]) -> list[Reference]:
    """All references between recorded resources of one environment."""
    known = {record.address: record for record in records}
    found = [*named(known), *_read(tx, records)]
    unique = {(item.dependent, item.needs): item for item in reversed(found)}
    return sorted(unique.values(), key=lambda item: (item.needs, item.dependent))


def named(known: Mapping[str, ResourceRecord]) -> Iterator[Reference]:
    """References by what was seen of these resources (by address): what an agent says of them, and what they name."""
    files = [address for address in known if address.startswith(_FILE)]
    for record in known.values():
        seen = record.observation
        for address in named_by(seen):
            if address in known and address != record.address:
                yield Reference(record.address, address, "it is made with it")
            if address.startswith(_FILE):
                for within in files:
                    if within.startswith(f"{address}/"):
                        yield Reference(record.address, within, "it is made with the folder that holds it")
        for text in _texts(seen.state):
            if text in known and text != record.address:
                yield Reference(record.address, text, "what was seen of it names it")


def named_by(seen: Observation) -> Sequence[str]:
    """What the agent of a resource says that it leans on; nothing if that agent is not installed any more."""
    try:
        return registry.agent(seen.resource.partition(":")[0]).refers(seen)
    except NotFound:
        return ()


def lies_in(address: str) -> str | None:
    """The address of what a resource lies in and is gone with, as its agent says."""
    try:
        return registry.agent(address.partition(":")[0]).lies_in(address)
    except NotFound:
        return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _read(tx: Transaction, records: Sequence[ResourceRecord]) -> Iterator[Reference]:
    """A task that read the result of another: what it made needs what that one made. What an undo or a repair brought
    back counts as made by the task that it is about."""
    specs = history.specs(tx, {record.task_id for record in records})
    makers: dict[tuple[str, str], Task] = {}
    made: dict[tuple[str, str], list[str]] = {}
    for record in records:
        run, name, task = record.run, record.task, Task.model_validate(specs[record.task_id])
        if task.original is not None and (found := history.of_task(tx, run, name)):
            first = history.first(tx, found)
            run, name, task = first.run, first.name, first.spec
        makers[run, name] = task
        for known in dict.fromkeys((name, name.partition("[")[0])):  # an item of a for_each stands for the whole too
            made.setdefault((run, known), []).append(record.address)
    for (run, name), task in makers.items():
        for other in {path[1] for path in task.references() if path[0] == "tasks" and len(path) > 1}:
            for needs in made.get((run, other), ()):
                for dependent in made[run, name]:
                    if needs != dependent:
                        yield Reference(dependent, needs, f"task {name} of {run} read {other}'s result")


def blast(tx: Transaction, environment: str, address: str) -> list[dict[str, Any]]:
    """What depends on a resource, directly or through others, nearest first: ``{address, needs, why, distance}``."""
    records = history.listing(tx, environment)
    found: list[dict[str, Any]] = []
    seen = {address}
    level = [address]
    by_need: dict[str, list[Reference]] = {}
    for reference in references(tx, records):
        by_need.setdefault(reference.needs, []).append(reference)
    distance = 0
    while level:
        distance += 1
        following = []
        for needs in level:
            for reference in by_need.get(needs, ()):
                if reference.dependent not in seen:
                    seen.add(reference.dependent)
                    following.append(reference.dependent)
                    found.append(
                        {"address": reference.dependent, "needs": needs, "why": reference.why, "distance": distance}
                    )
        level = following
    return found
