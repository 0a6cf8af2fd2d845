"""Whose model it is, where it answers, with which key: from the vendors' usual environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reign.core.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from pydantic_ai.models import Model

#: Asked where no model is set; each is priced and known to the installed pydantic-ai.
DEFAULTS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-6.1-terra"}
VENDORS = ("anthropic", "openai", "ollama")
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "ollama": "OLLAMA_HOST"}


@dataclass(frozen=True)
class Spec:
    """A model by its vendor's protocol and its name."""

    vendor: str
    name: str

    def __str__(self) -> str:
        return f"{self.vendor}:{self.name}"


def parse(text: str) -> Spec:
    """``vendor:name``. Raises InvalidInput."""
    vendor, colon, name = text.partition(":")
    if vendor not in VENDORS or not colon or not name:
        raise InvalidInput(
            f"{text!r} names no model",
            hint=(did_you_mean(vendor, VENDORS) if vendor not in VENDORS else None)
            or "write vendor:name, e.g. anthropic:" + DEFAULTS["anthropic"],
        )
    return Spec(vendor, name)


def usual(environ: Mapping[str, str] | None = None) -> str | None:
    """The model that is asked where none is set: Anthropic's if its key is there, else OpenAI's; None without a key."""
    found = os.environ if environ is None else environ
    return next((f"{vendor}:{name}" for vendor, name in DEFAULTS.items() if found.get(_KEYS[vendor])), None)


def reachable(model: str, base_url: str | None, environ: Mapping[str, str] | None = None) -> str | None:
    """None if the model can be asked, else what is missing. An address of one's own may need no key."""
    found = os.environ if environ is None else environ
    vendor = parse(model).vendor
    if found.get(_KEYS[vendor]) or (base_url and vendor != "anthropic") or vendor == "ollama":
        return None
    return f"{_KEYS[vendor]} is not set"


def connect(spec: Spec, base_url: str | None = None, environ: Mapping[str, str] | None = None) -> Model:
    """The model, ready to be asked. Raises InvalidInput if its key is missing."""
    found = os.environ if environ is None else environ
    if missing := reachable(str(spec), base_url, found):
        raise InvalidInput(f"{spec} cannot be asked: {missing}", hint="set it, or REIGN_PLANNER=keyword")
    key = found.get(_KEYS[spec.vendor])
    if spec.vendor == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(spec.name, provider=AnthropicProvider(api_key=key, base_url=base_url))
    if spec.vendor == "ollama":
        from pydantic_ai.models.ollama import OllamaModel
        from pydantic_ai.providers.ollama import OllamaProvider

        return OllamaModel(spec.name, provider=OllamaProvider(base_url=base_url or ollama_url(key)))
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    # Chat completions, not Responses: it is what every compatible server speaks.
    return OpenAIChatModel(spec.name, provider=OpenAIProvider(api_key=key, base_url=base_url))


def ollama_url(host: str | None) -> str:
    """``OLLAMA_HOST`` (a host, host:port or URL) as the address of its OpenAI-compatible protocol."""
    text = (host or "127.0.0.1:11434").rstrip("/")
    if "://" not in text:
        text = f"http://{text}" if ":" in text else f"http://{text}:11434"
    return text if text.endswith("/v1") else f"{text}/v1"
