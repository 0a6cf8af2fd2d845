"""Output of other tasks in a command line: what a tool printed is data, and a shell would read it as words."""

from __future__ import annotations

from collections.abc import Iterator

from reign.core import expressions
from reign.core.expressions import Binary, Call, Index, Literal, Node, Unary
from reign.core.findings import Finding, Severity

#: Fields of results that hold what somebody else has written.
_PRINTED = frozenset({"stdout", "stderr", "output", "lines", "logs", "body"})
#: Functions whose value is no such text any more, or is one word of a shell; and operators that say yes or no.
_HARMLESS = frozenset({"quote", "length", "contains", "startsWith", "endsWith"})
_YES_OR_NO = frozenset({"==", "!=", "<", "<=", ">", ">="})


def findings(command: str) -> tuple[Finding, ...]:
    """One for each expression that puts printed output into ``command`` as it is."""
    found = {}
    for piece in _bare(command):
        for node in _printed(piece):
            told = expressions.source(node)
            found[told] = Finding(
                rule="shell-output-unquoted",
                severity=Severity.MEDIUM,
                message=f"{told} goes into the command line as it is: a shell runs what was printed there",
                remedy=f"write ${{{{ quote({told}) }}}}, give the command as a list of words, or use `env`",
            )
    return tuple(found.values())


def _bare(command: str) -> Iterator[Node]:
    """The expressions that do not stand between single quotes, where a list of words has them too."""
    quoted = False
    for piece in expressions.split(command):
        if isinstance(piece, str):
            quoted ^= piece.count("'") % 2 == 1
        elif not quoted:
            yield piece


def _harmless(node: Node) -> bool:
    if isinstance(node, Binary):
        return node.operator in _YES_OR_NO
    return isinstance(node, Unary) or (isinstance(node, Call) and node.function in _HARMLESS)


def _printed(node: Node) -> Iterator[Node]:
    if isinstance(node, Index) and isinstance(node.key, Literal) and node.key.value in _PRINTED:
        yield node
    elif not _harmless(node):
        for child in expressions.children(node):
            yield from _printed(child)
