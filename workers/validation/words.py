"""How people ask for what the validation agent does; most of it is said as a statement that must hold."""

from __future__ import annotations

from reign.core.lexicon import CHECK, SHOW, WAIT, Gives, Kind, Phrase, Slot, Words

_ANSWERS = (
    *("answers", "answer", "answering", "responds", "respond", "responding", "returns", "return", "works", "working"),
    *("serves", "serve", "reachable", "healthy", "up", "live", "alive", "online", "loads", "available", "gives"),
)
_REACHED = ("reachable", "accessible", "reached", "connects")
_ACCEPTS = ("accepts connections", "accepts tcp", "accepting connections", "accept connections")
_OPEN = ("open", "listening", "listens", "in use", "taken", "used")
_CLOSED = ("closed", "free", "unused", "shut", "blocked", "unreachable")
_WITHIN = Slot(
    "within",
    Kind.DURATION,
    labels=("timeout",),
    after=("within", "in", "for", "up to", "under", "at most"),
)
_EVERY = Slot("every", Kind.DURATION, labels=("every", "interval"))
_LOCAL = "127.0.0.1"
_HOST = Slot(
    "host",
    Kind.HOST,
    labels=("host", "server", "machine"),
    after=("on", "of", "at", "for", "to"),
    bare=True,
    required=True,
    default=_LOCAL,
    ask="on which host?",
)
_ADDRESS = Slot(("host", "port"), Kind.ADDRESS, bare=True, after=("on", "of", "at", "to", "with", "for"), tells=True)
_TCP_SLOTS = (
    _ADDRESS,
    Slot(
        "port",
        Kind.PORT,
        labels=("port", "tcp port"),
        after=("on", "at", "to"),
        bare=True,
        required=True,
        things=("endpoint",),
        ask="which port?",
    ),
    _HOST,
    _WITHIN,
)
_HTTP_SLOTS = (
    Slot(
        "url",
        Kind.URL,
        labels=("url", "address", "page", "site", "website", "endpoint", "health endpoint"),
        after=("at", "on", "for", "of", "to", "that"),
        bare=True,
        required=True,
        things=("endpoint",),
        ask="which address should answer? for example http://127.0.0.1:8080/",
    ),
    Slot("url", Kind.PORT, labels=("port",), after=("on", "at"), things=("port",), form="http://127.0.0.1:{}/"),
    Slot(
        "expect_status",
        Kind.NUMBER,
        labels=("status", "status code", "http status", "code", "http"),
        after=(
            *("returns", "return", "with", "gives", "answers", "responds", "answer", "respond", "for"),
            *("expect", "expects", "expecting"),
        ),
    ),
    Slot(
        "expect_body",
        Kind.TEXT,
        labels=("body", "text", "content"),
        after=("contains", "containing", "with", "returns", "says", "saying", "shows", "answers", "contain", "say"),
    ),
    Slot("expect_body", Kind.REF, labels=("word",), after=("contains", "containing", "saying", "contain"), only=r"\w"),
    _WITHIN,
    _EVERY,
)


_LINT = ("lint", "validate", "check", "verify", "scan", "test", "analyse", "analyze", "inspect", "audit", "review")


def _check_of(
    kind: str,
    labels: tuple[str, ...],
    like: str,
    example: str,
    verbs: tuple[str, ...] = _LINT,
    gives: tuple[Gives, ...] = (),
) -> Phrase:
    """The check of one sort of file: ``lint ./api/Dockerfile``, ``validate the workflow ci.yml``."""
    return Phrase(
        verbs=verbs,
        objects=labels,
        object_needed=True,
        states=("valid", "validates", "clean", "correct", "well formed", "fine", "ok"),
        fails=("has", "have", "contains", "there are", "shows"),
        slots=(
            Slot(
                "path",
                Kind.PATH,
                labels=(*labels, "folder", "directory", "file"),
                after=("in", "of", "at", "from", "under"),
                bare=True,
                required=True,
                things=("file", "folder"),
                like=like,
                tells=True,
                ask=f"which {kind}?",
            ),
        ),
        filler=(
            *(
                "problem",
                "issue",
                "error",
                "mistake",
                "typo",
                "bug",
                "flaw",
                "syntax",
                "code",
                "misconfiguration",
                "vulnerability",
                "weakness",
            ),
            *("security", "finding", "warning", "every", "all", "each"),
        ),
        gives=gives,
        example=example,
    )


WORDS: Words = {
    "validation.scan_secrets": (
        Phrase(
            verbs=(
                "scan",
                "search",
                "look",
                "check",
                "hunt",
                "inspect",
                "verify",
                "audit",
                "find",
                "ensure",
                "make sure",
                "detect",
                "discover",
                "spot",
            ),
            objects=(
                *("secret", "credential", "password", "token", "key", "api key", "private key", "secret scan"),
                *("leaked secret", "leaked credential"),
            ),
            object_needed=True,
            states=("clean", "free of"),
            fails=("found", "contains", "contain", "has", "have", "holds", "there are", "there"),
            slots=(
                Slot(
                    "path",
                    Kind.PATH,
                    labels=("folder", "directory", "file", "code", "source"),
                    after=("in", "inside", "of", "through", "under", "across", "on", "from", "over"),
                    bare=True,
                    required=True,
                    things=("folder", "file"),
                    ask="which folder or file should be scanned?",
                ),
            ),
            filler=(
                "leaked",
                "leak",
                "hard-coded",
                "hardcoded",
                "plain",
                "any",
                "repo",
                "repository",
                "project",
                "whole",
            ),
            example="scan ./src for secrets",
        ),
    ),
    "validation.scan_ports": (
        Phrase(
            verbs=(*CHECK, "scan", "probe"),
            objects=("port",),
            states=_OPEN,
            state_needed=True,
            slots=(
                Slot(
                    "expect_open",
                    Kind.PORT,
                    labels=("port", "tcp port"),
                    after=("on", "at"),
                    bare=True,
                    many=True,
                    required=True,
                    things=("port",),
                    ask="which ports?",
                ),
                _HOST,
            ),
            filler=("something", "anything"),
            merges=True,
            example="check that port 443 is open on 127.0.0.1",
        ),
        Phrase(
            verbs=(*CHECK, "scan", "probe"),
            objects=("port",),
            states=_CLOSED,
            fails=_OPEN,
            state_needed=True,
            slots=(
                Slot(
                    "expect_closed",
                    Kind.PORT,
                    labels=("port", "tcp port"),
                    after=("on", "at"),
                    bare=True,
                    many=True,
                    required=True,
                    things=("port",),
                    ask="which ports?",
                ),
                _HOST,
            ),
            filler=("nothing", "nobody", "no", "one", "process", "service"),
            merges=True,
            example="make sure nothing listens on port 8080",
        ),
        Phrase(
            verbs=("scan", "probe", *SHOW),
            objects=("port", "open port", "port scan"),
            object_needed=True,
            slots=(
                Slot(
                    "ports",
                    Kind.PORT,
                    labels=("port", "open port"),
                    after=("from", "in", "between"),
                    bare=True,
                    many=True,
                    default="1-1024",
                ),
                Slot(
                    "host",
                    Kind.HOST,
                    labels=("host", "server", "machine"),
                    after=("on", "of", "at", "for", "to"),
                    bare=True,
                    required=True,
                    ask="on which host?",
                ),
            ),
            filler=("open",),
            example="scan ports 1-1024 on localhost",
        ),
    ),
    "validation.http": (
        Phrase(
            verbs=(*CHECK, *WAIT, "ping", "probe", "hit", "curl", "request", "call", "open", "get", "fetch"),
            objects=("health check", "http check", "smoke test"),
            states=_ANSWERS,
            slots=_HTTP_SLOTS,
            filler=("app", "service", "something", "server", "http", "check"),
            merges=True,
            example="check that http://127.0.0.1:8080/ answers with 200 within 30 seconds",
        ),
        Phrase(
            verbs=(*CHECK, *WAIT),
            states=("ready", "ok", "fine", "accessible", "responsive", "running", "there", "good", "green"),
            state_needed=True,
            slots=(
                Slot("url", Kind.URL, bare=True, required=True, only=r"://|:\d", ask="which address?"),
                _HTTP_SLOTS[2],
                _WITHIN,
            ),
            filler=("page", "site", "url"),
        ),
        Phrase(
            verbs=("reach",),
            slots=(Slot("url", Kind.URL, bare=True, required=True, only=r"://", ask="which address?"), _WITHIN),
        ),
    ),
    "validation.tcp": (
        Phrase(
            verbs=(*WAIT, *CHECK, "connect", "ping", "probe"),
            objects=("tcp", "tcp port", "connection", "tcp connection"),
            object_needed=True,
            states=(*_OPEN, *_REACHED, *_ACCEPTS),
            slots=_TCP_SLOTS,
            filler=("connections", "connect", "check"),
            weight=1,
            example="check the tcp port 5432 of localhost",
        ),
        Phrase(
            verbs=CHECK,
            states=(*_ACCEPTS, *_REACHED),
            state_needed=True,
            slots=_TCP_SLOTS,
            weight=2,  # of a port, to be reachable says no more
            example="check that port 5432 on localhost accepts connections",
        ),
        Phrase(verbs=CHECK, about=("tcp", "tcp port"), states=("up",), state_needed=True, slots=_TCP_SLOTS, weight=1),
        Phrase(verbs=("reach",), slots=(*_TCP_SLOTS[:2], *_TCP_SLOTS[2:]), weight=1),
        Phrase(
            verbs=(*WAIT, "connect"),
            states=(*_OPEN, *_REACHED, *_ACCEPTS),
            slots=_TCP_SLOTS,
            filler=("connections", "connect"),
            weight=1,
            example="wait for port 5432 on localhost",
        ),
    ),
    "validation.dockerfile": (
        _check_of(
            "Dockerfile", ("dockerfile", "docker file"), r"(?i)(docker|container)file[^/]*$", "lint ./api/Dockerfile"
        ),
        Phrase(
            verbs=("hadolint",),
            slots=(Slot("path", Kind.PATH, bare=True, required=True, after=("on",), ask="which Dockerfile?"),),
        ),
    ),
    "validation.script": (
        _check_of("script", ("script", "shell script"), r"\.(sh|bash|ksh)$", "lint the script ./deploy.sh"),
        Phrase(
            verbs=("shellcheck",),
            slots=(Slot("path", Kind.PATH, bare=True, required=True, after=("on",), ask="which script?"),),
        ),
    ),
    "validation.workflow": (
        _check_of(
            "workflow",
            ("workflow", "github workflow", "workflow file"),
            r"\.github/workflows/",
            "validate the workflow .github/workflows/ci.yml",
        ),
    ),
    "validation.manifest": (
        _check_of(
            "manifest",
            ("manifest", "kubernetes manifest", "kubernetes yaml"),
            r"(k8s|kube|manifest).*\.(ya?ml|json)$|k8s/?$",
            "validate the manifest k8s/app.yaml",
            gives=(Gives("file", "{path}", made=False),),  # a folder of manifests, too, is what "apply them" means
        ),
    ),
    "validation.policy": (
        _check_of(
            "plan file",
            ("policy", "plan file"),
            r"plan[^/]*\.ya?ml$",
            "check the plan file ./plan.yaml against the policy",
        ),
        Phrase(
            verbs=_LINT,
            about=("policy",),
            objects=("plan",),
            filler=("against", "rule"),
            example="check this plan against the policy",
        ),
    ),
    "validation.terraform": (
        _check_of(
            "terraform folder",
            ("terraform", "terraform code", "terraform configuration", "terraform file", "terraform module"),
            r"\.tf$",
            "scan the terraform code in ./infra for problems",
            verbs=(
                *_LINT[:1],
                *_LINT[2:3],
                *_LINT[4:5],
                *_LINT[6:],
                "security check",
                "security scan",
                "security-scan",
            ),
        ),
    ),
}
