"""The entry: checks what can be seen from outside, then follows the command."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from workers.bash.judge import powershell
from workers.bash.judge.judgement import Decision, Finding, Judgement
from workers.bash.judge.machine import BudgetError, Machine
from workers.bash.judge.marks import UNKNOWN
from workers.bash.judge.scope import WORK, Scope

MOST_CHARACTERS = 32_768
POWERSHELLS = ("pwsh", "powershell")
SHELLS = ("bash", "sh", "dash", "zsh", "ksh")


def judge(command: str, *, shell: str = "bash", workdir: str | None = None) -> Judgement:
    """Judges one command or script.

    `shell` is what would run it (bash, sh, pwsh); `workdir` the absolute path of the folder that it may change,
    by default a stand-in that no path on a command line names. Never raises: what cannot be judged is asked about.
    """
    if len(command) > MOST_CHARACTERS:
        reason = f"The command is longer than {MOST_CHARACTERS} characters; put it into a script in the work folder."
        return Judgement.of([Finding(Decision.DENY, reason, command[:200], "judge.too-long")])
    findings = list(_appearance(command))
    cleaned = "".join("?" if unicodedata.category(character) in ("Co", "Cs") else character for character in command)
    if shell in POWERSHELLS:
        return Judgement.of([*findings, *powershell.findings(cleaned)])
    if shell not in SHELLS:
        reason = f"The judge does not know the shell {shell!r}; it knows {', '.join((*SHELLS, *POWERSHELLS))}."
        findings.append(Finding(Decision.ASK, reason, command, "judge.unknown-shell"))
    machine = Machine(cleaned)
    folder = (workdir or WORK).rstrip("/") or "/"
    try:
        scope = Scope(workdir=folder, cwd=folder, positional=[UNKNOWN])
        machine.run_text(cleaned, scope)
        machine.finish(scope)
    except (BudgetError, RecursionError):
        reason = "The command is too large or nests too deeply to be followed to its end."
        machine.findings.append(Finding(Decision.ASK, reason, cleaned[:200], "judge.too-complex"))
    except Exception as error:  # the last guard: a defect here must not let a command through, nor stop the worker
        reason = f"The judge failed on this command ({type(error).__name__}), so that it cannot vouch for it."
        machine.findings.append(Finding(Decision.ASK, reason, cleaned[:200], "judge.failed"))
    return Judgement.of([*findings, *machine.findings])


def _appearance(command: str) -> Iterator[Finding]:
    """Characters that make a command look like another one."""
    for character in command:
        category = unicodedata.category(character)
        invisible = category in ("Cf", "Co", "Cs", "Zl", "Zp") or (category == "Zs" and character != " ")
        if invisible or (category == "Cc" and character not in "\t\n"):
            reason = f"The command holds an invisible or misleading character (U+{ord(character):04X})."
            yield Finding(Decision.ASK, reason, character, "judge.invisible-character")
            return
