"""Amazon Titan Text bodies.

Source: "Amazon Titan Text models", Amazon Bedrock User Guide, model parameters.
"""

from services.chassis.manifest import ModelManifest
from services.runtime.domain.families.body import Reader, dump, invalid, parse_object
from services.runtime.domain.generation import FinishReason, Generation, Sampling, TextPiece, Timing

_COMPLETION = {
    FinishReason.END_TURN: "FINISHED",
    FinishReason.MAX_TOKENS: "LENGTH",
    FinishReason.STOP_SEQUENCE: "STOP_CRITERIA_MET",
}


class TitanText:
    """inputText and textGenerationConfig in, results with outputText out."""

    def parse(self, body: bytes, model: ModelManifest) -> Generation:
        """Read a request body."""
        reader = Reader(parse_object(body, model))
        prompt = reader.text("inputText", required=True)
        configuration = Reader(reader.object("textGenerationConfig") or {}, "#/textGenerationConfig")
        reader.done()
        if not prompt:
            raise invalid("#/inputText: expected minLength: 1, actual: 0")
        generation = Generation(
            prompt=prompt,
            max_tokens=configuration.integer("maxTokenCount", 1, model.max_output_tokens)
            or model.default_output_tokens,
            sampling=Sampling(
                temperature=configuration.number("temperature", 0.0, 1.0),
                top_p=configuration.number("topP", 1e-6, 1.0),
            ),
            stop_sequences=configuration.strings("stopSequences", 16),
        )
        configuration.done()
        return generation

    def render(self, text: str, last: TextPiece, model: ModelManifest, invocation_id: str) -> bytes:  # noqa: ARG002
        """Write the whole answer."""
        return dump(
            {
                "inputTextTokenCount": last.input_tokens,
                "results": [
                    {
                        "tokenCount": last.output_tokens,
                        "outputText": text,
                        "completionReason": _completion(last),
                    }
                ],
            }
        )

    def stream(self, model: ModelManifest, invocation_id: str) -> "TitanTextStream":  # noqa: ARG002
        """Begin a streamed answer."""
        return TitanTextStream()


class TitanTextStream:
    """Chunks of outputText; the last one carries the counts and the metrics."""

    def __init__(self) -> None:
        """Begin before the first piece."""
        self._index = 0
        self._input_tokens: int | None = None

    def piece(self, piece: TextPiece) -> list[bytes]:
        """Render one piece."""
        if self._index == 0:
            self._input_tokens = piece.input_tokens
        chunk = {
            "outputText": piece.text,
            "index": self._index,
            "totalOutputTextTokenCount": None,
            "completionReason": None,
            "inputTextTokenCount": self._input_tokens if self._index == 0 else None,
        }
        self._index += 1
        return [dump(chunk)]

    def last(self, piece: TextPiece, timing: Timing) -> list[bytes]:
        """Render the last piece."""
        return [
            dump(
                {
                    "outputText": piece.text,
                    "index": self._index,
                    "totalOutputTextTokenCount": piece.output_tokens,
                    "completionReason": _completion(piece),
                    "inputTextTokenCount": piece.input_tokens,
                    "amazon-bedrock-invocationMetrics": {
                        "inputTokenCount": piece.input_tokens,
                        "outputTokenCount": piece.output_tokens,
                        "invocationLatency": timing.latency_ms,
                        "firstByteLatency": timing.first_byte_ms,
                    },
                }
            )
        ]


def _completion(piece: TextPiece) -> str:
    return _COMPLETION[piece.finish or FinishReason.END_TURN]
