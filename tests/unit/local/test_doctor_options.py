"""``reign doctor`` asks each agent with that agent's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from reign.config import Settings
from reign.executor import registry
from reign.executor.contract import NO_OPTIONS, Agent, Check, no_checks
from reign.local import doctor


def test_an_agents_settings_reach_its_checks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
        return [Check("engine", bool(options), str(options.get("address")))]

    def broken(_: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
        raise ValueError("no")

    agents = {"a": Agent("a", "", (), checks), "b": Agent("b", "", (), broken), "c": Agent("c", "", ())}
    monkeypatch.setattr(registry, "agents", lambda: agents)
    settings = Settings(data_dir=tmp_path, agents={"a": {"address": "tcp://x"}}, flower_port=0, api_port=0)
    found = {check.name: check for check in doctor.examine(settings)}
    assert (found["engine"].ok, found["engine"].detail) == (True, "tcp://x")
    assert "its checks broke: no" in found["b agent"].detail
    assert no_checks() == ()


def test_the_agents_look_where_their_settings_say(tmp_path: Path) -> None:
    agents = registry.agents()
    docker = agents["docker"].checks({"host": f"unix://{tmp_path}/none.sock"})
    assert f"{tmp_path}/none.sock" in docker[0].detail
    terraform = agents["terraform"].checks({"binary": str(tmp_path / "no-terraform")})
    assert not terraform[0].ok
    kubernetes = agents["kubernetes"].checks({"kubeconfig": str(tmp_path / "none"), "kubectl": "/no/kubectl"})
    assert not any(check.ok for check in kubernetes if check.name in ("kubectl", "kubernetes contexts"))
    validation = {check.name: check for check in agents["validation"].checks({"kubectl": "/bin/true"})}
    assert validation["kubectl"].detail.startswith("/bin/true")
