"""Walks a parsed text as the shell would run it, branch by branch, and hands every simple command on."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tree_sitter import Node

from workers.bash.judge import syntax
from workers.bash.judge.invocation import NOTHING, Invocation, Redirect, Stream
from workers.bash.judge.judgement import Decision, Finding
from workers.bash.judge.marks import MAYBE_EMPTY, NAME, SOME, UNKNOWN, is_known
from workers.bash.judge.resolver import Resolver
from workers.bash.judge.scope import Scope
from workers.bash.judge.words import Field

if TYPE_CHECKING:
    from workers.bash.judge.machine import Machine

MOST_ROUNDS = 12  # values of a for loop that are followed one by one
_DEEPEST_NODE = 80
_EMPTIED = str.maketrans("", "", "".join(MAYBE_EMPTY))
_ALWAYS = re.compile(
    r"true|/bin/true|:|1|(?:\[\[? +| test +)?(?:[1-9]\d*|true|(\d+) *(?:-eq|==?) *\1)(?: +\]\]?)?|"
    r"\(\( *[1-9]\d* *\)\)|test [1-9]|! *false|(?:sleep|echo|printf)\b[^|&;]*"
)
_NEVER = re.compile(r"false|/bin/false|! *(?:true|:)|\[\[? +(\d+) *(?:-eq|==?) *(?!\1 )\d+ +\]\]?|\(\( *0 *\)\)")
_MAKES_FILES = re.compile(r">>|\b(?:mktemp|fallocate|truncate|split)\b|\bdd\b[^;\n]*\bof=|\b(?:cp|tee)\s")
_SLEEPING_JOB = re.compile(r"\bsleep\b[^;\n&|]*&(?!&)")

Extra = Sequence[Node]
_Rule = Callable[[Node, Scope, "Stream | None", Extra], Stream]


@dataclass(frozen=True, slots=True)
class Function:
    """A function's body and the walk that knows its text."""

    walk: Walk
    node: Node


#: A list of more than a thousand, in the head of a loop or before a pipe.
_THOUSANDS = r"\bseq\b[^)`|]{0,80}\d{4,}|\.\.\d{4,}[.}]|\byes\b"
_MANY = re.compile(_THOUSANDS)
_UNBOUNDED = re.compile(
    rf"(?:{_THOUSANDS})[^\n]{{0,200}}\|\s*"
    r"(?:xargs\b[^|]{0,80}?(?:-P\s*|--max-procs[= ])|parallel\b[^|]{0,80}?(?:-j\s*|--jobs[= ]))(?:0\b|\d{4,})"
)


class Walk:
    """One walk over one parsed text."""

    def __init__(self, machine: Machine, parsed: syntax.Syntax) -> None:
        self._machine = machine
        self._syntax = parsed
        self._resolver = Resolver(machine, parsed)
        self._called: set[int] = set()
        self._functions: list[Function] = []
        self._depth = 0
        self._rules: dict[str, _Rule] = {
            "redirected_statement": self._redirected,
            "pipeline": self._pipeline,
            "list": self._list,
            "command": self._command,
            "declaration_command": self._command,
            "unset_command": self._command,
            "variable_assignment": self._assignment,
            "variable_assignments": self._sequence,
            "test_command": self._test,
            "function_definition": self._definition,
            "subshell": self._subshell,
            "compound_statement": self._group,
            "if_statement": self._if,
            "case_statement": self._case,
            "for_statement": self._for,
            "while_statement": self._while,
            "c_style_for_statement": self._while,
        }

    def run(self, scope: Scope, stdin: Stream | None) -> Stream:
        """Follows the whole text; what no path reached is followed at the end all the same."""
        printed = self._statement(self._syntax.root, scope, stdin)
        for function in self._functions:
            if function.node.id not in self._called:
                inner = scope.copy()
                inner.positional = [UNKNOWN]
                self.body(function, inner, Stream())
        for node in syntax.nodes(self._syntax.root):
            if node.is_named and node.end_byte > node.start_byte and not self._resolver.is_covered(node):
                if node.type in syntax.COMMANDS:
                    self._statement(node, scope.copy(), None)
                elif node.type in ("command_substitution", "process_substitution"):
                    self._resolver.single((node.start_byte, node.end_byte), scope.copy())
        return printed

    def body(self, function: Function, scope: Scope, stdin: Stream | None) -> Stream:
        """A call of a function that this text defines."""
        self._called.add(function.node.id)
        body = function.node.child_by_field_name("body")
        extra = function.node.children_by_field_name("redirect")
        return self._statement(body, scope, stdin, extra) if body else NOTHING

    def words(self, raw: list[str], part: str, scope: Scope) -> Stream:
        """A command given by its raw words (bashlex's reading of it)."""
        fields = [field for word in raw for field in self._resolver.fields(word, part, scope, None)]
        return self._run(fields, part, scope, {}, (), None) if fields else NOTHING

    def _statement(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra = ()) -> Stream:
        self._machine.step()
        self._depth += 1
        try:
            if self._depth > _DEEPEST_NODE:
                self._note(Decision.ASK, "The command nests too deeply to be judged.", node, "parse.too-complex")
                return Stream()
            return self._rules.get(node.type, self._sequence)(node, scope, stdin, extra)
        finally:
            self._depth -= 1

    def _sequence(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        return self._each(node.children, scope, stdin, extra)

    def _each(self, children: Iterable[Node], scope: Scope, stdin: Stream | None, extra: Extra = ()) -> Stream:
        printed = NOTHING
        statements = list(children)
        for child, following in zip(statements, [*statements[1:], None], strict=False):
            if child.is_named and child.type not in ("comment", "heredoc_body", "variable_name", "word"):
                background = following is not None and following.type == "&"
                inner = scope.copy(spawning=True) if background else scope
                printed = printed.followed_by(self._statement(child, inner, stdin, extra))
        return printed

    def _list(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        printed = NOTHING
        for child in node.named_children:
            last = child.id == node.named_children[-1].id
            printed = printed.followed_by(self._statement(child, scope, stdin, extra if last else ()))
        return printed

    def _pipeline(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        elements = [child for child in node.named_children if child.type != "comment"]
        flow = stdin
        if _UNBOUNDED.search(self._syntax.text_of(node)):
            reason = "It starts a process for each of very many lines, all at once."
            self._note(Decision.ASK, reason, node, "resources.many-processes")
        for element in elements:
            last = element.id == elements[-1].id
            flow = self._statement(element, scope.copy(spawning=True), flow, extra if last else ())
        return flow or Stream()

    def _redirected(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        body = node.child_by_field_name("body")
        # The grammar gives a here-string no field's name.
        strings = [child for child in node.named_children if child.type == "herestring_redirect"]
        redirects = [*node.children_by_field_name("redirect"), *strings, *extra]
        if body is None:
            printed = self._command(node, scope, stdin, extra)
        else:
            printed = self._statement(body, scope, stdin, redirects)
        # The grammar puts what follows a here-document's line (| cat, && ls) into the here-document.
        for redirect in redirects:
            if redirect.type != "heredoc_redirect":
                continue
            for child in redirect.named_children:
                if child.type == "pipeline":
                    printed = self._pipeline(child, scope, printed, ())
                elif child.id in {right.id for right in redirect.children_by_field_name("right")}:
                    printed = printed.followed_by(self._statement(child, scope, stdin))
        return printed

    def _subshell(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        return self._group(node, scope.copy(), stdin, extra)

    def _group(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        redirects, stdin = self._enter(node, scope, stdin, extra)
        printed = self._each(node.children, scope, stdin)
        return self._machine.redirected(redirects, printed, scope)

    def _enter(
        self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra
    ) -> tuple[tuple[Redirect, ...], Stream | None]:
        """The redirections of a compound command, judged, and what its inside reads."""
        parts = syntax.shape(None, extra)
        redirects, stdin = self._resolver.redirections(parts, scope, stdin)
        if redirects:
            part = self._syntax.slice((extra[0].start_byte, extra[-1].end_byte))
            self._machine.run_call(Invocation((), part, scope, redirects=redirects))
        return redirects, stdin

    def _if(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        redirects, stdin = self._enter(node, scope, stdin, extra)
        branches: list[Scope] = []
        printed, exhaustive = NOTHING, False
        taken: list[Node] = []
        for child in node.children:
            if child.type == "then":
                self._each(taken, scope, stdin)
                taken = []
            elif child.type in ("elif_clause", "else_clause", "fi"):
                if taken:
                    branches.append(scope.copy())
                    printed = printed.followed_by(self._each(taken, branches[-1], stdin))
                    taken = []
                if child.type != "fi":
                    branches.append(scope.copy())
                    printed = printed.followed_by(self._each(child.children, branches[-1], stdin))
                    exhaustive = exhaustive or child.type == "else_clause"
            else:
                taken.append(child)
        scope.merge(*branches, *(() if exhaustive else (scope.copy(),)))
        return self._machine.redirected(redirects, printed, scope)

    def _case(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        redirects, stdin = self._enter(node, scope, stdin, extra)
        branches = [scope.copy()]
        printed = NOTHING
        for item in node.named_children:
            if item.type == "case_item":
                branches.append(scope.copy())
                values = {value.id for value in item.children_by_field_name("value")}
                body = [child for child in item.children if child.id not in values]
                printed = printed.followed_by(self._each(body, branches[-1], stdin))
        scope.merge(*branches)
        return self._machine.redirected(redirects, printed, scope)

    def _for(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        redirects, stdin = self._enter(node, scope, stdin, extra)
        variable = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        values = syntax.Shape()
        for child in node.children_by_field_name("value"):
            values.add_word(child)
        listed = any(child.type == "in" for child in node.children)
        rounds = [
            field.text
            for span in values.words
            for field in self._resolver.fields(self._resolver.take(span), "", scope, stdin)
        ] or ([UNKNOWN] if listed else scope.positional or [UNKNOWN])
        if body is not None and self._is_long(node, body) and any(one.type == "&" for one in syntax.nodes(body)):
            reason = "A long loop starts a background job in each round."
            self._note(Decision.ASK, reason, body, "resources.fork-bomb")
        if len(rounds) > MOST_ROUNDS:
            rounds = [_common(rounds)]
        printed = NOTHING
        for value in dict.fromkeys(rounds):
            if variable is not None and body is not None:
                scope.assign(self._syntax.text_of(variable), value)
                printed = printed.followed_by(self._statement(body, scope, stdin))
        return self._machine.redirected(redirects, printed, scope)

    def _while(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        redirects, stdin = self._enter(node, scope, stdin, extra)
        conditions = node.children_by_field_name("condition")
        body = node.child_by_field_name("body")
        printed = NOTHING
        if body is None:
            return printed
        condition = "".join(self._syntax.text_of(child) for child in conditions).strip("; \n")
        if node.type != "while_statement":
            endless = not conditions
        else:
            forever = _NEVER if node.children[0].type == "until" else _ALWAYS
            endless = forever.fullmatch(condition) is not None
        if endless:
            self._endless(body)
        for _ in range(2):  # the second round sees what the first one changed
            before = scope.copy()
            self._each(conditions, scope, stdin)
            printed = self._statement(body, scope, stdin)
            scope.merge(before, scope.copy())
        return self._machine.redirected(redirects, Stream(None, printed.traits, printed.paths), scope)

    def _is_long(self, loop: Node, body: Node) -> bool:
        return _MANY.search(self._syntax.slice((loop.start_byte, body.start_byte))) is not None

    def _endless(self, body: Node) -> None:
        jobs = any(child.type == "&" for child in syntax.nodes(body))
        text = self._syntax.text_of(body)
        if jobs:
            waits = re.search("wait|sleep", _SLEEPING_JOB.sub("", text))
            reason = "An endless loop starts background jobs."
            self._note(Decision.ASK if waits else Decision.DENY, reason, body, "resources.fork-bomb")
        elif _MAKES_FILES.search(text) and "sleep" not in text:
            self._note(Decision.ASK, "An endless loop fills the disk.", body, "resources.disk-flood")

    def _test(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        for child in syntax.nodes(node):
            text = self._syntax.text_of(child)
            if child.type in ("raw_string", "ansi_c_string") and ("$(" in text or "`" in text):
                reason = "Arithmetic in a test runs the substitution inside this quotation."
                self._note(Decision.ASK, reason, child, "shell.test-substitution")
        self._enter(node, scope, stdin, extra)
        return NOTHING

    def _definition(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        name = node.child_by_field_name("name")
        function = Function(self, node)
        self._functions.append(function)
        self._resolver.cover((node.start_byte, node.end_byte))
        if name is not None:
            scope.functions[self._syntax.text_of(name)] = function
        return NOTHING

    def _assignment(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        found = self._resolver.assigned(node, scope, stdin)
        if found:
            name, value, append = found
            scope.assign(name, value, append=append)
            part = self._syntax.text_of(node)
            self._machine.run_call(Invocation((), part, scope, assigns={name: scope.value(name)}))
        return NOTHING

    def _command(self, node: Node, scope: Scope, stdin: Stream | None, extra: Extra) -> Stream:
        parts = syntax.shape(node, extra, self._syntax.dropped)
        everything = [node, *parts.redirects]
        whole = (min(n.start_byte for n in everything), max(n.end_byte for n in everything))
        self._resolver.cover((node.start_byte, node.start_byte + 1))
        part = self._syntax.slice(whole)
        redirects, reads = self._resolver.redirections(parts, scope, stdin)
        if node.type == "declaration_command":
            for child in node.named_children:
                value = child.child_by_field_name("value")
                if value is not None and value.type == "array":
                    self._resolver.assigned(child, scope, stdin)
        assigned = [self._resolver.assigned(child, scope, stdin) for child in parts.assigns]
        assigns = {found[0]: found[1] for found in assigned if found}
        fields = [
            field
            for span in parts.words
            for field in self._resolver.fields(self._resolver.take(span), part, scope, reads)
        ]
        if not fields:
            scope.values.update(assigns)
            self._machine.run_call(Invocation((), part, scope, assigns=assigns, redirects=redirects))
            return self._machine.redirected(redirects, reads or NOTHING, scope)
        return self._run(fields, part, scope, assigns, redirects, reads)

    def _run(
        self,
        fields: list[Field],
        part: str,
        scope: Scope,
        assigns: dict[str, str],
        redirects: tuple[Redirect, ...],
        stdin: Stream | None,
    ) -> Stream:
        first, *others = fields
        # A pattern as a program's name is decided by the files that are there.
        name = UNKNOWN if first.glob and first.text not in ("[", "[[") else first.text
        call = Invocation(
            (name, *(field.text for field in others)), part, scope, assigns=assigns, redirects=redirects, stdin=stdin
        )
        if any(mark in field.text for field in fields for mark in MAYBE_EMPTY):
            self._run_as_empty(fields, call)
        return self._machine.run_call(call)

    def _run_as_empty(self, fields: list[Field], call: Invocation) -> None:
        """The same command with every variable of unknown value empty: `rm -rf "$X"/` is then `rm -rf /`."""
        emptied = [(field, field.text.translate(_EMPTIED)) for field in fields]
        argv = tuple(text for field, text in emptied if text or field.quoted)
        if argv and not (fields[0].glob and fields[0].text == emptied[0][1]):
            self._machine.run_call(replace(call, argv=argv, scope=call.scope.copy()))

    def _note(self, decision: Decision, reason: str, node: Node, rule: str) -> None:
        self._machine.note(Finding(decision, reason, self._syntax.text_of(node), rule))


def _common(values: list[str]) -> str:
    """One value that stands for many."""
    if all(value.isalnum() for value in values):
        return NAME
    start = os.path.commonprefix(values)  # noqa: RUF071 - a common beginning of words, not of paths
    return start + SOME if is_known(start) else UNKNOWN
