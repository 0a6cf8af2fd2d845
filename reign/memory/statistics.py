"""Rates with their uncertainty, robust durations, and how evidence grows and fades.

A rate is the Wilson score interval (E. B. Wilson, 1927) at 95 %, on weights instead of counts: an attempt weighs half
after ``HALF_LIFE``, and what one requester did in one day weighs ``PER_DAY`` attempts at most, however many they were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

HALF_LIFE = 30 * 86_400.0  # seconds
PER_DAY = 5.0  # attempts that one requester's day counts for
_Z = 1.959963984540054  # two-sided 95 % of the normal distribution
_HALF_SURE = 5.0  # attempts of today after which confidence is one half


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval; ``weight`` is how many attempts of today the evidence is worth."""

    value: float
    low: float
    high: float
    weight: float

    @property
    def confidence(self) -> float:
        """0 (knows nothing) to 1; one half at five attempts of today. Grows with evidence, fades with its age."""
        return confidence(self.weight)


def confidence(weight: float) -> float:
    """How sure evidence of that weight makes; see ``Rate.confidence``."""
    return weight / (weight + _HALF_SURE)


def wilson(successes: float, total: float) -> Rate:
    """The Wilson score interval of ``successes`` of ``total`` (weights, ``0 <= successes <= total``)."""
    if total <= 0:
        return Rate(0.5, 0.0, 1.0, 0.0)
    share = min(1.0, max(0.0, successes / total))
    z2 = _Z * _Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return Rate(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)), total)


def weights(seen: Sequence[tuple[float, str]], now: float) -> list[float]:
    """The weight of each attempt, given as ``(when, requester)``. What lies in the future counts as of now."""
    days = Counter((who, int(at // 86_400)) for at, who in seen)
    return [
        0.5 ** (max(0.0, now - at) / HALF_LIFE) * min(1.0, PER_DAY / days[(who, int(at // 86_400))]) for at, who in seen
    ]


def quantile(values: Sequence[tuple[float, float]], q: float) -> float:
    """The ``q``-quantile (0 to 1) of ``(value, weight)`` pairs; one wild value moves a middle quantile little.

    Raises ValueError without any weight.
    """
    ordered = sorted((value, weight) for value, weight in values if weight > 0)
    if not ordered:
        raise ValueError("no values")
    total = sum(weight for _, weight in ordered)
    passed = 0.0
    for value, weight in ordered:
        passed += weight
        if passed >= q * total * (1 - 1e-12):
            return value
    return ordered[-1][0]
