"""How people ask for what the docker agent does: containers, networks, volumes, compose, and images (image_words)."""

from __future__ import annotations

from dataclasses import replace

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
from workers.docker.image_words import CUES, IMAGE_PORTS, IMAGE_WORDS, IMAGES

_CONTAINER = Slot(
    "name",
    labels=("container", "docker container"),
    bare=True,
    required=True,
    things=("container",),
    ask="which container?",
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
#: What a container that is still there does not let go.
_HELD = ("docker.remove_network", "docker.remove_volume")
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
_LABELS = Slot("labels", Kind.PAIRS, labels=("label",))

_AMOUNT = ("with", "at most", "up to", "to", "using")
_SIZED = r"(?i)^\d+(\.\d+)?[kmgt]i?b?$"
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
        labels=("container", "name", "docker container", "container name"),
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
        labels=("network", "docker network", "--net"),
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
        choices={**{word: word for word in ("always", "unless-stopped", "on-failure", "no")}, "never": "no"},
    ),
    Slot(
        "resources.memory",
        Kind.SIZE,
        labels=("memory", "memory limit", "ram", "mem", "--memory", "-m"),
        after=_AMOUNT,
        only=_SIZED,
    ),
    Slot(
        "resources.cpus",
        Kind.CPUS,
        labels=("cpu limit", "cpu", "--cpus"),
        after=_AMOUNT,
        only=r"(cpu|core)s?$",
    ),
    Slot("user", Kind.REF, labels=("user", "--user", "-u")),
    Slot("user", Kind.NUMBER, labels=("user", "uid", "--user", "-u"), form="{0}"),
    Slot("workdir", Kind.PATH, labels=("working directory", "work dir", "workdir", "--workdir", "-w"), only=r"^/"),
    Slot("hostname", labels=("hostname", "--hostname", "-h")),
    Slot("entrypoint", Kind.COMMAND, labels=("entrypoint", "--entrypoint")),
    Slot(
        "read_only",
        Kind.CHOICE,
        choices=dict.fromkeys(
            ("read-only", "readonly", "read-only file system", "read-only filesystem", "read-only root file system"),
            True,
        ),
    ),
    Slot("privileged", Kind.CHOICE, choices={"privileged": True}),
    Slot("replace", Kind.CHOICE, choices={"replace": True, "replacing": True}),
)
_RUN_GIVES = (Gives("container", "{name}"), Gives("endpoint", "{ports}"))


WORDS: Words = {
    **IMAGE_WORDS,
    "docker.run": (
        Phrase(
            verbs=(*RUN, "bring", "spawn", "put up", "stand up"),
            objects=("container", "docker container"),
            cues=CUES,
            slots=_RUN_SLOTS,
            filler=(
                "detached",
                "background",
                "daemon",
                "publish",
                "-d",
                "--detach",
                "--rm",
                "-it",
            ),
            gives=_RUN_GIVES,
            example="run nginx:1.27 as web on port 8080",
        ),
        Phrase(
            verbs=(*CREATE, "deploy", "get", "give"),
            objects=("container", "docker container"),
            cues=CUES,
            slots=_RUN_SLOTS,
            object_needed=True,
            gives=_RUN_GIVES,
            example="create a container web from nginx:1.27",
        ),
        Phrase(
            verbs=("replace", "swap", "swap out", "update", "upgrade", "recreate", "bump", "change", "switch"),
            objects=("container", "docker container"),
            cues=CUES,
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
            cues=CUES,
            slots=(_CONTAINER,),
            weight=1,
            example="stop the container web",
        ),
    ),
    "docker.start": (
        Phrase(
            verbs=("start", "start up", "resume", "bring up", "boot", "wake", "wake up"),
            cues=CUES,
            slots=(_CONTAINER,),
            weight=1,
            example="start the container web",
        ),
        Phrase(verbs=("run", "launch"), cues=CUES, slots=(_CONTAINER,), object_needed=True),
    ),
    "docker.restart": (
        Phrase(
            verbs=("restart", "reboot", "bounce", "recycle", "cycle", "kick", "power cycle", "power-cycle"),
            cues=CUES,
            slots=(_CONTAINER,),
            weight=1,
            example="restart the container web",
        ),
    ),
    "docker.remove": (
        Phrase(
            verbs=REMOVE,
            cues=CUES,
            slots=(_CONTAINER,),
            object_needed=True,
            holds=_HELD,
            example="remove the container web",
        ),
        Phrase(
            verbs=("rm",), cues=CUES, slots=(_CONTAINER,), filler=("-f",), object_needed=True, holds=_HELD, weight=2
        ),
        Phrase(verbs=("destroy",), cues=CUES, slots=(_CONTAINER,), object_needed=True, holds=_HELD),
    ),
    "docker.exec": (
        Phrase(
            verbs=("exec", "execute", "run", "call"),
            cues=CUES,
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
                    bare=True,
                    required=True,
                    things=("container",),
                    ask="in which container?",
                ),
                Slot("user", Kind.REF, labels=("user", "--user", "-u"), after=("as",)),
                Slot("workdir", Kind.PATH, labels=("working directory", "workdir", "--workdir", "-w"), only=r"^/"),
                Slot("env", Kind.PAIRS, labels=("environment variable", "environment", "env", "-e")),
            ),
            filler=("-it", "-i", "-t"),
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
            cues=CUES,
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
                Slot(
                    "tail", Kind.NUMBER, labels=("line", "log line", "log entry", "entry", "log", "--tail"), bare=True
                ),
                Slot("since", Kind.DURATION, labels=("--since",), after=("since", "from", "of", "over")),
                Slot("timestamps", Kind.CHOICE, choices={"timestamp": True, "timestamps": True, "-t": True}),
            ),
            filler=("last", "recent", "latest", "newest", "what", "past", "final", "-n"),
            weight=1,
            example="show the last 50 log lines of the container api",
        ),
        Phrase(
            verbs=("tail", "logs"),
            cues=CUES,
            slots=(
                _CONTAINER,
                Slot("tail", Kind.NUMBER, labels=("line", "--tail"), bare=True),
                Slot("since", Kind.DURATION, labels=("--since",)),
            ),
            filler=("last", "-n"),
            weight=1,
        ),
    ),
    "docker.create_network": (
        Phrase(
            verbs=CREATE,
            cues=CUES,
            slots=(
                _NETWORK,
                Slot("driver", labels=("driver", "network driver", "--driver")),
                Slot(
                    "driver", Kind.CHOICE, choices={word: word for word in ("bridge", "overlay", "macvlan", "ipvlan")}
                ),
                Slot("subnet", Kind.HOST, labels=("subnet", "range", "address range")),
                Slot("gateway", Kind.HOST, labels=("gateway",)),
                Slot("internal", Kind.CHOICE, choices={"internal": True}),
                _LABELS,
            ),
            object_needed=True,
            gives=(Gives("network", "{name}"),),
            example="create a network called backend",
        ),
        Phrase(
            verbs=ENSURE,
            cues=CUES,
            states=EXISTS,
            state_needed=True,
            slots=(replace(_NETWORK, bare=False),),
            gives=(Gives("network", "{name}"),),
        ),
    ),
    "docker.remove_network": (
        Phrase(verbs=REMOVE, cues=CUES, slots=(_NETWORK,), object_needed=True, example="remove the network backend"),
    ),
    "docker.create_volume": (
        Phrase(
            verbs=CREATE,
            cues=CUES,
            slots=(_VOLUME, Slot("driver", labels=("driver",)), _LABELS),
            object_needed=True,
            gives=(Gives("volume", "{name}"),),
            example="create a volume called data",
        ),
        Phrase(
            verbs=ENSURE,
            cues=CUES,
            states=EXISTS,
            state_needed=True,
            slots=(replace(_VOLUME, bare=False),),
            gives=(Gives("volume", "{name}"),),
        ),
    ),
    "docker.remove_volume": (
        Phrase(verbs=REMOVE, cues=CUES, slots=(_VOLUME,), object_needed=True, example="remove the volume data"),
    ),
    "docker.compose_up": (
        Phrase(
            verbs=(*RUN, "up", "bring", "deploy", "start up"),
            objects=_COMPOSE,
            cues=("docker",),
            object_needed=True,
            slots=(
                _COMPOSE_FILE,
                _PROJECT,
                Slot("build", Kind.CHOICE, choices={"--build": True, "rebuilding": True}),
            ),
            filler=(
                "service",
                "everything",
                "stack",
                "up",
                "-d",
                "--detach",
                "detached",
                "background",
                "--wait",
                "app",
            ),
            gives=(Gives("compose project", "{project}", {"file": "{file}"}),),
            example="bring up the compose project in ./docker-compose.yml as shop",
        ),
        Phrase(
            verbs=("bring up", "bring"),
            cues=("docker",),
            object_needed=True,
            slots=(replace(_COMPOSE_FILE, like=r"\.ya?ml$"), _PROJECT),
            gives=(Gives("compose project", "{project}", {"file": "{file}"}),),
            example="bring up ./stack.yml as shop",
        ),
    ),
    "docker.compose_down": (
        Phrase(
            verbs=("tear down", "take down", "bring down", "shut down", "down", "stop", "destroy", *REMOVE),
            objects=_COMPOSE,
            cues=("docker",),
            object_needed=True,
            slots=(
                replace(_COMPOSE_FILE, default="."),
                _PROJECT,
                Slot("volumes", Kind.CHOICE, choices={"-v": True, "--volumes": True}),
            ),
            filler=("service", "everything", "stack"),
            example="take down the compose project shop in ./docker-compose.yml",
        ),
        Phrase(
            verbs=("take down", "bring down"),
            cues=("docker",),
            object_needed=True,
            slots=(replace(_COMPOSE_FILE, like=r"\.ya?ml$"), _PROJECT),
            example="take ./shop/stack.yml down",
        ),
    ),
}
