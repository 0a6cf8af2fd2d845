"""Turns the nodes of a parsed command into resolved words, assignments and redirections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tree_sitter import Node

from workers.bash.judge import outputs, syntax
from workers.bash.judge.invocation import Redirect, Stream
from workers.bash.judge.judgement import Decision, Finding
from workers.bash.judge.marks import UNKNOWN
from workers.bash.judge.scanner import UnclearError
from workers.bash.judge.scope import Scope
from workers.bash.judge.words import Field, Words

if TYPE_CHECKING:
    from workers.bash.judge.machine import Machine


class Resolver:
    """Resolves pieces of one parsed text, and remembers which bytes of it were resolved."""

    def __init__(self, machine: Machine, parsed: syntax.Syntax) -> None:
        self._machine = machine
        self._syntax = parsed
        self._covered = bytearray(len(parsed.source))

    def is_covered(self, node: Node) -> bool:
        """Whether the beginning of the node was resolved already."""
        return bool(self._covered[node.start_byte])

    def assigned(self, node: Node, scope: Scope, stdin: Stream | None) -> tuple[str, str, bool] | None:
        """What one assignment sets; an array or an element of one is set at once."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None:
            return None
        append = any(child.type == "+=" for child in node.children)
        if value is not None and value.type == "array":
            self._array(self._syntax.text_of(name), value, scope, stdin, append=append)
            return None
        # Without the operator the value's span would miss what the grammar cut off it ($"x").
        operator = next((child for child in node.children if child.type in ("=", "+=")), None)
        start = operator.end_byte if operator else node.end_byte
        text = self.single((start, node.end_byte), scope, stdin)
        if name.type == "subscript":
            base, index = name.child_by_field_name("name"), name.child_by_field_name("index")
            if base is not None and index is not None:
                key = self.single((index.start_byte, index.end_byte), scope, stdin)
                scope.arrays.setdefault(self._syntax.text_of(base), {})[key] = text
                scope.hold(key)
                scope.hold(text)
            return None
        return self._syntax.text_of(name), text, append

    def _array(self, name: str, value: Node, scope: Scope, stdin: Stream | None, *, append: bool) -> None:
        items = dict(scope.arrays.get(name, {})) if append else {}
        spans = syntax.Shape()
        for child in value.named_children:
            spans.add_word(child)
        for span in spans.words:
            raw = self.take(span)
            key, separator, rest = raw[1:].partition("]=") if raw.startswith("[") else ("", "", "")
            for field in self.fields(rest if separator else raw, raw, scope, stdin):
                items[key if separator else str(len(items))] = field.text
                scope.hold(field.text)
        scope.values.pop(name, None)
        scope.arrays[name] = items

    def redirections(
        self, parts: syntax.Shape, scope: Scope, stdin: Stream | None
    ) -> tuple[tuple[Redirect, ...], Stream | None]:
        found: list[Redirect] = []
        reads = stdin
        for node in parts.redirects:
            if node.type == "heredoc_redirect":
                text, literal = syntax.heredoc(self._syntax, node)
                reads = Stream.of_text(text if literal else self._document(text, node, scope, stdin))
            elif node.type == "herestring_redirect":
                word = node.named_children[-1] if node.named_children else node
                reads = Stream.of_text(self.single((word.start_byte, node.end_byte), scope, stdin) + "\n")
            else:
                operator = "".join(child.type for child in node.children if not child.is_named)
                span = parts.targets.get(node.id)
                target = self.single(span, scope, stdin) if span else ""
                redirect = Redirect(operator or ">", target)
                found.append(redirect)
                if operator == "<" and node.child_by_field_name("descriptor") is None:
                    reads = outputs.content_of(target, scope)
        return tuple(found), reads

    def _document(self, text: str, node: Node, scope: Scope, stdin: Stream | None) -> str:
        for child in node.children:
            if child.type == "heredoc_body":
                self.cover((child.start_byte, child.end_byte))
        try:
            return self._words(scope, stdin).document(text)
        except UnclearError as error:
            return self._unclear(text, error)

    def _words(self, scope: Scope, stdin: Stream | None) -> Words:
        return Words(scope, self._machine.substitutions(scope, stdin))

    def fields(self, raw: str, part: str, scope: Scope, stdin: Stream | None) -> list[Field]:
        try:
            found = self._words(scope, stdin).fields(raw)
        except UnclearError as error:
            return [Field(self._unclear(raw, error))]
        self._machine.spend(sum(len(field.text) + 8 for field in found))
        return found

    def single(self, span: syntax.Span, scope: Scope, stdin: Stream | None = None) -> str:
        raw = self.take(span)
        try:
            return self._words(scope, stdin).single(raw)
        except UnclearError as error:
            return self._unclear(raw, error)

    def _unclear(self, raw: str, error: UnclearError) -> str:
        self._machine.note(Finding(Decision.ASK, f"This word cannot be resolved: {error}.", raw, "parse.unclear"))
        return UNKNOWN

    def take(self, span: syntax.Span) -> str:
        self.cover(span)
        return self._syntax.slice(span)

    def cover(self, span: syntax.Span) -> None:
        self._covered[span[0] : span[1]] = b"\1" * (span[1] - span[0])
