"""Anthropic's Messages API; what it sends is held against the types of Anthropic's own SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from anthropic.types.beta.beta_message_param import BetaMessageParam
from anthropic.types.beta.beta_tool_param import BetaToolParam
from pydantic import TypeAdapter

from tests.fakes.llm.script import Answer, BreaksOff, Failure, Reply
from tests.fakes.llm.server import Asked, pieces

_EVENT: TypeAdapter[Any] = TypeAdapter(BetaRawMessageStreamEvent)
_MESSAGE = TypeAdapter(BetaMessageParam)
_TOOL = TypeAdapter(BetaToolParam)
_KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
    529: "overloaded_error",
}  # fmt: skip
_STOPS = {"tool": "tool_use", "text": "end_turn", "refusal": "refusal", "cut_off": "max_tokens"}


class Anthropic:
    """The protocol."""

    def accept(self, asked: Asked) -> None:
        assert asked.path.partition("?")[0] == "/v1/messages", asked.path
        key = asked.headers.get("x-api-key") or asked.headers.get("authorization", "").removeprefix("Bearer ")
        assert key.startswith("sk-ant-"), f"no key in {sorted(asked.headers)}"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", asked.headers["anthropic-version"])
        assert isinstance(asked.body["max_tokens"], int)
        for message in asked.body["messages"]:
            _MESSAGE.validate_python(message)
        for tool in asked.body["tools"]:
            _TOOL.validate_python(tool)
            assert tool["input_schema"]["type"] == "object"

    def error(self, failure: Failure) -> dict[str, Any]:
        kind = failure.kind or _KINDS[failure.status]
        return {"type": "error", "error": {"type": kind, "message": failure.message}, "request_id": "req_1"}

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        assert isinstance(reply, Answer)
        message = self._start(model, reply) | {
            "content": [self._block(block, full=True) for block in self._blocks(reply)],
            "stop_reason": _STOPS[reply.ends],
            "usage": self._usage(reply, reply.output_tokens),
        }
        BetaMessage.model_validate(message, strict=True)
        return message

    def stream(self, reply: Reply, model: str) -> Iterator[str]:
        for event in self._events(reply, model):
            if event["type"] != "error":
                _EVENT.validate_json(json.dumps(event), strict=True)
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"

    def _events(self, reply: Reply, model: str) -> Iterator[dict[str, Any]]:
        if isinstance(reply, BreaksOff):
            reply, then = Answer(arguments=reply.arguments), reply
        else:
            then = None
        assert isinstance(reply, Answer)
        yield {"type": "message_start", "message": self._start(model, reply)}
        for index, block in enumerate(self._blocks(reply)):
            yield {"type": "content_block_start", "index": index, "content_block": self._block(block, full=False)}
            for delta in self._deltas(block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            if then is not None:
                if then.kind:
                    yield {"type": "error", "error": {"type": then.kind, "message": "Overloaded"}}
                return
            yield {"type": "content_block_stop", "index": index}
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": _STOPS[reply.ends], "stop_sequence": None},
            "usage": {"output_tokens": reply.output_tokens},
        }
        yield {"type": "message_stop"}

    def _start(self, model: str, reply: Answer) -> dict[str, Any]:
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self._usage(reply, 1),
        }

    def _usage(self, reply: Answer, output: int) -> dict[str, int]:
        return {
            "input_tokens": reply.input_tokens - reply.cached_tokens,
            "cache_read_input_tokens": reply.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }

    def _blocks(self, reply: Answer) -> Iterator[tuple[str, str, str]]:
        """``(kind, name, content)``"""
        if reply.thinking:
            yield "thinking", "", reply.thinking
        if reply.text:
            yield "text", "", reply.text
        if reply.ends in ("tool", "cut_off"):
            yield "tool_use", reply.tool, reply.json

    def _block(self, block: tuple[str, str, str], *, full: bool) -> dict[str, Any]:
        kind, name, content = block
        if kind == "thinking":
            return {"type": kind, "thinking": content if full else "", "signature": ""}
        if kind == "text":
            return {"type": kind, "text": content if full else ""}
        return {"type": kind, "id": "toolu_1", "name": name, "input": json.loads(content) if full else {}}

    def _deltas(self, block: tuple[str, str, str]) -> Iterator[dict[str, Any]]:
        kind, _, content = block
        for piece in pieces(content):
            if kind == "thinking":
                yield {"type": "thinking_delta", "thinking": piece}
            elif kind == "text":
                yield {"type": "text_delta", "text": piece}
            else:
                yield {"type": "input_json_delta", "partial_json": piece}
