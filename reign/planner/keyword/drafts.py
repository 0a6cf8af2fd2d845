"""Tasks in the making: the inputs that a match gives, one task for each item of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from reign.core import expressions
from reign.core.lexicon import Kind, Slot
from reign.core.plan import slug
from reign.planner.keyword import values
from reign.planner.keyword.discourse import ASIDE, MADE, OBJECT, Entity
from reign.planner.keyword.frame import Fill, Match
from reign.planner.keyword.vocabulary import Entry

#: Where a container listens if neither the request nor the image's name tells.
USUAL_PORT = 80
_HTTP, _HTTPS = 80, 443  # RFC 9110
_PAIRING = frozenset({"respectively"})
_COMPARED = 10  # drafts of one verb that are held against each other


@dataclass
class Draft:
    """A task before its place in the plan is known."""

    id: str
    uses: str
    inputs: dict[str, Any]
    entry: Entry
    links: list[str] = field(default_factory=list)  # drafts whose things it uses
    options: dict[str, Any] = field(default_factory=dict)  # timeout, retry, approval, if
    unsaid: set[str] = field(default_factory=set)  # inputs that nobody said: defaults that may give way
    assumed: list[str] = field(default_factory=list)  # what a person should know was guessed


class Ids:
    """Task ids: the operation's verb, then the main name, then a number, until it is new."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, uses: str, main: Any) -> str:
        verb = uses.partition(".")[2].replace("_", "-")
        name = slug(values.basename(str(main)), 30) if main is not None else ""
        tries = [verb, f"{verb}-{name}"] if name else [verb]
        found = next((t for t in tries if t not in self.taken), None)
        number = 2
        while found is None:
            candidate = f"{tries[-1]}-{number}"
            found = None if candidate in self.taken else candidate
            number += 1
        self.taken.add(found)
        return found


def drafts(match: Match, ids: Ids) -> list[Draft]:
    """One draft for each item of a list that stands in a slot for one value."""
    lists = _lists(match)
    across = _across(match, lists)
    count = max((len(lists[i].values) for i in lists if i != across), default=1)
    places = len(lists[across].values) if across is not None else 1
    result = []
    for number in range(count):
        for place in range(places):
            picked = {i: number if i in lists and len(f.values) == count else 0 for i, f in match.fills.items()}
            if across is not None:
                picked[across] = place
            result.append(_draft(match, picked, ids))
    return result


def uneven(match: Match) -> bool:
    """Whether two lists of different lengths leave open which item goes with which."""
    lists = _lists(match)
    across = _across(match, lists)
    return len({len(fill.values) for i, fill in lists.items() if i != across}) > 1


def twofold(match: Match) -> str | None:
    """The setting to which one clause gives two values: ``plan ./x with size=1 and with SIZE=2``."""
    for index, fill in match.fills.items():
        if match.entry.slots[index].kind in (Kind.PAIRS, Kind.SETTINGS):
            said: dict[str, str] = {}
            for key, text in fill.values:
                if said.setdefault(key, text) != text:
                    return str(key)
    return None


def _lists(match: Match) -> dict[int, Fill]:
    """The slots for one value in which several stand."""
    return {i: f for i, f in match.fills.items() if len(f.values) > 1 and not _gathers(match.entry.slots[i])}


def _across(match: Match, lists: Mapping[int, Fill]) -> int | None:
    """``restart api and web in namespaces US AND EU``: a list of places, each of which holds for each of the things."""
    slots = match.entry.slots
    places = [i for i in lists if slots[i].scope and not slots[i].bare]
    paired = any(token.word in _PAIRING for token in match.clause.tokens)
    several = any(slots[i].bare for i in lists)
    return places[0] if len(places) == 1 and several and not paired else None


def _gathers(slot: Slot) -> bool:
    return slot.many or slot.kind in (Kind.PUBLISH, Kind.PAIRS, Kind.SETTINGS, Kind.MOUNT, Kind.INNER, Kind.ARGUMENTS)


def _draft(match: Match, picked: Mapping[int, int], ids: Ids) -> Draft:
    entry = match.entry
    inputs: dict[str, Any] = dict(entry.phrase.sets)
    draft = Draft("", entry.operation, inputs, entry)
    for index in sorted(match.fills):
        slot, fill = entry.slots[index], match.fills[index]
        if str(slot.input).startswith("@"):
            _option(draft, slot, fill)
        elif slot.kind is not Kind.INNER:
            _put(draft, slot, fill, picked[index])
    for index, fill in match.fills.items():
        for entity in [fill.entities[picked[index]]] if not _gathers(entry.slots[index]) else fill.entities:
            _inherit(draft, entity, entry.slots[index])
    _inner(draft, match)
    _complete(draft, entry)
    main = next((inputs.get(slot.inputs[-1]) for slot in entry.slots if slot.bare and slot.inputs[-1] in inputs), None)
    draft.id = ids.new(entry.operation, main)
    return draft


def _put(draft: Draft, slot: Slot, fill: Fill, number: int) -> None:
    """Writes a slot's value into the inputs, in the shape of its kind."""
    inputs = draft.inputs
    if slot.kind is Kind.PUBLISH:
        ports = inputs.setdefault(slot.inputs[0], {})
        for host, inside in fill.values:
            ports[str(host)] = inside
    elif slot.kind is Kind.PAIRS:
        inputs.setdefault(slot.inputs[0], {}).update({key: expressions.escape(text) for key, text in fill.values})
    elif slot.kind is Kind.SETTINGS:
        for key, text in fill.values:
            _merge(inputs.setdefault(slot.inputs[0], {}), values.nested(key, values.typed(expressions.escape(text))))
    elif slot.many or slot.kind in (Kind.MOUNT, Kind.ARGUMENTS):
        said = [_said(value, entity) for value, entity in zip(fill.values, fill.entities, strict=True)]
        inputs[slot.inputs[0]] = [*inputs.get(slot.inputs[0], ()), *said]
    elif len(slot.inputs) > 1:
        value = fill.values[number]
        parts = value.split("/") if isinstance(value, str) else value
        inputs.update(zip(slot.inputs, map(expressions.escape, parts), strict=True))
    else:
        value = _said(fill.values[number], fill.entities[number])
        if slot.kind is Kind.URL and isinstance(value, int):
            value = f"http://127.0.0.1:{value}/"
        elif slot.form != "{}":
            value = slot.form.format(value, **{name: item for name, item in inputs.items() if name.isidentifier()})
        _set(inputs, slot.inputs[0], value)


def _said(value: Any, entity: Entity | None) -> Any:
    """Text of the request is never an expression; what an earlier task gives may be one."""
    return value if entity is not None and entity.value == value else expressions.escape(value)


def _set(inputs: dict[str, Any], name: str, value: Any) -> None:
    first, dot, rest = name.partition(".")
    if dot:
        inputs.setdefault(first, {})[rest] = value
    else:
        inputs[name] = value


def _get(inputs: Mapping[str, Any], name: str) -> Any:
    first, dot, rest = name.partition(".")
    value = inputs.get(first)
    return value.get(rest) if dot and isinstance(value, Mapping) else value


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _option(draft: Draft, slot: Slot, fill: Fill) -> None:
    value = fill.values[0]
    if slot.input == "@timeout":
        draft.options["timeout"] = value
    elif slot.input == "@approval":
        draft.options["approval"] = value
    elif slot.input == "@retries":
        draft.options["retry"] = {"attempts": min(max(value, 0) + 1, 100)}
    elif slot.input == "@attempts":
        draft.options["retry"] = {"attempts": min(max(value, 1), 100)}


def _inherit(draft: Draft, entity: Entity | None, slot: Slot) -> None:
    """What is known of a thing goes with it: its namespace, its repository, and the task that it must wait for.

    To work in the same place is no reason to wait, unless the place is yet to be made.
    """
    if entity is None:
        return
    waits = slot.bare or not slot.scope or entity.salience == MADE
    if waits and entity.task and entity.task not in draft.links:
        draft.links.append(entity.task)
    for name, value in entity.where.items():
        if name in draft.entry.inputs and value is not None:
            draft.inputs.setdefault(name, value)


def _inner(draft: Draft, match: Match) -> None:
    """The far sides of published ports and mounts, said or assumed."""
    entry, inputs = match.entry, draft.inputs
    far = {
        match.entry.slots[i].inputs[0]: f.values for i, f in match.fills.items() if entry.slots[i].kind is Kind.INNER
    }
    for slot in entry.slots:
        name = slot.inputs[0]
        if slot.kind is Kind.PUBLISH and name in inputs:
            said = list(far.get(name, ()))
            several = len(inputs[name]) > 1
            for host, inside in list(inputs[name].items()):
                if inside is None:
                    inputs[name][host] = said.pop(0) if said else _inside(slot, draft, host, several)
        elif slot.kind is Kind.MOUNT and name in inputs:
            said = list(far.get(name, ()))
            inputs[name] = [m if ":" in m else f"{m}:{said.pop(0)}" if said else m for m in inputs[name]]


def _inside(slot: Slot, draft: Draft, host: str, several: bool) -> int:
    """The container's port behind one of the host. Of several, one leads to the image's own, the rest to themselves."""
    image = values.basename(str(draft.inputs.get("image", "")))
    known = slot.inside.get(image)
    port = host.rpartition(":")[2]
    if several and port.isdigit():
        if known is None:
            draft.assumed.append(f"port {port} leads to port {port} of {image or 'the container'}")
        return _inside_of_several(draft.inputs[slot.inputs[0]], known, port)
    if known is None:
        hint = f"say 'port {port}:{port}' if it is another"
        draft.assumed.append(f"port {port} leads to port {USUAL_PORT} of {image or 'the container'}; {hint}")
    return known or USUAL_PORT


def _inside_of_several(ports: Mapping[str, int | None], known: int | None, port: str) -> int:
    """``on ports 8080 and 8443``: one leads to the image's own port, those of HTTPS to 443, others to themselves."""
    if known == _HTTP and port.endswith(str(_HTTPS)):
        return _HTTPS
    own = {inside for inside in ports.values() if inside is not None}
    own |= {int(last) for name in ports if (last := name.rpartition(":")[2]).isdigit() and int(last) == known}
    return int(port) if known is None or known in own else known


def _complete(draft: Draft, entry: Entry) -> None:
    """Defaults, and names taken from other inputs, where nothing was said."""
    for slot in entry.slots:
        name = slot.inputs[0]
        if len(slot.inputs) > 1 or name.startswith("@") or _get(draft.inputs, name) is not None:
            continue
        if slot.default is not None:
            _set(draft.inputs, name, slot.default)
            draft.unsaid.add(name)
            draft.assumed.append(f"{name} is {slot.default!r}, as nothing else was said")
        elif slot.taken is not None and (source := draft.inputs.get(slot.taken.input)) is not None:
            value = str(source)
            if slot.taken.basename or slot.taken.folder:
                value = values.basename(value) if slot.taken.basename else values.folder_name(value)
                if value.strip("."):
                    draft.assumed.append(f"{name} {value!r} is taken from {slot.taken.input} {source!r}")
            if value.strip("."):
                draft.inputs[name] = value
                draft.unsaid.add(name)


def has_inputs(draft: Draft, slot: Slot) -> bool:
    """Whether the draft has what the slot is to give it."""
    return all(_get(draft.inputs, name) is not None for name in slot.inputs)


# --- what a draft leaves for later clauses


def entities(draft: Draft, step: int) -> list[Entity]:
    """The things that later clauses may mean: those that the task makes, and those that it was told of."""
    entry = draft.entry
    where = {name: value for name, value in draft.inputs.items() if name in entry.places}
    found = []
    for slot in entry.slots:
        value = _get(draft.inputs, slot.inputs[-1])
        if not slot.things or value is None or isinstance(value, dict):
            continue
        if len(slot.inputs) > 1:
            value = "/".join(str(draft.inputs.get(name)) for name in slot.inputs)
        salience = OBJECT if slot.bare else ASIDE
        own = where if not slot.scope else {}
        for item in value if isinstance(value, list) else [value]:
            thing = _thing(slot, item)
            found.append(Entity(thing, item, step, salience, own, entry.agent, draft.id))
    given: set[str] = set()
    for gives in entry.phrase.gives:
        value = _filled(gives.value, draft)
        if gives.into and isinstance(value, str) and value.endswith("/"):
            value += str(draft.inputs.get(gives.into, "")).rstrip("/").rpartition("/")[2]
        if value is not None and gives.thing not in given:
            given.add(gives.thing)
            also = {name: _filled(text, draft) for name, text in gives.also.items()}
            found.append(Entity(gives.thing, value, step, MADE, {**where, **also}, entry.agent, draft.id))
    return found


def _thing(slot: Slot, value: Any) -> str:
    """A path that ends in a suffix is a file, where the slot takes both."""
    if {"file", "folder"} <= set(slot.things):
        return "file" if "." in str(value).rstrip("/").rpartition("/")[2].lstrip(".") else "folder"
    return slot.things[0]


def _filled(template: Any, draft: Draft) -> Any:
    """A ``Gives`` text with inputs put in, and results as references; None if an input is missing."""
    if not isinstance(template, str) or "{" not in template:
        return template
    text = ""
    parts = list(Formatter().parse(template))
    for literal, name, _, _ in parts:
        text += literal
        if name is None:
            continue
        if name.startswith("result."):
            text += f"${{{{ tasks.{draft.id}.{name} }}}}"
            continue
        value = _get(draft.inputs, name)
        if isinstance(value, dict):
            first = next(iter(value), "")
            value = int(first) if first.isdigit() else first or None
        if value is None:
            return None
        if len(parts) == 1 and not literal:
            return value
        text += str(value)
    return text


def prerequisites(match: Match, made: Iterable[Draft], ids: Ids, known: Mapping[str, Entry]) -> list[Draft]:
    """Tasks for what is spoken of as new: ``on a network called backend`` makes that network first."""
    result = []
    for index, fill in match.fills.items():
        slot = match.entry.slots[index]
        if not fill.new or slot.new_by is None or slot.new_by[0] not in known:
            continue
        for value in dict.fromkeys(map(str, fill.values)):
            uses, name = slot.new_by
            if not any(draft.uses == uses and draft.inputs.get(name) == value for draft in made):
                result.append(Draft(ids.new(uses, value), uses, {name: expressions.escape(value)}, known[uses]))
    return result


# --- drafts that one verb makes


def contradiction(made: Sequence[Draft]) -> str | None:
    """The input of which one verb says two numbers for the same thing: ``scale web to 3 and to 5 replicas``."""
    numbers = {s.inputs[0]: s for draft in made for s in draft.entry.slots if s.kind is Kind.NUMBER and not s.bare}
    for at, one in enumerate(made):
        for other in made[at + 1 : at + 1 + _COMPARED]:
            if one.uses != other.uses or one.entry.spec.effect.value == "read":
                continue
            unlike = [name for name in {*one.inputs, *other.inputs} if one.inputs.get(name) != other.inputs.get(name)]
            if unlike and all(name in numbers and not numbers[name].many for name in unlike):
                return min(unlike).replace("_", " ")
    return None


def merged(made: Sequence[Draft]) -> list[Draft]:
    """Checks of one host that were said as one: ``22 is closed and 443 is open on 10.0.0.5``."""
    result: list[Draft] = []
    for draft in made:
        last = result[-1] if result else None
        if last is None or not draft.entry.phrase.merges or last.uses != draft.uses or not _agree(last, draft):
            result.append(draft)
            continue
        for name, value in draft.inputs.items():
            if isinstance(value, list):
                last.inputs[name] = [*last.inputs.get(name, ()), *value]
            elif name not in draft.unsaid or name not in last.inputs:
                last.inputs[name] = value
                last.unsaid.discard(name)
    return result


def in_turn(made: list[Draft]) -> list[Draft]:
    """``remove the container db and its volume x``: what another one holds on to goes after it."""
    holding = {uses: [d for d in made if uses in d.entry.phrase.holds] for uses in {d.uses for d in made}}
    for draft in made:
        draft.links += [other.id for other in holding[draft.uses] if other.id not in draft.links]
    return sorted(made, key=lambda draft: bool(holding[draft.uses]))


def _agree(one: Draft, other: Draft) -> bool:
    """Whether nothing that was said of both differs."""
    unsaid = one.unsaid | other.unsaid
    said = {name: value for name, value in other.inputs.items() if name not in unsaid and not isinstance(value, list)}
    return all(one.inputs.get(name, value) == value for name, value in said.items())


def share_numbers(made: Sequence[Draft]) -> None:
    """``a and b with 2 replicas each``: how many is said with the last, for all."""
    last = made[-1]
    for draft in made[:-1]:
        for slot in draft.entry.slots:
            name = slot.inputs[0]
            if slot.kind is Kind.NUMBER and not name.startswith("@") and name in last.inputs:
                draft.inputs.setdefault(name, last.inputs[name])


def share_place(made: Sequence[Draft]) -> None:
    """A place said with the last of several holds for all: ``scale web to 3 and api to 5 in namespace shop``."""
    last = made[-1]
    for draft in made[:-1]:
        common = (draft.entry.places | draft.entry.shared) & (last.entry.places | last.entry.shared)
        for name in common:
            if name in last.inputs and name not in draft.inputs:
                draft.inputs[name] = last.inputs[name]
                draft.links += [link for link in last.links if link not in draft.links and name in last.entry.shared]
