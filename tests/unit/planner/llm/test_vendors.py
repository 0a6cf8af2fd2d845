"""Whose model it is, with which key, at which address; and what it costs."""

from __future__ import annotations

import pytest
from genai_prices import Usage

from reign.config import Settings
from reign.core.errors import InvalidInput
from reign.planner.choose import make_planner, model_of
from reign.planner.keyword import KeywordPlanner
from reign.planner.llm import prices
from reign.planner.llm.planner import LlmPlanner
from reign.planner.llm.vendors import DEFAULTS, Spec, connect, ollama_url, parse, reachable, usual

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OLLAMA_HOST")


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*KEYS, "REIGN_PLANNER"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_model_is_vendor_and_name() -> None:
    assert parse("ollama:qwen3:8b") == Spec("ollama", "qwen3:8b")
    for wrong in ("claude", "antropic:x", "openai:"):
        with pytest.raises(InvalidInput) as raised:
            parse(wrong)
        assert raised.value.hint
    with pytest.raises(InvalidInput, match="names no model") as raised:
        parse("antropic:x")
    assert raised.value.hint == "did you mean 'anthropic'?"


def test_auto_takes_the_planner_that_the_keys_allow(environ: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    assert model_of(settings) is None
    assert isinstance(make_planner(settings), KeywordPlanner)
    assert isinstance(make_planner(), KeywordPlanner)
    environ.setenv("OPENAI_API_KEY", "sk-x")
    assert model_of(settings) == f"openai:{DEFAULTS['openai']}"
    environ.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
    assert model_of(settings) == f"anthropic:{DEFAULTS['anthropic']}"
    assert model_of(settings, "keyword") is None
    assert isinstance(make_planner(settings), LlmPlanner)
    assert model_of(Settings.load(planner="keyword")) is None


def test_a_model_without_its_key_is_no_reason_to_stop_unless_it_was_asked_for(environ: pytest.MonkeyPatch) -> None:
    settings = Settings.load(llm_model="anthropic:x")
    assert model_of(settings) is None
    with pytest.raises(InvalidInput, match="ANTHROPIC_API_KEY is not set"):
        model_of(settings, "llm")
    with pytest.raises(InvalidInput, match="no model to plan with"):
        model_of(Settings.load(), "llm")


def test_ollama_and_addresses_of_ones_own_need_no_key() -> None:
    assert usual({}) is None
    assert reachable("ollama:x", None, {}) is None
    assert reachable("openai:x", "http://127.0.0.1:1/v1", {}) is None
    assert reachable("openai:x", None, {}) == "OPENAI_API_KEY is not set"
    with pytest.raises(InvalidInput, match="cannot be asked"):
        connect(Spec("anthropic", "x"), None, {})


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "http://127.0.0.1:11434/v1"),
        ("10.0.0.5", "http://10.0.0.5:11434/v1"),
        ("box:9", "http://box:9/v1"),
        ("https://ollama.example/", "https://ollama.example/v1"),
        ("http://a/v1", "http://a/v1"),
    ],
)
def test_ollama_host_in_all_its_forms(host: str | None, url: str) -> None:
    assert ollama_url(host) == url


def test_models_are_made_for_their_addresses() -> None:
    env = {"ANTHROPIC_API_KEY": "sk-ant-x", "OPENAI_API_KEY": "sk-x", "OLLAMA_HOST": "box:9"}
    assert connect(parse("anthropic:a"), "http://127.0.0.1:1", env).base_url.startswith("http://127.0.0.1:1")
    assert connect(parse("openai:a"), "http://127.0.0.1:1/v1", env).base_url.startswith("http://127.0.0.1:1/v1")
    assert connect(parse("ollama:a"), None, env).base_url.startswith("http://box:9/v1")


def test_prices_are_those_of_the_list() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    assert prices.cost(Spec("anthropic", DEFAULTS["anthropic"]), usage)
    assert prices.cost(Spec("openai", DEFAULTS["openai"]), usage)
    assert prices.cost(Spec("ollama", "qwen3"), usage) == 0
    assert prices.cost(Spec("openai", "no-such-model-anywhere"), usage) is None
    cached = Usage(input_tokens=1_000_000, cache_read_tokens=1_000_000)
    spec = Spec("anthropic", DEFAULTS["anthropic"])
    assert (prices.cost(spec, cached) or 0) < (prices.cost(spec, usage) or 0)
