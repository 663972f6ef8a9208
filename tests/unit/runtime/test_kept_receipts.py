"""Receipts are kept for their owners, for some minutes, and nobody pushes out those of others."""

from services.runtime.domain import receipts
from services.runtime.domain.receipts import Kept, KeptReceipts, Owner, SignedReceipt

ALICE = Owner("111111111111", "one", "AIDAALICE", "us-east-1")
BOB = Owner("222222222222", "one", "AIDABOB", "us-east-1")


def kept(number: int) -> Kept:
    return Kept(SignedReceipt(str(number).encode(), b""), "bedrock:InvokeModel", "arn")


def test_only_its_owner_gets_a_receipt() -> None:
    held = KeptReceipts()
    held.put(ALICE, "request-1", kept(1), 0.0)
    assert held.get(ALICE, "request-1", 1.0) == kept(1)
    others = (
        Owner("111111111111", "two", "AIDAALICE", "us-east-1"),
        Owner("111111111111", "one", "AIDAEVE", "us-east-1"),
        Owner("111111111111", "one", "AIDAALICE", "eu-west-1"),
        BOB,
    )
    assert not [owner for owner in others if held.get(owner, "request-1", 1.0)]
    assert held.get(ALICE, "request-2", 1.0) is None


def test_the_newest_of_a_request_counts() -> None:
    held = KeptReceipts()
    for number in range(2):
        held.put(ALICE, "request-1", kept(number), float(number))
    assert (held.get(ALICE, "request-1", 2.0), len(held)) == (kept(1), 1)


def test_it_ends_after_its_minutes_and_makes_room() -> None:
    held = KeptReceipts()
    held.put(ALICE, "request-1", kept(1), 0.0)
    assert held.get(ALICE, "request-1", receipts.LIFE_S - 0.1) is not None
    assert held.get(ALICE, "request-1", receipts.LIFE_S) is None
    held.put(BOB, "request-2", kept(2), receipts.LIFE_S)
    assert len(held) == 1


def test_an_account_pushes_out_its_own(monkeypatch) -> None:
    monkeypatch.setattr(receipts, "PER_ACCOUNT", 3)
    monkeypatch.setattr(receipts, "TOTAL", 5)
    held = KeptReceipts()
    held.put(BOB, "bob", kept(0), 0.0)
    for number in range(10):
        held.put(ALICE, f"request-{number}", kept(number), 1.0)
    assert len(held) == 4
    assert held.get(ALICE, "request-6", 2.0) is None
    assert held.get(ALICE, "request-7", 2.0) == kept(7)
    assert held.get(BOB, "bob", 2.0) == kept(0)


def test_when_all_is_full_the_largest_account_makes_room(monkeypatch) -> None:
    monkeypatch.setattr(receipts, "PER_ACCOUNT", 5)
    monkeypatch.setattr(receipts, "TOTAL", 5)
    held = KeptReceipts()
    for number in range(5):
        held.put(ALICE, f"request-{number}", kept(number), 0.0)
    for number in range(2):
        held.put(BOB, f"bob-{number}", kept(number), 0.0)
    assert len(held) == 5
    assert [number for number in range(5) if held.get(ALICE, f"request-{number}", 1.0)] == [2, 3, 4]
    assert held.get(BOB, "bob-0", 1.0) == kept(0)
