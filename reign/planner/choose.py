"""Which planner answers: the keyword planner, which needs nothing, or the LLM planner where a model can be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from reign.core.errors import InvalidInput
from reign.executor import registry
from reign.planner.keyword import KeywordPlanner
from reign.planner.llm import vendors
from reign.planner.llm.ports import Desk, Options, Progress, nobody
from reign.planner.protocol import Planner

if TYPE_CHECKING:
    from reign.config import Settings
    from reign.policy import Rule

Kind = Literal["auto", "keyword", "llm"]


def model_of(settings: Settings, kind: Kind | None = None) -> str | None:
    """The model that plans, or None for the keyword planner. ``kind`` wins over the setting.

    Raises InvalidInput if a model is wanted and none can be asked.
    """
    wanted = kind or settings.planner
    if wanted == "keyword":
        return None
    model = settings.llm_model or vendors.usual()
    if model is None:
        if wanted == "auto":
            return None
        raise InvalidInput(
            "there is no model to plan with",
            hint="set ANTHROPIC_API_KEY or OPENAI_API_KEY, or REIGN_LLM_MODEL=ollama:NAME; or --planner keyword",
        )
    missing = vendors.reachable(model, settings.llm_base_url)
    if missing and wanted == "llm":
        raise InvalidInput(f"{model} cannot be asked: {missing}", hint="set it, or --planner keyword")
    return None if missing else model


def make_planner(
    settings: Settings | None = None,
    *,
    kind: Kind | None = None,
    desk: Desk | None = None,
    rules: Callable[[], Sequence[Rule]] = tuple,
    progress: Progress = nobody,
) -> Planner:
    """The planner of this installation; without settings the keyword planner.

    ``desk`` keeps answers and counts requests, ``rules`` gives the policy, ``progress`` is told what a model does.
    """
    model = model_of(settings, kind) if settings else None
    if settings is None or model is None:
        return KeywordPlanner(registry.catalog())
    from reign.planner.llm.planner import LlmPlanner

    options = Options(
        model=model,
        fallback=settings.llm_fallback_model,
        base_url=settings.llm_base_url,
        timeout=settings.llm_timeout,
        rounds=settings.llm_rounds,
        max_tokens=settings.llm_max_tokens,
        tokens_per_run=settings.llm_tokens_per_run,
        money_per_run=settings.llm_money_per_run,
    )
    return LlmPlanner(registry.catalog(), options, desk=desk, rules=rules, progress=progress)
