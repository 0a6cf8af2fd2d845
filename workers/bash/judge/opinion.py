"""bashlex as a second opinion: does it see the commands that tree-sitter sees?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bashlex
import bashlex.ast
import bashlex.parser
from tree_sitter import Node

from workers.bash.judge.syntax import COMMANDS, Syntax, command_words, ends_rightly, nodes
from workers.bash.judge.tables import names

# What bashlex 0.18 refuses although bash takes it: there it has no opinion.
_BEYOND_BASHLEX = names(
    "arithmetic_expansion test_command case_statement c_style_for_statement array ansi_c_string extglob_pattern "
    "subscript postfix_expression unary_expression binary_expression parenthesized_expression translated_string"
)
_WORDS_BEYOND_BASHLEX = frozenset(("time", "coproc", "select", "function", "((", "[["))


@dataclass(frozen=True, slots=True)
class Opinion:
    """bashlex's view: `refused` if it says that this is no shell text, `unseen` the commands only it sees."""

    refused: bool = False
    unseen: tuple[tuple[str, ...], ...] = ()


def second_opinion(syntax: Syntax) -> Opinion:
    """Compares bashlex's commands with tree-sitter's, by the place of their first word."""
    if not syntax.text.strip():
        return Opinion()
    try:
        collector = _Commands(syntax.text)
        for tree in _bashlex_trees(_for_bashlex(syntax)):
            collector.visit(tree)
    except Exception:  # bashlex raises whatever its tables and its code run into
        return Opinion(refused=not _beyond_bashlex(syntax))
    ours = command_words(syntax)
    literal = [(node.start_byte, node.end_byte) for node in nodes(syntax.root) if _is_literal(syntax, node)]
    unseen = []
    for offset, words in collector.commands:
        place = len(syntax.text[:offset].encode("utf-8", "replace"))
        inside = any(start <= place < end for start, end in literal)
        if ours.get(place) != words and words[0] != "[" and not inside:
            unseen.append(tuple(words))
    return Opinion(unseen=tuple(unseen))


def _is_literal(syntax: Syntax, node: Node) -> bool:
    """Text in which bashlex 0.18 wrongly sees commands: arithmetic, here-documents inside braces, an element set."""
    if node.type == "heredoc_body":
        return node.parent is not None and ends_rightly(syntax, node.parent)
    if node.type == "variable_assignment":  # a[$(date)]=1
        return node.named_children[0].type == "subscript"
    return bool(node.children and node.children[0].type == "((")


def _for_bashlex(syntax: Syntax) -> str:
    """The text with quoted here-document delimiters bare, which is all that bashlex knows; places stay the same."""
    text = syntax.text
    if text.isascii():
        for node in nodes(syntax.root):
            word = syntax.text_of(node) if node.type == "heredoc_start" else ""
            if len(word) > 2 and word[0] in "'\"" and word[-1] == word[0] and word[1:-1].isalnum():
                text = f"{text[: node.start_byte]} {word[1:-1]} {text[node.end_byte :]}"
    return text


def _beyond_bashlex(syntax: Syntax) -> bool:
    return (
        "\\`" in syntax.text
        or "$'" in syntax.text
        or "$[" in syntax.text
        or any(node.type in _BEYOND_BASHLEX or node.type in _WORDS_BEYOND_BASHLEX for node in nodes(syntax.root))
        or any(words[0] in _WORDS_BEYOND_BASHLEX for words in command_words(syntax).values())
        or not any(node.type in COMMANDS for node in nodes(syntax.root))
    )


def _bashlex_trees(text: str) -> Iterator[bashlex.ast.node]:
    """bashlex.parse, with the limit for every line and not for the first alone.

    -1 leaves words as they are: bashlex 0.18 loops for ever on some words that it expands (an open "${a"), and the
    substitutions in words are judged, by both parsers, as texts of their own.
    """
    index = 0
    while index < len(text):
        tree = bashlex.parser._parser(text[index:], expansionlimit=-1).parse()
        if not isinstance(tree, bashlex.ast.node):
            return
        bashlex.ast.posshifter(index).visit(tree)
        yield tree
        heredocs = bashlex.parser._endfinder()
        heredocs.visit(tree)
        index = max(tree.pos[1], heredocs.end) + 1


class _Commands(bashlex.ast.nodevisitor):  # type: ignore[misc]  # bashlex has no types
    def __init__(self, text: str) -> None:
        self._text = text
        self.commands: list[tuple[int, list[str]]] = []

    def visitcommand(self, _node: bashlex.ast.node, parts: list[bashlex.ast.node]) -> None:
        words = [part for part in parts if part.kind == "word"]
        # An assignment after the first word is an argument (export A=1), before it a prefix.
        if words:
            first = words[0].pos[0]
            taken = [part for part in parts if part.kind in ("word", "assignment") and part.pos[0] >= first]
            self.commands.append((first, [self._text[part.pos[0] : part.pos[1]] for part in taken]))
