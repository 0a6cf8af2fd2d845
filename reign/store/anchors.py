"""The anchors of the audit: the heads of its chain in a file outside the database, one line each, only ever appended.

A line is one JSON object ``{act, seq, mac, at, sig}``. ``act`` is ``head``, or ``restored`` where a backup took the
place of the state (what had been anchored beyond ``seq`` before that line is known to be gone). ``sig`` is keyed, so
nobody without the installation's key can write a line that passes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Anchor:
    """A line of the file; ``faulty`` if it is not what this installation wrote."""

    line: int  # counted from 1
    act: str
    seq: int
    mac: str
    at: float
    faulty: bool = False


class Anchors:
    """The file of one installation. A line is one write of less than 4 KB, so processes may append side by side."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key

    def append(self, seq: int, mac: str, at: float, *, act: str = "head", sync: bool = False) -> None:
        """Add a line; ``sync``: and wait until the disk has it. Raises OSError."""
        body = f"{act} {seq} {mac} {at!r}"
        line = json.dumps({"act": act, "seq": seq, "mac": mac, "at": at, "sig": self._sign(body)}) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[Anchor]:
        """All lines, in order; nothing if there is no file."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                for number, text in enumerate(file, 1):
                    if text.strip():
                        yield self._parsed(number, text)
        except FileNotFoundError:
            return

    def last(self) -> Anchor | None:
        """The newest sound line, looked for at the end of the file only."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return None
        found = [self._parsed(0, text) for text in lines if text.strip()]
        return next((anchor for anchor in reversed(found) if not anchor.faulty), None)

    def _parsed(self, number: int, text: str) -> Anchor:
        try:
            raw = json.loads(text)
            found = Anchor(number, str(raw["act"]), int(raw["seq"]), str(raw["mac"]), float(raw["at"]))
            expected = self._sign(f"{found.act} {found.seq} {found.mac} {found.at!r}")
            if hmac.compare_digest(expected, str(raw["sig"])):
                return found
        except (ValueError, KeyError, TypeError):
            pass
        return Anchor(number, "", 0, "", 0.0, faulty=True)

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
