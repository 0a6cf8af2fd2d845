"""The values of Secrets that stand in a plan: in a manifest as object, as list, or as text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from reign.core.errors import InvalidInput
from reign.executor.contract import Sealing
from reign.security.masking import MASK, SHORTEST
from workers.kubernetes.manifests import is_text, secret_inside
from workers.kubernetes.record import LAST_APPLIED

_PARTS = ("data", "stringData")
_STRING = "tag:yaml.org,2002:str"
_EMPTY = ("tag:yaml.org,2002:null",)
_MERGE = "tag:yaml.org,2002:merge"
#: An anchor and a tag before a scalar, which stay.
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")


def sealed(manifest: Any, sealing: Sealing) -> Any:
    """A manifest, as the plan has it, with the values of its Secrets sealed. Raises InvalidInput."""
    if isinstance(manifest, list):
        return [sealed(item, sealing) for item in manifest]
    if isinstance(manifest, Mapping):
        return _object(manifest, sealing)
    if not isinstance(manifest, str):
        return manifest
    if is_text(manifest):
        return _Text(manifest, sealing).sealed() if "Secret" in manifest else manifest
    sealing.follow(manifest, lambda found: sealed(found, sealing))
    return manifest


def sealed_inputs(inputs: Mapping[str, Any], sealing: Sealing) -> Mapping[str, Any]:
    """The inputs of what takes a ``manifest``."""
    if "manifest" not in inputs:
        return inputs
    return {**inputs, "manifest": sealed(inputs["manifest"], sealing)}


def _object(body: Mapping[str, Any], sealing: Sealing) -> dict[str, Any]:
    kind = str(body.get("kind", ""))
    if kind.endswith("List") and isinstance(body.get("items"), list):
        return {**body, "items": [sealed(item, sealing) for item in body["items"]]}
    if kind != "Secret":
        return dict(body)
    found = {**body, **{part: _values(body[part], part, body, sealing) for part in _PARTS if part in body}}
    about = body.get("metadata")
    notes = about.get("annotations") if isinstance(about, Mapping) else None
    if isinstance(about, Mapping) and isinstance(notes, Mapping) and isinstance(notes.get(LAST_APPLIED), str):
        kept = {**notes, LAST_APPLIED: sealing.value(notes[LAST_APPLIED])}
        found["metadata"] = {**about, "annotations": kept}
    return found


def _values(values: Any, part: str, body: Mapping[str, Any], sealing: Sealing) -> Any:
    if isinstance(values, str):
        sealing.follow(values, lambda found: _values(found, part, body, sealing))
        return values
    if not isinstance(values, Mapping):
        return values
    result = {}
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            raise _no_text(f"{part}.{key} of Secret {(body.get('metadata') or {}).get('name')}")
        result[key] = sealing.value(value, base64=part == "data" and _is_base64(value)) if value else value
    return result


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "${{" in text  # what an expression gives here is the base64 of something
    return True


def _no_text(what: str) -> InvalidInput:
    return InvalidInput(f"{what} is no text, which Kubernetes refuses", hint="put it in quotes")


class _Text:
    """A manifest as text. Only the scalars that are secrets are replaced, so that all else stays as it was written."""

    def __init__(self, text: str, sealing: Sealing) -> None:
        self._text = text
        self._sealing = sealing
        self._found: dict[int, tuple[int, str]] = {}  # start -> (end, what takes the place)
        self._values: set[str] = set()

    def sealed(self) -> str:
        try:
            for document in yaml.compose_all(self._text, Loader=yaml.SafeLoader):
                self._document(document)
            self._remarks()
        except yaml.YAMLError as error:
            if not secret_inside(self._text) or "secret://" in self._text:
                return self._text
            if "${{" in self._text:  # it becomes YAML only when that is filled in
                return self._sealing.value(self._text)
            mark = getattr(error, "problem_mark", None)
            line = f" in line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "it cannot be read"
            raise InvalidInput(
                f"a manifest that holds a Secret is no YAML{line}: {problem}",
                hint="what cannot be read cannot be sealed either, and would be stored in clear",
            ) from None
        pieces, at = [], 0
        for start, (end, instead) in sorted(self._found.items()):
            pieces += [self._text[at:start], instead]
            at = end
        return "".join([*pieces, self._text[at:]])

    def _document(self, node: Any) -> None:
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._document(item)
            return
        kind = _part(node, "kind")
        word = kind.value if isinstance(kind, yaml.ScalarNode) else ""
        if word.endswith("List") and isinstance(items := _part(node, "items"), yaml.SequenceNode):
            self._document(items)
        elif word == "Secret":
            for part in _PARTS:
                self._scalars(_part(node, part), part)
            applied = _part(_part(_part(node, "metadata"), "annotations"), LAST_APPLIED)
            self._scalars(applied, "annotation")

    def _scalars(self, node: Any, part: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for _, value in node.value:
                self._scalars(value, part)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                self._scalars(value, part)
        elif isinstance(node, yaml.ScalarNode) and node.tag not in _EMPTY:
            self._scalar(node, part)

    def _scalar(self, node: Any, part: str) -> None:
        start, end = node.start_mark.index, node.end_mark.index
        if start in self._found:  # by another name (an alias)
            return
        written = self._text[start:end]
        if node.tag != _STRING and "!" not in written and "${{" not in written:
            raise _no_text(f"the value in line {node.start_mark.line + 1} of a Secret's {part}")
        encoded = part == "data" and _is_base64(node.value)
        instead = self._sealing.value(node.value, base64=encoded, quoted="${{" not in node.value)
        if instead == node.value:
            return
        properties = _PROPERTIES.match(written)
        before = properties.group() if properties else ""
        rest = written.rstrip()
        self._found[start] = (end, before + instead + written[len(rest) :])
        self._values |= {text for text in (node.value, node.value.strip()) if len(text) >= SHORTEST}

    def _remarks(self) -> None:
        """A remark may hold what a value was: what stands between the tokens of YAML."""
        at = 0
        for token in yaml.scan(self._text, Loader=yaml.SafeLoader):
            self._remark(at, token.start_mark.index)
            at = max(at, token.end_mark.index)
        self._remark(at, len(self._text))

    def _remark(self, start: int, end: int) -> None:
        gap = self._text[start:end]
        if "#" not in gap:
            return
        hidden = gap
        for value in sorted(self._values, key=len, reverse=True):
            hidden = hidden.replace(value, MASK)
        if hidden != gap:
            self._found[start] = (end, hidden)


def _part(node: Any, name: str) -> Any:
    """The node under a key of a mapping, also one that comes by ``<<``."""
    for key, value in _pairs(node):
        if key == name:
            return value
    return None


def _pairs(node: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, yaml.MappingNode):
        return
    merged: list[Any] = []
    for key, value in node.value:
        if key.tag == _MERGE:
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        elif isinstance(key, yaml.ScalarNode):
            yield key.value, value
    for other in merged:
        yield from _pairs(other)
