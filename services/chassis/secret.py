"""Secrets that cost effort to read."""

import hmac
from pathlib import Path
from typing import NoReturn


class SecretBytes:
    """Bytes that never show in repr, str, format, pickles or logs.

    Reading takes an explicit `reveal()`; comparing is constant-time by `equals()`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Wrap `value`."""
        self._value = bytes(value)

    @classmethod
    def from_file(cls, path: Path) -> "SecretBytes":
        """Read a secret file, without the line end that editors add."""
        return cls(path.read_bytes().rstrip(b"\r\n"))

    def reveal(self) -> bytes:
        """Return the secret itself. Keep the reference short-lived."""
        return self._value

    def equals(self, other: "SecretBytes | bytes") -> bool:
        """Compare in time that depends on the lengths alone."""
        value = other._value if isinstance(other, SecretBytes) else other
        return hmac.compare_digest(self._value, value)

    def __len__(self) -> int:
        """Length in bytes: not secret."""
        return len(self._value)

    def __repr__(self) -> str:
        """Say only that there is a secret."""
        return "SecretBytes(**)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        """Say only that there is a secret."""
        return repr(self)

    def __eq__(self, other: object) -> bool:
        """Constant-time, so that an accidental == leaks nothing."""
        return isinstance(other, SecretBytes) and self.equals(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into another process."""
        raise TypeError("a secret cannot be pickled")
