"""All detectors over the lines of one text, so that each secret is reported once, by the rule that knows it best."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reign.core.findings import Finding, Severity, Waived
from workers.validation.secrets import assigned, entropy, placeholders, shapes

_BEGIN = re.compile(
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----(?P<rest>.*)|(?P<putty>PuTTY-User-Key-File-\d):"
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{32,}")
_KEY_HEADER_LINES = 8  # Proc-Type, DEK-Info, Version, Comment and blank lines stand before a key's body
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret|gitleaks:allow", re.IGNORECASE)
_ALLOWED_NEXT = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret", re.IGNORECASE)
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


def secrets_in(lines: Iterable[str], name: str) -> Iterator[Hit]:
    """The secrets in the lines of a file; its name decides which forms of assignment are looked for."""
    bare, generated = assigned.takes_bare_values(name), entropy.is_generated(name)
    keys = _PrivateKeys()
    allow_next = False
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        allowed = allow_next or _ALLOWED.search(text) is not None
        allow_next = _ALLOWED_NEXT.search(text) is not None
        yield from keys.look(text, number, allowed)
        for start in range(0, max(1, len(text) - _OVERLAP), _PIECE - _OVERLAP):
            piece = text[start : start + _PIECE]
            for hit in _in_piece(piece, number, name, bare, generated, allowed):
                if start and hit.column <= _OVERLAP and hit.column + len(hit.secret) <= _OVERLAP:
                    continue  # seen at the end of the piece before
                yield Hit(**(hit.__dict__ | {"column": hit.column + start}))


def _in_piece(text: str, number: int, name: str, bare: bool, generated: bool, allowed: bool) -> Iterator[Hit]:
    taken: list[tuple[int, int]] = []

    def free(value: str, offset: int) -> bool:
        return not any(offset < end and start < offset + len(value) for start, end in taken)

    for shape, value, offset in shapes.matches(text):
        if free(value, offset):
            # An example, too, is taken: no weaker rule may report it.
            taken.append((offset, offset + len(value)))
            if not _harmless(shape, value):
                remedy = _remedy(shape.revoke)
                yield Hit(shape.rule, shape.title, shape.severity, number, offset + 1, value, remedy, allowed)
    if generated:
        return
    for value, offset, severity in assigned.matches(text, name, bare):
        if free(value, offset):
            taken.append((offset, offset + len(value)))
            title = "secret in an assignment" if severity is Severity.HIGH else "weak or made-up password"
            yield Hit("assigned-secret", title, severity, number, offset + 1, value, _remedy(""), allowed)
    for value, offset in entropy.matches(text, bare):
        if free(value, offset):
            title = "random-looking text, maybe a key"
            yield Hit("high-entropy", title, Severity.MEDIUM, number, offset + 1, value, _remedy(""), allowed)


def _harmless(shape: shapes.Shape, value: str) -> bool:
    if shape.rule == "url-password":
        return (
            placeholders.is_reference(value)
            or placeholders.is_example(value)
            or placeholders.words_only(value)
            or value.startswith(("$", "%", "{"))
        )
    return placeholders.is_example(value)


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
