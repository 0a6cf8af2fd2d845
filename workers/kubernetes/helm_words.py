"""How people ask for what the kubernetes agent does with Helm."""

from __future__ import annotations

from dataclasses import replace

from reign.core.lexicon import CHECK, REMOVE, SHOW, UNDO, Gives, Kind, Phrase, Slot, Taken, Words
from workers.kubernetes.place_words import CONTEXT, CUES, NAMESPACE_IN, TIMEOUT, WHERE, WHERE_TO

_HELM = ("helm",)
_RELEASE = Slot(
    "release",
    labels=("release", "helm release", "release name"),
    after=("as", "called", "named", "of", "for"),
    bare=True,
    required=True,
    things=("release",),
    ask="which release?",
)
_CHART = Slot(
    "chart",
    Kind.PATH,
    labels=("chart", "helm chart"),
    after=("to", "from", "with", "using", "in"),
    bare=True,
    required=True,
    like=r"chart",
    tells=True,
    ask="which chart? for example ./charts/shop",
)
_NEW_RELEASE = Slot(
    "release",
    labels=("release", "helm release", "release name"),
    after=("as", "called", "named"),
    bare=True,
    required=True,
    taken=Taken("chart", basename=True),
    ask="how should the release be called?",
)
#: A chart by its repository's name, or in a registry: nothing else that is installed looks like that.
_OF_A_REPOSITORY = r"^([a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*|oci://.+)$"
_VALUES_FILE = Slot(
    "values",
    Kind.PATH,
    labels=("values file", "value file", "value", "--values", "-f"),
    after=("with", "using", "from"),
    only=r"\.(ya?ml|json)$",
)
_HELM_OPTIONS = (
    Slot("values", Kind.SETTINGS, labels=("value", "setting", "--set")),
    Slot("version", Kind.REF, labels=("version", "chart version", "--version")),
    _VALUES_FILE,
    Slot("repo", Kind.URL, labels=("--repo", "chart repository", "repository", "repo"), after=("from",)),
    Slot("wait", Kind.CHOICE, choices={"--wait": True}),
    Slot("create_namespace", Kind.CHOICE, choices={"--create-namespace": True}),
    Slot("rollback_on_failure", Kind.CHOICE, choices={"--atomic": True, "--rollback-on-failure": True, "atomic": True}),
    *WHERE_TO,
    replace(TIMEOUT, labels=("timeout", "--timeout")),
)
_REVISION = Slot("revision", Kind.NUMBER, labels=("revision", "version"), after=("to",), bare=True)

HELM_WORDS: Words = {
    "kubernetes.helm_install": (
        Phrase(
            verbs=("install", "deploy", "helm install", "set up"),
            objects=("chart", "helm chart", "helm release"),
            cues=(*_HELM, *CUES),
            object_needed=True,
            slots=(
                _CHART,
                _NEW_RELEASE,
                *_HELM_OPTIONS,
            ),
            gives=(Gives("release", "{release}", {"chart": "{chart}"}),),
            example="install the chart ./charts/shop as release shop in namespace prod",
        ),
        Phrase(
            verbs=("install",),
            cues=(*_HELM, *CUES),
            slots=(
                replace(_CHART, only=_OF_A_REPOSITORY, like=_OF_A_REPOSITORY),
                replace(_NEW_RELEASE, bare=False),
                *_HELM_OPTIONS,
            ),
            gives=(Gives("release", "{release}", {"chart": "{chart}"}),),
            example="install bitnami/redis as cache in namespace data",
        ),
    ),
    "kubernetes.helm_upgrade": (
        Phrase(
            verbs=("upgrade", "update", "set", "change", "reconfigure", "configure", "bump"),
            objects=("release", "helm release", "chart"),
            cues=(*_HELM, *CUES),
            object_needed=True,
            slots=(
                _RELEASE,
                _CHART,
                *_HELM_OPTIONS,
                Slot("install", Kind.CHOICE, choices={"--install": True}),
                Slot("reuse_values", Kind.CHOICE, choices={"--reuse-values": True}),
            ),
            gives=(Gives("release", "{release}", {"chart": "{chart}"}),),
            example="upgrade the helm release shop to chart ./charts/shop with image.tag=2.4.1",
        ),
    ),
    "kubernetes.helm_rollback": (
        Phrase(
            verbs=UNDO,
            objects=("release", "helm release"),
            cues=(*_HELM, *CUES),
            object_needed=True,
            slots=(_RELEASE, _REVISION, *WHERE, TIMEOUT),
            filler=("last", "previous", "former", "upgrade"),
            example="roll back the helm release shop to revision 3",
        ),
    ),
    "kubernetes.helm_uninstall": (
        Phrase(
            verbs=("uninstall", *REMOVE),
            objects=("release", "helm release"),
            cues=(*_HELM, *CUES),
            object_needed=True,
            slots=(_RELEASE, Slot("keep_history", Kind.CHOICE, choices={"--keep-history": True}), *WHERE),
            example="uninstall the helm release shop",
        ),
    ),
    "kubernetes.helm_history": (
        Phrase(
            verbs=(*SHOW, "history"),
            about=("history", "revision"),
            cues=(*_HELM, *CUES),
            slots=(_RELEASE, *WHERE),
            filler=("all", "past"),
            example="show the history of the helm release shop",
        ),
    ),
    "kubernetes.helm_template": (
        Phrase(
            verbs=("render", "template"),
            objects=("chart", "helm chart"),
            cues=(*_HELM, *CUES),
            slots=(_CHART, *_HELM_OPTIONS[:2], NAMESPACE_IN, CONTEXT),
            filler=("template",),
            example="render the chart ./charts/shop with replicas=2",
        ),
    ),
    "kubernetes.helm_status": (
        Phrase(
            verbs=(*SHOW, *CHECK, "status"),
            objects=("release", "helm release"),
            cues=(*_HELM, *CUES),
            object_needed=True,
            slots=(_RELEASE, *WHERE),
            filler=("status", "state", "how", "is", "doing", "health"),
            example="show the status of the helm release shop",
        ),
    ),
}
