"""How people ask for what the docker agent does."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from reign.core.lexicon import (
    ANY_PROGRAM,
    CREATE,
    ENSURE,
    EXISTS,
    REMOVE,
    RUN,
    SHOW,
    Gives,
    Kind,
    Phrase,
    Slot,
    Taken,
    Words,
)

#: The port on which a well-known image listens (its EXPOSE line), for "run redis:7 on port 6380".
IMAGE_PORTS = MappingProxyType(
    {
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
        "registry": 5000,
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

_CUES = ("docker", "locally")
_CONTAINER = Slot(
    "name",
    labels=("container", "docker container"),
    bare=True,
    required=True,
    things=("container",),
    ask="which container?",
)
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
_NETWORK = Slot(
    "name",
    labels=("network", "docker network"),
    bare=True,
    required=True,
    things=("network",),
    ask="which network?",
)
_VOLUME = Slot(
    "name", labels=("volume", "docker volume"), bare=True, required=True, things=("volume",), ask="which volume?"
)
_COMPOSE_FILE = Slot(
    "file",
    Kind.PATH,
    labels=("compose file", "file", "-f"),
    after=("in", "from", "of", "at", "with", "using", "for", "under"),
    bare=True,
    required=True,
    things=("compose file",),
    like=r"compose",
    tells=True,
    ask="which compose file? for example ./docker-compose.yml",
)
_PROJECT = Slot(
    "project",
    labels=("project name", "compose project", "compose stack", "project", "name", "-p"),
    after=("as", "called", "named"),
    bare=True,
    required=True,
    things=("compose project",),
    taken=Taken("file", folder=True),
    ask="which project name?",
)
_COMPOSE = ("compose", "docker compose", "docker-compose", "compose project", "compose stack", "compose file")
_PLATFORM = Slot("platform", Kind.REF, labels=("platform", "--platform"), after=("for",), only=r"^(linux|windows)/")
_LABELS = Slot("labels", Kind.PAIRS, labels=("label",))

_RUN_SLOTS = (
    Slot(
        "image",
        Kind.IMAGE,
        labels=("image", "docker image"),
        after=("from", "of", "using", "with"),
        bare=True,
        required=True,
        things=("image",),
        known=IMAGES,
        ask="which image should run? for example nginx:1.27",
    ),
    Slot(
        "name",
        labels=("container", "name", "docker container"),
        after=("as", "called", "named"),
        required=True,
        taken=Taken("image", basename=True),
        ask="which name should the container have?",
    ),
    Slot(
        "ports",
        Kind.PUBLISH,
        labels=("port", "host port", "-p", "publish"),
        after=("on", "at"),
        things=("port",),
        inside=IMAGE_PORTS,
    ),
    Slot("ports", Kind.INNER, labels=("container port", "inner port", "internal port"), after=("to", "into")),
    Slot("env", Kind.PAIRS, labels=("environment variable", "environment", "env", "variable", "-e")),
    _LABELS,
    Slot(
        "volumes",
        Kind.MOUNT,
        labels=("volume", "mount", "-v"),
        after=("with",),
        only=r"^[./~]|:/",
        many=True,
        new_by=("docker.create_volume", "name"),
    ),
    Slot("volumes", Kind.INNER, after=("at", "to", "on", "under"), only=r"^/"),
    Slot(
        "networks",
        labels=("network", "docker network"),
        after=("on", "in", "to"),
        many=True,
        shared=True,
        things=("network",),
        new_by=("docker.create_network", "name"),
    ),
    Slot("command", Kind.COMMAND, labels=("command",), after=("with", "running", "executing")),
    Slot(
        "restart",
        Kind.CHOICE,
        labels=("restart policy", "restart", "--restart"),
        choices={word: word for word in ("always", "unless-stopped", "on-failure")},
    ),
    Slot("resources.memory", Kind.SIZE, labels=("memory", "memory limit", "--memory", "-m")),
    Slot("replace", Kind.CHOICE, choices={"replace": True, "replacing": True}),
)
_RUN_GIVES = (Gives("container", "{name}"), Gives("endpoint", "{ports}"))

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
        labels=("dockerfile", "docker file"),
        after=("using", "with", "from"),
        bare=True,
        only=r"(?i)(dockerfile|containerfile)[^/]*$",
    ),
    Slot("build_args", Kind.PAIRS, labels=("build argument", "build arg", "argument", "arg")),
    Slot("target", labels=("stage", "build stage", "target stage", "target", "--target")),
    _PLATFORM,
    Slot("no_cache", Kind.CHOICE, choices={"no-cache": True, "uncached": True}),
)

WORDS: Words = {
    "docker.build": (
        Phrase(
            verbs=("build", "rebuild", "package", "containerize", "containerise", "dockerize", "dockerise"),
            objects=_IMAGE_NOUNS,
            cues=_CUES,
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
            cues=_CUES,
            filler=("latest", "hub", "registry"),
            gives=(Gives("image", "{image}"),),
            example="pull redis:7",
        ),
        Phrase(
            verbs=("download", "fetch", "get", "grab"),
            objects=("image", "docker image"),
            slots=(replace(_IMAGE, like=r":[\w.-]+$|@sha256:", tells=True),),
            cues=_CUES,
            filler=("latest", "hub", "registry"),
            object_needed=True,
            gives=(Gives("image", "{image}"),),
            example="download the image redis:7",
        ),
    ),
    "docker.tag": (
        Phrase(
            verbs=("tag", "retag"),
            cues=_CUES,
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
            verbs=("push", "publish", "upload"),
            cues=_CUES,
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
            gives=(Gives("image", "{target}"),),
            example="push shop:1 to registry.local:5000",
        ),
    ),
    "docker.remove_image": (
        Phrase(
            verbs=REMOVE,
            objects=("image", "docker image"),
            cues=_CUES,
            slots=(_IMAGE,),
            object_needed=True,
            example="remove the image shop:1",
        ),
        Phrase(verbs=("rmi",), cues=_CUES, slots=(_IMAGE,)),
    ),
    "docker.run": (
        Phrase(
            verbs=(*RUN, "bring", "spawn", "put up", "stand up"),
            objects=("container", "docker container"),
            cues=_CUES,
            slots=_RUN_SLOTS,
            filler=("detached", "background", "daemon", "publish", "-d", "--detach", "--rm", "-it"),
            gives=_RUN_GIVES,
            example="run nginx:1.27 as web on port 8080",
        ),
        Phrase(
            verbs=(*CREATE, "deploy", "get", "give"),
            objects=("container", "docker container"),
            cues=_CUES,
            slots=_RUN_SLOTS,
            object_needed=True,
            gives=_RUN_GIVES,
            example="create a container web from nginx:1.27",
        ),
        Phrase(
            verbs=("replace", "swap", "update", "upgrade", "recreate"),
            objects=("container", "docker container"),
            cues=_CUES,
            object_needed=True,
            slots=(
                replace(_RUN_SLOTS[0], after=("with", "by", "to", "for", "from", "using"), bare=False),
                replace(_RUN_SLOTS[1], bare=True),
                *_RUN_SLOTS[2:],
            ),
            sets={"replace": True},
            gives=_RUN_GIVES,
            example="replace the container web with nginx:1.28",
        ),
    ),
    "docker.stop": (
        Phrase(
            verbs=("stop", "halt", "shut down", "kill", "take down", "bring down"),
            cues=_CUES,
            slots=(_CONTAINER,),
            weight=1,
            example="stop the container web",
        ),
    ),
    "docker.start": (
        Phrase(
            verbs=("start", "start up", "resume", "bring up", "boot"),
            cues=_CUES,
            slots=(_CONTAINER,),
            weight=1,
            example="start the container web",
        ),
        Phrase(verbs=("run", "launch"), cues=_CUES, slots=(_CONTAINER,), object_needed=True),
    ),
    "docker.restart": (
        Phrase(
            verbs=("restart", "reboot", "bounce", "recycle", "cycle"),
            cues=_CUES,
            slots=(_CONTAINER,),
            weight=1,
            example="restart the container web",
        ),
    ),
    "docker.remove": (
        Phrase(
            verbs=REMOVE,
            cues=_CUES,
            slots=(_CONTAINER,),
            object_needed=True,
            example="remove the container web",
        ),
        Phrase(verbs=("rm",), cues=_CUES, slots=(_CONTAINER,), filler=("-f",), object_needed=True, weight=2),
        Phrase(verbs=("destroy",), cues=_CUES, slots=(_CONTAINER,), object_needed=True),
    ),
    "docker.exec": (
        Phrase(
            verbs=("exec", "execute", "run", "call"),
            cues=_CUES,
            slots=(
                Slot(
                    "command",
                    Kind.COMMAND,
                    labels=("command",),
                    bare=True,
                    required=True,
                    ask="which command should run in the container? put it in backticks",
                ),
                Slot(
                    "name",
                    labels=("container", "docker container"),
                    after=("in", "inside", "within", "on"),
                    required=True,
                    things=("container",),
                    ask="in which container?",
                ),
            ),
            programs=(ANY_PROGRAM,),
            object_needed=True,
            example="run `nginx -t` in the container web",
            objects=("container",),
        ),
    ),
    "docker.logs": (
        Phrase(
            verbs=(*SHOW, "tail", "follow", "dump", "check", "logs", "look at"),
            about=("log", "log line", "log output", "output", "line", "logged", "printed"),
            cues=_CUES,
            slots=(
                Slot(
                    "name",
                    labels=("container", "docker container"),
                    after=("of", "for", "from", "in"),
                    bare=True,
                    required=True,
                    things=("container",),
                    ask="whose logs?",
                ),
                Slot("tail", Kind.NUMBER, labels=("line", "log line", "log entry", "entry", "log", "--tail")),
            ),
            filler=("last", "recent", "latest", "newest", "what"),
            weight=1,
            example="show the last 50 log lines of the container api",
        ),
        Phrase(
            verbs=("tail", "logs"),
            cues=_CUES,
            slots=(_CONTAINER, Slot("tail", Kind.NUMBER, labels=("line", "--tail"))),
            filler=("last",),
            weight=1,
        ),
    ),
    "docker.create_network": (
        Phrase(
            verbs=CREATE,
            cues=_CUES,
            slots=(
                _NETWORK,
                Slot("driver", labels=("driver", "network driver", "--driver")),
                Slot(
                    "driver", Kind.CHOICE, choices={word: word for word in ("bridge", "overlay", "macvlan", "ipvlan")}
                ),
                Slot("subnet", Kind.HOST, labels=("subnet",)),
            ),
            object_needed=True,
            gives=(Gives("network", "{name}"),),
            example="create a network called backend",
        ),
        Phrase(
            verbs=ENSURE,
            cues=_CUES,
            states=EXISTS,
            state_needed=True,
            slots=(replace(_NETWORK, bare=False),),
            gives=(Gives("network", "{name}"),),
        ),
    ),
    "docker.remove_network": (
        Phrase(verbs=REMOVE, cues=_CUES, slots=(_NETWORK,), object_needed=True, example="remove the network backend"),
    ),
    "docker.create_volume": (
        Phrase(
            verbs=CREATE,
            cues=_CUES,
            slots=(_VOLUME, Slot("driver", labels=("driver",)), _LABELS),
            object_needed=True,
            gives=(Gives("volume", "{name}"),),
            example="create a volume called data",
        ),
        Phrase(
            verbs=ENSURE,
            cues=_CUES,
            states=EXISTS,
            state_needed=True,
            slots=(replace(_VOLUME, bare=False),),
            gives=(Gives("volume", "{name}"),),
        ),
    ),
    "docker.remove_volume": (
        Phrase(verbs=REMOVE, cues=_CUES, slots=(_VOLUME,), object_needed=True, example="remove the volume data"),
    ),
    "docker.compose_up": (
        Phrase(
            verbs=(*RUN, "up", "bring", "deploy", "start up"),
            objects=_COMPOSE,
            cues=("docker",),
            object_needed=True,
            slots=(_COMPOSE_FILE, _PROJECT),
            filler=("service", "everything", "stack", "-d", "--detach", "detached", "background", "--wait"),
            gives=(Gives("compose project", "{project}", {"file": "{file}"}),),
            example="bring up the compose project in ./docker-compose.yml as shop",
        ),
    ),
    "docker.compose_down": (
        Phrase(
            verbs=("tear down", "take down", "bring down", "shut down", "down", "stop", "destroy", *REMOVE),
            objects=_COMPOSE,
            cues=("docker",),
            object_needed=True,
            slots=(replace(_COMPOSE_FILE, default="."), _PROJECT),
            filler=("service", "everything", "stack"),
            example="take down the compose project shop in ./docker-compose.yml",
        ),
    ),
}
