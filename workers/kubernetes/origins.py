"""Secrets in the clear parts of objects: a deployment's environment, a ConfigMap.

What a task writes there out of a secret reference is noted on the object itself, in an annotation: the reference and a
digest for each place. So whoever looks at it later (another run, a preview, a look for drift) knows the value for a
secret, and shows and records the reference in its stead; a value that somebody else put in that place, its digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from reign.security import sealed, secrets
from workers.kubernetes.digests import PREFIX, digest_of
from workers.kubernetes.kinds import Ref

ANNOTATION = "reign.secrets"
_DIGEST = re.compile(rf"{PREFIX}[0-9a-f]{{32}}")
_PLAIN = ("apiVersion", "kind", "metadata/name", "metadata/namespace", f"metadata/annotations/{ANNOTATION}")


def noted(ctx: Context, body: Mapping[str, Any]) -> dict[str, Any]:
    """The object with a note of where each of its texts comes from that is the whole of a secret of this attempt."""
    found = {}
    for place, text in _texts(body) if body.get("kind") != "Secret" else ():
        reference = ctx.masker.record(text)
        if reference != text and secrets.REFERENCE.fullmatch(reference) and not reference.startswith(sealed.PREFIX):
            found[place] = [reference.removeprefix("secret://"), digest_of(text, _salt(body, place))]
    if not found:
        return dict(body)
    meta = body["metadata"]
    # Without its scheme: a reference that stands in an object would be resolved.
    notes = {**(meta.get("annotations") or {}), ANNOTATION: json.dumps(found, sort_keys=True)}
    return {**body, "metadata": {**meta, "annotations": notes}}


def teach(ctx: Context, live: Mapping[str, Any]) -> None:
    """Have this attempt mask what is noted on a live object."""
    try:
        known = json.loads((live["metadata"].get("annotations") or {})[ANNOTATION])
        there = dict(_texts(live))
        for place, (reference, noted_digest) in known.items():
            value = there.get(place)
            if value and value not in ctx.masker.values.values():  # a wait looks often
                found = digest_of(value, _salt(live, place))
                whole = f"secret://{reference}"
                same = found == noted_digest and ctx.masker.values.get(whole, value) == value
                ctx.masker.add(whole if same else found, value)
    except (KeyError, ValueError, TypeError, AttributeError):
        return  # there is no such note, or it is none of ours


def whole(before: Mapping[str, Any], live: Mapping[str, Any] | None) -> dict[str, Any]:
    """A recorded object with the values that only their digests are known of, where they are still in the live one.

    Raises TaskFailed where they are not.
    """
    there = dict(_texts(live)) if live else {}
    lost = []
    values = {}
    for place, text in _texts(before):
        if _DIGEST.fullmatch(text):
            values[place] = there.get(place, "")
            if digest_of(values[place], _salt(before, place)) != text:
                lost.append(place)
    if lost:
        raise TaskFailed(
            f"{Ref.of(before).shown} cannot be brought back: the former value of {', '.join(lost)} was a secret that "
            "is not known, because REIGN keeps digests of such values",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="apply it again from where its values are kept; values given as secret://... come back by themselves",
            details={"keys": lost},
        )
    filled: dict[str, Any] = _filled(before, values)
    return filled


def _salt(body: Mapping[str, Any], place: str) -> str:
    meta = body["metadata"]
    return f"{meta.get('namespace')}/{place}"


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """``(place, text)``; members of a list are named by their ``name`` where they have one, as others may be put
    between them."""
    if isinstance(value, str):
        if place not in _PLAIN:
            yield place, value
        return
    for key, item in _members(value):
        yield from _texts(item, f"{place}/{key}" if place else key)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(key).replace("/", "~1"), item) for key, item in value.items())
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield str(item.get("name", number) if isinstance(item, Mapping) else number), item


def _filled(value: Any, values: Mapping[str, str], place: str = "") -> Any:
    if isinstance(value, str):
        return values.get(place, value)
    inside = [_filled(item, values, f"{place}/{key}" if place else key) for key, item in _members(value)]
    if isinstance(value, Mapping):
        return dict(zip(value, inside, strict=True))
    return inside if isinstance(value, list) else value
