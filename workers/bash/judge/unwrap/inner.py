"""What is found inside a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workers.bash.judge.invocation import Stream


@dataclass(frozen=True, slots=True)
class Inner:
    """A command line (`argv`) or a shell text (`text`) that another command runs.

    `stdin` None: it reads what the outer command reads. `same_scope`: it changes the outer shell's state.
    """

    argv: tuple[str, ...] | None = None
    text: str | None = None
    stdin: Stream | None = None
    softened: str = ""  # why a denial is only a question here ("inside a container")
    same_scope: bool = False
    assigns: Mapping[str, str] = field(default_factory=dict)
    positional: Sequence[str] | None = None
    cwd: str | None = None
    zero: str | None = None
    script: str | None = None  # the path of the file that the text is the content of
    late: bool = False  # it runs when the shell ends, with what its variables hold then
