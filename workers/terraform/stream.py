"""Terraform's JSON lines, read while it works: progress resource by resource, log lines, diagnostics, counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from reign.executor import Context
from workers.terraform.diagnostics import Diagnostic, from_json

_DOING = {"create": "creating", "update": "changing", "delete": "destroying", "replace": "replacing", "read": "reading"}
_DONE = {"create": "created", "update": "changed", "delete": "destroyed", "replace": "replaced", "read": "read"}
#: Log lines that would be said once for each resource and say nothing; the progress shows them.
_QUIET = frozenset({"version", "planned_change", "refresh_start", "refresh_complete", "change_summary", "outputs"})


class Stream:
    """Takes the lines of one command. ``in_flight`` holds the addresses whose change has begun and not ended."""

    def __init__(
        self,
        ctx: Context,
        total: int | None = None,
        on_flight: Callable[[Collection[str]], None] = lambda flying: None,
        quiet: bool = False,
    ) -> None:
        """``total``: how many objects will change; ``quiet``: nothing goes to the log."""
        self._ctx = ctx
        self._log: Callable[..., None] = (lambda text, stream="log": None) if quiet else ctx.log
        self._total = total
        self._done = 0
        self._on_flight = on_flight
        self.in_flight: dict[str, None] = {}
        self.diagnostics: list[Diagnostic] = []
        self.drift: dict[str, str] = {}  # address -> update or delete
        self.planned = False  # some object would be changed
        self.counts: dict[str, int] = {}
        self.other: list[str] = []

    def line(self, stream: str, text: str) -> None:
        """One line that the command printed; what is no JSON (a crash, a wrapper's words) goes to the log."""
        message = _message(text)
        if message is None:
            if text.strip():
                self.other.append(text)
                self._log(text, stream)
            return
        kind = message.get("type", "")
        handler = getattr(self, f"on_{kind}", None)
        if handler is not None:
            handler(message)
        if kind not in _QUIET and kind != "diagnostic":
            self._log(str(message.get("@message", "")))

    def on_diagnostic(self, message: dict[str, Any]) -> None:
        found = from_json(message.get("diagnostic") or {}, self._ctx.masker)
        self.diagnostics.append(found)
        self._log(f"{found.severity}: {found.sentence()}", "stderr" if found.severity == "error" else "log")

    def on_refresh_start(self, message: dict[str, Any]) -> None:
        self._ctx.progress(f"{_address(message['hook'])}: looking")

    def on_apply_start(self, message: dict[str, Any]) -> None:
        hook = message["hook"]
        self.in_flight[_address(hook)] = None
        self._on_flight(self.in_flight)
        self._say(f"{_address(hook)}: {_DOING.get(hook.get('action', ''), 'working')}")

    def on_apply_progress(self, message: dict[str, Any]) -> None:
        hook = message["hook"]
        doing = _DOING.get(hook.get("action", ""), "working")
        self._say(f"{_address(hook)}: {doing}, {hook.get('elapsed_seconds', 0)} s so far")

    def on_apply_complete(self, message: dict[str, Any]) -> None:
        self._ended(message, _DONE.get(message["hook"].get("action", ""), "done"))

    def on_apply_errored(self, message: dict[str, Any]) -> None:
        self._ended(message, "failed")

    def _ended(self, message: dict[str, Any], how: str) -> None:
        address = _address(message["hook"])
        self.in_flight.pop(address, None)
        self._on_flight(self.in_flight)
        self._done += 1
        self._say(f"{address}: {how}")

    def on_provision_start(self, message: dict[str, Any]) -> None:
        self._say(f"{_address(message['hook'])}: running {message['hook'].get('provisioner', 'a provisioner')}")

    def on_planned_change(self, message: dict[str, Any]) -> None:
        self.planned = True

    def on_resource_drift(self, message: dict[str, Any]) -> None:
        change = message["change"]
        self.drift[_address(change)] = str(change.get("action", "update"))

    def on_change_summary(self, message: dict[str, Any]) -> None:
        self.counts = {name: n for name, n in message.get("changes", {}).items() if isinstance(n, int)}

    def _say(self, text: str) -> None:
        self._ctx.progress(text, self._done, self._total)


def _message(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "@message" in found else None


def _address(about: dict[str, Any]) -> str:
    return str((about.get("resource") or {}).get("addr", "?"))
