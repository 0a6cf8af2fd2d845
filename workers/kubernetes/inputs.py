"""Inputs that most operations share: which cluster, as whom, in which namespace."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from reign.core.catalog import OperationInputs
from reign.core.duration import Duration


def _text(value: Any) -> Any:
    """Numbers and booleans as Kubernetes wants them in names, labels and variables: as texts."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]
#: A name as DNS and Kubernetes allow it; expressions are filled in before it is checked.
Name = Annotated[
    str,
    BeforeValidator(_text),
    Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$"),
]


class Where(OperationInputs):
    context: str | None = Field(None, description="the kubeconfig's context (default: its current one)")
    cluster: str | None = Field(
        None,
        description="UID of the cluster's namespace kube-system (or what a plan was pinned to); "
        "nothing is changed in any other cluster",
    )
    as_user: str | None = Field(None, alias="as", description="act as this user (impersonation)")


class Namespaced(Where):
    namespace: Name | None = Field(None, description="default: the context's own")


class Waits(Namespaced):
    wait: bool = Field(True, description="wait until it is ready")
    timeout: Duration = Field(300.0, description="how long to wait until it is ready", gt=0)
