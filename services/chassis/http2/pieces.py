"""Bytes that come in pieces and are wanted whole."""

_SMALL = 1024
"""Shorter pieces are put together at once: kept one by one, each would cost many times its own length."""


class Pieces:
    """Keeps pieces until as many bytes as are missing have come."""

    __slots__ = ("_parts", "missing")

    def __init__(self) -> None:
        """Wait for nothing."""
        self._parts: list[bytes | bytearray] = []
        self.missing = 0
        """How many bytes must still come, 0 when none are waited for."""

    def keep(self, data: bytes, missing: int) -> None:
        """Begin with `data`, of which the next `missing` bytes have not come."""
        self._parts = [data]
        self.missing = missing

    def add(self, data: bytes) -> bytes | None:
        """Take the next piece. Returns all, with what came beyond, once nothing is missing."""
        size = len(data)
        parts = self._parts
        if size < self.missing:
            self.missing -= size
            if size >= _SMALL:
                parts.append(data)
            elif isinstance(parts[-1], bytearray):
                parts[-1] += data
            else:
                parts.append(bytearray(data))
            return None
        parts.append(data)
        self._parts, self.missing = [], 0
        # Joined once, when it is whole: a long message comes in many frames.
        return b"".join(parts)
