from __future__ import annotations

import pytest

from reign.core.errors import InvalidInput
from workers.bash.limits import DEFAULT, amount, checked, limits_for


@pytest.mark.parametrize(
    ("written", "means"),
    [(5, 5), ("512", 512), ("512M", 512 << 20), ("1.5 GiB", 3 << 29), ("2kb", 2048), ("1T", 1 << 40)],
)
def test_amounts(written: object, means: int) -> None:
    assert amount(written) == means


@pytest.mark.parametrize("written", [0, -1, True, "", "0", "lots", "5 parsecs", None, 1.5j])
def test_what_is_no_amount(written: object) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        amount(written)


def test_an_unknown_limit_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="there is no limit 'memry'; did you mean 'memory'"):
        checked({"memry": 1})


def test_a_plan_can_only_ask_for_less() -> None:
    limits = limits_for({"memory": "1G", "processes": 10}, {"memory": "2G", "processes": 5, "cpu": 7})
    assert (limits.memory, limits.processes, limits.cpu) == (1 << 30, 5, 7)
    assert limits_for(None, None) == DEFAULT


def test_the_operators_mistake_is_named() -> None:
    with pytest.raises(InvalidInput, match="option `limits` of the bash agent: 'x' is no amount"):
        limits_for({"memory": "x"}, None)
