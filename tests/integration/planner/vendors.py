"""The fake vendors with a planner before each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from reign.executor import registry
from reign.planner.llm.operations import Listing
from reign.planner.llm.planner import LlmPlanner
from reign.planner.llm.ports import Desk, Options, Told
from reign.planner.llm.vendors import connect
from reign.planner.protocol import PlanRequest, Proposal
from tests.fakes.llm.anthropic import Anthropic
from tests.fakes.llm.openai import Ollama, OpenAI
from tests.fakes.llm.server import Protocol_, Script, Vendor


@dataclass(frozen=True)
class Kind:
    model: str
    protocol: Callable[[], Protocol_]
    path: str
    environ: Mapping[str, str]
    overloaded: int = 503


KINDS = {
    "anthropic": Kind("anthropic:claude-sonnet-5-5", Anthropic, "", {"ANTHROPIC_API_KEY": "sk-ant-x"}, 529),
    "openai": Kind("openai:gpt-6.1-terra", OpenAI, "/v1", {"OPENAI_API_KEY": "sk-x"}),
    "ollama": Kind("ollama:qwen3", Ollama, "/v1", {}),
}


@cache
def _listing() -> Listing:
    return Listing(registry.catalog())


@dataclass
class Asking:
    vendor: Vendor
    planner: LlmPlanner
    told: list[Told]

    def plan(self, text: str, **more: Any) -> Proposal:
        return self.planner.plan(PlanRequest(text, **more))


@contextmanager
def asking(kind: str, script: Script, desk: Desk | None = None, **options: Any) -> Iterator[Asking]:
    """A planner that asks a fake vendor."""
    chosen = KINDS[kind]
    told: list[Told] = []
    with Vendor(chosen.protocol(), script) as vendor:
        options = {"base_url": vendor.url + chosen.path, "timeout": 120.0, **options}
        planner = LlmPlanner(
            registry.catalog(),
            Options(chosen.model, **options),
            desk=desk,
            progress=told.append,
            connecting=lambda spec, url: connect(spec, url, chosen.environ),
            environ={},
            listing=_listing(),
        )
        yield Asking(vendor, planner, told)
