"""github.put_workflow: a workflow goes to GitHub only if GitHub will be able to read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints

from reign.core import planfile, schemafaults
from reign.core.check import InvalidPlan
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from workers.github.commits import WORKFLOWS, Content, Wanted
from workers.github.committing import BranchInputs, CommitResult, Committing

_MOST_FAULTS = 10


def _file_name(value: Any) -> Any:
    """``ci``, ``ci.yml`` and the whole path name the same workflow."""
    if not isinstance(value, str):
        return value
    bare = value.removeprefix("./").removeprefix(WORKFLOWS)
    return bare if bare.endswith((".yml", ".yaml")) or "${{" in bare else f"{bare}.yml"


class PutWorkflow(Committing["PutWorkflow.Inputs"]):
    """Checked against the published schema of workflows first; makes no commit if it already is as asked."""

    name: ClassVar[str] = "github.put_workflow"
    summary: ClassVar[str] = "Check a GitHub Actions workflow and put it on a branch"

    class Inputs(BranchInputs):
        name: Annotated[str, BeforeValidator(_file_name), StringConstraints(pattern=r"^[A-Za-z0-9._ -]+\.ya?ml$")] = (
            Field(description="of the file in .github/workflows, e.g. ci.yml")
        )
        content: str = Field(description="the workflow")

    def wanted(self, ctx: Context, inputs: PutWorkflow.Inputs) -> Mapping[str, Wanted]:
        return {WORKFLOWS + inputs.name: Content(inputs.content.encode())}

    def apply(self, ctx: Context, inputs: PutWorkflow.Inputs, seen: Observations) -> CommitResult:
        refuse_faulty(inputs.name, inputs.content)
        return super().apply(ctx, inputs, seen)

    def preview(self, ctx: Context, inputs: PutWorkflow.Inputs) -> str | None:
        refuse_faulty(inputs.name, inputs.content)
        return super().preview(ctx, inputs)

    def doing(self, inputs: PutWorkflow.Inputs) -> str:
        return f"put the workflow {inputs.name} on {inputs.branch} of {inputs.repo}"

    def summarized(self, inputs: PutWorkflow.Inputs) -> str:
        return f"Write the workflow {inputs.name}"


def refuse_faulty(name: str, content: str) -> None:
    """Raises TaskFailed naming what GitHub would stumble over, with lines."""
    found = list(faults(content))[:_MOST_FAULTS]
    if found:
        shown = "; ".join(found[:3])
        raise TaskFailed(
            f"the workflow {name} is not valid: {shown}",
            kind=FailureKind.WRONG_INPUT,
            hint="see GitHub's workflow syntax; validation.workflow checks more",
            details={"findings": found},
        )


def faults(content: str) -> Iterator[str]:
    """What is wrong with a workflow, as ``line N: ...``."""
    if not content.strip():
        yield "line 1: it is empty"
        return
    try:
        document, places = planfile.load(content)  # YAML as GitHub reads it: `on` is a text, a key stands once
    except InvalidPlan as error:
        yield error.message.replace("the plan", "the workflow").replace("plan: ", "", 1)
        return
    if not isinstance(document, Mapping):
        yield "line 1: a workflow is one object with `on` and `jobs`"
        return
    found = schemafaults.errors(_validator(), document)
    for place, sentence in sorted(found, key=lambda each: list(map(str, each[0]))):
        yield f"{_line(place, places)}{'.'.join(map(str, place)) or 'the workflow'}: {sentence}"
    jobs = document.get("jobs")
    jobs = jobs if isinstance(jobs, Mapping) else {}
    for job, content_of in jobs.items():
        needs = content_of.get("needs", []) if isinstance(content_of, Mapping) else []
        for other in [needs] if isinstance(needs, str) else needs if isinstance(needs, list) else []:
            if other not in jobs:
                yield f"{_line(('jobs', job, 'needs'), places)}there is no job {other!r}"
    if content.count("${{") != len(re.findall(r"\$\{\{.*?\}\}", content, re.DOTALL)):
        yield "an expression is opened with ${{ and not closed"


@cache
def _validator() -> Any:
    from check_jsonschema.builtin_schemas import get_builtin_schema
    from jsonschema.validators import validator_for

    schema = get_builtin_schema("vendor.github-workflows")
    return validator_for(schema)(schema)


def _line(path: Any, places: Mapping[Any, tuple[int, int]]) -> str:
    """The line of the nearest key above; nothing if the document has none."""
    at = tuple(path)
    while at:
        if at in places:
            return f"line {places[at][0]}: "
        at = at[:-1]
    return ""
