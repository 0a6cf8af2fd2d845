"""Repairs that the kubernetes agent knows: a namespace that is not there is made first; a slow start gets longer."""

from __future__ import annotations

from reign.core.duration import readable
from reign.executor import FailureKind, Proposal, Step, TaskFailed
from workers.kubernetes.inputs import Where

_LONGEST = 3600.0  # seconds
_SPARE = 600.0  # seconds of the task beside the wait


def repaired(inputs: Where, failure: TaskFailed) -> Proposal | None:
    return namespace_first(inputs, failure) or _longer(inputs, failure)


def _longer(inputs: Where, failure: TaskFailed) -> Proposal | None:
    """A longer wait where the task's own was over: its ``timeout``, and the task's with it."""
    given = getattr(inputs, "timeout", None)
    if failure.kind is not FailureKind.TIMED_OUT or given is None or given >= _LONGEST:
        return None
    longer = min(given * 2, _LONGEST)
    reason = f"it was not ready within {readable(given)}; it gets {readable(longer)}"
    return Proposal(reason=reason, inputs={"timeout": longer}, timeout=longer + _SPARE)


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
