"""All detectors over the lines of one text, so that each secret is reported once, by the rule that knows it best."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from reign.core.findings import Finding, Severity, Waived
from workers.validation.secrets import assigned, entropy, placeholders, shapes

_BEGIN = re.compile(
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----(?P<rest>.*)|(?P<putty>PuTTY-User-Key-File-\d):"
)
# A long stretch anywhere, or a shorter one that is all of a line but for quotes and what joins lines.
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{32,}|^[\s\"'`+>|]*[A-Za-z0-9+/=]{16,}(?:\\n)?[\s\"'`,;+\\)]*$")
_KEY_HEADER_LINES = 8  # Proc-Type, DEK-Info, Version, Comment and blank lines stand before a key's body
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret|gitleaks:allow", re.IGNORECASE)
_ALLOWED_NEXT = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret", re.IGNORECASE)
#: A host without a domain: this machine, or a service's name inside a network of containers.
_DEMO_HOST = re.compile(r"@(?:localhost|127\.|\[::1\]|[\w-]+(?:[:/?\"'`\s]|$)|[\w.-]*example\.(?:com|org|net))")
_PULSE = 2_000
_PIECE, _OVERLAP = 4000, 400  # a longer line (minified code) is looked at in pieces that overlap
_ROUNDS = 5_000  # makes guessing a weak password from a fingerprint slow


@dataclass(frozen=True)
class Hit:
    """A secret at a place of a text. ``secret`` stays in memory: a finding is made from it without it."""

    rule: str
    title: str
    severity: Severity
    line: int
    column: int
    secret: str
    remedy: str
    allowed: bool = False  # a comment beside it says that it is meant to be there

    @property
    def sha1(self) -> str:
        """As detect-secrets' baselines name it."""
        return hashlib.sha1(self.secret.encode(), usedforsecurity=False).hexdigest()

    def finding(self, path: str, waived: Waived | None = None) -> Finding:
        """The finding, with a fingerprint that holds for this secret in this file and does not give it away."""
        salt = f"{self.rule}\0{path}".encode()
        mark = hashlib.pbkdf2_hmac("sha256", self.secret.encode(), salt, _ROUNDS, dklen=8).hex()
        if self.allowed and waived is None:
            waived = Waived(reason="allowed by a comment beside it")
        return Finding(
            rule=self.rule,
            severity=self.severity,
            message=self.title,
            remedy=self.remedy,
            path=path,
            line=self.line,
            column=self.column,
            fingerprint=mark,
            waived=waived,
        )


class _File:
    """What is known of a file before its lines are looked at: most need but few of the detectors."""

    def __init__(self, name: str, text: str) -> None:
        lowered = text.lower()
        self.base = PurePosixPath(name.lower()).name
        self.bare, self.generated = assigned.takes_bare_values(name), entropy.is_generated(name)
        self.shapes = shapes.shapes_in(lowered)
        self.names_secrets = not self.generated and (assigned.may_match(lowered) or self.base == ".pgpass")
        self.has_keys = "private key" in lowered or "putty-user-key" in lowered
        self.has_comments = "secret" in lowered or "gitleaks" in lowered


def secrets_in(text: str, name: str, pulse: Callable[[], None] = lambda: None) -> Iterator[Hit]:
    """The secrets in a file's text; its name decides which forms of assignment are looked for.

    ``pulse`` is called every few thousand lines; what it raises ends the search.
    """
    file, keys, allow_next = _File(name, text), _PrivateKeys(), False
    for number, line in enumerate(text.splitlines(), start=1):
        if number % _PULSE == 0:
            pulse()
        allowed = False
        if file.has_comments:
            allowed = allow_next or _ALLOWED.search(line) is not None
            allow_next = _ALLOWED_NEXT.search(line) is not None
        if file.has_keys:
            yield from keys.look(line, number, allowed)
        for start in range(0, max(1, len(line) - _OVERLAP), _PIECE - _OVERLAP):
            # Of what two pieces share, each reports the half that lies further inside of it.
            first = 1 + _OVERLAP // 2 if start else 1
            last = _PIECE - _OVERLAP // 2 if start + _PIECE < len(line) else _PIECE
            for hit in _in_piece(line[start : start + _PIECE], number, file, allowed):
                if first <= hit.column <= last:
                    yield replace(hit, column=hit.column + start) if start else hit


def _in_piece(text: str, number: int, file: _File, allowed: bool) -> Iterator[Hit]:
    lowered = text.lower()
    taken: list[tuple[int, int]] = []

    def free(value: str, offset: int) -> bool:
        return not any(offset < end and start < offset + len(value) for start, end in taken)

    for shape, value, offset in shapes.matches(text, lowered, file.shapes):
        if free(value, offset):
            # An example, too, is taken: no weaker rule may report it.
            taken.append((offset, offset + len(value)))
            severity = _severity(shape, value, text[offset + len(value) :])
            if severity is not None:
                yield Hit(shape.rule, shape.title, severity, number, offset + 1, value, _remedy(shape.revoke), allowed)
    if file.generated:
        return
    named = file.names_secrets and (assigned.may_match(lowered) or file.base == ".pgpass")
    for value, offset, severity in assigned.matches(text, file.base, file.bare) if named else ():
        if free(value, offset):
            taken.append((offset, offset + len(value)))
            title = "secret in an assignment" if severity is Severity.HIGH else "weak or made-up password"
            yield Hit("assigned-secret", title, severity, number, offset + 1, value, _remedy(""), allowed)
    for value, offset in entropy.matches(text, file.bare):
        if free(value, offset):
            title = "random-looking text, maybe a key"
            yield Hit("high-entropy", title, Severity.MEDIUM, number, offset + 1, value, _remedy(""), allowed)


def _severity(shape: shapes.Shape, value: str, rest: str) -> Severity | None:
    """How bad a key of that shape is; None for an example. ``rest`` is what follows it in the line."""
    if placeholders.is_example(value) or (shape.rule == "bearer-token" and not placeholders.is_jumbled(value)):
        return None
    if shape.rule in ("basic-auth", "registry-login"):
        value = _password_in(value)
    elif shape.rule not in ("url-password", "command-password"):
        return shape.severity
    if not value:
        return None
    if placeholders.is_reference(value) or placeholders.words_only(value) or re.fullmatch(r"[A-Z][A-Z_]*", value):
        return None
    is_word = re.fullmatch(r"[a-z]+|[A-Z]?[a-z]+\d{0,3}", value) is not None
    return Severity.LOW if is_word and _DEMO_HOST.match(rest) else shape.severity


def _password_in(encoded: str) -> str:
    """The password of ``name:password`` in base64; "" if it is none."""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password if name and password.isprintable() and not placeholders.is_example(password) else ""


def _remedy(revoke: str) -> str:
    where = f" ({revoke})" if revoke else ""
    return f"take it out, revoke it{where} for it may have been copied, and use a secret:// reference instead"


class _PrivateKeys:
    """A key's first line counts only with a key's body after it: code and documents name that line too."""

    def __init__(self) -> None:
        self._open: tuple[int, int, str, bool] | None = None
        self._left = 0

    def look(self, text: str, number: int, allowed: bool) -> Iterator[Hit]:
        if self._open is not None:
            self._left -= 1
            body = _KEY_BODY.search(text)
            if body and not placeholders.is_example(body.group(0)[:40]):
                yield self._hit(*self._open, body.group(0))
                self._open = None
            elif self._left <= 0 or "-----END" in text:
                self._open = None
        match = _BEGIN.search(text)
        if match is None:
            return
        kind = (match.group("kind") or match.group("putty") or "").strip()
        body = _KEY_BODY.search(match.group("rest") or "")
        if body and not placeholders.is_example(body.group(0)[:40]):
            yield self._hit(number, match.start() + 1, kind, allowed, body.group(0))
        else:
            self._open, self._left = (number, match.start() + 1, kind, allowed), _KEY_HEADER_LINES

    @staticmethod
    def _hit(number: int, column: int, kind: str, allowed: bool, body: str) -> Hit:
        sealed = "ENCRYPTED" in kind
        severity = Severity.HIGH if sealed else Severity.CRITICAL
        title = "private key" + (f" ({kind.lower()})" if kind else "")
        return Hit("private-key", title, severity, number, column, body, _remedy(""), allowed)
