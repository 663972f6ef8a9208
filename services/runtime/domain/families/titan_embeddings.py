"""Amazon Titan Text Embeddings V2 bodies.

Source: "Amazon Titan Embeddings G1 - Text / V2", Amazon Bedrock User Guide, model parameters.
"""

import struct
from typing import Any

from services.chassis.manifest import ModelManifest
from services.runtime.domain.families.body import Reader, dump, invalid, parse_object
from services.runtime.domain.generation import Embedding, Vectors


class TitanEmbeddings:
    """inputText in, one vector out."""

    def parse(self, body: bytes, model: ModelManifest) -> Embedding:
        """Read a request body."""
        reader = Reader(parse_object(body, model))
        text = reader.text("inputText", required=True)
        if not text:
            raise invalid("#/inputText: expected minLength: 1, actual: 0")
        dimensions = reader.integer("dimensions", 1, 1_000_000)
        if dimensions not in (None, model.dimensions):
            raise invalid(f"#/dimensions: this model supports {model.dimensions} alone")
        normalize = reader.boolean("normalize")
        if reader.strings("embeddingTypes", 2) not in ((), ("float",)):
            raise invalid("#/embeddingTypes: this model supports float alone")
        reader.done()
        return Embedding((text,), model.dimensions, True if normalize is None else normalize)

    def render(self, vectors: Vectors) -> bytes:
        """Write the whole answer."""
        values = [_shortest(value) for value in vectors.values[0]]
        answer: dict[str, Any] = {
            "embedding": values,
            "embeddingsByType": {"float": values},
            "inputTextTokenCount": vectors.input_tokens,
        }
        return dump(answer)


def _shortest(value: float) -> float:
    """Return the shortest decimal that still reads back as the same 32-bit float."""
    for digits in (7, 8):
        text = float(f"{value:.{digits}g}")
        if struct.pack("f", text) == struct.pack("f", value):
            return text
    return value
