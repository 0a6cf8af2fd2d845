"""What all checks share: the threshold and waivers among their inputs, and how findings end the task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from reign.core import waivers
from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.errors import InvalidInput
from reign.core.findings import Finding, Threshold, Verdict, Waiver, distinct, verdict, waive
from reign.core.resource import Undo
from reign.core.waivers import WAIVERS_FILE
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import InputsT, Operation, ResultT

#: As many findings are kept with a task; the rest is counted, for one wrong folder may hold a million.
MAX_KEPT = 500


class CheckInputs(OperationInputs):
    """Inputs of every check."""

    fail_on: Threshold = Field(
        default=Threshold.HIGH, description="findings from this severity on fail the task; never: only report them"
    )
    waivers: tuple[Waiver, ...] = Field(
        default=(), description=f"accepted findings, beside those of {WAIVERS_FILE} in the checked folder"
    )


class CheckResult(OperationResult):
    """What every check gives when nothing at or above the threshold was found."""

    findings: list[Finding] = Field(default_factory=list, description=f"what was found, at most {MAX_KEPT}")
    summary: str = Field(default="nothing found", description="e.g. '2 medium, 1 waived'")


class Check(Operation[InputsT, ResultT]):
    """An operation that only looks."""

    effect: ClassVar[Effect] = Effect.READ
    undo: ClassVar[Undo] = Undo.UNNEEDED
    undo_note: ClassVar[str] = "changes nothing"
    timeout: ClassVar[float] = 300.0


def conclude(
    ctx: Context,
    subject: str,
    found: Iterable[Finding],
    inputs: CheckInputs,
    *,
    place: Path | None = None,
    retryable: bool = False,
) -> Verdict:
    """Apply the waivers and judge. ``subject`` is what was checked, in words; ``place`` where it lies.

    Raises TaskFailed (check_failed) if something at or above the threshold is left, with all findings in its details.
    """
    accepted = [*inputs.waivers, *_waivers_beside(ctx, place or ctx.workdir)]
    under = _under(ctx, place or ctx.workdir)
    judged = verdict(waive(distinct(found), accepted, datetime.now(UTC).date(), under), inputs.fail_on)
    for finding in judged.findings[:MAX_KEPT]:
        ctx.log(str(finding))
    if judged.ok:
        return judged
    first, rest = judged.failing[0], len(judged.failing) - 1
    where = f" at {first.place}" if first.place and first.place != subject else ""
    more = f" (and {rest} more)" if rest else ""
    raise TaskFailed(
        f"{subject}: {first.message}{where}{more}",
        kind=FailureKind.CHECK_FAILED,
        hint=first.remedy,
        retryable=retryable,
        details=details(judged),
    )


def _under(ctx: Context, place: Path) -> str:
    """The folder that was checked as the plan's folder names it; "" for that folder itself or one elsewhere."""
    folder, base = (place if place.is_dir() else place.parent), ctx.workdir.resolve()
    found = folder.relative_to(base).as_posix() if folder.is_relative_to(base) else ""
    return "" if found == "." else found


def details(judged: Verdict) -> dict[str, Any]:
    """``{findings, counts, omitted}`` as JSON, the worst findings first."""
    return {
        "findings": [finding.model_dump(mode="json") for finding in judged.findings[:MAX_KEPT]],
        "counts": judged.counts(),
        "omitted": max(0, len(judged.findings) - MAX_KEPT),
    }


def kept(judged: Verdict) -> list[Finding]:
    """The findings that go into a result."""
    return list(judged.findings[:MAX_KEPT])


def _waivers_beside(ctx: Context, place: Path) -> Sequence[Waiver]:
    """Those of the nearest waivers file, looked for from the checked place up to the work folder."""
    start = place if place.is_dir() else place.parent
    for folder in (start, *start.parents):
        file = folder / WAIVERS_FILE
        if file.is_file():
            return read_waivers(file)
        if folder == ctx.workdir or not folder.is_relative_to(ctx.workdir):
            break
    return ()


def read_waivers(file: Path) -> Sequence[Waiver]:
    """The waivers of a file: a list, or ``waivers:`` with a list. Raises TaskFailed (wrong_input)."""
    try:
        with file.open("rb") as stream:
            return waivers.parse(stream.read(waivers.MAX_BYTES), str(file))
    except OSError as error:
        raise TaskFailed(f"{file} cannot be read: {error.strerror}", kind=FailureKind.WRONG_INPUT) from None
    except InvalidInput as error:
        raise TaskFailed(error.message, kind=FailureKind.WRONG_INPUT, hint=error.hint) from None
