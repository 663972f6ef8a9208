"""Statements: short texts that a service signs, and that name the event of the log which names them.

A statement is the text of a signed note: a first line that says what it is and in which version, and then
lines of a name, a space and a value, in one order and each of them once. The event whose id it has carries
the SHA-256 of the text, so that the log holds every statement that counts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from tlog.errors import TlogError
from tlog.note import Note, VerifierKey

_VALUE = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")


def render(kind: str, values: Iterable[tuple[str, str]]) -> str:
    """Return the text of a statement. Raises TlogError for a value that no line can hold."""
    lines = [kind]
    for name, value in values:
        if not _VALUE.fullmatch(value):
            raise TlogError(f"{name}: not a value of a line")
        lines.append(f"{name} {value}")
    return "\n".join(lines) + "\n"


def read(text: str, kind: str, forms: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    """Return the values of a statement by their names, each in its form. Raises TlogError."""
    lines = text.split("\n")
    if lines.pop() or not lines or lines.pop(0) != kind:
        raise TlogError(f"not a statement of the kind '{kind}'")
    if len(lines) != len(forms):
        raise TlogError(f"a statement of the kind '{kind}' has {len(forms)} lines after its first")
    found = {}
    for line, (name, form) in zip(lines, forms.items(), strict=True):
        before, space, value = line.partition(" ")
        if before != name or not space or not form.fullmatch(value):
            raise TlogError(f"'{name}' is missing, or is not what it should be")
        found[name] = value
    return found


def digest(text: str) -> bytes:
    """Return what an event carries of a statement: its SHA-256."""
    return sha256(text.encode()).digest()


def signed_text(note: Note, key: VerifierKey, what: str) -> str:
    """Return the text of a note, once it is verified that this key signed it. Raises TlogError."""
    if key not in note.verify((key,)):
        raise TlogError(f"{what} is not signed by {key.name}")
    return note.text


def one_of(values: Sequence[str]) -> re.Pattern[str]:
    """Return the form of a value that is one of these."""
    return re.compile("|".join(map(re.escape, values)))
