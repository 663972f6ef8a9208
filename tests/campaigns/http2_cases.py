"""Random header blocks and frames, legal and not, for the ends of our HTTP/2 connections."""

import struct
from collections.abc import Callable
from random import Random

from hpack import Encoder
from hpack.hpack import encode_integer
from hpack.table import HeaderTable

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from tests.fakes.http2 import ANSWER, HEAD, request

_NAMES = [name.decode() for name, _ in HeaderTable.STATIC_TABLE[:20]] + [
    *("grpc-timeout", "authorization", "te", "x-request-id", "grpc-accept-encoding", "a", "x-" + "n" * 40)
]
_VALUES = ["", "POST", "https", "application/grpc", "trailers", "200", "0", "é", "中", "v" * 300]
_FUZZ_NAMES = [
    *(":method", ":path", ":status", ":scheme", "te", "grpc-status", "grpc-message", "grpc-timeout"),
    *("content-length", "content-type", "authorization", "x-bin", "Upper", ""),
]
_FUZZ_VALUES = [
    *("POST", "/s/unary", "/s/stream", "https", "200", "0", "5", "1n", "99999999H", "%%", "é", "9" * 5000)
]
_BODIES = [message(b"x"), message(b""), message(b"x")[:3], message(b"1") + message(b"2"), b"\x01\0\0\0\0"]
_STREAMS = [1, 1, 1, 3, 3, 5, 0, 2, 7, 2**31 - 1]
_FLAGS = [0, 1, 4, 5, 5, 5, 8, 13, 0x20, 0x2D]
_WINDOWS = [0, 1, 5, 100, 65_535, 2**31 - 1, 2**31, 2**32 - 1]
_SETTINGS = [1, 2, 3, 4, 5, 6, 99]
_SETTING_VALUES = [0, 1, 10, 16_384, 65_535, 2**31 - 1, 2**32 - 1]


def legal_blocks(random: Random) -> list[bytes]:
    """Return what one legal encoder sends on one connection; some blocks come several times."""
    encoder = Encoder()
    lists = [[_field(random) for _ in range(random.randint(1, 6))] for _ in range(random.randint(1, 4))]
    sent: list[bytes] = []
    for _ in range(random.randint(1, 20)):
        for _ in range(random.choice((0, 0, 1, 2))):
            encoder.header_table_size = random.choice((0, 1, 33, 64, 100, 500, 4096))
        sensitive = random.random() < 0.5
        headers = [(*field, sensitive and random.random() < 0.5) for field in random.choice(lists)]
        sent.append(encoder.encode(headers, huffman=random.random() < 0.5))
    return sent


def any_blocks(random: Random) -> list[bytes]:
    """Return a few different blocks in any order: repeating them is what a cache can get wrong."""
    known = [
        b"".join(random.choice(_PIECES)(random) for _ in range(random.randint(0, 5)))
        for _ in range(random.randint(1, 4))
    ]
    return [random.choice(known) for _ in range(random.randint(1, 12))]


def any_frames(random: Random) -> list[bytes]:
    """Return frames as a hostile or confused peer sends them, and bytes that are none."""
    return [random.choice(_FRAMES)(random) for _ in range(random.randint(1, 14))]


def _field(random: Random) -> tuple[str, str]:
    value = random.choice(_VALUES) if random.random() < 0.5 else _printable(random)
    return random.choice(_NAMES), value


def _printable(random: Random) -> str:
    return "".join(chr(random.randint(0x20, 0x7E)) for _ in range(random.randint(0, 60)))


def literal(kind: int, bits: int, index: int, name: bytes, value: bytes) -> bytes:
    """Return a field that is written out (RFC 7541, section 6.2), its name by index unless that is 0."""
    head = encode_integer(index, bits)
    head[0] |= kind
    parts = [bytes(head)]
    if not index:
        parts += [bytes(encode_integer(len(name), 7)), name]
    return b"".join([*parts, bytes(encode_integer(len(value), 7)), value])


def _small(random: Random) -> bytes:
    return random.randbytes(random.randint(0, 8))


def _indexed(random: Random) -> bytes:
    return bytes([0x80 | random.randint(0, 70)])


def _remembered(random: Random) -> bytes:
    value = b"v" * 60 if random.random() < 0.3 else _small(random)
    return literal(0x40, 6, random.randint(0, 70), _small(random), value)


def _plain(random: Random) -> bytes:
    return literal(random.choice((0, 0x10)), 4, random.randint(0, 70), _small(random), _small(random))


def _resize(random: Random) -> bytes:
    size = encode_integer(random.choice((0, 32, 40, 80, 4096, 5000)), 5)
    return bytes([0x20 | size[0]]) + bytes(size[1:])


def _noise(random: Random) -> bytes:
    return random.randbytes(random.randint(0, 6))


_PIECES: tuple[Callable[[Random], bytes], ...] = (_indexed, _remembered, _plain, _resize, _noise)


def _block(random: Random) -> bytes:
    fields = [(random.choice(_FUZZ_NAMES), random.choice(_FUZZ_VALUES)) for _ in range(random.randint(0, 6))]
    return random.choice(
        (
            encode_fields(HEAD),
            encode_fields(ANSWER),
            encode_fields((("grpc-status", "0"),)),
            encode_fields(fields),
            encode_fields((*HEAD, *fields)),
            random.randbytes(random.randint(0, 30)),
        )
    )


def _body(random: Random) -> bytes:
    return random.choice((*_BODIES, random.randbytes(random.randint(0, 20))))


def _frame(random: Random, kind: int, payload: bytes) -> bytes:
    flags = random.choice(_FLAGS) if random.random() < 0.7 else random.randrange(256)
    return frames.frame(kind, flags, random.choice(_STREAMS), payload)


def _headers(random: Random) -> bytes:
    return _frame(
        random, random.choice((frames.HEADERS, frames.HEADERS, frames.CONTINUATION)), _block(random)
    )


def _data(random: Random) -> bytes:
    return _frame(random, frames.DATA, _body(random))


def _control(random: Random) -> bytes:
    kind = random.choice((frames.WINDOW_UPDATE, frames.RST_STREAM))
    return _frame(random, kind, random.choice(_WINDOWS).to_bytes(4, "big"))


def _settings(random: Random) -> bytes:
    pairs = [(random.choice(_SETTINGS), random.choice(_SETTING_VALUES)) for _ in range(random.randint(0, 4))]
    return frames.frame(frames.SETTINGS, 0, 0, b"".join(struct.pack(">HL", *pair) for pair in pairs))


def _request(random: Random) -> bytes:
    return random.choice(
        (
            request(1),
            request(3),
            request(5),
            request(1, None, end=False),
            request(7, b"y", ("grpc-timeout", "1m")),
        )
    )


def _connection(random: Random) -> bytes:
    kind = random.choice(
        (frames.PING, frames.GOAWAY, frames.SETTINGS, frames.PRIORITY, random.randrange(256))
    )
    return _frame(random, kind, random.randbytes(random.randint(0, 16)))


def _bytes(random: Random) -> bytes:
    return random.randbytes(random.randint(0, 12))


_FRAMES: tuple[Callable[[Random], bytes], ...] = (
    *(_headers, _headers, _data, _control, _control, _settings, _request, _connection, _connection, _bytes),
)
