"""Documentation prose: what botocore's service models say about each service and operation.

botocore is licensed under the Apache License 2.0. Its models are JSON files whose
`documentation` fields hold HTML; the text of services and operations is kept (about 6 MB), the
text of single fields is not: it is repetitive and reads badly out of its table.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from document import Document, conversation

_BLOCK = re.compile(r"<(?:p|li|br|dt|dd|h\d|note|important|ul|ol)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")
_SPACES = re.compile(r"[ \t\r\f\v]+")
_NEWLINES = re.compile(r"\s*\n\s*")
_SENTENCE_END = re.compile(r"(?<=[.!?]) +(?=[A-Z])")

# Documents shorter than this say nothing; longer ones are cut at a paragraph,
# so that a few giant pages do not crowd out the rest.
_MIN_CHARS = 60
_MAX_CHARS = 2000

# One service in fifty is measured on and never trained on.
_HELD_OUT_EVERY = 50


def plain_text(markup: str) -> str:
    """The readable text of a documentation field, one paragraph a line."""
    text = html.unescape(_TAG.sub("", _BLOCK.sub("\n", markup)))
    text = text.encode("ascii", "ignore").decode()
    return _NEWLINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _cut(text: str) -> str:
    if len(text) <= _MAX_CHARS:
        return text
    kept = text[:_MAX_CHARS]
    return kept[: kept.rfind("\n")] if "\n" in kept[_MIN_CHARS:] else kept[: kept.rfind(". ") + 1]


def _first_sentences(text: str, limit: int = 260) -> str:
    """Whole sentences from the first paragraph that speaks, up to `limit` characters; may be empty."""
    for paragraph in text.split("\n"):
        if len(paragraph) >= _MIN_CHARS:
            answer = ""
            for sentence in _SENTENCE_END.split(paragraph):
                if len(answer) + len(sentence) > limit:
                    break
                answer = f"{answer} {sentence}".strip()
            return answer if answer.endswith(".") else ""
    return ""


def _models(botocore: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """The newest API version of every service, by name."""
    for folder in sorted((botocore / "data").iterdir()):
        versions = sorted(folder.glob("*/service-2.json.gz"))
        if versions:
            yield folder.name, json.loads(gzip.decompress(versions[-1].read_bytes()))


def documents(botocore: Path) -> Iterator[Document]:
    """Yields one document a service and operation, and a question about each service."""
    seen: set[str] = set()
    for name, model in _models(botocore):
        held_out = zlib.crc32(name.encode()) % _HELD_OUT_EVERY == 0
        about = plain_text(str(model.get("documentation", "")))
        texts = [about]
        texts += [plain_text(str(op.get("documentation", ""))) for op in model["operations"].values()]
        for text in texts:
            if len(text) >= _MIN_CHARS and text not in seen:
                seen.add(text)
                yield Document("prose", _cut(text), held_out=held_out)
        answer = _first_sentences(about)
        title = str(model["metadata"].get("serviceFullName", ""))
        if answer and title and not held_out:
            yield conversation("service", ("user", f"What is {title}?"), ("assistant", answer))
