"""What the header fields of a gRPC request may look like (RFC 9113, sections 8.2 and 8.3)."""

import re
from collections.abc import Sequence

_PSEUDO = frozenset({":method", ":scheme", ":path", ":authority"})
_NAME = re.compile(r"[0-9a-z_.-]+")
_USUAL = frozenset(
    {
        "te",
        "content-type",
        "user-agent",
        "grpc-accept-encoding",
        "grpc-timeout",
        "authorization",
        "x-request-id",
        "traceparent",
    }
)
"""Names that need no closer look."""
_ONCE = _USUAL | {"content-length", "host", "grpc-encoding"}
"""Fields that say one thing about a request: which of two would count is nothing to leave to chance."""
_OF_HTTP1 = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_PRINTABLE = bytes(range(0x20, 0x7F))


def request_fields(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the fields by name; of one that may come several times the last.

    Raises ValueError for a request that is malformed.
    """
    known: dict[str, str] = {}
    regular = False
    for name, value in fields:
        if name in _USUAL:
            regular = True
            if name in known:
                raise ValueError("a field came twice")
        elif name in _PSEUDO:
            if regular or name in known:
                raise ValueError("a pseudo-header field came twice or late")
        else:
            regular = True
            if not _NAME.fullmatch(name) or name in _OF_HTTP1 or (name in _ONCE and name in known):
                raise ValueError("a field's name is none, or may not come here")
        known[name] = value
    values = "".join([value for _, value in fields])
    # As gRPC has it: printable ASCII. Everything else would have to be escaped wherever it is written.
    if not values.isascii() or values.encode().translate(None, _PRINTABLE):
        raise ValueError("a field's value has characters that it must not have")
    if ":method" not in known or ":scheme" not in known or ":path" not in known:
        raise ValueError("a pseudo-header field is missing")
    if known.get("te", "trailers") != "trailers":
        raise ValueError("te must be trailers")
    return known
