"""JSON as the files of proofs have it, in which all readers see the same.

Readers take what the standards leave open in ways of their own: which of two members of one name counts, what
a byte order mark means, what becomes of half a surrogate pair. What has any of these is refused.
"""

import json
from typing import Any, NoReturn

from tlog.errors import TlogError

MAX_BYTES = 1024 * 1024
"""No file of a proof is longer."""


def parse(content: bytes) -> Any:
    """Return the value of a file: UTF-8 without a byte order mark, each member once. Raises TlogError."""
    if len(content) > MAX_BYTES:
        raise TlogError(f"a file has more than {MAX_BYTES} bytes")
    try:
        # Decoded here: json would guess UTF-16 and UTF-32 from bytes, and let halves of surrogate pairs pass.
        text = content.decode()
    except UnicodeDecodeError as error:
        raise TlogError("not UTF-8") from error
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        # Escapes spell halves of surrogate pairs, in names of members as well, which no UTF-8 has.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise TlogError("a string has half of a surrogate pair") from error
    except (ValueError, RecursionError) as error:
        raise TlogError("not JSON") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TlogError("a member stands there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
