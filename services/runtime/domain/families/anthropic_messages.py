"""Anthropic Messages bodies.

Source: "Anthropic Claude Messages API", Amazon Bedrock User Guide, and Anthropic's streaming reference.
Text alone is served: a body with images, documents or tools is refused by name.
"""

from typing import Any

from services.chassis.manifest import ModelManifest
from services.runtime.domain.families.body import Reader, dump, invalid, parse_object
from services.runtime.domain.generation import FinishReason, Generation, Message, Sampling, TextPiece, Timing

VERSION = "bedrock-2023-05-31"
_ROLES = ("user", "assistant")
_UNSUPPORTED = ("tools", "tool_choice", "thinking", "mcp_servers", "container", "context_management")


class AnthropicMessages:
    """messages in, content blocks out."""

    def parse(self, body: bytes, model: ModelManifest) -> Generation:
        """Read a request body."""
        value = parse_object(body, model)
        for key in _UNSUPPORTED:
            if value.get(key):
                raise invalid(f"#/{key}: this model does not support it")
        reader = Reader(value)
        version = reader.text("anthropic_version", required=True)
        if version != VERSION:
            raise invalid(f"#/anthropic_version: expected {VERSION}")
        system = reader.value("system")
        messages = reader.array("messages", required=True) or []
        generation = Generation(
            messages=(*_system(system), *_messages(messages)),
            max_tokens=reader.integer("max_tokens", 1, model.max_output_tokens, required=True) or 1,
            sampling=Sampling(
                temperature=reader.number("temperature", 0.0, 1.0),
                top_p=reader.number("top_p", 1e-6, 1.0),
                top_k=reader.integer("top_k", 1, 100_000),
            ),
            stop_sequences=reader.strings("stop_sequences", 16),
        )
        # The model is in the URL; metadata and beta flags have no effect on a text model.
        reader.ignore("metadata", "anthropic_beta", "model", "stream", *_UNSUPPORTED)
        reader.done()
        return generation

    def render(self, text: str, last: TextPiece, model: ModelManifest, invocation_id: str) -> bytes:
        """Write the whole answer."""
        message = _message(model, invocation_id, last.input_tokens)
        message["content"] = [{"type": "text", "text": text}]
        message.update(_stop(last))
        message["usage"] = {"input_tokens": last.input_tokens, "output_tokens": last.output_tokens}
        return dump(message)

    def stream(self, model: ModelManifest, invocation_id: str) -> "AnthropicStream":
        """Begin a streamed answer."""
        return AnthropicStream(model, invocation_id)


class AnthropicStream:
    """message_start, one content block in deltas, message_delta, message_stop."""

    def __init__(self, model: ModelManifest, invocation_id: str) -> None:
        """Begin before the first piece."""
        self._model = model
        self._invocation_id = invocation_id
        self._started = False

    def piece(self, piece: TextPiece) -> list[bytes]:
        """Render one piece."""
        chunks = self._start(piece)
        if piece.text:
            delta = {"type": "text_delta", "text": piece.text}
            chunks.append(dump({"type": "content_block_delta", "index": 0, "delta": delta}))
        return chunks

    def last(self, piece: TextPiece, timing: Timing) -> list[bytes]:
        """Render the last piece and the end of the message."""
        chunks = self.piece(piece)
        metrics = {
            "inputTokenCount": piece.input_tokens,
            "outputTokenCount": piece.output_tokens,
            "invocationLatency": timing.latency_ms,
            "firstByteLatency": timing.first_byte_ms,
        }
        usage = {"output_tokens": piece.output_tokens}
        chunks += [
            dump({"type": "content_block_stop", "index": 0}),
            dump({"type": "message_delta", "delta": _stop(piece), "usage": usage}),
            dump({"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics}),
        ]
        return chunks

    def _start(self, piece: TextPiece) -> list[bytes]:
        if self._started:
            return []
        self._started = True
        message = _message(self._model, self._invocation_id, piece.input_tokens)
        block = {"type": "text", "text": ""}
        return [
            dump({"type": "message_start", "message": message}),
            dump({"type": "content_block_start", "index": 0, "content_block": block}),
        ]


def _message(model: ModelManifest, invocation_id: str, input_tokens: int) -> dict[str, Any]:
    return {
        "id": f"msg_bdrk_{invocation_id.replace('-', '')[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model.model_id,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": 0},
    }


def _stop(piece: TextPiece) -> dict[str, Any]:
    reason = piece.finish or FinishReason.END_TURN
    sequence = piece.stop_sequence if reason is FinishReason.STOP_SEQUENCE else None
    return {"stop_reason": reason.value, "stop_sequence": sequence}


def _system(value: Any) -> tuple[Message, ...]:
    if value is None:
        return ()
    text = _text(value, "#/system")
    return (Message("system", text),) if text else ()


def _messages(values: list[Any]) -> tuple[Message, ...]:
    if not values:
        raise invalid("#/messages: at least one message is required")
    messages: list[Message] = []
    for index, value in enumerate(values):
        where = f"#/messages/{index}"
        if not isinstance(value, dict):
            raise invalid(f"{where}: expected type: JSONObject")
        reader = Reader(value, where)
        role = reader.text("role", required=True)
        if role not in _ROLES:
            raise invalid(f"{where}/role: expected one of {', '.join(_ROLES)}")
        text = _text(reader.value("content"), f"{where}/content")
        reader.done()
        if not text:
            raise invalid(f"{where}/content: text must not be empty")
        if messages and messages[-1].role == role:
            # Consecutive turns of one role are one turn, as Anthropic's API has it.
            messages[-1] = Message(role, f"{messages[-1].text}\n{text}")
        else:
            messages.append(Message(role, text))
    if messages[0].role != "user":
        raise invalid("#/messages: the first message must use the user role")
    return tuple(messages)


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise invalid(f"{where}: expected a string or an array of content blocks")
    parts: list[str] = []
    for index, block in enumerate(value):
        if not isinstance(block, dict) or block.get("type") != "text":
            raise invalid(f"{where}/{index}: this model supports content blocks of type text alone")
        if not isinstance(block.get("text"), str):
            raise invalid(f"{where}/{index}: required key [text] not found")
        parts.append(block["text"])
    return "\n".join(parts)
