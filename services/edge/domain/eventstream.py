"""The encoding application/vnd.amazon.eventstream, as the Amazon Event Stream specification has it.

A message is: total length and header length (4 bytes each, big-endian), CRC-32 of these eight bytes, headers,
payload, CRC-32 of everything before. Every header here is a string (type 7) with a two-byte length.
"""

import base64
import struct
import zlib
from collections.abc import Mapping

from services.edge.domain.faults import Fault
from services.edge.domain.json_values import dump

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
_STRING = 7


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Encode string headers."""
    parts = []
    for name, value in headers.items():
        raw_name, raw_value = name.encode(), value.encode()
        parts.append(struct.pack(f"!B{len(raw_name)}sBH", len(raw_name), raw_name, _STRING, len(raw_value)))
        parts.append(raw_value)
    return b"".join(parts)


def encode_message(headers: bytes, payload: bytes) -> bytes:
    """Frame encoded headers and a payload with both checksums."""
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    checksum = zlib.crc32(payload, zlib.crc32(headers, zlib.crc32(prelude)))
    return b"".join((prelude, headers, payload, struct.pack("!I", checksum)))


def event_headers(event_type: str) -> bytes:
    """Encode the headers of a JSON event."""
    return encode_headers(
        {":event-type": event_type, ":content-type": "application/json", ":message-type": "event"}
    )


_CHUNK = event_headers("chunk")
# AWS pads the chunks of InvokeModelWithResponseStream, so that their sizes do not give tokens away.
_PADDING = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def chunk(payload: bytes, padding: int) -> bytes:
    """Frame one chunk of a model's answer. `padding` (taken modulo 62) hides how long it is."""
    body = b'{"bytes":"%b","p":"%b"}' % (base64.b64encode(payload), _PADDING[: 1 + padding % len(_PADDING)])
    return encode_message(_CHUNK, body)


def exception(fault: Fault, declared: frozenset[str]) -> bytes:
    """Frame an exception that ends a stream: one that the stream's union declares."""
    code = fault.code if fault.code in declared else "InternalServerException"
    members = dict(fault.members)
    if code == "ModelStreamErrorException":
        members.setdefault("originalStatusCode", fault.status)
        members.setdefault("originalMessage", fault.message)
    # On the wire an exception goes by the name of its union member: the shape's name in lower camel case.
    headers = encode_headers(
        {
            ":exception-type": code[0].lower() + code[1:],
            ":content-type": "application/json",
            ":message-type": "exception",
        }
    )
    return encode_message(headers, dump({"message": fault.message, **members}))
