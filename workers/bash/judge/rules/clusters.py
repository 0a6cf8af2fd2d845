"""Kubernetes: kubectl and helm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation, Trait
from workers.bash.judge.judgement import Finding
from workers.bash.judge.options import Options
from workers.bash.judge.outputs import content_of
from workers.bash.judge.paths import Place, locate
from workers.bash.judge.tables import names
from workers.bash.judge.unwrap.tools import CLUSTERS

_VALUES = names(
    "-n --namespace --context --kubeconfig -c --cluster --user -s --server --as --token -l --selector -f "
    "--filename -o --output -k --kustomize --replicas --image --overrides -p --patch --type --timeout "
    "--grace-period --field-selector --address --tail --since --kube-context --values --version --set"
)
_CHANGES = names("delete drain cordon taint replace edit patch debug evict uncordon certificate reset")
_ESCAPES = re.compile(r"(?i)hostPID|hostNetwork|hostIPC|hostPath|privileged\W*:\W*true|nsenter|SYS_ADMIN")


def _kubectl(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, _VALUES)
    yield from _served(call, read)
    yield from _changed(call, read)
    yield from _told(call, read)
    yield from _opened(call, read)
    yield from _copied(call, read)


def _verb_and_kind(read: Options) -> tuple[str, str]:
    verb, kind = [*read.operands, "", ""][:2]
    return verb, kind


def _served(call: Invocation, read: Options) -> Iterator[Finding]:
    """What is in the manifests and patches, and where they come from."""
    verb, _ = _verb_and_kind(read)
    files = read.values("-f", "--filename")
    if "-" in files and call.stdin is not None and Trait.NETWORK in call.stdin.traits:
        yield call.ask("clusters.unseen-manifest", "It applies what another machine serves.")
    texts = read.values("--overrides", "-p", "--patch")
    for path in files:
        known = call.stdin if path == "-" else content_of(path, call.scope)
        texts.append((known.text if known else None) or "")
    if any(_ESCAPES.search(text) for text in texts) or (verb in ("run", "debug") and read.has("--privileged")):
        yield call.deny("clusters.escape", "The pod rules the node that it runs on.")


def _changed(call: Invocation, read: Options) -> Iterator[Finding]:
    """What runs in the cluster."""
    verb, kind = _verb_and_kind(read)
    manifests = read.values("-f", "--filename", "-k", "--kustomize")
    if (
        verb in _CHANGES
        or (verb in ("label", "annotate") and kind.startswith("no"))  # a node
        or (verb == "rollout" and kind == "undo")
        or (verb == "config" and kind.startswith(("delete", "unset")))
    ):
        yield call.ask(
            "clusters.change", f"It changes or takes away what runs in the cluster: {verb} {kind}".rstrip() + "."
        )
    elif verb == "scale" and "0" in read.values("--replicas"):
        yield call.ask("clusters.change", "It stops every replica.")
    elif verb in ("apply", "create") and (any("://" in manifest for manifest in manifests) or read.has("--prune")):
        reason = "It applies what another machine serves, or removes what is not listed."
        yield call.ask("clusters.unseen-manifest", reason)


def _told(call: Invocation, read: Options) -> Iterator[Finding]:
    """Secrets that are printed."""
    verb, kind = _verb_and_kind(read)
    if (
        verb in ("get", "describe", "view")
        and re.match(r"secrets?(?:/|$|,)", kind)
        and (read.values("-o", "--output") not in ([], ["name"], ["wide"]))
    ):
        yield call.ask("secrets.cluster", "It prints secrets of the cluster.")
    if verb == "config" and kind == "view" and read.has("--raw"):
        yield call.ask("secrets.cluster", "It prints the credentials for the cluster.")


def _opened(call: Invocation, read: Options) -> Iterator[Finding]:
    """Who may do more than before, and who is let in."""
    verb, kind = _verb_and_kind(read)
    if verb == "create" and (
        kind in ("clusterrolebinding", "rolebinding", "token") or "cluster-admin" in " ".join(call.args)
    ):
        yield call.ask("clusters.rights", "It gives rights in the cluster.")
    if any(value.startswith("system:") for value in read.values("--as", "--as-group")):
        yield call.ask("clusters.rights", "It acts as the cluster's own account.")
    if verb == "config" and read.has("--insecure-skip-tls-verify"):
        yield call.ask("network.unverified", "It stops checking who answers.")
    if verb in ("proxy", "port-forward") and any(
        value not in ("127.0.0.1", "localhost") for value in read.values("--address")
    ):
        yield call.ask("network.listens", "It opens the cluster to other machines.")


def _copied(call: Invocation, read: Options) -> Iterator[Finding]:
    """Where `kubectl cp` writes."""
    words = read.operands
    if words[:1] != ["cp"] or len(words) < 3:
        return
    if ":" in words[2]:
        yield call.ask("containers.inside", "It changes files inside a container.")
    elif locate(words[2], call.scope).place is not Place.WORK:
        yield call.ask("files.write-outside", "It writes outside the work folder.")


def _helm(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, _VALUES | {"--repo"})
    words = read.operands
    if words[:1] and words[0] in ("uninstall", "delete", "rollback", "del", "un"):
        yield call.ask("clusters.change", f"It takes back or replaces what runs in the cluster: {words[0]}.")
    elif "--post-renderer" in call.args or words[:2] == ["plugin", "install"]:
        yield call.ask("hooks.command", "It makes helm run a program.")
    elif words[:1] in (["install"], ["upgrade"]) and (
        any("://" in place for place in read.values("--repo"))
        or any(re.match(r"https?://", word) for word in words[1:])
    ):
        yield call.ask("clusters.unseen-manifest", "It installs a chart that no known repository holds.")


def _node(call: Invocation) -> Iterator[Finding]:
    words = options.read(call.args).operands
    if call.name == "crictl" and words[:1] in (["exec"], ["run"], ["runp"]):
        yield call.ask("containers.inside", "It runs something inside a container of the cluster, or a new one.")
    if words[:1] and words[0] in names("reset delete rm rmi rmp stopp stop destroy remove leave"):
        yield call.ask("clusters.change", f"It takes a cluster or its parts down: {words[0]}.")


RULES = {
    **dict.fromkeys(CLUSTERS, _kubectl),
    "helm": _helm,
    "helmfile": _helm,
    **dict.fromkeys(
        names("kubeadm minikube kind k3d k3s microk8s crictl eksctl kops rke talosctl"),
        _node,
    ),
}
