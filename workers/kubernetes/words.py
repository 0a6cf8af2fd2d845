"""How people ask for what the kubernetes agent does: the API server's side, and Helm's (helm_words)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from reign.core.lexicon import (
    CHECK,
    CREATE,
    ENSURE,
    EXISTS,
    REMOVE,
    SHOW,
    UNDO,
    WAIT,
    Gives,
    Kind,
    Phrase,
    Slot,
    Taken,
    Words,
)
from workers.kubernetes.helm_words import HELM_WORDS
from workers.kubernetes.place_words import CONTEXT, CUES, NAMESPACE, TIMEOUT, WHERE, WHERE_TO

#: What is scaled and rolled out, and the short names that kubectl takes.
_WORKLOADS = MappingProxyType(
    {
        "deployment": "deployment",
        "deploy": "deployment",
        "statefulset": "statefulset",
        "stateful set": "statefulset",
        "sts": "statefulset",
        "daemonset": "daemonset",
        "daemon set": "daemonset",
        "replicaset": "replicaset",
    }
)
_KINDS = MappingProxyType(
    {
        **_WORKLOADS,
        "service": "service",
        "svc": "service",
        "pod": "pod",
        "configmap": "configmap",
        "config map": "configmap",
        "secret": "secret",
        "ingress": "ingress",
        "job": "job",
        "cronjob": "cronjob",
        "cron job": "cronjob",
        "namespace": "namespace",
        "persistentvolumeclaim": "persistentvolumeclaim",
        "pvc": "persistentvolumeclaim",
        "serviceaccount": "serviceaccount",
        "service account": "serviceaccount",
    }
)
_MANIFEST = Slot(
    "manifest",
    Kind.PATH,
    labels=("manifest", "kubernetes manifest", "file", "yaml", "-f", "-k"),
    after=("in", "from", "of"),
    bare=True,
    required=True,
    things=("file",),
    like=r"\.(ya?ml|json)$|k8s|kube|manifest|kustomiz|overlay",
    ask="which manifest? for example k8s/app.yaml",
)


def _workload(ask: str) -> tuple[Slot, ...]:
    """The thing that is scaled, exposed or rolled out: its name, and its kind where it is said."""
    return (
        Slot(
            "name",
            labels=tuple(_WORKLOADS),
            bare=True,
            after=("of", "for"),
            required=True,
            things=("workload",),
            ask=ask,
        ),
        Slot("kind", Kind.CHOICE, choices=_WORKLOADS),
        *WHERE,
    )


_WHICH_PODS = "which pods? name a pod or deployment, or give a selector such as app=web"
_PODS = Slot(
    "name",
    labels=("pod", *_WORKLOADS),
    after=("of", "for", "from"),
    bare=True,
    things=("workload",),
    required=True,
    ask=_WHICH_PODS,
)
_SELECTOR = Slot(
    "selector",
    Kind.TEXT,
    labels=("selector", "label", "label selector", "-l", "--selector"),
    after=("with", "for", "of", "labelled", "labeled", "matching"),
    bare=True,
    required=True,
    only=r"=",
    ask=_WHICH_PODS,
)
_LINES = (
    Slot("tail", Kind.NUMBER, labels=("line", "log line", "log entry", "entry", "log", "--tail"), bare=True),
    Slot("container", labels=("container", "-c", "--container")),
    Slot("previous", Kind.CHOICE, choices=dict.fromkeys(("--previous", "-p", "previous", "former", "crashed"), True)),
)
_DEPLOYMENT_SLOTS = (
    Slot(
        "image",
        Kind.IMAGE,
        labels=("image", "container image"),
        after=("from", "of", "with", "using"),
        bare=True,
        required=True,
        things=("image",),
        known=frozenset({"nginx", "redis", "postgres", "mysql", "mariadb", "mongo", "httpd", "rabbitmq", "memcached"}),
        ask="which image should be deployed? for example nginx:1.27",
    ),
    Slot(
        "name",
        labels=("deployment", "name", "kubernetes deployment", "deployment name"),
        after=("as", "called", "named"),
        required=True,
        taken=Taken("image", basename=True),
        ask="which name should the deployment have?",
    ),
    Slot("replicas", Kind.NUMBER, labels=("replica", "pod", "instance", "copy", "--replicas"), after=("with",)),
    Slot("replicas", Kind.TIMES, bare=True),
    Slot("port", Kind.PORT, labels=("port", "container port"), after=("on", "at")),
    Slot("env", Kind.PAIRS, labels=("environment variable", "environment", "env", "variable")),
    Slot(
        "resources.cpu",
        Kind.SIZE,
        labels=("cpu request", "cpu limit", "cpu"),
    ),
    Slot("resources.cpu", Kind.CPUS, after=("with", "at most", "up to", "to", "using"), only=r"(cpu|core)s?$"),
    Slot(
        "resources.memory",
        Kind.SIZE,
        labels=("memory", "memory request", "memory limit", "ram", "mem"),
        after=("with", "at most", "up to", "to", "using"),
        only=r"(?i)^\d+(\.\d+)?[kmgt]i?b?$",
    ),
    *WHERE_TO,
)
_WORKLOAD_GIVES = (Gives("workload", "{name}", {"kind": "{kind}"}, made=False),)
_DEPLOYMENT_GIVES = (Gives("workload", "{name}", {"kind": "deployment"}),)
_FORMER = Slot("@former", Kind.NUMBER, after=("from",))  # "from 3 to 6": said, and nothing to be done with

WORDS: Words = {
    "kubernetes.apply": (
        Phrase(
            verbs=("apply", "deploy", "roll out", "install", "create", "reapply"),
            objects=("resource", "object"),
            cues=CUES,
            slots=(_MANIFEST, *WHERE_TO),
            filler=("what", "is", "everything"),
            example="apply k8s/app.yaml to namespace shop",
        ),
    ),
    "kubernetes.delete": (
        Phrase(
            verbs=REMOVE,
            cues=CUES,
            object_needed=True,
            slots=(
                Slot(
                    "name",
                    labels=tuple(_KINDS),
                    bare=True,
                    required=True,
                    things=("workload", "namespace"),
                    ask="what is its name?",
                ),
                Slot(
                    "kind",
                    Kind.CHOICE,
                    choices=_KINDS,
                    required=True,
                    ask="what is it: a deployment, a service, a pod, a namespace?",
                ),
                *WHERE,
            ),
            example="delete the deployment web in namespace shop",
        ),
        Phrase(
            verbs=(*REMOVE, "tear down"),
            objects=("manifest", "resource", "object"),
            cues=CUES,
            object_needed=True,
            slots=(replace(_MANIFEST, like=r"k8s|kube|manifest|kustomiz", tells=True), *WHERE),
            filler=("everything", "all", "what", "is", "defines", "describes", "declares", "contains", "creates"),
            example="delete what is in k8s/app.yaml from the cluster",
        ),
    ),
    "kubernetes.create_deployment": (
        Phrase(
            verbs=("deploy", "roll out", "redeploy"),
            objects=("deployment", "app"),
            cues=CUES,
            slots=_DEPLOYMENT_SLOTS,
            gives=_DEPLOYMENT_GIVES,
            weight=1,
            example="deploy nginx:1.27 to kubernetes with 3 replicas",
        ),
        Phrase(
            verbs=(
                *CREATE,
                "run",
                "start",
                "launch",
                "spin up",
                "fire up",
                "bring up",
                "spawn",
                "put",
                "place",
                "host",
                "provision",
                "ship",
            ),
            objects=("deployment", "kubernetes deployment", "pod", "replica"),
            cues=CUES,
            object_needed=True,
            slots=_DEPLOYMENT_SLOTS,
            gives=_DEPLOYMENT_GIVES,
            example="spin up 3 nginx pods",
        ),
        Phrase(
            verbs=("update", "upgrade", "set", "change", "bump", "switch", "move"),
            objects=("deployment", "kubernetes deployment"),
            cues=CUES,
            object_needed=True,
            slots=(
                replace(_DEPLOYMENT_SLOTS[0], after=("to", "with", "using"), bare=False),
                replace(_DEPLOYMENT_SLOTS[1], bare=True, after=("of", "for", "in"), taken=None),
                *_DEPLOYMENT_SLOTS[2:],
            ),
            filler=("image",),
            gives=_DEPLOYMENT_GIVES,
            example="update the deployment web to nginx:1.28",
        ),
    ),
    "kubernetes.expose": (
        Phrase(
            verbs=(
                "expose",
                "publish",
                "open up",
                "make public",
                "make reachable",
                "make available",
                "make accessible",
            ),
            filler=("service", "outside"),
            cues=CUES,
            slots=(
                *_workload("what should be exposed?"),
                Slot(
                    "port",
                    Kind.PORT,
                    labels=("port", "service port", "--port"),
                    after=("on", "at", "under"),
                    bare=True,
                    required=True,
                    ask="on which port?",
                ),
                Slot(
                    "target_port",
                    Kind.PORT,
                    labels=("target port", "container port", "target", "--target-port"),
                    after=("to", "targeting"),
                ),
                Slot(
                    "type",
                    Kind.CHOICE,
                    labels=("type",),
                    choices={
                        "nodeport": "NodePort",
                        "node port": "NodePort",
                        "loadbalancer": "LoadBalancer",
                        "load balancer": "LoadBalancer",
                        "clusterip": "ClusterIP",
                        "cluster ip": "ClusterIP",
                    },
                ),
            ),
            gives=(Gives("endpoint", "http://{result.cluster_ip}:{port}/"),),
            example="expose the deployment web on port 80",
        ),
    ),
    "kubernetes.scale": (
        Phrase(
            verbs=("scale", "scale up", "scale down", "scale out", "scale in", "resize", "upscale", "downscale"),
            cues=CUES,
            slots=(
                *_workload("what should be scaled?"),
                _FORMER,
                Slot(("name", "replicas"), Kind.COUNTED, bare=True),
                Slot("replicas", Kind.TIMES, bare=True, after=("to",)),
                Slot(
                    "replicas",
                    Kind.NUMBER,
                    labels=("replica", "pod", "instance", "copy", "--replicas"),
                    after=("to", "at", "up to"),
                    required=True,
                    ask="to how many replicas?",
                ),
            ),
            weight=1,
            gives=_WORKLOAD_GIVES,
            example="scale the deployment web to 5 replicas",
        ),
        Phrase(
            verbs=(),  # "six replicas of web"
            states=("replicas", "replica"),
            state_needed=True,
            object_needed=True,
            cues=CUES,
            slots=(
                *_workload("what should be scaled?"),
                Slot(
                    "replicas", Kind.NUMBER, after=("to", "at"), bare=True, required=True, ask="to how many replicas?"
                ),
            ),
            weight=1,
        ),
        Phrase(
            verbs=(
                "set",
                "increase",
                "reduce",
                "decrease",
                "change",
                "bring",
                "raise",
                "lower",
                "need",
                "want",
                "should",
                "bring down",
                "bring up",
                "bump",
                "take",
                "take down",
            ),
            objects=("replica", "instance"),
            cues=CUES,
            object_needed=True,
            slots=(
                *_workload("what should be scaled?"),
                _FORMER,
                Slot(
                    "replicas",
                    Kind.NUMBER,
                    labels=("replica", "pod", "instance", "copy"),
                    after=("to", "at"),
                    required=True,
                    ask="to how many replicas?",
                ),
            ),
            filler=("number", "count", "have"),
            gives=_WORKLOAD_GIVES,
            example="set the number of replicas of web to 5",
        ),
    ),
    "kubernetes.rollout_status": (
        Phrase(
            verbs=(*WAIT, *CHECK, *SHOW, "rollout status"),
            objects=("rollout", "rollout status"),
            states=(
                "rolled out",
                "roll out",
                "done",
                "complete",
                "completed",
                "ready",
                "available",
                "finished",
                "finish",
            ),
            fails=("fails", "failed", "fail", "stuck", "hangs"),
            cues=CUES,
            object_needed=True,
            slots=(*_workload("whose rollout?"), TIMEOUT),
            filler=("status", "state", "progress"),
            gives=_WORKLOAD_GIVES,
            example="wait for the rollout of web in namespace shop",
        ),
    ),
    "kubernetes.rollout_restart": (
        Phrase(
            verbs=("restart", "rollout restart", "bounce", "roll", "recycle"),
            objects=("rollout", "rolling restart", "pod"),
            cues=CUES,
            object_needed=True,
            slots=(*_workload("which deployment should be restarted?"), TIMEOUT),
            filler=("rolling",),
            gives=_WORKLOAD_GIVES,
            example="restart the deployment web in namespace shop",
        ),
    ),
    "kubernetes.rollout_undo": (
        Phrase(
            verbs=(*UNDO, "rollout undo"),
            objects=("rollout",),
            cues=CUES,
            object_needed=True,
            slots=(
                *_workload("which deployment should go back?"),
                Slot("to_revision", Kind.NUMBER, labels=("revision", "--to-revision"), after=("to",)),
                TIMEOUT,
            ),
            filler=("last", "latest", "previous", "former", "version", "revision"),
            gives=_WORKLOAD_GIVES,
            example="undo the rollout of the deployment web",
        ),
    ),
    "kubernetes.pod_status": tuple(
        Phrase(
            verbs=(*SHOW, *CHECK, "describe"),
            about=("pod", "pod status"),
            cues=CUES,
            slots=(*which, *WHERE),
            filler=(
                *("status", "state", "health", "do", "doing", "running", "run", "are", "which", "all", "how", "many"),
                *("has", "have", "there"),
            ),
            weight=weight,
            example=example,
        )
        for which, weight, example in (
            ((_PODS,), 0.0, "show the pods of web in namespace shop"),
            ((_SELECTOR,), 0.0, "show the pods with label app=web in namespace shop"),
            ((), -3.0, "show the pods in namespace shop"),
        )
    ),
    "kubernetes.cluster_info": (
        Phrase(
            verbs=(*SHOW, *CHECK, "describe"),
            about=("cluster info", "cluster", "kubernetes cluster", "cluster version"),
            cues=CUES,
            slots=(CONTEXT,),
            filler=("info", "information", "version", "about"),
            example="show the cluster info",
        ),
    ),
    "kubernetes.convert_compose": (
        Phrase(
            verbs=("convert", "migrate", "translate", "turn"),
            objects=("compose file", "compose", "compose project", "compose stack"),
            object_needed=True,
            cues=CUES,
            slots=(
                Slot(
                    "file",
                    Kind.PATH,
                    labels=("compose file", "file"),
                    after=("in", "from", "of", "at"),
                    bare=True,
                    required=True,
                    things=("compose file",),
                    like=r"compose",
                    tells=True,
                    ask="which compose file?",
                ),
                NAMESPACE,
            ),
            filler=("manifest", "object", "kubernetes"),
            gives=(Gives("file", "{result.manifest}"),),
            example="convert the compose file ./compose.yaml to kubernetes",
        ),
    ),
    "kubernetes.logs": tuple(
        Phrase(
            verbs=(*SHOW, "tail", "follow", "dump", "logs", "look at", "check"),
            about=("log", "log line"),
            cues=CUES,
            object_needed=True,
            slots=(which, *_LINES, *WHERE),
            filler=("last", "recent", "latest", "pod", "instance", "all"),
            example=example,
        )
        for which, example in (
            (
                replace(_PODS, after=("of", "for", "from", "in"), ask="the logs of which pod or deployment?"),
                "show the logs of the pod web-5d8f in namespace shop",
            ),
            (_SELECTOR, "show the logs of the pods with label app=web in namespace shop"),
        )
    ),
    "kubernetes.create_namespace": (
        Phrase(
            verbs=CREATE,
            cues=CUES,
            object_needed=True,
            slots=(
                Slot(
                    "name",
                    labels=("namespace", "kubernetes namespace", "ns"),
                    bare=True,
                    required=True,
                    after=("called", "named"),
                    things=("namespace",),
                    ask="how should the namespace be called?",
                ),
                CONTEXT,
            ),
            gives=(Gives("namespace", "{name}"),),
            example="create the namespace staging",
        ),
        Phrase(
            verbs=ENSURE,
            cues=CUES,
            states=EXISTS,
            state_needed=True,
            slots=(
                Slot("name", labels=("namespace", "ns"), required=True, things=("namespace",), ask="which namespace?"),
                CONTEXT,
            ),
            gives=(Gives("namespace", "{name}"),),
            example="make sure the namespace staging exists",
        ),
    ),
    **HELM_WORDS,
}
