"""How the tables of this package are written."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The words of a text as a set: a long table stays readable, and its lines stay short."""
    return frozenset(text.split())


SHELLS = names("sh bash dash ash ksh ksh93 mksh pdksh zsh rbash rzsh rksh lksh yash osh posh fish csh tcsh hush")
