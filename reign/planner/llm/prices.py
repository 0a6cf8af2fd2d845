"""What requests cost, by the price list of genai-prices: kept up by the makers of pydantic-ai for all vendors."""

from __future__ import annotations

from typing import Any

from reign.planner.llm.vendors import Spec

MICRO = 1_000_000  # money is counted in millionths of a dollar, so that sums are exact


def cost(spec: Spec, usage: Any) -> int | None:
    """Millionths of a dollar for a usage (anything with ``input_tokens``, ``output_tokens`` and the cache's counts).

    0 for a model on one's own machine, None where no price is known.
    """
    if spec.vendor == "ollama":
        return 0
    from genai_prices import calc_price

    try:
        return int(calc_price(usage, spec.name, provider_id=spec.vendor).total_price * MICRO)
    except (LookupError, ValueError):
        return None


def estimate(spec: Spec, input_tokens: int, output_tokens: int) -> int | None:
    """The most that a request of this size can cost: nothing of it comes from a cache."""
    from genai_prices import Usage

    return cost(spec, Usage(input_tokens=input_tokens, output_tokens=output_tokens))


def tokens(text_length: int) -> int:
    """A careful guess at the tokens of a text: three characters each, where English prose and JSON have about four."""
    return text_length // 3 + 1
