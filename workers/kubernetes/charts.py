"""Where a chart comes from (folder, archive, repository, OCI), and with which values from files and objects."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from reign.executor import Context, FailureKind, TaskFailed
from reign.security import secrets
from workers.kubernetes.inputs import Namespaced

Values = dict[str, Any] | str | list[dict[str, Any] | str]


class ChartInputs(Namespaced):
    chart: str = Field(description="a folder, an archive, repo/name, oci://... or, with `repo`, a name", min_length=1)
    values: Values | None = Field(None, description="an object, a values file, or a list of both; later ones win")
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
        found = _read(ctx.path(part)) if isinstance(part, str) else part
        result = _over(result, secrets.resolve(found, ctx.masker))
    return result


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or "it is no YAML"
        raise TaskFailed(f"values file {path}: {reason}", kind=FailureKind.WRONG_INPUT) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TaskFailed(f"values file {path} holds no mapping", kind=FailureKind.WRONG_INPUT)
    return found


def _over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(dict(base))
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _over(result[key], value) if both else value
    return result
