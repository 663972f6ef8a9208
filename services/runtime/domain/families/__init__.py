"""One module per model family: it turns the family's JSON body into a generation, and pieces back into JSON.

Which family a model belongs to stands in its manifest.
"""

from typing import Protocol

from services.chassis.manifest import ModelManifest
from services.runtime.domain.families import anthropic_messages, titan_embeddings, titan_text
from services.runtime.domain.generation import Embedding, Generation, TextPiece, Timing, Vectors


class StreamWriter(Protocol):
    """Writes one streamed answer: every method returns complete JSON chunks in the family's form."""

    def piece(self, piece: TextPiece) -> list[bytes]:
        """Render one piece that is not the last."""

    def last(self, piece: TextPiece, timing: Timing) -> list[bytes]:
        """Render the last piece and everything that ends the stream."""


class TextFamily(Protocol):
    """A family whose models generate text."""

    def parse(self, body: bytes, model: ModelManifest) -> Generation:
        """Read a request body. Raises DomainError(INVALID_MODEL_BODY)."""

    def render(self, text: str, last: TextPiece, model: ModelManifest, invocation_id: str) -> bytes:
        """Write the whole answer; `last` carries counts and the reason of the end."""

    def stream(self, model: ModelManifest, invocation_id: str) -> StreamWriter:
        """Begin a streamed answer."""


class VectorFamily(Protocol):
    """A family whose models embed text."""

    def parse(self, body: bytes, model: ModelManifest) -> Embedding:
        """Read a request body. Raises DomainError(INVALID_MODEL_BODY)."""

    def render(self, vectors: Vectors) -> bytes:
        """Write the whole answer."""


TEXT_FAMILIES: dict[str, TextFamily] = {
    "titan-text": titan_text.TitanText(),
    "anthropic-messages": anthropic_messages.AnthropicMessages(),
}
VECTOR_FAMILIES: dict[str, VectorFamily] = {"titan-embeddings": titan_embeddings.TitanEmbeddings()}
