"""Follows a command: nested texts and commands, within a budget, collecting what the rules object to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace

from workers.bash.judge import builtins, outputs, rules, syntax
from workers.bash.judge.invocation import NOTHING, Invocation, Redirect, Stream
from workers.bash.judge.judgement import Decision, Finding
from workers.bash.judge.marks import DECODED, NETWORK, SECRET
from workers.bash.judge.scope import Scope
from workers.bash.judge.unwrap import Inner, unwrap
from workers.bash.judge.walk import Function, Walk

MOST_STEPS = 4_000
MOST_CHARACTERS = 400_000
MOST_COMPARED = 40_000  # characters that are given to the slower second parser
DEEPEST = 12


class BudgetError(Exception):
    """The command is too large or too deep to be followed."""


class Machine:
    """One judging of one command. `findings` grows while texts and calls run."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.findings: list[Finding] = []
        self._steps = 0
        self._characters = 0
        self._compared = 0
        self._outer: list[str] = [text]
        self._softened: list[str] = []
        self._late: list[tuple[Invocation, Inner]] = []

    def note(self, finding: Finding) -> None:
        """Records a finding; its part becomes the nearest enclosing piece that stands in the command itself."""
        if self._softened and finding.decision is Decision.DENY:
            reason = f"{finding.reason.removesuffix('.')}, {self._softened[-1]}."
            finding = replace(finding, decision=Decision.ASK, reason=reason)
        if not finding.part or finding.part not in self.text:
            finding = replace(finding, part=next(part for part in reversed(self._outer) if part in self.text))
        self.findings.append(finding)

    def step(self) -> None:
        """Counts one step of work; raises BudgetError past MOST_STEPS."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise BudgetError

    def spend(self, characters: int) -> None:
        """Counts text that was made or read; raises BudgetError past MOST_CHARACTERS."""
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise BudgetError

    def finish(self, scope: Scope) -> None:
        """Judges what runs when the shell ends (trap ... EXIT), and what arithmetic may run. Raises BudgetError."""
        reason = "Arithmetic that meets this value runs the substitution in its index."
        while scope.in_subscripts:
            text = scope.in_subscripts.pop()
            self.note(Finding(Decision.ASK, reason, text, "shell.test-substitution"))
            self.run_text(f"echo {text.rstrip(']')}", scope.copy(), part=text)
        while self._late:
            call, inner = self._late.pop(0)
            self._inner(call, replace(inner, late=False))

    def run_text(self, text: str, scope: Scope, *, stdin: Stream | None = None, part: str = "") -> Stream:
        """Judges a shell text in a scope and tells what it prints. Raises BudgetError."""
        self.step()
        self.spend(len(text))
        if len(self._outer) > DEEPEST:
            raise BudgetError
        self._outer.append(part or text)
        try:
            return self._run_text(text, scope, stdin)
        finally:
            self._outer.pop()

    def _run_text(self, text: str, scope: Scope, stdin: Stream | None) -> Stream:
        if any(mark in text for mark in (NETWORK, DECODED)):
            reason = "What a download or a decoder printed is run as shell code."
            self.note(Finding(Decision.DENY, reason, text, "shell.unseen-code"))
        elif SECRET in text:
            self.note(Finding(Decision.ASK, "A credential's content is run as shell code.", text, "shell.unseen-code"))
        reason = "This cannot be parsed as shell code with certainty."
        try:
            parsed = syntax.parse(text)
        except syntax.TooBrokenError:
            self.note(Finding(Decision.ASK, reason, text, "parse.error"))
            return Stream()
        if parsed.is_doubtful:
            self.note(Finding(Decision.ASK, reason, text, "parse.error"))
        output = Walk(self, parsed).run(scope, stdin)
        self._compare(parsed, scope)
        return output

    def _compare(self, parsed: syntax.Syntax, scope: Scope) -> None:
        self._compared += len(parsed.text)
        if self._compared > MOST_COMPARED:
            return
        from workers.bash.judge.opinion import second_opinion  # bashlex makes its tables at import, which takes long

        opinion = second_opinion(parsed)
        if opinion.refused and not parsed.root.has_error:
            reason = "One of the two parsers takes this for no valid shell code."
            self.note(Finding(Decision.ASK, reason, parsed.text, "parse.disagreement"))
        for words in opinion.unseen:
            part = " ".join(words)
            reason = "The two parsers read this command differently."
            self.note(Finding(Decision.ASK, reason, part, "parse.disagreement"))
            Walk(self, parsed).words(list(words), part, scope.copy())

    def run_call(self, call: Invocation) -> Stream:
        """Judges one command with all that it runs in turn, applies its effects, tells what it prints."""
        self.step()
        self._softened += [call.softened] if call.softened else []
        try:
            return self._run_call(call)
        finally:
            if call.softened:
                self._softened.pop()

    def _run_call(self, call: Invocation) -> Stream:
        function = call.scope.functions.get(call.name) if not call.via else None
        for finding in rules.check(call, is_function=function is not None):
            self.note(finding)
        printed = self._function(call, function) if isinstance(function, Function) else self._command(call)
        return self.redirected(call.redirects, printed, call.scope)

    def redirected(self, redirects: tuple[Redirect, ...], printed: Stream, scope: Scope) -> Stream:
        """Remembers what was written to files; tells what is left for the pipe."""
        for redirect in redirects:
            if redirect.writes and not redirect.to_descriptor:
                place = scope.absolute(redirect.target)
                before = scope.files.get(place, NOTHING) if ">>" in redirect.operator else NOTHING
                scope.files[place] = before.followed_by(printed)
                if redirect.operator[0] in ">&":
                    printed = NOTHING
        return printed

    def _command(self, call: Invocation) -> Stream:
        printed: Stream | None = None
        for inner in (*unwrap(call), *self._alias(call)):
            shown = self._inner(call, inner)
            printed = shown if printed is None else printed.followed_by(shown)
        builtins.apply(call)
        own = outputs.printed(call)
        return own if printed is None else Stream(printed.text, printed.traits | own.traits, printed.paths)

    def _alias(self, call: Invocation) -> Iterator[Inner]:
        """What an alias of the command's own stands for, with the arguments that follow it."""
        if not call.via and (meant := call.scope.aliases.get(call.name)) is not None:
            # An alias is not expanded again inside of itself, so that ls='ls --color' ends.
            del call.scope.aliases[call.name]
            yield Inner(text=f"{meant} {shlex.join(call.args)}", same_scope=True)
            call.scope.aliases[call.name] = meant

    def _inner(self, call: Invocation, inner: Inner) -> Stream:
        if inner.late:
            self._late.append((call, inner))
            return NOTHING
        if inner.script is not None and inner.script in call.scope.running:
            if call.scope.spawning:
                self.note(call.deny("resources.fork-bomb", "The script starts copies of itself without end."))
            return Stream()
        scope = call.scope if inner.same_scope else call.scope.copy()
        if inner.script is not None and not inner.same_scope:
            scope.running = (*scope.running, inner.script)
        if inner.cwd is not None:
            scope.cwd = inner.cwd
        if inner.zero is not None:
            scope.zero = inner.zero
        if inner.positional is not None:
            scope.positional = list(inner.positional)
        via = (*call.via, call.name)
        if len(via) > DEEPEST:
            raise BudgetError
        stdin = call.stdin if inner.stdin is None else inner.stdin
        softened = call.softened or inner.softened
        if inner.argv is not None:
            if (
                len(inner.argv) == 1 and " " in inner.argv[0].strip()
            ):  # no program's name has blanks: a line for a shell
                self._inner(call, replace(inner, argv=None, text=inner.argv[0]))
            nested = replace(
                call,
                argv=inner.argv,
                scope=scope,
                assigns={**call.assigns, **inner.assigns},
                redirects=(),
                stdin=stdin,
                softened=softened,
                via=via,
            )
            return self.run_call(nested)
        scope.values.update({**call.assigns, **inner.assigns})
        self._softened += [softened] if softened else []
        try:
            return self.run_text(inner.text or "", scope, stdin=stdin, part=call.part)
        finally:
            if softened:
                self._softened.pop()

    def substitutions(self, scope: Scope, stdin: Stream | None) -> Substitutions:
        """What runs the substitutions inside the words of a command that reads `stdin`."""
        return Substitutions(self, scope, stdin)

    def _function(self, call: Invocation, function: Function) -> Stream:
        name = call.name
        if name in call.scope.running:
            if call.scope.spawning:
                self.note(call.deny("resources.fork-bomb", f"The function {name} starts copies of itself without end."))
            return Stream()
        scope, before = call.scope, (call.scope.positional, call.scope.running)
        scope.positional, scope.running = list(call.args), (*scope.running, name)
        for argument in call.args:
            scope.hold(argument)
        try:
            return function.walk.body(function, scope, call.stdin)
        finally:
            scope.positional, scope.running = before


class Substitutions:
    """Runs the substitutions inside one command's words for `words.Words`."""

    def __init__(self, machine: Machine, scope: Scope, stdin: Stream | None) -> None:
        self._machine = machine
        self._scope = scope
        self._stdin = stdin

    def command(self, text: str) -> str:
        return self._machine.run_text(text, self._scope.copy(), part=text).as_word()

    def process(self, text: str, *, reads: bool) -> str:
        scope = self._scope.copy(spawning=True)
        stdin = None if reads else self._stdin or Stream()
        printed = self._machine.run_text(text, scope, stdin=stdin, part=text)
        path = f"/dev/fd/{63 + len(self._scope.files)}"
        self._scope.files[path] = printed if reads else NOTHING
        return path

    def prompt(self, value: str) -> str:
        reason = "A prompt expansion (@P) runs the substitutions inside the value."
        self._machine.note(Finding(Decision.ASK, reason, "@P", "shell.prompt-expansion"))
        self._machine.run_text(f'echo "{value}"', self._scope.copy())
        return value
