"""The one internal form of an inference request, whatever family's body it came in."""

import enum
from dataclasses import dataclass, field

LONGEST_CALL_S = 300.0
"""No call takes longer, also one without a deadline of its own."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; None leaves the choice to the model."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Generation:
    """Ask a language model for a continuation of `prompt`, or for the next turn after `messages`."""

    max_tokens: int
    prompt: str = field(default="", repr=False)
    messages: tuple[Message, ...] = field(default=(), repr=False)
    sampling: Sampling = Sampling()
    stop_sequences: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Embedding:
    """Ask an embedding model for one vector a text."""

    texts: tuple[str, ...] = field(repr=False)
    dimensions: int = 0
    normalize: bool = True


class FinishReason(enum.Enum):
    """Why a generation ended."""

    END_TURN = "end_turn"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of generated text. The last piece says why and with which counts the generation ended."""

    text: str = field(repr=False)
    tokens: int = 0
    input_tokens: int = 0
    finish: FinishReason | None = None
    stop_sequence: str = field(default="", repr=False)
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Vectors:
    """The answer of an embedding model, one vector a text."""

    values: tuple[tuple[float, ...], ...] = field(repr=False)
    input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an invocation took inside runtime, milliseconds."""

    latency_ms: int
    first_byte_ms: int
