"""Names of calls and events: in the order of time, and nobody's but theirs."""

import uuid
from datetime import UTC, datetime

from services.chassis.clock import SystemClock
from services.chassis.randomness import OrderedUuids, SystemRandomness
from tests.fakes.clock import CountingRandomness, ManualClock

MILLISECOND_S = 0.001


class Bytes:
    """Gives the same byte over and over."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def token_bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count


def test_the_example_of_the_standard() -> None:
    """RFC 9562, appendix A.6, whose random parts are 0xCC3, 0b01 and 0x8C4DC0C0C07398F."""

    class Drawn:
        def token_bytes(self, count: int) -> bytes:
            return bytes.fromhex("cc398c4dc0c0c07398f0").ljust(count, b"\0")

    ids = OrderedUuids(ManualClock(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)), Drawn())
    assert ids.next() == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_of_every_byte_the_form_is_right() -> None:
    for byte in range(256):
        made = OrderedUuids(SystemClock(), Bytes(byte)).next()
        read = uuid.UUID(made)
        assert (str(read), read.version, read.variant) == (made, 7, uuid.RFC_4122)


def test_later_ones_are_greater_also_when_entropy_is_drawn_again() -> None:
    clock = ManualClock()
    ids = OrderedUuids(clock, CountingRandomness())
    made = []
    for _ in range(1_000):
        made.append(ids.next())
        clock.advance(MILLISECOND_S)
    assert made == sorted(set(made))


def test_within_a_millisecond_none_comes_twice() -> None:
    ids = OrderedUuids(ManualClock(), SystemRandomness())
    made = [ids.next() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert len({each[:13] for each in made}) == 1
