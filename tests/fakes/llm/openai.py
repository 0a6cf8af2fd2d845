"""OpenAI's chat completions, and Ollama's way of speaking them; held against the types of OpenAI's own SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.chat_completion_function_tool_param import ChatCompletionFunctionToolParam
from openai.types.chat.chat_completion_message_param import ChatCompletionMessageParam
from pydantic import TypeAdapter

from tests.fakes.llm.script import Answer, BreaksOff, Failure, Reply
from tests.fakes.llm.server import Asked, pieces

_MESSAGE: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)
_TOOL = TypeAdapter(ChatCompletionFunctionToolParam)
_KINDS = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error",
          429: "requests", 500: "server_error", 503: "server_error"}  # fmt: skip
_STOPS = {"tool": "tool_calls", "text": "stop", "refusal": "content_filter", "cut_off": "length"}


class OpenAI:
    """The protocol as OpenAI speaks it."""

    key_needed = True
    path = "/v1/chat/completions"

    def accept(self, asked: Asked) -> None:
        assert asked.path == self.path, asked.path
        assert not self.key_needed or asked.headers.get("authorization", "").startswith("Bearer sk-"), "no key"
        for message in asked.body["messages"]:
            _MESSAGE.validate_python(message)
        for tool in asked.body["tools"]:
            _TOOL.validate_python(tool)

    def error(self, failure: Failure) -> dict[str, Any]:
        kind = failure.kind or _KINDS.get(failure.status, "server_error")
        return {"error": {"message": failure.message, "type": kind, "param": None, "code": failure.kind}}

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        assert isinstance(reply, Answer)
        calls = [{"id": "call_1", "type": "function", "function": {"name": reply.tool, "arguments": reply.json}}]
        message = {
            "role": "assistant",
            "content": reply.text or None,
            "refusal": None,
            **({"tool_calls": calls} if reply.ends in ("tool", "cut_off") else {}),
        }
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _STOPS[reply.ends]}],
            "usage": self._usage(reply),
        }
        ChatCompletion.model_validate(answer, strict=True)
        return answer

    def stream(self, reply: Reply, model: str) -> Iterator[str]:
        for chunk in self._chunks(reply, model):
            if "error" not in chunk:
                ChatCompletionChunk.model_validate(chunk, strict=True)
            yield f"data: {json.dumps(chunk)}\n\n"
        if not isinstance(reply, BreaksOff):
            yield "data: [DONE]\n\n"

    def _chunks(self, reply: Reply, model: str) -> Iterator[dict[str, Any]]:
        then = reply if isinstance(reply, BreaksOff) else None
        answer = Answer(arguments=then.arguments) if then else reply
        assert isinstance(answer, Answer)
        yield self._chunk(model, {"role": "assistant", "content": ""})
        for piece in pieces(answer.text):
            yield self._chunk(model, {"content": piece})
        if answer.ends in ("tool", "cut_off"):
            named = {"name": answer.tool, "arguments": ""}
            yield self._chunk(
                model, {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": named}]}
            )
            for piece in pieces(answer.json):
                yield self._chunk(model, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        if then is not None:
            if then.kind:
                yield {"error": {"message": "The server is overloaded", "type": "server_error", "code": None}}
            return
        yield self._chunk(model, {}, _STOPS[answer.ends])
        yield self._chunk(model, None, None) | {"choices": [], "usage": self._usage(answer)}

    def _chunk(self, model: str, delta: dict[str, Any] | None, ends: str | None = None) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_760_000_000,
            "model": model,
            "choices": [{"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": ends}],
        }

    def _usage(self, reply: Answer) -> dict[str, Any]:
        return {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        }


class Ollama(OpenAI):
    """Ollama's OpenAI-compatible address: no key, a fingerprint of its own, whole tool calls in one chunk."""

    key_needed = False

    def _chunks(self, reply: Reply, model: str) -> Iterator[dict[str, Any]]:
        if not isinstance(reply, Answer) or reply.ends != "tool":
            yield from super()._chunks(reply, model)
            return
        call = {"name": reply.tool, "arguments": reply.json}
        yield self._chunk(
            model,
            {
                "role": "assistant",
                "content": reply.text,
                "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": call}],
            },
        )
        yield self._chunk(model, {"role": "assistant", "content": ""}, "tool_calls")
        yield self._chunk(model, None) | {"choices": [], "usage": self._usage(reply)}

    def _chunk(self, model: str, delta: dict[str, Any] | None, ends: str | None = None) -> dict[str, Any]:
        return super()._chunk(model, delta, ends) | {"system_fingerprint": "fp_ollama"}
