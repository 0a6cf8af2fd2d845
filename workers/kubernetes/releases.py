"""Helm releases: what is recorded of one, whose a pending one is, and how one goes back to a revision."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from reign.core.resource import Observation, canonical
from reign.executor import FailureKind, TaskFailed
from reign.executor.process import ToolResult
from workers.kubernetes.access import MANAGER
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.digests import digest_of
from workers.kubernetes.helm import Helm, failure, helm_of, marks
from workers.kubernetes.helm_records import Revision, record_kind, revisions
from workers.kubernetes.kinds import Ref
from workers.kubernetes.record import hidden
from workers.kubernetes.rehearsal import diff_of

#: Who helm says owns a field that it may not change (Helm 4 applies on the server).
_OWNER = re.compile(r'conflicts? with "([^"]+)"')


def address(context: str, namespace: str, release: str) -> str:
    return f"kubernetes:{context}/{namespace}/release/{release}"


def observe(cluster: Cluster, helm: Helm, release: str) -> Observation:
    """What is installed. Revisions only ever grow, so the number is a fact; digests of values and manifest tell whether
    it is the same. They are salted and slow, as both may hold secrets."""
    return observed(cluster, helm, release, revisions(cluster, helm, release))


def observed(cluster: Cluster, helm: Helm, release: str, found: Sequence[Revision]) -> Observation:
    """The same of revisions that are at hand."""
    resource = address(cluster.access.context, helm.namespace, release)
    facts: dict[str, Any] = {"context": cluster.access.context, "cluster": cluster.uid, "namespace": helm.namespace}
    if not found:
        return Observation(resource=resource, exists=False, facts=facts)
    last = found[-1]
    facts |= {"revision": last.number, "status": last.status, "description": last.description}
    if last.status == "uninstalled":
        return Observation(resource=resource, exists=False, facts=facts)
    state = {
        "chart": last.chart,
        "app_version": last.app_version,
        "status": last.status,
        "values": digest_of(canonical(last.values()).encode(), f"{resource}/values"),
        "manifest": manifest_digest(resource, last.manifest()),
    }
    return Observation(resource=resource, exists=True, state=state, facts=facts)


def manifest_digest(resource: str, manifest: str) -> str:
    return digest_of(canonical(objects_of(manifest)).encode(), f"{resource}/manifest")


def objects_of(manifest: str) -> list[dict[str, Any]]:
    """The objects of a rendered manifest. Raises TaskFailed if it is no YAML."""
    try:
        return [body for body in yaml.safe_load_all(manifest) if isinstance(body, dict)]
    except yaml.YAMLError as error:
        raise TaskFailed(f"the chart renders no YAML: {error}", kind=FailureKind.WRONG_INPUT) from None


def ours(cluster: Cluster, helm: Helm, release: str, revision: int) -> bool:
    """Whether this very task made that revision, by the labels on Helm's own record of it."""
    labels = {"owner": "helm", "name": release, "version": str(revision), **marks(helm.ctx)}
    text = ",".join(f"{name}={value}" for name, value in labels.items())
    return bool(cluster.list(record_kind(helm) or "Secret", helm.namespace, labels=text))


def free(cluster: Cluster, helm: Helm, release: str) -> list[Revision]:
    """Frees a release that an attempt of this task left pending when it was cut off. Returns its revisions then.

    A first install is taken away again, all else goes back to the last good revision, as Helm's own advice is.
    Raises TaskFailed if somebody else's operation is going on.
    """
    found = revisions(cluster, helm, release)
    if not found or not found[-1].status.startswith(("pending", "uninstalling")):
        return found
    last = found[-1]
    number = last.number
    repeated = helm.ctx.attempt > 1 and last.status in ("pending-rollback", "uninstalling")
    if not (repeated or ours(cluster, helm, release, number)):
        raise TaskFailed(
            f"release {release} is {last.status} (revision {number}): another operation is going on",
            kind=FailureKind.CONFLICT,
            hint=f"wait for it; if it died, `helm rollback {release}` to the last good revision frees it",
        )
    helm.ctx.log(f"release {release}: an earlier attempt was cut off at revision {number} ({last.status})")
    if last.status == "uninstalling":
        return found  # uninstalling again finishes it
    good = last_good(found)
    if good is None:
        uninstall(helm, release, keep_history=False, timeout=helm.ctx.remaining())
    else:
        roll_back(helm, release, good, wait=False, timeout=helm.ctx.remaining())
    return revisions(cluster, helm, release)


def last_good(found: Sequence[Revision]) -> int | None:
    """The newest revision that was once deployed."""
    good = [revision.number for revision in found if revision.status in ("deployed", "superseded")]
    return good[-1] if good else None


def ours_alone(done: ToolResult) -> bool:
    """Whether helm was stopped by nothing but fields that a scale or an undo of ours owns: they are not in the way."""
    return done.exit_code != 0 and set(_OWNER.findall(done.stderr)) == {MANAGER}


def roll_back(helm: Helm, release: str, revision: int, *, wait: bool, timeout: float) -> None:
    command = ["rollback", release, str(revision), *helm.wait_flags(wait, timeout)]
    done = helm.run(*command)
    if ours_alone(done):
        done = helm.run(*command, *helm.adopt_flags())
    if done.exit_code:
        raise failure(helm, "rollback", done)


def uninstall(helm: Helm, release: str, *, keep_history: bool, timeout: float) -> None:
    kept = ["--keep-history"] if keep_history else []
    done = helm.run("uninstall", release, *kept, "--wait", *helm.wait_flags(False, timeout))
    if done.exit_code and "not found" not in done.stderr and "already deleted" not in done.stderr:
        raise failure(helm, "uninstall", done)


def put_back(
    cluster: Cluster, release: str, before: Observation, timeout: float, again: Callable[[Helm], None] | None = None
) -> None:
    """Brings a release back to what was observed: to the former revision, or away. Repeatable. Raises TaskFailed.

    ``again`` makes it anew where its revisions went with it, as they do when an installation was taken back.
    """
    helm = helm_of(cluster, before.facts.get("namespace"))
    there = revisions(cluster, helm, release)
    now = observed(cluster, helm, release, there)
    if now.same_as(before):
        return
    if not before.exists:
        # Where an earlier release of the name had left its history, that stays.
        uninstall(helm, release, keep_history="revision" in before.facts, timeout=timeout)
        return
    revision = before.facts.get("revision")
    known = {one.number for one in there}
    if revision not in known and again is not None:
        free(cluster, helm, release)
        again(helm)
        return
    if revision not in known:
        raise TaskFailed(
            f"release {release} cannot go back: its revision {revision} is no longer in Helm's history",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="Helm keeps the last ten, and none of what was uninstalled with its history; "
            "install or upgrade it with the former chart and values instead",
        )
    free(cluster, helm, release)
    # What was failing before would fail again: it is brought back, not waited for.
    roll_back(helm, release, int(revision), wait=before.state["status"] == "deployed", timeout=timeout)


def diff(before: str, after: str, context: str, namespace: str) -> str:
    """What changes between two rendered manifests, object by object, Secrets hidden."""
    old, new = _by_ref(before, context, namespace), _by_ref(after, context, namespace)
    refs = [*new, *(ref for ref in old if ref not in new)]
    return "\n".join(text for ref in refs if (text := diff_of(ref, old.get(ref), new.get(ref))))


def _by_ref(manifest: str, context: str, namespace: str) -> dict[Ref, Mapping[str, Any]]:
    found: dict[Ref, Mapping[str, Any]] = {}
    for body in objects_of(manifest):
        ref = Ref.of(body)
        ref = Ref(ref.api_version, ref.kind, ref.namespace or namespace, ref.name)
        found[ref] = hidden(body, ref.address(context))
    return found
