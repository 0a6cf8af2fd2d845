"""Objects as YAML that people read: written out in full, where the library would say ``&id001`` and ``*id001`` for what
two places share (a deployment's labels and its selector, as our own code makes them)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(bodies: Iterable[Mapping[str, Any]], *, sort_keys: bool = False) -> str:
    """One document for each object."""
    found = [dict(body) for body in bodies]
    return str(yaml.dump_all(found, Dumper=_Plain, sort_keys=sort_keys, width=100, explicit_start=len(found) > 1))
