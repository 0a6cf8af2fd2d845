"""How people ask for an operation, stated by the agent that brings it: verbs, nouns, and a slot for each input.

A phrase is a case frame. ``scale the web deployment to 5 replicas`` is the verb *scale*, an object whose label
*deployment* names the slot ``name``, and a number whose label *replicas* names the slot ``replicas``. A planner finds
the phrase that explains the most words of a clause; what a slot needs and did not get becomes a question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Kind(StrEnum):
    """What a value looks like in a sentence, and so what it becomes as an input."""

    NAME = "name"  # web, release-1, "my name"
    REF = "ref"  # a name that may hold slashes: feature/login, v1.4.0
    TEXT = "text"  # a quoted text
    NUMBER = "number"  # 5, five, #5
    TIMES = "times"  # x3, 3x; becomes a number
    COUNTED = "counted"  # web=3; for a slot with two inputs, name and number
    PORT = "port"  # 443, or a range 8000-8010, which stays a text
    PUBLISH = "publish"  # 8088 or 8080:80; becomes {"8088": 80}
    PATH = "path"  # ./shop, k8s/app.yaml, Dockerfile
    URL = "url"  # https://example.org/x, localhost:8080/health
    HOST = "host"  # 10.0.0.5, localhost, db.example.org
    ADDRESS = "address"  # localhost:5432; for a slot with two inputs, host and port
    IMAGE = "image"  # nginx:1.27, ghcr.io/acme/api:2
    REPO = "repo"  # acme/shop, https://github.com/acme/shop
    COMMAND = "command"  # `df -h`, "make test", or a bare command line whose program is known
    ARGUMENTS = "arguments"  # the words after a script's path, up to the next preposition
    SIZE = "size"  # 512m, 2g
    CPUS = "cpus"  # 2, half a cpu, 1.5 cores; becomes a number
    DURATION = "duration"  # 30s, two minutes; becomes seconds
    PAIRS = "pairs"  # KEY=value ...; becomes {"KEY": "value"}
    SETTINGS = "settings"  # image.tag=2 ...; becomes {"image": {"tag": 2}}
    MOUNT = "mount"  # data:/data, ./site:/usr/share/nginx/html:ro
    INNER = "inner"  # the far side of the PUBLISH or MOUNT before it: "8080 to 80", "volume data at /data"
    CHOICE = "choice"  # one of the words in ``choices``


ANY_PROGRAM = "*"
_NAMED = frozenset({Kind.NAME, Kind.REF, Kind.NUMBER, Kind.REPO})


@dataclass(frozen=True, slots=True)
class Taken:
    """An input made from another one of the same task when nothing was said about it.

    ``basename`` keeps the last part of a path or image without its tag: ``ghcr.io/acme/shop:9`` gives ``shop``.
    """

    input: str
    basename: bool = False
    folder: bool = False  # of a file's path, its folder's name: deploy/shop/compose.yml gives "shop"


@dataclass(frozen=True, slots=True)
class Slot:
    """An input, and the ways in which it is said.

    ``input``: its name; with dots, a key in an object (``ready.port``); several, and the value is divided over
    them (``acme/shop`` over ``owner`` and ``name``).
    """

    input: str | tuple[str, ...]
    kind: Kind = Kind.NAME
    labels: tuple[str, ...] = ()  # nouns that name it: "namespace shop", "the shop namespace", "--namespace shop"
    after: tuple[str, ...] = ()  # words before it: "to 5", "as web", "titled 'x'"
    bare: bool = False  # may stand as the object of the verb: "restart WEB"
    required: bool = False
    many: bool = False  # takes a list; else several values make several tasks
    beside: str = ""  # the input right behind whose value it may stand without more: "cp a B"
    scope: bool = False  # says where rather than what: holds for the clauses that follow
    things: tuple[str, ...] = ()  # what in the world it names; so "it", and an earlier task's product, can fill it
    shared: bool = False  # said with the last of several, it holds for all: "run a and b on the network x"
    implicit: bool = False  # optional, and filled by an earlier task's product where there is one
    choices: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)  # word -> value, for a CHOICE
    default: Any = None  # where nothing is said
    taken: Taken | None = None  # where nothing is said
    form: str = "{}"  # how the value is written: "http://127.0.0.1:{}/", "{}/{image}"
    only: str = ""  # regular expression: without a label, nothing else fills it
    like: str = ""  # regular expression: a value that matches speaks for this phrase
    tells: bool = False  # ... and is as good as the noun: "lint ./api/Dockerfile"
    known: frozenset[str] = frozenset()  # bare words that are such a value: "nginx" is an image
    inside: Mapping[str, int] = field(default_factory=lambda: _NOTHING)  # PUBLISH: an image's name -> its own port
    new_by: tuple[str, str] | None = None  # "a network CALLED x" asks for this operation (with this input) first
    ask: str = ""  # the question when it is missing: "which container?"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,) if isinstance(self.input, str) else self.input


@dataclass(frozen=True, slots=True)
class Gives:
    """A thing that the operation leaves behind, for later clauses.

    ``value`` is a text over inputs and results: ``{tag}``, ``{result.number}``. ``also`` holds inputs that go with it.
    ``made``: the operation makes it; else it was there before, and is only spoken of. ``into``: where ``value`` is a
    folder, the thing lies in it under the last part of this input.
    """

    thing: str
    value: str
    also: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    made: bool = True
    into: str = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way in which people ask for an operation."""

    verbs: tuple[str, ...]  # base forms, with their particle: "run", "spin up"; other forms are derived
    slots: tuple[Slot, ...] = ()
    objects: tuple[str, ...] = ()  # nouns that go with the verb beside the slots' labels
    object_needed: bool = False  # the verb alone says too little: one of the nouns or cues must be there
    about: tuple[str, ...] = ()  # nouns one of which must be said, whatever else is: "logs"
    cues: tuple[str, ...] = ()  # words that speak for the agent: "helm", "kubectl"
    states: tuple[str, ...] = ()  # said of something that passes: "port 80 is OPEN", "it ANSWERS"
    fails: tuple[str, ...] = ()  # said of something that does not: "secrets are FOUND"
    state_needed: bool = False  # for verbs such as "check": one of the states must be there
    filler: tuple[str, ...] = ()  # words that add nothing here: "everything" in "destroy everything in ./infra"
    programs: tuple[str, ...] = ()  # first words of a bare command line; ANY_PROGRAM: those that other phrases know
    sets: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)  # inputs that this way of asking decides
    gives: tuple[Gives, ...] = ()
    comes_before: tuple[str, ...] = ()  # operations on the same thing that it precedes, however the sentence runs
    settles: tuple[str, str] | None = None  # said of what that operation makes while that input is open, it fills it
    holds: tuple[str, ...] = ()  # operations that fail while its thing is there: of one verb's, they come after it
    renames: tuple[str, str] | None = None  # two inputs, said as one name: the first is then a namesake that was made
    merges: bool = False  # neighbouring clauses become one task: "22 is closed and 443 is open"
    weight: float = 0.0  # settles what the words leave open; above 0 for the commoner meaning
    example: str = ""  # shown as a suggestion; understood as this operation, which a test holds

    @property
    def nouns(self) -> frozenset[str]:
        """What counts as its object: the nouns, and the labels of a bare slot that holds a name.

        The label of an image or a folder does not count: "the image x" may be run, pushed or deployed.
        """
        named = (slot for slot in self.slots if slot.bare and slot.kind in _NAMED)
        return frozenset((*self.objects, *self.about)).union(
            label for slot in named for label in slot.labels if not label.startswith("-")
        )


Words = Mapping[str, tuple[Phrase, ...]]  # operation name -> the ways in which people ask for it


def unknown_inputs(phrases: tuple[Phrase, ...], known: set[str]) -> Iterator[str]:
    """The inputs that phrases fill and the operation does not have: for the test that each agent's words pass."""
    for phrase in phrases:
        named = [name for slot in phrase.slots for name in slot.inputs if not name.startswith("@")]
        yield from (name for name in [*named, *phrase.sets] if name.partition(".")[0] not in known)


# Verbs that many operations share. An agent takes what fits and adds its own.
CREATE = ("create", "make", "add", "set up", "need", "want")
REMOVE = (
    *(
        "remove",
        "delete",
        "del",
        "drop",
        "get rid of",
        "clean up",
        "rm",
        "purge",
        "erase",
        "wipe",
        "trash",
        "throw away",
    ),
    *("throw out", "dispose of", "scrap", "discard", "nuke", "eliminate", "wipe out", "do away with", "clear out"),
)
SHOW = ("show", "get", "print", "display", "view", "read", "fetch", "see", "list", "give", "tell", "need", "want")
CHECK = ("check", "double check", "double-check", "verify", "ensure", "confirm", "test", "make sure", "see", "be sure")
WAIT = ("wait", "watch", "hold", "block")
RUN = ("run", "start", "launch", "spin up", "fire up", "bring up", "get up", "get running", "get going", "boot")
ENSURE = ("ensure", "make sure", "be sure")
EXISTS = ("exists", "exist", "is there", "are there", "present")
UNDO = ("roll back", "rollback", "revert", "undo", "go back", "switch back", "take back")
