"""The corpus: which documents, in which proportions, and the token stream that training reads."""

from __future__ import annotations

import hashlib
import importlib.util
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dialogues
import numpy as np
import prose
import stories
import tools
from document import Document
from numpy.typing import NDArray
from tokenizer import BEGIN, END
from tokenizers import Tokenizer

# Documents of each generator. Prose is what the source has (about 17,000 documents);
# together they give about as many tokens as the default number of steps reads.
STORIES = 16_000
DIALOGUES = 38_000
TOOL_CALLS = 16_000
SERVICE_REPEATS = 5
_HELD_OUT = 200

_MAX_TOKENIZER_SAMPLE = 12_000


def find_botocore() -> Path:
    """The installed botocore, in this environment or in the services' one beside it.

    Raises FileNotFoundError when there is none.
    """
    spec = importlib.util.find_spec("botocore")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent
    for root in Path(__file__).resolve().parents:
        for found in sorted(root.glob(".venv/services/lib/python3*/site-packages/botocore")):
            return found
    raise FileNotFoundError("botocore is not installed: name its folder with --botocore")


def documents(botocore: Path, seed: int) -> list[Document]:
    """All documents, held-out ones among them, in a shuffled order that follows from the seed."""
    rng = random.Random(seed)  # noqa: S311  (a corpus wants repeatable choices, not secret ones)
    found = list(prose.documents(botocore))
    found += [doc for doc in found if doc.source == "service"] * (SERVICE_REPEATS - 1)
    found += stories.documents(rng, STORIES)
    found += dialogues.documents(rng, DIALOGUES)
    found += tools.documents(rng, TOOL_CALLS)
    found += stories.held_out(rng, _HELD_OUT)
    found += tools.documents(rng, _HELD_OUT, held_out=True)
    rng.shuffle(found)
    return found


def texts(docs: Sequence[Document]) -> Iterator[str]:
    """Every text of the training documents: what the tokenizer learns from."""
    for doc in [d for d in docs if not d.held_out][:_MAX_TOKENIZER_SAMPLE]:
        yield from [turn.text for turn in doc.turns] or [doc.text]


def digest(docs: Sequence[Document]) -> str:
    """SHA-256 over every document in order: equal digests mean equal corpora."""
    sha = hashlib.sha256()
    for doc in docs:
        sha.update(repr((doc.source, doc.text, doc.turns, doc.held_out)).encode())
    return sha.hexdigest()


def characters(docs: Sequence[Document]) -> dict[str, int]:
    """Characters of the training documents by source."""
    counts: Counter[str] = Counter()
    for doc in docs:
        if not doc.held_out:
            counts[doc.source] += len(doc.text) + sum(len(turn.text) for turn in doc.turns)
    return dict(sorted(counts.items()))


@dataclass(frozen=True, slots=True)
class Stream:
    """Tokens of documents laid end to end, and which of them the loss counts.

    In a conversation only the assistant's words and its end token count: what a user asks need
    not be learned. A plain document counts whole.
    """

    ids: NDArray[np.int32]
    counts: NDArray[np.bool_]


def _segments(doc: Document) -> list[tuple[str, str, bool]]:
    """(opening token, text, whether it is learned) of each part of a document."""
    if not doc.turns:
        return [(BEGIN, doc.text, True)]
    return [(f"<|{turn.role}|>", turn.text, turn.role == "assistant") for turn in doc.turns]


def encode(tokenizer: Tokenizer, docs: Sequence[Document]) -> Stream:
    """The documents as one token stream."""
    parts = [part for doc in docs for part in _segments(doc)]
    encoded = iter(tokenizer.encode_batch_fast([text for _, text, _ in parts], add_special_tokens=False))
    begin, end = tokenizer.token_to_id(BEGIN), tokenizer.token_to_id(END)
    ids: list[int] = []
    counts: list[bool] = []
    for doc in docs:
        if doc.turns:
            ids.append(begin)
            counts.append(False)
        for opening, _, learned in _segments(doc):
            words = next(encoded).ids
            ids += [tokenizer.token_to_id(opening), *words, end]
            counts += [False, *[learned] * (len(words) + 1)]
    return Stream(np.array(ids, np.int32), np.array(counts, np.bool_))
