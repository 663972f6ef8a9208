"""docs/receipts.md shows a receipt and a certificate that verify."""

from pathlib import Path

from tests.unit.tlog.receipts import AUTHORITY, CERTIFICATE, RECEIPT
from tlog.note import Note
from tlog.receipt_file import ReceiptFile

PAGE = Path(__file__).parents[3] / "docs/receipts.md"


def shown(first: str) -> Note:
    """The indented note that begins with a line."""
    lines = PAGE.read_text().split("\n")
    start = lines.index(f"    {first}")
    end = next(at for at in range(start, len(lines)) if lines[at] and not lines[at].startswith("    "))
    text = "\n".join(line.removeprefix("    ") for line in lines[start:end])
    return Note.parse(text.rstrip("\n").encode() + b"\n")


def test_they_are_those_of_the_tests() -> None:
    file = ReceiptFile(shown("craton receipt v1"), shown("craton receipt key v1"))
    assert file.verify_signatures(AUTHORITY.key) == (RECEIPT, CERTIFICATE)
