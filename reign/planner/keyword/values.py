"""Which tokens can be which kind of value, and what they become as inputs.

A reading has a strength: 3 looks like nothing else (``./shop``, ``nginx:1.27``), 2 is likely, 1 is a bare word that
only its place in the sentence makes a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reign.core.lexicon import Kind
from reign.planner.keyword.normalise import Shape, Token

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,252}")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@-]{0,252}")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?")
_IPV6 = re.compile(r"(?=[0-9a-fA-F:]{3,45}$)[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:]*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
_PLACE = re.compile(
    r"(?P<host>localhost|\d{1,3}(?:\.\d{1,3}){3}|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::(?P<port>\d{1,5}))?"
)
_REPO = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
_GITHUB = re.compile(
    r"(?:https?://|git@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*)?github[A-Za-z0-9.-]*[/:](?P<repo>[A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?"
)
_IMAGE = re.compile(
    r"(?P<path>(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?"
)
_SUFFIX = re.compile(r".*\.[A-Za-z][A-Za-z0-9]{0,9}")
_FILE = re.compile(
    r"(?:Docker|Container|Make|Jenkins|Vagrant|Rake|Proc|Gem)file(?:\.[\w.-]+)?|README|LICENSE", re.IGNORECASE
)
#: Files that are called so in capitals.
_CUSTOMARY = re.compile(r"VERSION|CHANGELOG|CODEOWNERS|NOTICE|AUTHORS|MAINTAINERS|CONTRIBUTING|COPYING|INSTALL|TODO")
_PUBLISH = re.compile(r"(?P<host>(?:\d{1,3}(?:\.\d{1,3}){3}:)?\d{1,5}):(?P<inside>\d{1,5}(?:/(?:tcp|udp))?)")
_RANGE = re.compile(r"\d{1,5}-\d{1,5}")
_MOUNT = re.compile(r"[^\s:]+:/[^\s:]*(?::[a-zA-Z,]+)?")
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>\d{1,5})")
_SIZE = re.compile(r"\d{1,12}(?:\.\d{1,3})?[kmgt]?i?b?", re.IGNORECASE)
_CPUS = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)(?: ?(v?cpus?|cores?))?")
_TIMES = re.compile(r"[x×*](\d{1,4})|(\d{1,4})[x×]")
_FLAG = re.compile(r"^-+")
_GLOB = re.compile(r"[*?{}\[\]<>|$]")  # a pattern names no one file
_LONGEST = 512  # characters of a name, path or address
_LONG_KINDS = frozenset({Kind.TEXT, Kind.COMMAND, Kind.PAIRS, Kind.SETTINGS})


@dataclass(frozen=True, slots=True)
class Reading:
    value: Any
    strength: int


def read(kind: Kind, token: Token) -> Reading | None:
    """The token as that kind of value, or None. Kinds of several tokens (commands, pairs) are read elsewhere."""
    if len(token.text) > _LONGEST and kind not in _LONG_KINDS:
        return None
    reader = _READERS.get(kind)
    return reader(token) if reader is not None else None


def basename(path: str) -> str:
    """The last part of a path or image, without tag, digest or suffix."""
    last = path.rstrip("/").rpartition("/")[2].partition("@")[0].partition(":")[0]
    stem = last.rpartition(".")
    return stem[0] if stem[0] and stem[2] in ("tgz", "yml", "yaml", "sh", "py") else last


def tag(image: str) -> str:
    """The tag or digest of an image, or nothing."""
    last = image.rpartition("/")[2]
    return last.partition("@")[2] or last.partition(":")[2]


def folder_name(path: str) -> str:
    """The name of the folder that a file lies in, or nothing."""
    return path.rpartition("/")[0].rstrip("/").rpartition("/")[2].lstrip(".")


def pair(token: Token) -> tuple[str, str]:
    """Key and text of ``key=value`` or ``--key=value``."""
    key, _, value = token.text.partition("=")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return _FLAG.sub("", key), value


def typed(text: str) -> Any:
    """``3`` as a number, ``true`` as a truth value, the rest as it is: what ``--set`` does."""
    if re.fullmatch(r"-?\d{1,15}", text) and (text == "0" or not text.lstrip("-").startswith("0")):
        return int(text)
    return {"true": True, "false": False, "null": None}.get(text, text)


def nested(key: str, value: Any) -> dict[str, Any]:
    """``image.tag`` and 2 as ``{"image": {"tag": 2}}``; a dot after a backslash stays in the key."""
    parts = [part.replace("\0", ".") for part in key.replace("\\.", "\0").split(".")]
    for part in reversed(parts):
        value = {part: value}
    return dict(value) if isinstance(value, dict) else {key: value}


def looks_like_path(text: str) -> bool:
    """``./x``, ``/x``, ``~/x``, ``a/b.yml``, ``Dockerfile``: what is a path whatever stands around it."""
    if text in (".", "..") or text.startswith(("./", "../", "/", "~/", ".\\")) or re.match(r"[A-Za-z]:\\", text):
        return True
    if "://" in text or "=" in text or _IPV4.fullmatch(text):
        return False
    return bool(_FILE.fullmatch(text.rpartition("/")[2])) or (bool(_SUFFIX.fullmatch(text)) and ":" not in text)


def looks_like_file(text: str) -> bool:
    """Whether the path's last part is a file's name by its suffix, or one that files are known by."""
    last = text.rstrip("/").rpartition("/")[2]
    return bool(_FILE.fullmatch(last) or _SUFFIX.fullmatch(last))


def _name(token: Token) -> Reading | None:
    if token.shape is Shape.QUOTED or token.shape is Shape.CODE:
        return Reading(token.text, 2) if _REF.fullmatch(token.text) else None
    if token.shape is Shape.TYPED and token.text.startswith("@") and _NAME.fullmatch(token.text[1:]):
        return Reading(token.text[1:], 2)  # a person: @anna
    if token.shape not in (Shape.WORD, Shape.TYPED) or not _NAME.fullmatch(token.text):
        return None
    return Reading(token.text, 1 if token.shape is Shape.WORD else 2)


def _ref(token: Token) -> Reading | None:
    if token.shape is Shape.NUMBER and len(token.text) > 1 and token.text.startswith("0"):
        return Reading(token.text, 2)  # a file's mode
    if token.shape is Shape.TYPED and _REF.fullmatch(token.text):
        return Reading(token.text, 2)
    return _name(token)


def _text(token: Token) -> Reading | None:
    if token.shape is Shape.QUOTED:
        return Reading(token.text, 3)
    if token.shape is Shape.CODE:
        return Reading(token.text, 2)
    return Reading(token.text, 1) if token.shape is Shape.PAIR else None


def _number(token: Token) -> Reading | None:
    if token.shape is Shape.NUMBER and isinstance(token.value, int):
        return Reading(token.value, 3)
    if token.shape is Shape.QUOTED and token.text.isascii() and token.text.isdigit() and len(token.text) < 10:
        return Reading(int(token.text), 1)
    return None


def _times(token: Token) -> Reading | None:
    found = _TIMES.fullmatch(token.lower) if token.shape is Shape.TYPED else None
    return Reading(int(found[1] or found[2]), 2) if found else None


def _counted(token: Token) -> Reading | None:
    key, text = pair(token) if token.shape is Shape.PAIR else ("", "")
    return Reading((key, int(text)), 3) if key and text.isascii() and text.isdigit() and len(text) < 10 else None


def _port(token: Token) -> Reading | None:
    if token.shape is Shape.NUMBER and isinstance(token.value, int) and 1 <= token.value <= 65535:
        return Reading(token.value, 3)
    bare = token.text.removeprefix(":").partition("/")[0]
    if token.shape is Shape.TYPED and bare.isascii() and bare.isdigit() and 1 <= int(bare[:6]) <= 65535:
        return Reading(int(bare[:6]), 3)
    return Reading(token.text, 3) if token.shape is Shape.TYPED and _RANGE.fullmatch(token.text) else None


def _publish(token: Token) -> Reading | None:
    if token.shape is Shape.TYPED and (match := _PUBLISH.fullmatch(token.text)):
        inside = match["inside"]
        return Reading((match["host"], int(inside) if inside.isdigit() else inside), 3)
    plain = _port(token)
    return Reading((str(plain.value), None), 3) if plain and isinstance(plain.value, int) else None


def _path(token: Token) -> Reading | None:
    if token.shape in (Shape.QUOTED, Shape.CODE):
        if not token.text.strip() or "\n" in token.text or (token.shape is Shape.CODE and " " in token.text):
            return None
        return Reading(token.text, 3 if looks_like_path(token.text) else 1)
    if token.shape is Shape.WORD:
        return Reading(token.text, 3 if _FILE.fullmatch(token.text) or _CUSTOMARY.fullmatch(token.text) else 1)
    if token.shape is Shape.TYPED and token.text.startswith("oci://"):
        return Reading(token.text, 3)
    if token.shape is not Shape.TYPED or "://" in token.text or _GLOB.search(token.text):
        return None
    if looks_like_path(token.text):
        return Reading(token.text, 3)
    if ":" in token.text or "@" in token.text:
        return None
    return Reading(token.text, 2 if "/" in token.text else 1)


def _url(token: Token) -> Reading | None:
    text = token.text
    if token.shape not in (Shape.TYPED, Shape.QUOTED, Shape.CODE, Shape.WORD):
        return None
    if re.match(r"https?://[^/\s]", text, re.IGNORECASE):
        return Reading(text, 3)
    host, slash, rest = text.partition("/")
    match = _PLACE.fullmatch(host)
    if (
        match is None
        or text.startswith("/")
        or (looks_like_path(text) and not (match["port"] or slash or _known_end(host)))
    ):
        return None
    return Reading(f"http://{host}/{rest}", 3 if match["port"] or host == "localhost" or _IPV4.fullmatch(host) else 2)


def _known_end(host: str) -> bool:
    return host.rpartition(".")[2].lower() in (
        "com",
        "org",
        "net",
        "io",
        "dev",
        "local",
        "internal",
        "app",
        "de",
        "eu",
        "test",
    )


def _host(token: Token) -> Reading | None:
    text = token.text
    if token.shape not in (Shape.TYPED, Shape.WORD, Shape.QUOTED):
        return None
    if _IPV4.fullmatch(text) or _IPV6.fullmatch(text) or text.lower() == "localhost":
        return Reading(text, 3)
    if not _HOST.fullmatch(text) or text.isdigit():
        if _ADDRESS.fullmatch(text):
            return Reading(text, 1)
        return None
    return Reading(text, 2 if "." in text else 1)


def _address(token: Token) -> Reading | None:
    match = _ADDRESS.fullmatch(token.text) if token.shape is Shape.TYPED else None
    if match is None or not 1 <= int(match["port"]) <= 65535:
        return None
    certain = match["host"] == "localhost" or "." in match["host"]
    return Reading((match["host"], int(match["port"])), 3 if certain else 2)


def _image(token: Token) -> Reading | None:
    text = token.text
    if token.shape not in (Shape.TYPED, Shape.WORD, Shape.QUOTED, Shape.CODE):
        return None
    if text.startswith((".", "/", "~")) or "://" in text:
        return None
    match = _IMAGE.fullmatch(text)
    if match is None or ((place := _PLACE.fullmatch(text)) and place["port"]):
        return None
    if match["tag"] or "@" in text:
        return Reading(text, 3)
    if "/" in text:
        return Reading(text, 1 if looks_like_path(text) else 3 if "." in text.partition("/")[0] else 2)
    return None if looks_like_path(text) else Reading(text, 1)


def _repo(token: Token) -> Reading | None:
    if token.shape not in (Shape.TYPED, Shape.QUOTED, Shape.CODE):
        return None
    if match := _GITHUB.fullmatch(token.text):
        return Reading(match["repo"], 3)
    return Reading(token.text, 3) if _REPO.fullmatch(token.text) else None


def _duration(token: Token) -> Reading | None:
    if token.shape is Shape.DURATION:
        return Reading(token.value, 3)
    return Reading(token.value, 1) if token.shape is Shape.NUMBER else None


def _size(token: Token) -> Reading | None:
    fits = token.shape in (Shape.TYPED, Shape.DURATION, Shape.NUMBER) and _SIZE.fullmatch(token.text)
    return Reading(token.text, 2) if fits else None


def _cpus(token: Token) -> Reading | None:
    found = _CPUS.fullmatch(token.lower) if token.shape in (Shape.TYPED, Shape.NUMBER) else None
    if found is None:
        return None
    amount = float(token.value or 0) if token.shape is Shape.NUMBER else float(found[1])
    return Reading(int(amount) if amount == int(amount) else amount, 3 if found[2] else 1)


def _command(token: Token) -> Reading | None:
    if token.shape is Shape.CODE:
        return Reading(token.text, 3)
    return Reading(token.text, 2) if token.shape is Shape.QUOTED and token.text.strip() else None


def _mount(token: Token) -> Reading | None:
    if "://" in token.text:
        return None
    if token.shape is Shape.TYPED and _MOUNT.fullmatch(token.text):
        return Reading(token.text, 3)
    plain = _path(token) or _name(token)
    return Reading(plain.value, min(plain.strength, 2)) if plain else None


def _pairs(token: Token) -> Reading | None:
    return Reading(pair(token), 3) if token.shape is Shape.PAIR else None


def _inner(token: Token) -> Reading | None:
    if token.shape is Shape.TYPED and token.text.startswith("/"):
        return Reading(token.text, 2)
    plain = _port(token)
    return Reading(plain.value, 2) if plain and isinstance(plain.value, int) else None


_READERS: dict[Kind, Callable[[Token], Reading | None]] = {
    Kind.NAME: _name,
    Kind.REF: _ref,
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.TIMES: _times,
    Kind.COUNTED: _counted,
    Kind.PORT: _port,
    Kind.PUBLISH: _publish,
    Kind.PATH: _path,
    Kind.URL: _url,
    Kind.HOST: _host,
    Kind.ADDRESS: _address,
    Kind.IMAGE: _image,
    Kind.REPO: _repo,
    Kind.COMMAND: _command,
    Kind.SIZE: _size,
    Kind.CPUS: _cpus,
    Kind.DURATION: _duration,
    Kind.PAIRS: _pairs,
    Kind.SETTINGS: _pairs,
    Kind.MOUNT: _mount,
    Kind.INNER: _inner,
}
