"""How a task runs, from the message to the record. Top to bottom; each step says what a death there leaves behind.

    claim -> resolve -> lock -> inspect -> intend -> apply -> inspect -> record and release -> publish

Between two steps nothing is remembered that is not in the state. An attempt that died before `intend` changed nothing
and is simply made again; one that died after it is settled by inspecting, here, by whoever claims the task next.
"""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from reign.core import expressions, outcome
from reign.core.errors import ReignError, Unavailable
from reign.core.outcome import Outcome
from reign.core.plan import OnFailure, Retry, Task
from reign.core.resource import Change, Observation, Undo, same
from reign.engine import inputs as task_inputs
from reign.engine import inspection, observing, originals, policing
from reign.engine.crash import CrashPoints
from reign.engine.fairness import Turnstile, Window
from reign.engine.logs import LogSink
from reign.engine.originals import Original
from reign.engine.proposing import proposed
from reign.engine.pulse import Pulse
from reign.engine.runtime import Runtime
from reign.executor import Cancelled, Context, FailureKind, NeedsApproval, Operation, PutBack, TaskFailed, registry
from reign.policy import Effective
from reign.security import secrets
from reign.security.masking import Masker
from reign.store import claims, expansion, history, locks, outbox, pending, recording, release, runs
from reign.store.blobs import SqlBlobs
from reign.store.claims import Claim, StaleClaim
from reign.store.database import Transaction
from reign.store.outbox import Posting
from reign.store.runs import RunInfo
from reign.store.tables import run_of

log = logging.getLogger(__name__)
T = TypeVar("T")

#: A worker goes on with successors of what it ran for so long; then they take their turn in the queue like all others.
HAND_OVER_SECONDS = 0.5
#: Seconds for which an attempt that is done keeps trying to say so while the database is away.
RECORD_PATIENCE = 600.0
#: Failures after which a task's ``retry`` may look again, if it changes nothing or runs its author's own words.
LOOK_AGAIN = frozenset({FailureKind.CHECK_FAILED, FailureKind.TRANSIENT, FailureKind.TIMED_OUT, FailureKind.UNKNOWN})


class Chain(Protocol):
    """The tail of the Celery chain that brought the message: what Celery sends when the task's body returns."""

    def head(self) -> int | None:
        """The task that would be sent next."""

    def advance(self) -> None:
        """That task has been handed over here; do not send it."""

    def drop(self) -> None:
        """Nothing more is to be sent."""


class Audience(Protocol):
    """Who is told of tasks that come without a message of their own, so that what watches messages sees them too."""

    def began(self, run: str, claim: Claim) -> None:
        """This process goes on with the task."""

    def ended(self, run: str, claim: Claim, failure: str | None, seconds: float) -> None:
        """It has ended; ``failure`` says why, if it did not succeed."""

    def flush(self) -> None:
        """Pass on what was gathered."""


class Spine:
    """Carries out tasks in one worker process, one at a time."""

    def __init__(self, runtime: Runtime, agents: Sequence[str], audience: Audience | None = None) -> None:
        settings = runtime.settings
        self._settings = settings
        self._database = runtime.database
        self._dispatcher = runtime.dispatcher
        self._agents = frozenset(agents)
        self._logs = LogSink(self._database, settings.log_lines)
        self._crash = CrashPoints(settings)
        self._runs: dict[int, RunInfo] = {}
        self._window = Window(settings, runtime.redis.length, sorted(agents))
        self._turnstile = Turnstile(settings, agents)
        self._audience = audience
        chores = [self._logs.flush, self._dispatcher.catch_up, *([audience.flush] if audience else [])]
        self.pulse = Pulse(settings, self._database, chores, tuple(sorted(agents)))

    def carry_out(self, task_id: int, chain: Chain) -> str | None:
        """What a message asks for: the task, and then, for a while, what it sets free for this same pool.

        Returns why the message's own task did not succeed, for whoever watches the queue; None if it did.
        """
        with self.pulse.busy():
            try:
                return self._carry_out(task_id, chain)
            except Unavailable:
                self.pulse.renew()
                raise

    def _carry_out(self, task_id: int, chain: Chain) -> str | None:
        claim = self._claim(task_id)
        if claim is None:
            chain.drop()  # another copy of the message, or a run that is over: nothing to do, nothing to follow
            return None
        started = time.monotonic()
        handed, failure = self._attempt(claim, chain, may_hand_over=True)
        while handed is not None:
            handed = self._go_on(handed, chain, time.monotonic() - started < HAND_OVER_SECONDS)
        return failure

    def _go_on(self, claim: Claim, chain: Chain, may_hand_over: bool) -> Claim | None:
        """Carry out what was handed over here, and tell the audience of it."""
        run = self._run_info(claim.run_id)
        if self._audience is None or run is None:
            return self._attempt(claim, chain, may_hand_over)[0]
        started = time.monotonic()
        self._audience.began(run.name, claim)
        handed, failure = self._attempt(claim, chain, may_hand_over)
        self._audience.ended(run.name, claim, failure, time.monotonic() - started)
        return handed

    def _claim(self, task_id: int) -> Claim | None:
        """One guarded update. A death right after it leaves a claim whose worker is silent: the reconciler frees it."""
        run = self._run_info(run_of(task_id))
        if run is None:  # a message of another database
            return None
        with self._database.write() as tx:
            self._dispatcher.tidy(tx)
            now = time.time()
            if self._turnstile.may_limit(run) and not self._turnstile.admits(tx, run, task_id, now):
                return None
            claim = claims.claim(tx, task_id, self.pulse.worker, now)
            if claim is None or _changes_nothing(claim):
                pending.unhurried(tx)
            return claim

    def _attempt(self, claim: Claim, chain: Chain, may_hand_over: bool) -> tuple[Claim | None, str | None]:
        """One attempt, from the claim to the messages. Returns the claim of what was handed over, if any, and why the
        attempt did not succeed, if it did not."""
        self._crash.reach("after-claim")
        run = self._run_info(claim.run_id, fresh=claim.fence != claim.attempt)
        assert run is not None
        task = Task.model_validate(claim.spec)
        ctx = self._context(claim, task, run)
        started = time.monotonic()
        self._logs.start(claim)
        attempt = _Attempt(self, claim, task, run, ctx)
        try:
            with self.pulse.watch(claim, ctx):
                result = attempt.perform()
            ctx.close_logs()
            if isinstance(result, outcome.Cancelled) and self.pulse.gave_up(claim):
                raise Unavailable(f"{run.name}/{claim.task}: {result.reason}", hint="the next attempt looks first")
            self._crash.reach("before-record")
            failure = outcome.failure(result)
            handed = self._record(attempt, result, chain, may_hand_over and self._settings.hand_over)
            self._window.took(claim.uses, time.monotonic() - started)
            return handed, failure
        except StaleClaim:
            chain.drop()
            log.warning("%s/%s: the claim was lost; what this worker did is not recorded", run.name, claim.task)
            return None, "the claim was lost"
        finally:
            # Those that died left theirs; now that the task is settled nothing works in them any more.
            for number in range(1 if claim.lost else claim.attempt, claim.attempt + 1):
                if (scratch := _scratch(run, claim, number)).exists():
                    shutil.rmtree(scratch, ignore_errors=True)

    def _record(self, attempt: _Attempt, result: Outcome, chain: Chain, may_hand_over: bool) -> Claim | None:
        """The end of the attempt and all that follows from it, in one transaction; then the messages.

        A death before the commit leaves a cut-off attempt; one after it, outbox rows that the relay sends.
        """
        if isinstance(result, outcome.Waits):
            chain.drop()  # recorded when the lock was asked for
            return None
        ready, postings, handed = self._patiently(lambda: self._commit(attempt, result, chain, may_hand_over))
        self._crash.reach("after-record")
        if handed is not None and handed.task_id == chain.head():
            chain.advance()
        elif handed is not None or outcome.failure(result) or chain.head() not in {item.task_id for item in ready}:
            chain.drop()  # what it would have carried has a message of its own: it need not wait for what goes on here
        carried = chain.head()
        self._dispatcher.send_all([posting for posting in postings if posting.ready.task_id != carried])
        self._crash.reach("after-publish")
        self._dispatcher.changed(attempt.claim.run_id, ended=attempt.ended_run)
        return handed

    def _commit(
        self, attempt: _Attempt, result: Outcome, chain: Chain, may_hand_over: bool
    ) -> tuple[list[release.Ready], list[Posting], Claim | None]:
        self._logs.flush()
        handed: Claim | None = None
        if may_hand_over:
            self._window.look(attempt.claim.agent)
        with self._database.write() as tx:
            now = time.time()  # not before: while this process waited for its turn others may have said that they ended
            self._dispatcher.tidy(tx)
            recorded = recording.record(
                tx,
                attempt.claim,
                result,
                now,
                on_failure=attempt.task.on_failure or OnFailure(attempt.run.on_failure),
                environment=attempt.run.environment,
                locked=attempt.locked,
                intended=attempt.intended,
                after=attempt.after,
            )
            ready, attempt.ended_run = recorded.ready, recorded.run_state is not None
            if may_hand_over and not attempt.ended_run:
                handed = self._hand_over(tx, attempt, ready, chain, time.time())  # after all that it waited for
                ready = [item for item in ready if handed is None or item.task_id != handed.task_id]
            none_held = may_hand_over and handed is None
            sent, follow = self._take_turns(tx, attempt, ready, handed, chain, now, none_held)
            release.post(tx, sent, now)
            if isinstance(result, outcome.Succeeded) and _changes_nothing(attempt.claim, handed):
                pending.unhurried(tx)
        return sent, [*(Posting(attempt.run.name, item) for item in sent), *follow], handed

    def _take_turns(
        self,
        tx: Transaction,
        attempt: _Attempt,
        ready: Sequence[release.Ready],
        handed: Claim | None,
        chain: Chain,
        now: float,
        none_held: bool,
    ) -> tuple[list[release.Ready], list[Posting]]:
        """Which of the released tasks get their message now, and which held ones do since this one has ended.

        ``none_held``: it has just been seen that there are no held ones of this run and pool, or the run has ended.
        """
        run, agent = attempt.run, attempt.claim.agent
        carried = [item for item in ready if item.task_id == chain.head()]
        if handed is None and not carried:
            self._window.taken(run.id, agent)
        others = [item for item in ready if item.task_id != chain.head()]
        limited = self._turnstile.may_limit(run)
        goes_on = None if limited else handed
        sent = carried + self._window.released(tx, run.id, others, run.concurrency, now, goes_on=goes_on)
        if limited:
            return sent, [] if handed else self._turnstile.left(tx, run, agent, now)
        if none_held:
            return sent, []
        return sent, self._window.ended(tx, run.id, agent, now, handed)

    def _hand_over(
        self, tx: Transaction, attempt: _Attempt, ready: Sequence[release.Ready], chain: Chain, now: float
    ) -> Claim | None:
        """Claim a task of this pool in the transaction that ends another: no message, no wait. One that has just been
        released; if there is none, one of the same run that is held back until a message is its turn."""
        own = [item for item in ready if item.agent in self._agents]
        if own:
            chosen = next((item for item in own if item.task_id == chain.head()), own[0])
            return claims.claim(tx, chosen.task_id, self.pulse.worker, now, run_started=True)
        if self._turnstile.may_limit(attempt.run):
            return None
        held = self._window.next(tx, attempt.run.id, attempt.claim.agent)
        if held is None:
            return None
        outbox.remove(tx, [(held.task_id, held.attempt)])
        return claims.claim(tx, held.task_id, self.pulse.worker, now, run_started=True)

    def _patiently(self, commit: Callable[[], T]) -> T:
        """What has been done outside must not be forgotten because the database restarts just now."""
        give_up = time.monotonic() + RECORD_PATIENCE
        doubtful = False
        while True:
            try:
                return commit()
            except StaleClaim:
                if doubtful:  # the commit that got no answer was made, with all that it handed over
                    self.pulse.renew()
                raise
            except Unavailable as error:
                doubtful = True
                if time.monotonic() > give_up:
                    raise
                log.warning("cannot record yet: %s", error)
                time.sleep(0.5)

    def _run_info(self, run_id: int, *, fresh: bool = False) -> RunInfo | None:
        info = None if fresh else self._runs.get(run_id)  # a repair changes the plan, and moves the fences on
        if info is None:
            with self._database.read() as tx:
                info = runs.info(tx, run_id)
            if info is None:
                return None
            if len(self._runs) >= 1000:
                self._runs.clear()
            self._runs[run_id] = info
        return info

    def _recorded(self, environment: str, resource: str) -> Observation | None:
        with self._database.read() as tx:
            return history.recorded(tx, environment, resource)

    def _context(self, claim: Claim, task: Task, run: RunInfo) -> Context:
        return Context(
            run=run.name,
            task=claim.task,
            attempt=claim.attempt,
            environment=run.environment,
            workdir=Path(run.workdir),
            scratch_path=_scratch(run, claim, claim.attempt),
            state_path=self._settings.data_dir.absolute() / "agents" / claim.agent,
            masker=Masker(),
            blobs=SqlBlobs(self._database, time.time(), self._settings.key),
            deadline=time.monotonic() + (task.timeout or registry.operation(claim.uses).timeout),
            approved=claim.approval == "granted",
            options=self._settings.agents.get(claim.agent, {}),
            private=(self._settings.data_dir.absolute(),),
            recorded=lambda resource: self._recorded(run.environment, resource),
            emit=self._logs.add,
            report=lambda progress: self._logs.add("progress", progress["message"]),
        )


def _scratch(run: RunInfo, claim: Claim, attempt: int) -> Path:
    return Path(tempfile.gettempdir()) / f"reign-{run.name}-{claim.task_id}-{attempt}"


def _changes_nothing(*made: Claim | None) -> bool:
    """Whether these attempts could simply be made again, should the database lose that they were claimed or ended."""
    return all(claim is None or registry.is_pure(claim.uses) for claim in made)


class _Attempt:
    """One attempt in the hands of its worker: what it is for, and how far it has come."""

    def __init__(self, spine: Spine, claim: Claim, task: Task, run: RunInfo, ctx: Context) -> None:
        self.claim = claim
        self.task = task
        self.run = run
        self.locked = False
        self.intended = False
        self.ended_run = False
        self.after: Sequence[Observation] = ()
        self._database = spine._database
        self._crash = spine._crash
        self._settings = spine._settings
        self._allowed_secrets = spine._settings.allowed_secrets(run.environment)
        self._proposes = spine._settings.repair != "off"
        self._ctx = ctx
        self._operation: Operation[Any, Any] | None = None
        self._inputs: Any = None
        self._before: Sequence[Observation] = ()
        self._original: Original | None = None

    def perform(self) -> Outcome:
        """Carry it out and say how it ended; nothing is recorded yet but locks and the intent.

        Raises StaleClaim if the claim is lost on the way.
        """
        try:
            return self._perform()
        except PutBack as error:
            return outcome.Back(self._ctx.masker.mask(error.reason), error.seconds)
        except NeedsApproval as error:
            return outcome.Asks(self._ctx.masker.mask(error.message))
        except TaskFailed as error:
            return self._failed(error)
        except (StaleClaim, Unavailable):
            raise
        except ReignError as error:
            return self._failed(TaskFailed(error.message, kind=FailureKind.WRONG_INPUT, hint=error.hint))
        except Exception as error:
            trace = self._ctx.masker.mask(traceback.format_exc())
            log.error("%s/%s: %s broke\n%s", self.run.name, self.claim.task, self.claim.uses, trace)  # noqa: TRY400
            message = f"{self.claim.uses} broke: {type(error).__name__}: {error}"
            return self._failed(TaskFailed(message, hint="a fault of the agent; the worker's log has more"))

    def _addresses(self, operation: Operation[Any, Any], inputs: Any) -> list[str]:
        """What is locked. An address is shown to everyone, so a secret in it is masked."""
        touched = [*operation.touches(self._ctx, inputs), *self.task.locks]
        return [self._ctx.masker.mask(address) for address in touched]

    def _with_secrets(self, plain: dict[str, Any]) -> Any:
        """The inputs with their secrets, which the environment must allow. Raises TaskFailed if a backend is away."""
        try:
            return secrets.resolve(plain, self._ctx.masker, self._allowed_secrets)
        except secrets.BackendAway as error:
            raise TaskFailed(error.message, kind=FailureKind.TRANSIENT, hint=error.hint) from None

    def _perform(self) -> Outcome:
        self._operation = operation = registry.operation(self.claim.uses)
        plain, early = self._resolve()
        if early is not None:
            return early
        self._inputs = inputs = registry.catalog_of(self.claim.uses).parse(self.claim.uses, self._with_secrets(plain))
        self._crash.reach("after-resolve")
        if self.task.observe_of is not None and self._original is not None:
            addresses = [item.resource for item in self._original.before]
            return inspection.look(self._database, self._ctx, self.claim, operation, inputs, addresses)
        if verdict := self._verdict(plain):
            return verdict
        if taken := self._lock(self._addresses(operation, inputs)):
            return outcome.Waits(taken)
        self._crash.reach("after-locks")
        if operation.pure:
            return outcome.Succeeded(observing.plain(self._ctx, operation.apply(self._ctx, inputs, ())))

        seen = self._look()
        self._crash.reach("after-inspect")
        if settled := self._settle(seen):
            return settled
        self._intend(plain)
        self._crash.reach("after-intent")
        result = self._apply(seen)
        self._crash.reach("after-apply")
        after = list(operation.inspect(self._ctx, inputs))
        self.after = observing.masked(self._ctx, after)
        changes = observing.changes(self._ctx, self._before, after)
        return outcome.Succeeded(observing.plain(self._ctx, result), changes)

    def _look(self) -> list[Observation]:
        """What is there. What is damaged is no reason not to repair it."""
        assert self._operation is not None
        try:
            return list(self._operation.inspect(self._ctx, self._inputs))
        except TaskFailed as error:
            if self._original is None or not self._original.repairs or error.kind is not FailureKind.CONFLICT:
                raise
            return [Observation.damaged(item.resource, error.message) for item in self._original.before]

    def _resolve(self) -> tuple[dict[str, Any], Outcome | None]:
        """Inputs with expressions filled (secrets still by reference), or how the task ends without them."""
        if self.task.original is not None:
            with self._database.read() as tx:
                self._original = original = originals.find(tx, self.task, self.run.environment)
            self._ctx.workdir = Path(original.workdir)
            self._ctx.undoes = (original.run, original.task)
            return original.inputs, None
        scope = task_inputs.scope_of(self._database, self.claim, self.task, self.run)
        if not task_inputs.wanted(self.task, scope):
            words = f": {self.task.if_}" if isinstance(self.task.if_, str) else ""  # what parameters decided is a bool
            return {}, outcome.Skipped(f"its condition is false{words}")
        if self.task.for_each is not None:
            return {}, self._for_each(scope)
        return expressions.fill(self.task.with_, scope), None

    def _for_each(self, scope: dict[str, Any]) -> Outcome:
        """The first claim makes a task of each item; the second, when all have ended, gathers their results."""
        with self._database.read() as tx:
            gathered = expansion.gathered(tx, self.claim.task_id)
        if gathered is None:
            items = task_inputs.items(self.task, scope)
            return outcome.Expanded(items) if items else outcome.Succeeded([])
        results, failed = gathered
        if failed:
            return outcome.Failed({"message": f"{len(failed)} of {len(results)} items did not succeed: {failed[0]}"})
        return outcome.Succeeded(results)

    def _verdict(self, plain: dict[str, Any]) -> Outcome | None:
        """Whether the inputs are refused, or need a yes that nobody has given. An undo was approved as a whole."""
        if self._original is not None:
            return None
        assert self._operation is not None
        assessment = self._operation.assess(self._inputs)
        if assessment.refuses:
            return self._failed(TaskFailed(assessment.refuses, kind=FailureKind.PERMISSION))
        ruled = None
        files = type(self._operation).assess_in is not Operation.assess_in  # a task before may have written them
        if files or expressions.has_expression(self.task.with_):  # what was known before the run was judged then
            ruled = policing.during_the_run(self.task, self.run.environment, plain, self._settings, self._ctx.workdir)
        if ruled and ruled.decision is Effective.DENY:
            return self._failed(TaskFailed(f"{ruled.reason} ({ruled.rule})", kind=FailureKind.PERMISSION))
        asks = assessment.asks or (ruled.reason if ruled and ruled.decision is Effective.ASK else None)
        if asks and self.claim.approval != "granted":
            return outcome.Asks(self._ctx.masker.mask(asks))
        return None

    def _lock(self, resources: list[str]) -> str | None:
        """All locks or none; returns the one to wait for. A death while holding them frees them with the claim."""
        if not resources:
            return None
        with self._database.write() as tx:
            if not claims.still_holds(tx, self.claim):
                raise StaleClaim
            waits_for = locks.acquire(tx, self.claim, resources, time.time())
        self.locked = waits_for is None
        return waits_for

    def _settle(self, seen: Sequence[Observation]) -> Outcome | None:
        """How the attempt ends if there is nothing left to do, or if nobody can tell what an earlier one did.

        Sets the before-state: what was there before the task's *first* change, which is what an undo goes back to.
        """
        assert self._operation is not None
        before, cut_off = self._earlier()
        self._before = seen if before is None else before
        result = self._already(seen)
        if result is not None:
            self.after = observing.masked(self._ctx, seen)
            changes = observing.changes(self._ctx, self._before, seen)
            return outcome.Succeeded(observing.plain(self._ctx, result), changes, unchanged=not changes)
        untouched = bool(seen) and same(self._before, observing.masked(self._ctx, seen))
        if cut_off and not untouched and not self._operation.repeats(self._ctx, self._inputs):
            return outcome.Unknown(
                {
                    "message": f"an attempt of {self.claim.uses} was cut off; its change may have happened or not",
                    "kind": FailureKind.UNKNOWN.value,
                    "hint": f"look, then `reign resolve {self.run.name} {self.claim.task} done|retry|fail`",
                }
            )
        return None

    def _earlier(self) -> tuple[list[Observation] | None, bool]:
        """What was seen before the first intent of earlier attempts, and whether the last intent was cut off."""
        if self.claim.attempt == 1:
            return None, False
        with self._database.read() as tx:
            intents = [attempt for attempt in runs.attempts_of(tx, self.claim.task_id) if attempt["intent"]]
        if not intents:
            return None, False
        before = [Observation.model_validate(item) for item in intents[0]["before"]]
        return before, intents[-1]["outcome"] in (None, "lost")

    def _already(self, seen: Sequence[Observation]) -> Any:
        """The result, if the world is as asked."""
        assert self._operation is not None
        if self._original is None:
            return self._operation.done(self._ctx, self._inputs, seen)
        exact = self._operation.undo is Undo.EXACT or self._original.repairs
        if exact and seen and same(observing.masked(self._ctx, seen), self._original.wanted(seen)):
            return self._original.restored
        return None

    def _intend(self, plain: dict[str, Any]) -> None:
        """Commit the before-state and the intent; from here on a death leaves an attempt that must be settled."""
        before = observing.masked(self._ctx, self._before)
        with self._database.write() as tx:
            recording.intend(tx, self.claim, plain, before, self.run.environment, self.run.name, time.time())
        self.intended = True

    def _apply(self, seen: Sequence[Observation]) -> Any:
        assert self._operation is not None
        self._ctx.check()
        if self._original is None:
            return self._operation.apply(self._ctx, self._inputs, seen)
        before = observing.resolved(self._ctx, self._original.wanted(seen))
        self._operation.restore(self._ctx, self._inputs, before, seen)
        return self._original.restored

    def _failed(self, error: TaskFailed) -> Outcome:
        changes = self._look_after_failure() if self.intended else ()
        body = self._ctx.masker.record(error.as_dict())
        if isinstance(error, Cancelled):
            return outcome.Cancelled(body["message"], changes)
        operation = self._operation
        policy = self.task.retry or (operation.retry if operation else Retry())
        told = operation is not None and (operation.pure or (operation.reruns and self.task.retry is not None))
        if (error.retryable or (told and error.kind in LOOK_AGAIN)) and self.claim.tries + 1 < policy.attempts:
            return outcome.TryAgain(body, policy.wait(self.claim.tries + 1, random.random()))  # noqa: S311
        if operation is not None and self._inputs is not None and self._original is None and self._proposes:
            body |= {"repair": proposed(operation, self._ctx, self._inputs, error)}
        return outcome.Failed(body, changes)

    def _look_after_failure(self) -> tuple[Change, ...]:
        """What a failed attempt left, so that it can be taken back. If even looking fails, the intent stands alone."""
        assert self._operation is not None
        self._ctx.cancelled.clear()
        self._ctx.deadline = time.monotonic() + 10
        try:
            after = list(self._operation.inspect(self._ctx, self._inputs))
        except Exception as error:
            log.warning("%s/%s: could not look after the failure: %s", self.run.name, self.claim.task, error)
            return ()
        self.after = observing.masked(self._ctx, after)
        return observing.changes(self._ctx, self._before, after)
