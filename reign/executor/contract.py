"""What an agent brings: a named set of operations, each of which looks first, then acts, and says how it is undone.

Only ``apply`` is required. The rest are capabilities with defaults that fit an operation that changes nothing:

    touches   -> the resources (and so the locks) that these inputs concern
    inspect   -> what is there now
    done      -> the result, if nothing is left to do; makes `apply` safe to repeat and settles a cut-off attempt
    restore   -> bring back what `inspect` saw before the change
    assess    -> how much can be undone with these inputs, and whether a person should be asked first
    preview   -> what apply would change, as a text for people; for engines that can rehearse a change
    rehearsed -> the same task in a place of its own, for `reign rehearse`
    repair    -> after a failure: what to change in the plan so that it would work
    sealed    -> the inputs with what is a secret in them sealed, before a plan is stored

``inspect``, ``done``, ``assess``, ``preview`` and ``repair`` never change anything outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from reign.core.catalog import Effect, OperationInputs, OperationResult, OperationSpec
from reign.core.findings import Finding
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor.context import Context
from reign.executor.failures import TaskFailed
from reign.executor.repairs import Proposal
from reign.executor.scope import Scope
from reign.executor.variables import sealed_variables

InputsT = TypeVar("InputsT", bound=OperationInputs)
ResultT = TypeVar("ResultT", bound=OperationResult)

Observations = Sequence[Observation]
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Assessment:
    """What an operation with certain inputs means for a person who must decide."""

    effect: Effect
    undo: Undo
    asks: str | None = None  # why a person must say yes first; None: nobody is asked
    refuses: str | None = None  # why it will not be done at all
    note: str = ""  # what a rollback restores, or why it cannot
    findings: tuple[Finding, ...] = ()  # what is dangerous about these inputs, for a policy to judge


class Pinning(StrEnum):
    """When :meth:`Operation.pins` is asked."""

    NEVER = "never"
    SHOWN = "shown"  # with a preview, if nothing that runs before can change what would be pinned
    ALWAYS = "always"  # at every submission: it is told at once


class Sealing(Protocol):
    """What :meth:`Operation.sealed` is given: it turns secrets that stand in a plan into references to sealed ones."""

    def value(self, text: str, *, base64: bool = False, quoted: bool = False) -> str:
        """The reference in the place of a secret; a reference as it is. Of a text with expressions as it is too, but
        what its expressions take from the plan is sealed where it stands. ``base64``: the text is the base64 of the
        secret; ``quoted``: it is to be put back as a scalar in YAML's double quotes."""
        ...

    def follow(self, text: str, change: Callable[[Any], Any]) -> None:
        """``change`` what the expressions in ``text`` take from the plan's parameters and items."""
        ...


class Operation(Generic[InputsT, ResultT]):
    """Base class of operations. One instance serves all tasks of a process; state lives in the context."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Inputs: ClassVar[type[OperationInputs]]
    Result: ClassVar[type[OperationResult]]
    undo: ClassVar[Undo] = Undo.NONE
    undo_note: ClassVar[str] = ""
    effect: ClassVar[Effect] = Effect.CHANGE
    timeout: ClassVar[float] = 600.0  # seconds
    retry: ClassVar[Retry] = Retry()
    #: After a crash between intent and record, `apply` may simply run again: it converges from any half-way state.
    converges: ClassVar[bool] = False
    #: Runs what the plan's author wrote, who alone knows whether it may run again: if the task says ``retry``, it does.
    reruns: ClassVar[bool] = False
    pinning: ClassVar[Pinning] = Pinning.NEVER
    #: Inputs that hold variables (``{NAME: value}``), some of which may be secrets by their names or shapes.
    variables: ClassVar[tuple[str, ...]] = ()
    #: Inputs that hold secrets whatever they look like.
    secrets: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def spec(cls, phrases: tuple[Any, ...] = ()) -> OperationSpec:
        return OperationSpec(
            name=cls.name,
            summary=cls.summary,
            inputs=cls.Inputs,
            result=cls.Result,
            undo=cls.undo,
            effect=cls.effect,
            timeout=cls.timeout,
            retry=cls.retry,
            undo_note=cls.undo_note,
            reruns=cls.reruns,
            phrases=phrases,
        )

    @property
    def pure(self) -> bool:
        """Whether there is nothing to lock, inspect, record as intent or undo."""
        return self.effect is Effect.READ

    def touches(self, ctx: Context, inputs: InputsT) -> Sequence[str]:
        """Addresses (``agent:kind/name``) of the resources that these inputs change. No I/O beyond local paths."""
        return ()

    def inspect(self, ctx: Context, inputs: InputsT) -> Observations:
        """What is there now: one Observation for each touched resource. Changes nothing."""
        return ()

    def done(self, ctx: Context, inputs: InputsT, seen: Observations) -> ResultT | None:
        """What ``apply`` would return if the world already is as these inputs ask; None if there is something to do.

        ``seen`` is fresh from ``inspect``. An action rather than a state (restart, run a command) is never done.
        """
        return None

    def apply(self, ctx: Context, inputs: InputsT, seen: Observations) -> ResultT:
        """Do it. ``seen`` is the before-state, already recorded. Raises TaskFailed, Cancelled, TimedOut or PutBack."""
        raise AssertionError(f"{self.name} has no apply")

    def restore(self, ctx: Context, inputs: InputsT, before: Observations, now: Observations) -> None:
        """Bring the resources from ``now`` back to ``before``; safe to repeat. Raises TaskFailed if it cannot."""
        raise TaskFailed(f"{self.name} cannot be undone", hint=self.undo_note or None)

    def redone(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of an undo of an undo, from those of that undo. Default: the same, since ``restore`` goes to the
        state that was seen, whichever way. What sees no state exchanges what it does and what takes that back."""
        return dict(inputs)

    def preview(self, ctx: Context, inputs: InputsT) -> str | None:
        """What ``apply`` would change, asked of the engine itself: a readable diff without secrets, "" for no change.

        None (the default) if the engine cannot tell beforehand. Changes nothing. Raises TaskFailed as ``apply`` would.
        """
        return None

    def repair(self, ctx: Context, inputs: InputsT, failure: TaskFailed) -> Proposal | None:
        """A repair that this agent knows for a failure that ended the task; None (the default) if it knows none.

        Called on the worker, right after the failure, with a few seconds to look around. Changes nothing.
        """
        return None

    def foreseen(self, inputs: Mapping[str, Any], before: Sequence[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
        """The inputs as they will count once the tasks before it in the plan have run: for its preview and its pins.

        ``before``: operation and inputs of each of them, in a topological order, expressions unfilled. Default: as they
        are.
        """
        return inputs

    def pins(self, ctx: Context, inputs: InputsT) -> Mapping[str, Any]:
        """Inputs that tie the plan to what is meant now: this cluster, this state. ``apply`` refuses another one.

        Expressions in ``inputs`` may be unresolved texts. Changes nothing. Raises TaskFailed if it cannot be told.
        """
        return {}

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        """The inputs of the same task in a rehearsal's scope, where it touches nothing that is not the rehearsal's own.

        ``inputs`` are as the plan has them, expressions unfilled. None (the default of what changes something) or
        NotRehearsable if it cannot be moved there. What only reads runs as it is, unless it reads what has been moved.
        """
        return dict(inputs) if self.pure else None

    def sealed(self, inputs: Mapping[str, Any], sealing: Sealing) -> Mapping[str, Any]:
        """The inputs with each value that is a secret given to ``sealing``. Default: those of ``variables`` that look
        like secrets, and all of ``secrets``. Asked only where one of these inputs is given.

        ``inputs`` are as the plan has them, expressions unfilled, and not checked yet. Raises InvalidInput.
        """
        return sealed_variables(inputs, sealing, self.variables, self.secrets)

    def repeats(self, ctx: Context, inputs: InputsT) -> bool:
        """Whether an `apply` that was cut off may simply run again with these inputs. Default: ``converges``."""
        return self.converges

    def assess(self, inputs: InputsT) -> Assessment:
        """Effect, undo and approval for these inputs; expressions in them may still be unresolved texts.

        Default: destroying and irreversible changes ask.
        """
        asks = None
        if self.effect is Effect.DESTROY:
            asks = f"{self.name} takes away what may not be the run's own"
        elif self.effect is Effect.CHANGE and self.undo is Undo.NONE:
            asks = f"{self.name} cannot be taken back"
        return Assessment(effect=self.effect, undo=self.undo, asks=asks, note=self.undo_note)

    def assess_in(self, inputs: InputsT, workdir: Path) -> Assessment:
        """As :meth:`assess`, with what the files of the plan's folder show, as far as they are here and there already.

        ``workdir``: that folder. Asked before the run only. Default: what :meth:`assess` says.
        """
        return self.assess(inputs)


@dataclass(frozen=True)
class Check:
    """One line of ``reign doctor``: an engine, a binary or a credential that an agent needs."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None
    required: bool = False


class Checks(Protocol):
    """An agent's lines of ``reign doctor``; ``options`` are the agent's own settings."""

    def __call__(self, options: Mapping[str, Any] = ..., /) -> Sequence[Check]: ...


def no_checks(_: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """Of an agent that needs nothing on the machine."""
    return ()


#: Says what a command line in a shell means before it runs: ``(command, shell)`` -> ``{decision: allow | ask | deny,
#: reason, part, rule, findings}``. Runs nothing and never raises.
CommandJudge = Callable[[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Agent:
    """A kind of work: its operations, the words that people use for them, and what it needs on the machine."""

    name: str
    summary: str
    operations: tuple[type[Operation[Any, Any]], ...]
    checks: Checks = no_checks
    words: Mapping[str, tuple[Any, ...]] | None = None  # operation name -> phrases
    #: Addresses of what an observed resource needs to be there, for `reign blast` and the order of repairs.
    refers: Callable[[Observation], Sequence[str]] = lambda observation: ()
    #: The address of what a resource lies in and is gone with, out of its own address.
    lies_in: Callable[[str], str | None] = lambda address: None
    judge: CommandJudge | None = None
    #: Loads what nearly every task needs, in a worker before it forks: its children then share it, and none waits.
    prepare: Callable[[], None] = lambda: None
    #: Ends what it keeps running beside the workers, given its state folder, and names it: for the end of `reign up`.
    leave: Callable[[Path], Sequence[str]] = lambda state: ()
    #: Names what :attr:`leave` would end.
    stays: Callable[[Path], Sequence[str]] = lambda state: ()

    def specs(self) -> list[OperationSpec]:
        words = self.words or {}
        return [operation.spec(tuple(words.get(operation.name, ()))) for operation in self.operations]
