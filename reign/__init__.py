"""REIGN: ask for an infrastructure change, see it first, watch it run, take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reign.client import AsyncClient, Client, Run
    from reign.core.plan import Plan, Task

__all__ = ["AsyncClient", "Client", "Plan", "Run", "Task"]

_HOME = {
    "AsyncClient": "reign.client",
    "Client": "reign.client",
    "Run": "reign.client",
    "Plan": "reign.core.plan",
    "Task": "reign.core.plan",
}


def __getattr__(name: str) -> Any:
    """The public names, imported at first use: a worker has no need of the HTTP client."""
    if name not in _HOME:
        raise AttributeError(f"module 'reign' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
