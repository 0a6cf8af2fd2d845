"""What a plan would do, out of ``show -json``: counts, each change with its reason, and a diff without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reign.core.resource import differences, digest
from reign.security.masking import Masker

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"
_SHOWN = 1000  # changes, and attributes of one, that are shown; the counts are of all
_SIGNS = {"create": "+", "update": "~", "replace": "-/+", "destroy": "-", "read": "<=", "import": "<-", "forget": "x"}
_REASONS = {
    "replace_because_cannot_update": "it cannot be changed in place",
    "replace_because_tainted": "its last creation did not come to an end (tainted)",
    "replace_by_request": "asked for",
    "replace_by_triggers": "what it depends on is replaced (replace_triggered_by)",
    "delete_because_no_resource_config": "it is no longer in the configuration",
    "delete_because_wrong_repetition": "count or for_each was added or taken away",
    "delete_because_count_index": "it is beyond `count`",
    "delete_because_each_key": "its key is no longer in `for_each`",
    "delete_because_no_module": "its module is no longer in the configuration",
    "delete_because_no_move_target": "it was moved to what is not in the configuration",
    "read_because_config_unknown": "what it depends on is known only after apply",
    "read_because_dependency_pending": "what it depends on changes",
}


class Counts(BaseModel):
    """As terraform counts: a replacement is one to add and one to destroy."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    add: int = 0
    change: int = 0
    destroy: int = 0
    replace: int = Field(0, description="how many of those are replacements")
    imports: int = Field(0, alias="import", description="existing objects taken into the state")

    def __str__(self) -> str:
        extra = f", {self.imports} to import" if self.imports else ""
        of = f" ({self.replace} by replacement)" if self.replace else ""
        return f"{self.add} to add, {self.change} to change, {self.destroy} to destroy{of}{extra}"

    @property
    def steps(self) -> int:
        """How many times terraform reports an object as done."""
        return self.add + self.change + self.destroy


class AttributeChange(BaseModel):
    model_config = ConfigDict(frozen=True)

    path: str
    before: Any = None
    after: Any = None


class ResourceChange(BaseModel):
    """What happens to one object or output, and why."""

    model_config = ConfigDict(frozen=True)

    address: str
    action: str = Field(description="create, update, replace, destroy, read, import or forget")
    reason: str | None = None
    attributes: list[AttributeChange] = Field(default_factory=list)


class PlanChanges(BaseModel):
    """All that a plan would change."""

    model_config = ConfigDict(frozen=True)

    counts: Counts
    resources: list[ResourceChange]
    outputs: list[ResourceChange]
    drift: list[ResourceChange]
    fingerprints: dict[str, str]  # address -> digest of action and unmasked target: what tells "the same change"

    @property
    def nothing(self) -> bool:
        return not self.resources and not self.outputs

    @property
    def destroyed(self) -> list[str]:
        return [change.address for change in self.resources if change.action in ("destroy", "replace")]

    def diff(self) -> str:
        """As text, one line for each object and each attribute."""
        lines = [line for change in self.resources[:_SHOWN] for line in _lines(change)]
        if len(self.resources) > _SHOWN:
            lines.append(f"... and {len(self.resources) - _SHOWN} more")
        if self.outputs:
            lines += ["outputs:", *(f"  {line}" for change in self.outputs for line in _lines(change))]
        if self.drift:
            lines += ["changed outside terraform:", *(f"  {line}" for change in self.drift for line in _lines(change))]
        return "\n".join([*lines, str(self.counts)])


def _lines(change: ResourceChange) -> Iterator[str]:
    why = f"  # {change.reason}" if change.reason else ""
    yield f"{_SIGNS.get(change.action, '?')} {change.address}{why}"
    for attribute in change.attributes:
        former = "" if change.action == "create" else f"{_shown(attribute.before)} -> "
        yield f"    {attribute.path}: {former}{_shown(attribute.after)}"


def _shown(value: Any) -> str:
    if value in (SENSITIVE, UNKNOWN):
        return str(value)
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 200 else text[:200] + "..."


def read(shown: Mapping[str, Any], masker: Masker) -> PlanChanges:
    """Out of the JSON of a saved plan; secrets in it become known to ``masker``."""
    learn(shown, masker)
    resources, fingerprints = [], {}
    add = change = destroy = replace = imports = 0
    for entry in shown.get("resource_changes", ()):
        action = _action(entry)
        if action is None:
            continue
        add += action in ("create", "replace")
        change += action == "update"
        destroy += action in ("destroy", "replace")
        replace += action == "replace"
        imports += bool(entry["change"].get("importing"))
        if action == "read" or entry.get("mode") == "data":
            continue
        made = _change(entry["address"], action, entry["change"], masker)
        reason = _REASONS.get(entry.get("action_reason", "")) or _moved(entry)
        paths = sorted({str(path[0]) for path in entry["change"].get("replace_paths", ()) if path})
        if paths and reason:
            reason += f": {', '.join(paths)}"
        resources.append(made.model_copy(update={"reason": reason}))
        fingerprints[entry["address"]] = digest([action, entry["change"].get("after")])
    outputs = [
        _change(name, action, entry, masker)
        for name, entry in sorted(shown.get("output_changes", {}).items())
        if (action := _action({"change": entry})) is not None
    ]
    drift = [
        _change(entry["address"], action, entry["change"], masker)
        for entry in shown.get("resource_drift", ())
        if (action := _action(entry)) is not None
    ]
    counts = Counts(add=add, change=change, destroy=destroy, replace=replace, imports=imports)
    return PlanChanges(counts=counts, resources=resources, outputs=outputs, drift=drift, fingerprints=fingerprints)


def _action(entry: Mapping[str, Any]) -> str | None:
    actions = list(entry["change"].get("actions", ()))
    if len(actions) == 2:
        return "forget" if "forget" in actions else "replace"
    if actions in ([], ["no-op"]):
        if entry["change"].get("importing"):
            return "import"
        return "update" if _moved(entry) else None
    return "destroy" if actions[0] == "delete" else str(actions[0])


def _moved(entry: Mapping[str, Any]) -> str | None:
    former = entry.get("previous_address")
    return f"moved from {former}" if former and former != entry.get("address") else None


def _change(address: str, action: str, change: Mapping[str, Any], masker: Masker) -> ResourceChange:
    before = masked(change.get("before"), change.get("before_sensitive"))
    after = _unknown(masked(change.get("after"), change.get("after_sensitive")), change.get("after_unknown"))
    if not isinstance(before, Mapping) and not isinstance(after, Mapping):
        found = [("value", before, after)]
    else:
        found = differences(before or {}, after or {})
    attributes = [
        AttributeChange(path=path or "value", before=masker.record(a), after=masker.record(b))
        for path, a, b in found
        if not (a is None and b is None)
    ]
    if action == "destroy":
        attributes = []  # all of them go
    secret = change.get("before_sensitive") or change.get("after_sensitive")
    if action == "update" and not attributes and secret:
        attributes = [AttributeChange(path="(a sensitive value)", before=SENSITIVE, after=SENSITIVE)]
    return ResourceChange(address=address, action=action, attributes=attributes[:_SHOWN])


def masked(value: Any, sensitive: Any) -> Any:
    """``value`` with ``(sensitive)`` wherever terraform's map of sensitive parts is true."""
    if sensitive is True:
        return None if value is None else SENSITIVE
    if isinstance(value, Mapping) and isinstance(sensitive, Mapping):
        return {key: masked(item, sensitive.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        pad: list[Any] = [None] * (len(value) - len(sensitive))
        return [masked(item, mark) for item, mark in zip(value, [*sensitive, *pad], strict=False)]
    return value


def _unknown(value: Any, unknown: Any) -> Any:
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, Mapping) and (isinstance(value, Mapping) or value is None):
        keys = [*(value or {}), *(key for key in unknown if key not in (value or {}))]
        return {key: _unknown((value or {}).get(key), unknown.get(key)) for key in keys} if keys else value
    if isinstance(unknown, list) and isinstance(value, list):
        pad = [None] * max(0, len(value) - len(unknown))
        return [_unknown(item, mark) for item, mark in zip(value, [*unknown, *pad], strict=False)]
    return value


def learn(shown: Mapping[str, Any], masker: Masker) -> None:
    """Tell the masker every sensitive value in a plan's or state's JSON, so that no log line can hold one."""
    declared = shown.get("configuration", {}).get("root_module", {}).get("variables", {})
    for name, variable in shown.get("variables", {}).items():
        if declared.get(name, {}).get("sensitive"):
            _learn(variable.get("value"), True, masker)
    for entry in [*shown.get("resource_changes", ()), *shown.get("resource_drift", ())]:
        _learn_change(entry["change"], masker)
    for entry in shown.get("output_changes", {}).values():
        _learn_change(entry, masker)
    for part in ("values", "planned_values"):
        learn_values(shown.get(part) or {}, masker)
    learn_values((shown.get("prior_state") or {}).get("values") or {}, masker)


def _learn_change(change: Mapping[str, Any], masker: Masker) -> None:
    for side in ("before", "after"):
        _learn(change.get(side), change.get(f"{side}_sensitive"), masker)


def learn_values(values: Mapping[str, Any], masker: Masker) -> None:
    """The same for the ``values`` part of ``show -json``."""
    for output in values.get("outputs", {}).values():
        _learn(output.get("value"), output.get("sensitive"), masker)
    for resource in resources_of(values.get("root_module") or {}):
        _learn(resource.get("values"), resource.get("sensitive_values"), masker)


def resources_of(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resources of a module and of those below it."""
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from resources_of(child)


def _learn(value: Any, sensitive: Any, masker: Masker) -> None:
    if sensitive is True:
        for text in _texts(value):
            masker.add("", text)
    elif isinstance(value, Mapping) and isinstance(sensitive, Mapping):
        for key, item in value.items():
            _learn(item, sensitive.get(key), masker)
    elif isinstance(value, list) and isinstance(sensitive, list):
        for item, mark in zip(value, sensitive, strict=False):
            _learn(item, mark, masker)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def rest_of(shown: Mapping[str, str], planned: PlanChanges) -> Sequence[str]:
    """Addresses that ``planned`` would change otherwise than was shown (``fingerprints`` of the shown plan).

    What was cut off while it was made is tainted and comes as a replacement where a creation was shown.
    """
    tainted = {c.address for c in planned.resources if c.reason == _REASONS["replace_because_tainted"]}
    return [
        address
        for address, mark in planned.fingerprints.items()
        if shown.get(address) != mark and not (address in shown and address in tainted)
    ]
