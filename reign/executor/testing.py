"""For those who write an agent: a context without an engine behind it, and a way to run one operation."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from reign.core.catalog import OperationInputs
from reign.executor.context import Context
from reign.executor.contract import Operation
from reign.security.masking import Masker


class MemoryBlobs:
    """Blobs in a dict."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        ref = "blob:" + hashlib.sha256(content).hexdigest()
        self.content[ref] = content
        return ref

    def get(self, ref: str) -> bytes:
        return self.content[ref]


class RecordingContext(Context):
    """A context whose log lines and progress can be read back."""

    lines: list[tuple[str, str]]
    reports: list[dict[str, Any]]


def make_context(folder: Path, *, timeout: float = 60.0, **given: Any) -> RecordingContext:
    """A context below ``folder`` (which becomes the work folder unless ``workdir`` is given)."""
    lines: list[tuple[str, str]] = []
    reports: list[dict[str, Any]] = []
    values: dict[str, Any] = {
        "run": "test-run-1",
        "task": "task",
        "attempt": 1,
        "environment": "dev",
        "workdir": folder,
        "scratch_path": folder / "scratch",
        "state_path": folder / "state",
        "masker": Masker(),
        "blobs": MemoryBlobs(),
        "deadline": time.monotonic() + timeout,
        "emit": lambda stream, text: lines.append((stream, text)),
        "report": reports.append,
    }
    context = RecordingContext(**(values | given))
    context.lines, context.reports = lines, reports
    return context


def run_operation(operation: Operation[Any, Any], ctx: Context, inputs: OperationInputs) -> Any:
    """What the engine does with a claimed task, without the engine: look, act only if something is left to do."""
    seen = operation.inspect(ctx, inputs)
    result = operation.done(ctx, inputs, seen)
    return operation.apply(ctx, inputs, seen) if result is None else result
