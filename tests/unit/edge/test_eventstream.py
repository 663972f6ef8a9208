"""The event-stream encoder against botocore's decoder."""

import base64
import json

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from services.edge.domain import eventstream
from services.edge.domain.faults import Fault, stream_exceptions
from services.edge.domain.model import ServiceModel

DECLARED = stream_exceptions(ServiceModel.load("bedrock-runtime"), "ResponseStream")


def _parse(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 255)), max_size=5))
def test_chunks_are_read_by_botocore(chunks: list[tuple[bytes, int]]) -> None:
    parsed = _parse(b"".join(eventstream.chunk(payload, padding) for payload, padding in chunks))
    assert [base64.b64decode(json.loads(body)["bytes"]) for _, body in parsed] == [
        payload for payload, _ in chunks
    ]
    for headers, _ in parsed:
        assert headers == {
            ":event-type": "chunk",
            ":content-type": "application/json",
            ":message-type": "event",
        }


def test_padding_hides_the_length() -> None:
    sizes = {len(eventstream.chunk(b"x", padding)) for padding in range(256)}
    assert len(sizes) == 62


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), max_size=4), st.binary())
def test_any_message_is_read_by_botocore(headers: dict[str, str], payload: bytes) -> None:
    data = eventstream.encode_message(eventstream.encode_headers(headers), payload)
    assert _parse(data) == [(headers, payload)]


def test_a_flipped_bit_is_noticed() -> None:
    data = bytearray(eventstream.chunk(b"hello", 0))
    data[-10] ^= 1
    with pytest.raises(ChecksumMismatch):
        _parse(bytes(data))


def test_exceptions() -> None:
    fault = Fault("ModelStreamErrorException", 424, "the model stopped")
    [(headers, body)] = _parse(eventstream.exception(fault, DECLARED))
    assert headers[":message-type"] == "exception"
    assert headers[":exception-type"] == "modelStreamErrorException"
    assert json.loads(body) == {
        "message": "the model stopped",
        "originalStatusCode": 424,
        "originalMessage": "the model stopped",
    }


def test_an_undeclared_exception_becomes_internal() -> None:
    fault = Fault("AccessDeniedException", 403, "no")
    [(headers, _)] = _parse(eventstream.exception(fault, DECLARED))
    assert headers[":exception-type"] == "internalServerException"
    assert "AccessDeniedException" not in DECLARED
    assert "ModelTimeoutException" in DECLARED
