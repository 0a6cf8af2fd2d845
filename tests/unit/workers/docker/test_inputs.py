"""Inputs that are wrong by themselves are told before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workers.docker.inside import ExecInputs
from workers.docker.networks import CreateNetworkInputs


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"subnet": "172.30.0.0/33"}, "is not a subnet"),
        ({"subnet": "hello"}, "is not a subnet"),
        ({"subnet": "172.30.0.5/24"}, "write 172.30.0.0/24"),
        ({"subnet": "172.30.0.0/24", "gateway": "hello"}, "is not an address"),
        ({"subnet": "172.30.0.0/24", "gateway": "172.31.0.1"}, "is not in the subnet"),
        ({"gateway": "172.30.0.1"}, "needs its `subnet`"),
    ],
)
def test_networks(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CreateNetworkInputs.model_validate({"name": "backend", **given})


def test_networks_that_are_right() -> None:
    assert CreateNetworkInputs(name="backend", subnet="172.30.0.0/24", gateway="172.30.0.1")
    assert CreateNetworkInputs(name="backend", subnet="fd00::/64", gateway="fd00::1")


def test_commands() -> None:
    for empty in ("", " ", []):
        with pytest.raises(ValidationError, match="the command is empty"):
            ExecInputs.model_validate({"name": "web", "command": empty})
