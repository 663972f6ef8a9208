"""Which counters were seen: a window of bits that slides (RFC 6479)."""

WINDOW = 65_536
"""Requests overtake each other on their way, but never by this many; older counters are refused."""


class ReplayWindow:
    """Accepts every counter once. Takes 8 KiB, however many there are."""

    __slots__ = ("_bits", "_highest")

    def __init__(self) -> None:
        """Nothing was seen."""
        self._bits = bytearray(WINDOW // 8)
        self._highest = 0

    def accept(self, counter: int) -> bool:
        """Return whether `counter`, 1 or more, is new; from then on it is not."""
        highest, bits = self._highest, self._bits
        if counter > highest:
            if counter - highest >= WINDOW:
                bits[:] = bytes(len(bits))
            else:
                # The bits of the counters between stood for others, one window ago.
                for between in range(highest + 1, counter + 1):
                    bits[between % WINDOW >> 3] &= ~(1 << (between & 7))
            self._highest = counter
        elif counter <= highest - WINDOW or counter < 1:
            return False
        at, bit = counter % WINDOW >> 3, 1 << (counter & 7)
        if bits[at] & bit:
            return False
        bits[at] |= bit
        return True
