"""Where a chart comes from (folder, archive, repository, OCI), and with which values from files and objects."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from reign.executor import Context, FailureKind, TaskFailed
from reign.security import secrets
from workers.kubernetes.inputs import Namespaced

_TEXT = re.compile(r"""\n|^\s*(\{|["'\w.-]+\s*:(\s|$))""")
_LONG = 8  # characters
Values = dict[str, Any] | str | list[dict[str, Any] | str]


class ChartInputs(Namespaced):
    chart: str = Field(description="a folder, an archive, repo/name, oci://... or, with `repo`, a name", min_length=1)
    values: Values | None = Field(
        None, description="an object, a values file, YAML as text, or a list of these; later ones win"
    )
    version: str | None = Field(None, description="of the chart (default: the newest)")
    repo: str | None = Field(None, description="address of the chart's repository")
    plain_http: bool = Field(False, description="an OCI registry without TLS")


def chart_flags(ctx: Context, inputs: ChartInputs) -> list[str]:
    """The chart, as helm takes it, and all flags that say which and with what. Values go through a private file."""
    flags = [located(ctx, inputs)]
    flags += [f"--version={inputs.version}"] if inputs.version else []
    flags += [f"--repo={inputs.repo}"] if inputs.repo else []
    flags += ["--plain-http"] if inputs.plain_http else []
    given = merged(ctx, inputs.values)
    if given:
        file = ctx.scratch / "values.yaml"
        file.touch(mode=0o600)
        # JSON is YAML that no two parsers read differently: a text like 1e3 stays one.
        file.write_text(json.dumps(given, default=str))
        flags.append(f"--values={file}")
    return flags


def located(ctx: Context, inputs: ChartInputs) -> str:
    """An absolute path for what is on this machine; names of repositories stay as they are.

    Raises TaskFailed for a path that is not there.
    """
    chart = inputs.chart
    if inputs.repo or chart.startswith(("oci://", "https://", "http://")):
        return chart
    path = ctx.path(chart)
    if path.exists():
        return str(path)
    if chart.startswith((".", "/", "~")) or chart.endswith(".tgz") or "/" not in chart or chart.count("/") > 1:
        raise TaskFailed(
            f"there is no chart at {path}",
            kind=FailureKind.WRONG_INPUT,
            hint="give a chart folder, an archive, repo/name, oci://..., or a name together with `repo`",
        )
    return chart


def merged(ctx: Context, values: Values | None) -> dict[str, Any]:
    """All values in one object, as helm merges several --values: maps by key, all else replaced. Secret references in
    files are resolved too. Raises TaskFailed."""
    result: dict[str, Any] = {}
    for part in values if isinstance(values, list) else [values] if values is not None else []:
        found = part if not isinstance(part, str) else _of_text(ctx, part) if _is_text(part) else _read(ctx.path(part))
        result = _over(result, secrets.resolve(found, ctx.masker))
    return result


def _is_text(part: str) -> bool:
    """Whether it is the values themselves (as a secret reference may bring them) and no path."""
    return bool(_TEXT.search(part))


def _of_text(ctx: Context, text: str) -> dict[str, Any]:
    found = _mapping(text, "the text of values")
    if ctx.masker.mask(text) != text:  # of a secret: what stands in it alone would not be known for one
        for value in _texts(found):
            ctx.masker.add("", value)
    return found


def _texts(values: Any) -> Iterator[str]:
    """The texts in it that are long enough to be a secret; shorter ones are words that stand everywhere."""
    if isinstance(values, str):
        yield from [values] if len(values) >= _LONG else []
    elif isinstance(values, Mapping | list):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _texts(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise TaskFailed(
            f"values file {path}: {reason}",
            kind=FailureKind.WRONG_INPUT,
            hint="check the path in `values`; a relative one is looked for in the folder that the plan was given in",
        ) from None
    return _mapping(text, f"values file {path}")


def _mapping(text: str, what: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise TaskFailed(f"{what}: it is no YAML{line}", kind=FailureKind.WRONG_INPUT) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TaskFailed(f"{what}: it holds no mapping", kind=FailureKind.WRONG_INPUT)
    return found


def _over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(dict(base))
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _over(result[key], value) if both else value
    return result
