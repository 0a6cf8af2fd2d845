"""Promotion: the plan of a run that succeeded, in the next environment, with what differs there shown first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reign.core.errors import Conflict, InvalidInput
from reign.core.resource import differences
from reign.core.states import RunState
from reign.engine import environments
from reign.engine.general import ReignGeneral, Submission
from reign.engine.preview import Preview
from reign.engine.runtime import Runtime
from reign.store import freezes, runs
from reign.store.runs import RunRecord


@dataclass(frozen=True)
class Promotion:
    """A plan as it would run in another environment. ``differences``: ``{at, here, there}``."""

    run: str
    here: str
    there: str
    shown: Preview
    differences: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "from": self.here,
            "to": self.there,
            "plan": self.shown.as_dict(),
            "differences": self.differences,
            "warnings": self.warnings,
        }


class Promotions:
    """A small service over the general."""

    def __init__(self, runtime: Runtime, general: ReignGeneral) -> None:
        self._runtime = runtime
        self._general = general

    def preview(self, name: str, to: str | None = None, params: Mapping[str, Any] | None = None) -> Promotion:
        """What would run in ``to`` (default: the ``next`` of the run's environment), and how it differs.

        Raises NotFound, Conflict for a run that did not succeed or that took something back, InvalidInput.
        """
        run, template, there = self._found(name, to)
        shown, _ = self._general.plan(self._submission(run, template, there, params or {}))
        was, _ = self._general.plan(self._submission(run, template, run.environment, {}))
        with self._runtime.database.read() as tx:
            made = runs.changes_of(tx, run.id)
            frozen = freezes.listing(tx).get(there)
        warnings = _shared(made, was, shown, run.environment)
        if strange := environments.unfamiliar(self._runtime.settings, there):
            warnings.insert(0, strange)
        if frozen:
            warnings.insert(0, f"{there} is frozen by {frozen.by}: {frozen.why}")
        return Promotion(run.name, run.environment, there, shown, _differences(was, shown), warnings)

    def start(
        self,
        name: str,
        to: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        approve: Sequence[str] | None = (),
        requested_by: str | None = None,
    ) -> RunRecord:
        """Run it there. Raises what :meth:`preview` raises, Refused."""
        run, template, there = self._found(name, to)
        submission = self._submission(run, template, there, params or {}, approve, requested_by)
        return self._general.submit(submission, of_run=run.id)

    def _found(self, name: str, to: str | None) -> tuple[RunRecord, dict[str, Any], str]:
        with self._runtime.database.read() as tx:
            run = runs.find(tx, name)
            template = runs.template_of(tx, run.id)
        if run.kind != "apply":
            raise Conflict(f"run {run.name} is a {run.kind}, which is not promoted")
        if run.state is not RunState.SUCCEEDED:
            raise Conflict(f"run {run.name} {run.state.value.replace('_', ' ')}; only what succeeded is promoted")
        there = to or self._runtime.settings.surroundings(run.environment).next
        if there is None:
            raise InvalidInput(
                f"nothing says what comes after {run.environment}",
                hint=f"--to NAME, or `next` in [environments.{run.environment}] of reign.toml",
            )
        if there == run.environment:
            raise InvalidInput(f"run {run.name} was in {there} already")
        return run, template, there

    def _submission(
        self,
        run: RunRecord,
        template: Mapping[str, Any],
        environment: str,
        params: Mapping[str, Any],
        approve: Sequence[str] | None = (),
        requested_by: str | None = None,
    ) -> Submission:
        """Values that were given by hand go along (the version that was tried), but for those that the target
        environment sets itself."""
        own = self._runtime.settings.surroundings(environment).params if environment != run.environment else {}
        carried = {name: value for name, value in template["params"].items() if name not in own}
        return Submission(
            plan=template["plan"],
            params={**carried, **params},
            environment=environment,
            workdir=run.workdir,
            approve=approve,
            requested_by=requested_by,
            planned_by="promotion",
        )


def _differences(was: Preview, shown: Preview) -> list[dict[str, Any]]:
    """Parameters, inputs, and what the policy says, place by place."""
    found = differences(_compared(was), _compared(shown))
    return [{"at": at, "here": here, "there": there} for at, here, there in found]


def _compared(shown: Preview) -> dict[str, Any]:
    plan = shown.full
    return {
        "params": plan.params,
        "tasks": {
            task.id: {
                "uses": task.task.uses,
                "with": task.task.with_,
                "if": task.task.if_,
                "for_each": task.task.for_each,
                "locks": list(task.task.locks),
                "asks": task.assessment.asks,
                "refuses": task.assessment.refuses,
            }
            for task in (*shown.tasks, *shown.gates)
        },
    }


def _shared(made: Sequence[Mapping[str, Any]], was: Preview, shown: Preview, here: str) -> list[str]:
    """Resources that the run made and that the promoted plan would touch under the very same inputs."""
    then = {task.id: task.task.with_ for task in was.tasks}
    now = {task.id: task.task.with_ for task in shown.tasks}
    same = {name for name, given in now.items() if then.get(name) == given}
    found = dict.fromkeys(change["resource"] for change in made if str(change["task"]).partition("[")[0] in same)
    return [
        f"{address} belongs to {here}: the plan says the same there. Give it a name with ${{{{ environment }}}}"
        for address in found
    ]
