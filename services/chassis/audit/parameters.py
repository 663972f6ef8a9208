"""What of a request or an answer stands in an event: a small JSON object of what was chosen for it.

Here is only how it is written. What is chosen is said where the request is understood: by allow lists of
fields in the `events` of services, and by the rules of `services/edge/domain/recorded.py`.
AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from services.chassis.context import CallContext

MAX_BYTES = 8 * 1024
"""Of a request's parameters, and of an answer's elements: an event has 64 KiB, half of it for resources."""
_REASON = f"longer than the {MAX_BYTES} bytes that a record has room for"

# json.dumps would make an encoder for every call.
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

Parameters = Callable[[Any, CallContext], str]
"""Chooses from a request's message what `recorded` then writes."""


def canonical(value: Any) -> str:
    """Write JSON in the one form that events have. Raises ValueError for NaN and infinities."""
    text = _ENCODE(value)
    # JSON can carry halves of surrogate pairs, UTF-8 cannot.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def recorded(values: Mapping[str, Any]) -> str:
    """Return `values` as an event has them, empty for none.

    Of too much the largest members give way first, each to CloudTrail's mark for what it leaves out; that a
    key was named is still told when its new policy is too long.
    """
    if not values:
        return ""
    text = canonical(values)
    size = _bytes(text)
    if size <= MAX_BYTES:
        return text
    kept, left = dict(values), size
    sizes = {name: _bytes(canonical(value)) for name, value in values.items()}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        mark = _omitted(sizes[name])
        saved = sizes[name] - _bytes(canonical(mark))
        if saved <= 0:
            break
        kept[name], left = mark, left - saved
        if left <= MAX_BYTES:
            return canonical(kept)
    return canonical(_omitted(size))


@lru_cache(maxsize=256)
def model_parameters(model_id: str) -> str:
    """Return what is recorded of a request to a model: which one, as the client named it, and no more."""
    return recorded({"modelId": model_id})


def _omitted(size: int) -> Mapping[str, Any]:
    return {"omitted": True, "originalSize": size, "reason": _REASON}


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
