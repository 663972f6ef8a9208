"""The nouns of the corpus: a document, and the conversation it may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A training document: plain text, or a conversation, never both.

    `held_out` documents are only used to measure: no training step sees them.
    `source` names the generator, so that losses can be reported apart.
    """

    source: str
    text: str = ""
    turns: tuple[Turn, ...] = ()
    held_out: bool = False


def conversation(source: str, *turns: tuple[Role, str], held_out: bool = False) -> Document:
    """A conversation from (role, text) pairs."""
    return Document(source, turns=tuple(Turn(role, text) for role, text in turns), held_out=held_out)


def with_article(noun: str) -> str:
    """The noun with its indefinite article: "an owl", "a fox"."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
