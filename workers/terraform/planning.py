"""Making a plan, keeping it, and finding it again: what is applied is the plan that was shown, or nothing."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from reign.core.errors import ReignError, did_you_mean
from reign.core.resource import digest
from reign.executor import Context, FailureKind, TaskFailed
from reign.security import secrets
from reign.security.masking import MASK
from workers.terraform import changes as plan_changes
from workers.terraform.changes import Counts, PlanChanges, ResourceChange
from workers.terraform.diagnostics import Diagnostic, failure
from workers.terraform.files import write_private
from workers.terraform.inputs import WithVariables
from workers.terraform.record import Applied
from workers.terraform.session import Session, directory_of
from workers.terraform.state import State
from workers.terraform.stream import Stream

PREFIX = "plan:"


@dataclass(frozen=True)
class Values:
    """What the variables are set to. ``files``: (suffix, content), in order; ``variables`` win over them."""

    variables: dict[str, Any] = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def given(cls, ctx: Context, inputs: WithVariables) -> Values:
        """Out of a task's inputs. Raises TaskFailed if a file is not there."""
        directory = directory_of(ctx, inputs)
        return cls(inputs.variables, tuple(_read(ctx, directory, name) for name in inputs.var_files))

    @classmethod
    def kept(cls, ctx: Context, variables: dict[str, Any], files: list[str]) -> Values:
        """Out of a record: secrets resolved anew, files from the blobs. Raises TaskFailed for what was not kept."""
        for name, value in variables.items():
            if MASK in json.dumps(value):
                raise TaskFailed(
                    f"the former value of variable {name!r} is a secret that was given in clear, so it was not kept",
                    kind=FailureKind.CONFLICT,
                    hint="give such values as secret:// references; this once, apply the former configuration by hand",
                )
        made = [tuple(kept.split("|", 1)) for kept in files]
        resolved = secrets.resolve(variables, ctx.masker)
        return cls(resolved, tuple((suffix, blob(ctx, ref)) for suffix, ref in made))

    def keep(self, ctx: Context) -> list[str]:
        """The files as ``suffix|blob``."""
        return [f"{suffix}|{ctx.blobs.put(content)}" for suffix, content in self.files]

    def write(self, folder: Path) -> list[str]:
        """Lay them out for ``-var-file``; the paths."""
        paths = []
        for number, (suffix, content) in enumerate(self.files):
            paths.append(folder / f"{number:02}{suffix}")
            write_private(paths[-1], content)
        if self.variables:
            paths.append(folder / "variables.tfvars.json")
            write_private(paths[-1], json.dumps(self.variables).encode())
        return [str(path) for path in paths]


def _read(ctx: Context, directory: Path, name: str) -> tuple[str, bytes]:
    for path in (directory / Path(name).expanduser(), ctx.path(name)):
        if path.is_file():
            return ".tfvars.json" if name.endswith(".json") else ".tfvars", path.read_bytes()
    beside = [path.name for path in directory.glob("*.tfvars*")] if directory.is_dir() else []
    raise TaskFailed(
        f"there is no var_file {name} in {directory}",
        kind=FailureKind.WRONG_INPUT,
        hint=did_you_mean(Path(name).name, beside),
    )


def blob(ctx: Context, ref: str) -> bytes:
    """Kept content. Raises TaskFailed if it is not there any more."""
    try:
        return ctx.blobs.get(ref)
    except (KeyError, ReignError):
        raise TaskFailed(
            f"the kept content {ref} is not there any more", kind=FailureKind.CONFLICT, hint="plan again"
        ) from None


@dataclass
class MadePlan:
    """A plan in the attempt's scratch folder, made against ``base``. ``empty``: nothing would change."""

    file: Path
    changes: PlanChanges
    base: State
    empty: bool
    diagnostics: list[Diagnostic]

    def forget(self) -> None:
        """It holds secrets in clear."""
        self.file.unlink(missing_ok=True)


def make(
    session: Session,
    values: Values,
    *,
    targets: list[str] | None = None,
    replace: list[str] | None = None,
    destroy: bool = False,
    refresh_only: bool = False,
    lock: bool = True,
    parallelism: int | None = None,
    base: State | None = None,
) -> MadePlan:
    """Plan, against ``base`` if the state was read just now. Raises TaskFailed with terraform's diagnostics; a variable
    that nothing declares is one."""
    ctx = session.ctx
    base = session.state() if base is None else base
    out = ctx.scratch / "terraform" / ("refresh.tfplan" if refresh_only else "plan.tfplan")
    asked = [values.variables, [(s, c.decode(errors="replace")) for s, c in values.files], targets, replace, destroy]
    # The deadline is what no two attempts share: a plan is good for the attempt that made it.
    mark = digest([ctx.deadline, session.content.digest, session.resource, base.lineage, base.serial, *asked])
    if not refresh_only and (known := _known(out, mark, base)):
        return known
    out.unlink(missing_ok=True)
    stream = Stream(ctx, quiet=refresh_only)
    ctx.progress("looking for drift" if refresh_only else "planning")
    names = values.write(ctx.scratch / "terraform" / "values")
    result = session.run(
        "plan",
        stream=stream,
        input=False,
        json=True,
        detailed_exitcode=True,
        out=str(out),
        var_file=names,
        target=targets or [],
        replace=replace or [],
        destroy=True if destroy else None,
        refresh_only=True if refresh_only else None,
        lock=None if lock else False,
        lock_timeout=f"{session.lock_timeout:g}s",
        parallelism=parallelism,
    )
    if out.exists():
        out.chmod(0o600)
    _check(session, values, stream)
    if refresh_only and any("Invalid refresh-only plan" in found.summary for found in stream.diagnostics):
        # Terraform 1.0 trips over a changed `count` there; an ordinary plan tells the drift as well.
        return make(session, values, lock=lock, base=base)
    if result.exit_code not in (0, 2):
        words = ctx.masker.mask(result.tail())
        raise failure("terraform plan", stream.diagnostics, exit_code=result.exit_code, last_words=words)
    # A plan of nothing needs no reading: one start of the binary less for each look at what is as it should be. All
    # drift is told line by line; that a refresh alone would write something (exit code 2) need be none.
    told = stream.drift or (not refresh_only and (result.exit_code == 2 or stream.planned))
    read = plan_changes.read(contents(session, out) if told else {}, ctx.masker)
    if not read.drift:
        # Before 1.1 the JSON of a plan is silent about drift; the lines that it printed are not.
        drift = [
            ResourceChange(address=address, action="destroy" if action == "delete" else action)
            for address, action in stream.drift.items()
        ]
        read = read.model_copy(update={"drift": drift})
    made = MadePlan(out, read, base, result.exit_code == 0, stream.diagnostics)
    if not refresh_only:
        kept = {"mark": mark, "changes": read.model_dump(by_alias=True), "empty": made.empty}
        write_private(out.with_suffix(".json"), json.dumps(kept, default=str).encode())
    return made


def contents(session: Session, file: Path) -> dict[str, Any]:
    """A plan file's JSON. It holds secrets in clear."""
    return session.document("show", str(file), what="reading the plan")


def carried_out(ctx: Context) -> bool:
    """Whether this attempt has made a plan and carried it out, or begun to: the plan's file is gone then."""
    kept = ctx.scratch / "terraform" / "plan.json"
    return kept.exists() and not kept.with_suffix(".tfplan").exists()


def _known(out: Path, mark: str, base: State) -> MadePlan | None:
    """The plan that ``done`` made is the one that ``apply`` carries out: it is not planned twice."""
    try:
        kept = json.loads(out.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return None
    if kept["mark"] != mark or not out.exists():
        return None
    return MadePlan(out, PlanChanges.model_validate(kept["changes"]), base, kept["empty"], [])


def _check(session: Session, values: Values, stream: Stream) -> None:
    """Terraform only warns of a value in a file that no variable takes; here somebody meant something by it."""
    for found in stream.diagnostics:
        if "undeclared variable" not in found.summary.lower():
            continue
        for name in values.variables:
            if f'"{name}"' in found.detail:
                raise TaskFailed(
                    f"the configuration declares no variable {name!r}",
                    kind=FailureKind.WRONG_INPUT,
                    hint=did_you_mean(name, declared_variables(session)) or "declare it, or take it out of `variables`",
                )


def declared_variables(session: Session) -> list[str]:
    """The names of the root module's variables, as its text has them."""
    found: list[str] = []
    for path, file in session.content.files.items():
        if Path(path).parent == session.directory and path.endswith((".tf", ".tofu")):
            found += re.findall(r'(?m)^\s*variable\s+"([^"]+)"', file.content.decode(errors="replace"))
    return found


class SavedPlan(BaseModel):
    """A plan that was shown, with all that pins it: the state that it was made against, and its own digest."""

    directory: str
    workspace: str
    engine: str
    lineage: str
    serial: int
    plan: str = Field(description="blob")
    sha256: str
    configuration: str = Field(description="blob: what it was made from, frozen")
    variables: dict[str, Any]
    var_files: list[str]
    targets: list[str]
    destroy: bool
    empty: bool
    counts: Counts
    destroyed: list[str]
    fingerprints: dict[str, str]
    diff: str
    lock_file: str | None

    @property
    def applied(self) -> Applied | None:
        """What is recorded as applied once it has been; nothing, if it takes everything away."""
        if self.destroy:
            return None
        return Applied(
            configuration=self.configuration,
            variables=self.variables,
            var_files=self.var_files,
            targets=self.targets,
        )


def save(session: Session, made: MadePlan, values: Values, *, targets: list[str], destroy: bool) -> str:
    """Keep a plan for a later task; the name that ``plan_file`` takes."""
    ctx = session.ctx
    content = made.file.read_bytes()
    saved = SavedPlan(
        directory=str(session.directory),
        workspace=session.workspace,
        engine=str(session.binary),
        lineage=made.base.lineage,
        serial=made.base.serial,
        plan=ctx.blobs.put(content),
        sha256=hashlib.sha256(content).hexdigest(),
        configuration=ctx.blobs.put(session.content.pack()),
        variables=values.variables,
        var_files=values.keep(ctx),
        targets=targets,
        destroy=destroy,
        empty=made.empty,
        counts=made.changes.counts,
        destroyed=made.changes.destroyed,
        fingerprints=made.changes.fingerprints,
        diff=made.changes.diff(),
        lock_file=session.lock_file,
    )
    record = json.dumps(ctx.masker.record(saved.model_dump(mode="json", by_alias=True)), sort_keys=True)
    return PREFIX + ctx.blobs.put(record.encode())


def load(ctx: Context, name: str, inputs: WithVariables) -> SavedPlan:
    """The plan of that name. Raises TaskFailed if it is unknown, damaged, or of another directory or workspace."""
    if not name.startswith(PREFIX):
        raise TaskFailed(
            f"{name!r} is no plan of terraform.plan",
            kind=FailureKind.WRONG_INPUT,
            hint="give ${{ tasks.ID.result.plan_file }} of a terraform.plan task; only its plans are pinned to a state",
        )
    try:
        saved = SavedPlan.model_validate_json(blob(ctx, name.removeprefix(PREFIX)))
    except ValidationError:
        raise TaskFailed(f"{name} is no saved plan", kind=FailureKind.WRONG_INPUT, hint="plan again") from None
    if saved.directory != str(directory_of(ctx, inputs)) or saved.workspace != inputs.workspace:
        raise TaskFailed(
            f"the plan is for {saved.directory} in workspace {saved.workspace}, not for"
            f" {directory_of(ctx, inputs)} in {inputs.workspace}",
            kind=FailureKind.WRONG_INPUT,
            hint="give the same directory and workspace to terraform.plan and terraform.apply",
        )
    given = ctx.masker.record(inputs.variables)
    different = sorted(
        name
        for name, value in given.items()
        if name not in saved.variables or saved.variables[name] not in (value, MASK)
    )
    if different:
        raise TaskFailed(
            f"the variables are not those that the plan was made with: {', '.join(different)}",
            kind=FailureKind.WRONG_INPUT,
            hint="a saved plan holds its variables: leave them out here, or plan again",
        )
    return saved


def lay_out(ctx: Context, saved: SavedPlan) -> Path:
    """The plan as a file. Raises TaskFailed if its content is not what was shown."""
    content = blob(ctx, saved.plan)
    if hashlib.sha256(content).hexdigest() != saved.sha256:
        raise TaskFailed("the saved plan is not the one that was shown", kind=FailureKind.CONFLICT, hint="plan again")
    path = ctx.scratch / "terraform" / "plan.tfplan"
    write_private(path, content)
    return path


def stale(saved: SavedPlan, now: State) -> TaskFailed | None:
    """Why the plan may not be applied to this state, if it may not."""
    if (saved.lineage, saved.serial) == (now.lineage, now.serial):
        return None
    if saved.lineage and now.lineage and saved.lineage != now.lineage:
        said = f"it is for another state (lineage {saved.lineage[:8]}, there is {now.lineage[:8]})"
    else:
        said = f"the state has moved from serial {saved.serial} to {now.serial} since it was made"
    return TaskFailed(
        f"the plan is stale: {said}",
        kind=FailureKind.CONFLICT,
        hint="plan again, and apply the new plan",
        details={"planned": {"lineage": saved.lineage, "serial": saved.serial},
                 "now": {"lineage": now.lineage, "serial": now.serial}},
    )  # fmt: skip
