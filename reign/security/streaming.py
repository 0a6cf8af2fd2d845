"""Masking of lines as they come: a secret that goes over the border of two lines, or of two writes, is found too."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reign.security.masking import SHORTEST, Masker, shown


class MaskedLines:
    """Masks the lines of one stream and passes them on.

    A line that may end within a secret is held back until the next one shows whether it does; :meth:`close` passes on
    what is held, with the beginning of a secret hidden. Less than ``SHORTEST`` characters of one are not held back: the
    rest is still recognised when it follows.
    """

    def __init__(self, masker: Masker, sink: Callable[[str], None]) -> None:
        self._masker = masker
        self._sink = sink
        self._passed = ""  # the last characters that were passed on, as they were
        self._held: list[str] = []
        self._marks = bytearray()  # of ``_passed`` and what is held: a find outlives the line that it began in
        self._guard = threading.Lock()  # a tool's streams may be read by threads of its client

    def add(self, line: str) -> None:
        with self._guard:
            if not self._masker.knows_any:
                self._sink(line)
                return
            self._held.append(line)
            self._pass_on(last=False)

    def close(self) -> None:
        """Nothing follows for now."""
        with self._guard:
            if self._held:
                self._pass_on(last=True)

    def _pass_on(self, *, last: bool) -> None:
        lines = [self._passed, *self._held]
        text = "".join(lines)
        hidden = self._masker.hidden(text, lines)
        for place, known in enumerate(self._marks):
            hidden[place] |= known
        open_from = self._masker.partial(text)
        if last:
            hidden[open_from:] = b"\1" * (len(text) - open_from)
            open_from = len(text)
        at = len(self._passed)
        while self._held and at + len(self._held[0]) <= open_from:
            line = self._held.pop(0)
            self._sink(shown(text, hidden, at, at + len(line)))
            at += len(line)
        kept_from = max(0, at - SHORTEST + 1)
        self._passed = text[kept_from:at]
        self._marks = hidden[kept_from:]
