"""One conversation with a model: paced, counted before it is sent, streamed, repaired in rounds, ended in time.

pydantic-ai carries the protocols, the streaming and the rounds; what it does not know is that other processes ask the
same model and that money is counted for all of them. Those hang in by its hooks around every single request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reign.planner.llm import prices
from reign.planner.llm.ports import BudgetSpent, Desk, Estimate, Options, Progress, Taken, Told
from reign.planner.llm.vendors import Spec

if TYPE_CHECKING:
    from pydantic_ai import RunContext
    from pydantic_ai.messages import AgentStreamEvent, ModelResponse
    from pydantic_ai.models import Model, ModelRequestContext

log = logging.getLogger(__name__)

TRIES = 5  # of one request that a vendor turns away for a while
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0  # seconds, where the vendor does not say how long
_ARRIVED = re.compile(r'"uses"\s*:\s*"([a-z0-9_]+\.[a-z0-9_]+)"')

Check = Callable[[Any], Any]


class Unanswered(Exception):
    """A model gave no answer that can be used; the text says why, in a clause for a person."""


class Wrong(Exception):
    """An answer with faults that the model is told: ``problems`` are sentences."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass
class Talk:
    """All requests of one planning, whichever models they go to: they share its time and its budget."""

    desk: Desk
    options: Options
    planning: str
    purpose: str = "plan"
    progress: Progress = lambda told: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    tokens: int = 0  # taken so far
    cost: int = 0  # taken so far, millionths of a dollar
    requests: int = 0
    _end: float = field(init=False, repr=False)
    _until: float = field(init=False, repr=False)
    _number: int | None = field(default=None, repr=False)  # of the reservation that is open
    _estimate: Estimate | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.options.timeout
        self._until = self._end

    @property
    def left(self) -> float:
        """Seconds until the model that is asked must have answered."""
        return self._until - self.clock()

    def ask(
        self,
        model: Model,
        spec: Spec,
        *,
        instructions: str,
        prompt: str,
        outputs: Mapping[str, type],
        check: Check,
        share: int = 1,
    ) -> Any:
        """What ``check`` makes of the model's answer. ``check`` raises Wrong for faults that the model may repair.

        ``share``: how many models the time that is left must do for, this one included. Raises Unanswered.
        """
        self._until = self.clock() + (self._end - self.clock()) / share
        return _run(lambda: self._ask(model, spec, instructions, prompt, outputs, check))

    async def _ask(
        self, model: Model, spec: Spec, instructions: str, prompt: str, outputs: Mapping[str, type], check: Check
    ) -> Any:
        import pydantic_ai
        from pydantic_ai import Agent, ModelRetry, ToolOutput, UsageLimits
        from pydantic_ai.capabilities import Hooks
        from pydantic_ai.exceptions import AgentRunError, UserError
        from pydantic_ai.settings import ModelSettings

        pydantic_ai.BANNER_ENABLED = False  # the terminal is the command's own
        size = prices.tokens(len(instructions) + len(prompt))
        asked = _Asked(self, spec, size)
        agent: Agent[None, Any] = Agent(
            model,
            output_type=[ToolOutput(kind, name=name, strict=False) for name, kind in outputs.items()],
            instructions=instructions,
            retries=self.options.rounds,
            model_settings=ModelSettings(
                max_tokens=self.options.max_tokens, max_retries=0, parallel_tool_calls=False, cache={"messages": False}
            ),
            capabilities=[
                Hooks(
                    prepare_model_request=asked.before,
                    after_model_request=asked.after,
                    model_request_error=asked.failed,
                )
            ],
        )
        faults: list[str] = []

        @agent.output_validator
        def validate(answer: Any) -> Any:
            try:
                return _Passed(check(answer))
            except Wrong as wrong:
                faults[:] = wrong.problems
                asked.repairing(wrong.problems)
                raise ModelRetry(_told(wrong.problems)) from None

        limits = UsageLimits(request_limit=self.options.rounds + 1)
        try:
            async with agent:
                for again in range(TRIES):
                    try:
                        result = await agent.run(
                            prompt,
                            usage_limits=limits,
                            timeout=max(self.left, 0.001),
                            event_stream_handler=asked.arriving,
                        )
                        break
                    except AgentRunError as error:
                        # An error inside a stream comes too late for the hook: the conversation starts again.
                        if not getattr(error, "in_stream", False) or again == TRIES - 1:
                            raise
                        asked.fail(broken_off=True)
                        await self.sleep(asked.wait_after(error, again))
        except Exception as error:
            # What an SDK makes of a stream that its vendor never sends may be any exception at all.
            if not isinstance(error, AgentRunError | UserError | BudgetSpent | Unanswered | TimeoutError):
                log.warning("%s: an answer that its SDK does not expect", spec, exc_info=error)
            asked.fail(broken_off=True)
            raise Unanswered(_reason(error, faults, asked.answers, self.options)) from error
        return result.output.value

    # --- the budget --------------------------------------------------------------------------------------------------

    def reserve(self, spec: Spec, input_tokens: int) -> None:
        """Write the next request down. Raises BudgetSpent."""
        limit = self.options.tokens_per_run
        output = self.options.max_tokens
        if limit and self.tokens + input_tokens + output > limit:
            raise BudgetSpent(f"the next request would pass the {limit} tokens of one planning")
        cost = prices.estimate(spec, input_tokens, output)
        money = self.options.money_per_run
        if money and cost and self.cost + cost > money * prices.MICRO:
            raise BudgetSpent(f"the next request could pass the ${money:g} of one planning")
        self._estimate = Estimate(self.planning, self.purpose, str(spec), input_tokens, output, cost)
        self._number = self.desk.reserve(self._estimate)
        self.requests += 1

    def settle(self, taken: Taken) -> None:
        """Count what the open request took; without one this does nothing."""
        if self._number is None:
            return
        number, self._number = self._number, None
        self.tokens += taken.input_tokens + taken.output_tokens
        self.cost += taken.cost or 0
        self.desk.settle(number, taken)


@dataclass
class _Passed:
    """The checked answer; wrapped, so that pydantic-ai does not take it for another output type."""

    value: Any


@dataclass
class _Asked:
    """The hooks around the requests to one model."""

    talk: Talk
    spec: Spec
    size: int  # tokens that the next request sends, as far as is known
    round: int = 0
    turned_away: int = 0
    answers: int = 0
    text: str = ""

    def tell(self, kind: str, text: str = "") -> None:
        operations = tuple(_ARRIVED.findall(self.text))
        self.talk.progress(Told(kind, str(self.spec), text, self.round, operations))

    async def before(self, ctx: RunContext[Any], request: ModelRequestContext, /) -> ModelRequestContext:
        """Wait for a place in the pace, then reserve."""
        while (wait := self.talk.desk.take(str(self.spec), self.size + self.talk.options.max_tokens)) > 0:
            if wait > self.talk.left:
                raise Unanswered(f"it may be asked again only in {wait:.0f} s")
            self.tell("waiting", f"{wait:.0f} s, until it may be asked again")
            await self.talk.sleep(wait)
        self.talk.reserve(self.spec, self.size)
        self.text = ""
        self.tell("asking")
        return request

    async def after(
        self, ctx: RunContext[Any], /, *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        """Count what it took."""
        usage = response.usage
        self.talk.settle(
            Taken(
                "done", usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, prices.cost(self.spec, usage)
            )
        )
        if response.finish_reason == "length":  # asking again would be cut off at the same place
            raise Unanswered(f"was cut off at {self.talk.options.max_tokens} tokens (REIGN_LLM_MAX_TOKENS)")
        if response.finish_reason == "content_filter":  # asking again would be refused again
            said = " ".join((response.text or "").split())[:200]
            raise Unanswered("refused to answer" + (f": {said}" if said else ""))
        self.turned_away = 0
        self.answers += 1
        self.size = max(self.size, usage.input_tokens + usage.output_tokens) + 500
        return response

    async def failed(
        self, ctx: RunContext[Any], /, *, request_context: ModelRequestContext, error: Exception
    ) -> ModelResponse:
        """Wait and ask again where the vendor says that this helps."""
        from pydantic_ai import RetryModelRequest

        self.fail(broken_off=False)
        await self.talk.sleep(self.wait_after(error, self.turned_away))
        self.turned_away += 1
        raise RetryModelRequest

    def wait_after(self, error: Exception, tries: int) -> float:
        """Seconds to wait before asking again, of which the other processes are told. Raises the error if in vain."""
        from pydantic_ai.exceptions import (
            ModelConnectionError,
            ModelRateLimitError,
            ModelServerError,
            ModelUnavailableError,
        )

        passing = (ModelRateLimitError, ModelUnavailableError, ModelServerError, ModelConnectionError)
        most = 2 if isinstance(error, ModelConnectionError) else TRIES
        if not isinstance(error, passing) or tries + 1 >= most:
            raise error
        wait = error.retry_after
        if wait is None:
            wait = min(_FIRST_WAIT * 2**tries, _LONGEST_WAIT)
        if wait >= self.talk.left:
            raise error
        if isinstance(error, ModelRateLimitError | ModelUnavailableError):
            self.talk.desk.hold(str(self.spec), wait)
        self.tell("waiting", f"{wait:.0f} s: {_clause(error)}")
        return wait

    def fail(self, *, broken_off: bool) -> None:
        """The open request came to nothing; what was sent before it broke off has its price all the same."""
        if broken_off:
            cost = prices.estimate(self.spec, self.size, 0)
            self.talk.settle(Taken("failed", self.size, prices.tokens(len(self.text)), 0, cost))
        else:
            self.talk.settle(Taken("failed"))

    def repairing(self, problems: Sequence[str]) -> None:
        self.round += 1
        self.tell("repairing", problems[0])

    async def arriving(self, ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        """Tell what comes in: that it thinks, and the operations of the plan as they arrive."""
        from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, ThinkingPart, ThinkingPartDelta

        async for event in events:
            if isinstance(event, PartStartEvent):
                part: Any = event.part
                self._arrived(isinstance(part, ThinkingPart), getattr(part, "args", None))
            elif isinstance(event, PartDeltaEvent):
                delta: Any = event.delta
                self._arrived(isinstance(delta, ThinkingPartDelta), getattr(delta, "args_delta", None))

    def _arrived(self, thinking: bool, arguments: Any) -> None:
        if isinstance(arguments, str):
            self.text += arguments
        self.tell("thinking" if thinking else "arriving")


def _told(problems: Sequence[str]) -> str:
    listed = "\n".join(f"- {problem}" for problem in problems[:20])
    return (
        f"The plan has faults. Send the whole plan again without them, still only what the request asks for:\n{listed}"
    )


def _reason(error: BaseException, faults: Sequence[str], answers: int, options: Options) -> str:
    """Why there is no answer, as a clause: "{model} {clause}"."""
    from pydantic_ai import exceptions as ai

    if isinstance(error, ExceptionGroup):
        return _reason(error.exceptions[0], faults, answers, options)
    if isinstance(error, Unanswered):
        return str(error)
    if isinstance(error, BudgetSpent):
        return f"was not asked: {error.message}"
    if isinstance(error, ai.RunTimedOut | TimeoutError):
        return f"did not answer in time (REIGN_LLM_TIMEOUT is {options.timeout:g} s)"
    if isinstance(error, ai.ContentFilterError):
        return "refused to answer"
    if isinstance(error, ai.ModelAPIError):
        return _clause(error)
    if isinstance(error, ai.UnexpectedModelBehavior | ai.UsageLimitExceeded):
        if not answers:
            return "sent an answer that cannot be read"
        return f"gave no right answer in {answers} tries" + (f": {faults[0]}" if faults else "")
    return f"could not be asked: {_line(error)}"


def _clause(error: Exception) -> str:
    from pydantic_ai import exceptions as ai

    known: tuple[tuple[type[Exception], str], ...] = (
        (ai.ModelQuotaExceededError, "has no credit left"),
        (ai.ModelRateLimitError, "was asked too often"),
        (ai.ModelOverloadedError, "is overloaded"),
        (ai.ModelUnavailableError, "is not available"),
        (ai.ModelServerError, "failed"),
        (ai.ModelTimeoutError, "did not answer in time"),
        (ai.ModelConnectionError, "cannot be reached"),
        (ai.ModelContextWindowExceededError, "cannot take a request of this size"),
        (ai.ModelAuthenticationError, "does not accept the key"),
        (ai.ModelNotFoundError, "is not known to its vendor"),
        (ai.ModelRequestRejectedError, "rejected the request"),
    )
    clause = next((clause for kind, clause in known if isinstance(error, kind)), "failed")
    status = getattr(error, "status_code", None)
    return f"{clause} (HTTP {status})" if status else clause


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


def _run(make: Callable[[], Awaitable[Any]]) -> Any:
    """The coroutine's result, from a thread that may itself be inside an event loop."""

    async def main() -> Any:
        return await make()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main()).result()
