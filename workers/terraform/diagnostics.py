"""What terraform finds wrong, as data: out of its JSON or its text, each with a file, a line and a way out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reign.executor import FailureKind, TaskFailed
from reign.security.masking import Masker

_TEXT_LIMIT = 2000  # characters of a detail or snippet that are kept


class Diagnostic(BaseModel):
    """One error or warning. ``remedy`` says what to do next, in REIGN's words where it knows, else in terraform's."""

    model_config = ConfigDict(frozen=True)

    severity: str = Field(description="error or warning")
    summary: str
    detail: str = ""
    file: str | None = Field(None, description="relative to the directory")
    line: int | None = None
    column: int | None = None
    address: str | None = Field(None, description="the resource that it is about")
    code: str | None = Field(None, description="the lines of configuration that it points at")
    remedy: str | None = None

    @property
    def place(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line) if part is not None)

    def sentence(self) -> str:
        """``main.tf:3: Unsupported argument (An argument named "x" is not expected here.)`` on one line."""
        where = f"{self.place}: " if self.file else f"{self.address}: " if self.address else ""
        paragraph = re.split(r"\n\s*\n|\nLock Info:", self.detail.strip(), maxsplit=1)[0]
        first = re.split(r"(?<=[.!?])\s", " ".join(paragraph.split()), maxsplit=1)[0].removeprefix("Error message: ")
        return where + self.summary.rstrip(".") + (f" ({first[:300]})" if first else "")


@dataclass(frozen=True)
class _Rule:
    """What a diagnostic that matches means for what may follow, and what to do."""

    pattern: str
    kind: FailureKind
    remedy: str | None = None
    retryable: bool = False


#: The first that matches summary and detail counts; what matches none is unknown.
_RULES = (
    _Rule(r"Unsupported state file format|state file could not be parsed", FailureKind.CONFLICT,
          "bring a good backup of the state back; it was left as it is"),
    _Rule(r"Error (acquiring|locking) .*state|state lock", FailureKind.CONFLICT,
          "somebody else is changing this state: wait, or raise lock_timeout. If whoever held the lock is gone for"
          " certain, unlock it by hand with force-unlock; REIGN never does", True),
    _Rule(r"plan is stale|does not match the given state", FailureKind.CONFLICT,
          "plan again: the state has changed since this plan was made"),
    _Rule(r"No value for required variable", FailureKind.WRONG_INPUT, "give it under `variables` or in a var_file"),
    _Rule(r"Value for undeclared variable|undeclared variable", FailureKind.WRONG_INPUT,
          "declare the variable in the configuration, or take it out of `variables`"),
    _Rule(r"Invalid value for (input )?variable|Given variables? file", FailureKind.WRONG_INPUT),
    _Rule(r"Module not installed|Backend initialization required|Required plugins are not installed",
          FailureKind.MISSING_PREREQUISITE, "run terraform.init for this directory again"),
    _Rule(r"Backend configuration changed|Invalid backend configuration|Unsupported backend type|backend config",
          FailureKind.WRONG_INPUT, "correct `backend`, or the backend block in the configuration"),
    _Rule(r"Inconsistent dependency lock file|lock ?file", FailureKind.MISSING_PREREQUISITE,
          "run terraform.init again, or bring .terraform.lock.hcl up to date with the configuration"),
    _Rule(r"timeout while waiting for plugin to start|Plugin did not respond[\s\S]*GetProviderSchema",
          FailureKind.TRANSIENT, "a provider did not start in time: the machine is very busy, or it is broken", True),
    _Rule(r"Failed to (query available|install) provider|Could not load plugin|failed to instantiate provider|"
          r"Incompatible provider|no available releases|provider registry", FailureKind.MISSING_PREREQUISITE,
          "give a plugin_dir or a mirror that holds the provider, or let the worker reach the provider registry"),
    _Rule(r"Unsupported Terraform Core version|Unsupported OpenTofu Core version|required_version",
          FailureKind.MISSING_PREREQUISITE, "point agents.terraform.binary at a version that the configuration allows"),
    _Rule(r"[Nn]o valid credential|InvalidClientTokenId|ExpiredToken|AuthFailure|Unauthorized|AccessDenied|Forbidden|"
          r"[Aa]uthentication (failed|required)|status code: 40[13]|permission denied", FailureKind.PERMISSION,
          "give credentials that may do this under `env`, as secret:// references"),
    _Rule(r"[Tt]hrottl|RequestLimitExceeded|TooManyRequests|status code: (429|5\d\d)|connection (refused|reset)|"
          r"i/o timeout|TLS handshake timeout|no such host|EOF$", FailureKind.TRANSIENT, None, True),
    _Rule(r"Reference to undeclared|Unsupported (argument|attribute|block type)|Missing required argument|"
          r"Invalid (resource type|reference|expression|function argument|index|block|character|template)|"
          r"Argument or block definition required|Unclosed|Duplicate|Incorrect attribute value type|Call to unknown|"
          r"Error in function call|Missing (newline|item|attribute)|Unreadable module|Self-referential|Cycle",
          FailureKind.WRONG_INPUT),
    _Rule(r"Instance cannot be destroyed|prevent_destroy", FailureKind.CONFLICT,
          "the configuration forbids it (prevent_destroy): take that out first if it is meant"),
    _Rule(r"Resource (precondition|postcondition) failed|Check block assertion|Invalid count|Invalid for_each",
          FailureKind.WRONG_INPUT),
    _Rule(r"Invalid target|does not exist in the configuration|Resource (already managed|instance not found)|"
          r"Cannot import non-existent|Configuration for import target|Invalid address|doesn't support import",
          FailureKind.WRONG_INPUT),
    _Rule(r"Invalid legacy provider address|Provider configuration not present", FailureKind.WRONG_INPUT),
)  # fmt: skip


def _rule(diagnostic: Diagnostic) -> _Rule | None:
    text = f"{diagnostic.summary}\n{diagnostic.detail}"
    return next((rule for rule in _RULES if re.search(rule.pattern, text)), None)


def from_json(data: Mapping[str, Any], masker: Masker) -> Diagnostic:
    """Out of the ``diagnostic`` of a JSON line, or one of ``validate -json``."""
    place, snippet = data.get("range") or {}, data.get("snippet") or {}
    start = place.get("start") or {}
    return _finished(
        Diagnostic(
            severity=data.get("severity", "error"),
            summary=str(data.get("summary", "")).strip(),
            detail=str(data.get("detail") or "").strip(),
            file=place.get("filename") or None,
            line=start.get("line"),
            column=start.get("column"),
            address=data.get("address") or None,
            code=snippet.get("code"),
        ),
        masker,
    )


_FRAME = re.compile(r"^[╷│╵]\s?")
_HEAD = re.compile(r"^(Error|Warning): (.*)$")
_WHERE = re.compile(r"^\s+(?:with (?P<address>[^,]+),|on (?P<file>.+?) line (?P<line>\d+)(?:, in .*)?:?)")
_CODE = re.compile(r"^\s+\d+: ")


def from_text(text: str, masker: Masker) -> list[Diagnostic]:
    """Out of what a command without a JSON form printed (init, import, state). A bare message is one error."""
    blocks: list[tuple[str, str, list[str]]] = []
    lines = [_FRAME.sub("", line).rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]
    for line in lines:
        head = _HEAD.match(line)
        if head:
            blocks.append((head[1].lower(), head[2], []))
        elif blocks:
            blocks[-1][2].append(line)
    found = []
    for severity, summary, rest in blocks:
        where = [match for match in map(_WHERE.match, rest) if match]
        at: dict[str, Any] = {}
        for match in where:
            at |= {name: value for name, value in match.groupdict().items() if value}
        detail = [line for line in rest if not _WHERE.match(line) and not _CODE.match(line)]
        code = [_CODE.sub("", line) for line in rest if _CODE.match(line)]
        made = Diagnostic(
            severity=severity,
            summary=summary,
            detail="\n".join(detail).strip(),
            file=at.get("file"),
            line=int(at["line"]) if "line" in at else None,
            address=at.get("address"),
            code="\n".join(code) or None,
        )
        found.append(_finished(made, masker))
    if not found and text.strip():
        bare = [line for line in lines if line.strip()]
        made = Diagnostic(severity="error", summary=bare[0].strip(), detail="\n".join(bare[1:]).strip())
        found.append(_finished(made, masker))
    return found


#: Files of ours that hold what a task was given (planning.Values).
_GIVEN = re.compile(r"terraform/values/(?:variables\.tfvars\.json|(?P<number>\d+)\.tfvars(?:\.json)?)$")


def _as_given(diagnostic: Diagnostic) -> Diagnostic:
    """A value is named by the input that it came in, not by the private file that it went through."""
    found = _GIVEN.search(diagnostic.file or "")
    if found is None:
        return diagnostic
    if found["number"] is None:
        return diagnostic.model_copy(update={"file": "variables", "line": None, "column": None})
    return diagnostic.model_copy(update={"file": f"var_files[{int(found['number'])}]"})


def _finished(diagnostic: Diagnostic, masker: Masker) -> Diagnostic:
    diagnostic = _as_given(diagnostic)
    rule = _rule(diagnostic)
    remedy = rule.remedy if rule and rule.remedy else _own_remedy(diagnostic.detail)
    texts = {
        name: masker.mask(value)[:_TEXT_LIMIT]
        for name, value in (
            ("summary", diagnostic.summary),
            ("detail", diagnostic.detail),
            ("code", diagnostic.code),
            ("remedy", remedy),
        )
        if value
    }
    return diagnostic.model_copy(update=texts)


def _own_remedy(detail: str) -> str | None:
    """The sentence of terraform's own text that says what to do."""
    advice = r"Did you mean [^?]+\?|(?:You must|Use|Set|Add|Remove|Ensure|Check|Make sure|Please)\b[^.\n]*\."
    said = re.search(f"({advice})", detail)
    return " ".join(said.group(1).split()) if said else None


#: Errors that only announce others.
_SAYS_NOTHING = re.compile(r"execution halted$|\w+ encountered problems during initiali[sz]ation")


def distinct(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Without repetitions and mere announcements; errors first."""
    telling = [diagnostic for diagnostic in diagnostics if not _SAYS_NOTHING.match(diagnostic.summary)]
    known = {diagnostic.model_dump_json(): diagnostic for diagnostic in telling or diagnostics}
    return sorted(known.values(), key=lambda found: found.severity != "error")


def failure(
    what: str, diagnostics: Sequence[Diagnostic], *, exit_code: int, last_words: str = "", converges: bool = False
) -> TaskFailed:
    """The failure of a command. ``converges``: it may be run again from wherever it stopped."""
    found = distinct(diagnostics)
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    details: dict[str, Any] = {"diagnostics": [d.model_dump(mode="json") for d in found[:50]], "exit_code": exit_code}
    if not errors:
        ended = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        details["last_words"] = last_words[-_TEXT_LIMIT:]
        return TaskFailed(f"{what} {ended}", details=details, retryable=converges, hint="see its log")
    first = errors[0]
    rule = _rule(first)
    kind = rule.kind if rule else FailureKind.UNKNOWN
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    held = _holder(first)
    return TaskFailed(
        f"{what}: {first.sentence()}{more}{held}",
        kind=kind,
        hint=first.remedy,
        retryable=(rule.retryable if rule else False) or (converges and kind is FailureKind.UNKNOWN),
        details=details,
    )


def _holder(diagnostic: Diagnostic) -> str:
    """Who holds the lock, as terraform tells it."""
    if "Lock Info" not in diagnostic.detail:
        return ""
    other = re.search(r"already locked: ID=([^\s,]+)", diagnostic.detail)
    told = dict(re.findall(r"(?m)^\s*(ID|Who|Operation|Created):\s*(\S.*?)\s*$", diagnostic.detail))
    if other and other.group(1) != told.get("ID"):
        return ""  # the http backend fills in the one who asked; the sentence names the lock
    who, since = told.get("Who", "somebody"), told.get("Created", "").partition(".")[0]
    return f"; held by {who} since {since} for {told.get('Operation', 'something')}, lock {told.get('ID', '')}"
