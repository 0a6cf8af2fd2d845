"""How people ask for what the docker agent does with images."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from reign.core.lexicon import CREATE, REMOVE, Gives, Kind, Phrase, Slot, Taken, Words

#: The port on which a well-known image listens (its EXPOSE line), for "run redis:7 on port 6380".
IMAGE_PORTS = MappingProxyType(
    {
        **dict.fromkeys(("nginx", "httpd", "caddy", "traefik", "wordpress"), 80),
        "cassandra": 9042,
        "consul": 8500,
        "elasticsearch": 9200,
        "etcd": 2379,
        "ghost": 2368,
        "grafana": 3000,
        "influxdb": 8086,
        "jenkins": 8080,
        "kibana": 5601,
        "mariadb": 3306,
        "memcached": 11211,
        "mongo": 27017,
        "mysql": 3306,
        "nats": 4222,
        "postgres": 5432,
        "prometheus": 9090,
        "rabbitmq": 5672,
        "redis": 6379,
        "node-exporter": 9100,
        "alertmanager": 9093,
        "couchdb": 5984,
        "keycloak": 8080,
        "loki": 3100,
        "minio": 9000,
        "neo4j": 7474,
        "portainer": 9000,
        "registry": 5000,
        "sonarqube": 9000,
        "solr": 8983,
        "zipkin": 9411,
        "tomcat": 8080,
        "valkey": 6379,
        "vault": 8200,
    }
)
#: Bare words that are images to most readers.
IMAGES = frozenset(IMAGE_PORTS) | {
    *("adminer", "alpine", "busybox", "caddy", "debian", "golang", "haproxy", "hello-world", "httpd", "nginx"),
    *("node", "openjdk", "php", "python", "ruby", "rust", "traefik", "ubuntu", "wordpress"),
}
CUES = ("docker", "locally")
_IMAGE = Slot(
    "image",
    Kind.IMAGE,
    labels=("image", "docker image"),
    bare=True,
    required=True,
    things=("image",),
    known=IMAGES,
    ask="which image? for example nginx:1.27",
)
_PLATFORM = Slot("platform", Kind.REF, labels=("platform", "--platform"), after=("for",), only=r"^(linux|windows)/")
_IMAGE_NOUNS = ("image", "docker image", "container image")
_BUILD_SLOTS = (
    Slot(
        "context",
        Kind.PATH,
        labels=("folder", "directory", "build context", "context", "source"),
        after=("in", "from", "of", "at", "under"),
        bare=True,
        required=True,
        things=("folder",),
        ask="which folder should be built?",
    ),
    Slot(
        "tag",
        Kind.IMAGE,
        labels=("image", "tag", "docker image", "-t"),
        after=("as", "to", "into", "called", "named", "tagged"),
        required=True,
        taken=Taken("context", basename=True),
        ask="how should the image be called? for example shop:1",
    ),
    Slot(
        "dockerfile",
        Kind.PATH,
        labels=("dockerfile", "docker file", "-f", "--file"),
        after=("using", "with", "from"),
        bare=True,
        only=r"(?i)(dockerfile|containerfile)[^/]*$",
    ),
    Slot("build_args", Kind.PAIRS, labels=("build argument", "build arg", "argument", "arg", "--build-arg")),
    Slot("target", labels=("stage", "build stage", "target stage", "target", "--target")),
    _PLATFORM,
    Slot("pull", Kind.CHOICE, choices={"--pull": True}),
    Slot("no_cache", Kind.CHOICE, choices={"no-cache": True, "uncached": True, "--no-cache": True}),
)

IMAGE_WORDS: Words = {
    "docker.build": (
        Phrase(
            verbs=("build", "rebuild", "package", "containerize", "containerise", "dockerize", "dockerise"),
            objects=_IMAGE_NOUNS,
            cues=CUES,
            slots=_BUILD_SLOTS,
            filler=("only", "locally"),
            gives=(Gives("image", "{tag}"),),
            example="build ./shop as shop:1",
        ),
        Phrase(
            verbs=(*CREATE, "compile", "assemble", "bake", "generate", "produce"),
            objects=_IMAGE_NOUNS,
            object_needed=True,
            slots=tuple(replace(slot, bare=False) if slot.input == "context" else slot for slot in _BUILD_SLOTS),
            gives=(Gives("image", "{tag}"),),
            example="create an image named shop:1 from ./shop",
        ),
    ),
    "docker.pull": (
        Phrase(
            verbs=("pull",),
            slots=(_IMAGE,),
            cues=CUES,
            filler=("latest", "hub", "registry"),
            gives=(Gives("image", "{image}"),),
            example="pull redis:7",
        ),
        Phrase(
            verbs=("download", "fetch", "get", "grab"),
            objects=("image", "docker image"),
            slots=(replace(_IMAGE, like=r":[\w.-]+$|@sha256:", tells=True),),
            cues=CUES,
            filler=("latest", "hub", "registry"),
            object_needed=True,
            gives=(Gives("image", "{image}"),),
            example="download the image redis:7",
        ),
    ),
    "docker.tag": (
        Phrase(
            verbs=("tag", "retag"),
            cues=CUES,
            slots=(
                _IMAGE,
                Slot(
                    "target",
                    Kind.IMAGE,
                    labels=("tag", "name"),
                    after=("as", "to", "with", "into"),
                    required=True,
                    ask="which further name should the image have?",
                ),
            ),
            settles=("docker.build", "tag"),
            gives=(Gives("image", "{target}"),),
            example="tag shop:1 as registry.local:5000/shop:1",
        ),
    ),
    "docker.push": (
        Phrase(
            verbs=("push", "publish", "upload", "ship"),
            cues=CUES,
            slots=(
                _IMAGE,
                Slot(
                    "target",
                    Kind.IMAGE,
                    after=("to", "as", "into"),
                    required=True,
                    taken=Taken("image"),
                    ask="under which name should it be pushed?",
                ),
                Slot("target", Kind.HOST, labels=("registry",), after=("to", "into"), form="{}/{image}"),
            ),
            filler=("registry", "there", "hub"),
            renames=("image", "target"),
            gives=(Gives("image", "{target}"),),
            example="push shop:1 to registry.local:5000",
        ),
    ),
    "docker.remove_image": (
        Phrase(
            verbs=REMOVE,
            objects=("image", "docker image"),
            cues=CUES,
            slots=(_IMAGE,),
            object_needed=True,
            example="remove the image shop:1",
        ),
        Phrase(verbs=("rmi",), cues=CUES, slots=(_IMAGE,)),
    ),
}
