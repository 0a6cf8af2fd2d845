"""Forms of English verbs and nouns, as far as requests need them."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

_IRREGULAR = {
    "build": ("built",),
    "rebuild": ("rebuilt",),
    "run": ("ran", "run"),
    "put": ("put",),
    "set": ("set",),
    "get": ("got", "gotten"),
    "bring": ("brought",),
    "spin": ("spun",),
    "tear": ("tore", "torn"),
    "take": ("took", "taken"),
    "shut": ("shut",),
    "write": ("wrote", "written"),
    "make": ("made",),
    "find": ("found",),
    "see": ("saw", "seen"),
    "give": ("gave", "given"),
    "tell": ("told",),
    "read": ("read",),
    "cut": ("cut",),
    "hit": ("hit",),
    "send": ("sent",),
    "undo": ("undid", "undone"),
    "do": ("did", "done"),
    "hold": ("held",),
    "be": ("was", "been"),
}
_NOUNS = {  # what the action itself is called, where it is not the verb's base form
    "deployment": "deploy",
    "redeployment": "redeploy",
    "validation": "validate",
    "installation": "install",
    "removal": "remove",
    "deletion": "delete",
    "creation": "create",
    "initialisation": "initialise",
    "initialization": "initialize",
    "verification": "verify",
    "inspection": "inspect",
    "destruction": "destroy",
}
_DOUBLED = frozenset(
    {"run", "put", "set", "get", "spin", "shut", "stop", "drop", "cut", "tag", "scan", "plan", "ship"}
) | {
    *("commit", "submit", "hit", "mv", "rm", "log", "chat", "squat", "kil", "retag"),
}


class Form(StrEnum):
    BASE = "base"
    GERUND = "gerund"
    PRESENT = "present"  # third person
    PAST = "past"
    NOUN = "noun"


@lru_cache(maxsize=4096)
def forms(verb: str) -> tuple[tuple[str, Form], ...]:
    """All forms of a verb's first word: ``stop`` gives stop, stopping, stops, stopped."""
    stem = verb + verb[-1] if verb in _DOUBLED else verb
    soft = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else stem
    found = [(verb, Form.BASE), (soft + "ing", Form.GERUND)]
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        found.append((verb + "es", Form.PRESENT))
    elif verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        found.append((verb[:-1] + "ies", Form.PRESENT))
    else:
        found.append((verb + "s", Form.PRESENT))
    if verb in _IRREGULAR:
        found += [(past, Form.PAST) for past in _IRREGULAR[verb]]
    elif verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        found.append((verb[:-1] + "ied", Form.PAST))
    else:
        found.append((soft + "ed", Form.PAST))
    found += [(noun, Form.NOUN) for noun, base in _NOUNS.items() if base == verb]
    return tuple(found)


@lru_cache(maxsize=16384)
def singular(word: str) -> str:
    """``pods`` gives pod, ``copies`` copy, ``processes`` process; other words stay."""
    if len(word) < 4 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1]
