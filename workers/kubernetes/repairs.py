"""Repairs that the kubernetes agent knows: a namespace that is not there is made first."""

from __future__ import annotations

from reign.executor import FailureKind, Proposal, Step, TaskFailed
from workers.kubernetes.inputs import Where


def namespace_first(inputs: Where, failure: TaskFailed) -> Proposal | None:
    """Create the namespace that was missed, in the same cluster as the same user."""
    if failure.kind is not FailureKind.MISSING_PREREQUISITE or failure.details.get("reason") != "no_namespace":
        return None
    name = str(failure.details["namespace"])
    where = {key: getattr(inputs, key) for key in ("context", "cluster") if getattr(inputs, key) is not None}
    if inputs.as_user is not None:
        where["as"] = inputs.as_user
    step = Step.model_validate(
        {"id": "namespace", "uses": "kubernetes.create_namespace", "with": {"name": name, **where}}
    )
    return Proposal(reason=f"there is no namespace {name!r}; it is created first", before=(step,), sure=True)
