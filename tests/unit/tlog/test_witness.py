"""A witness: it cosigns what continues the tree that it has seen, and never two trees."""

import itertools

import pytest

from tests.unit.tlog.keys import LOG, Signer
from tests.unit.tlog.trees import consistency, tree_hash
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.note import Note, SignatureType
from tlog.witness import NOTHING, ForkError, Seen, StaleError, judge

ENTRIES = [b"%d" % number for number in range(40)]
OTHER = [*ENTRIES[:10], b"another", *ENTRIES[11:]]
TRUST = Trust(LOG.key)


def checkpoint(entries: list[bytes], signer: Signer = LOG) -> Note:
    return signer.sign(Note(Checkpoint(LOG.key.name, len(entries), tree_hash(entries)).text, ()))


def proof(first: int, entries: list[bytes]) -> list[bytes]:
    return consistency(first, entries) if first else []


def test_it_follows_a_log_that_grows() -> None:
    seen = NOTHING
    for size in (0, 1, 1, 7, 8, 8, 30, 40):
        judged = judge(seen, TRUST, checkpoint(ENTRIES[:size]), seen.size, proof(seen.size, ENTRIES[:size]))
        seen = Seen(judged.size, judged.root)
    assert seen == Seen(40, tree_hash(ENTRIES))


def test_two_views_are_never_both_cosigned() -> None:
    """Whatever view it has seen first, no proof makes it cosign the other one."""
    for first, second in itertools.product((11, 20, 40), (11, 20, 25, 40)):
        seen = Seen(first, tree_hash(ENTRIES[:first]))
        for hashes in (
            proof(min(first, second), OTHER[:second]),
            proof(min(first, second), ENTRIES[:second]),
            [],
        ):
            with pytest.raises(TlogError):
                judge(seen, TRUST, checkpoint(OTHER[:second]), first, hashes)


def test_an_older_size_is_told_what_was_seen() -> None:
    seen = Seen(20, tree_hash(ENTRIES[:20]))
    for old in (0, 19, 21):
        with pytest.raises(StaleError) as stale:
            judge(seen, TRUST, checkpoint(ENTRIES[:30]), old, proof(old, ENTRIES[:30]))
        assert stale.value.size == 20
    # A log that was put back cannot say so by a smaller checkpoint.
    with pytest.raises(TlogError):
        judge(seen, TRUST, checkpoint(ENTRIES[:10]), 20, [])


def test_a_fork_is_told_from_what_the_log_has_not_signed() -> None:
    seen = Seen(20, tree_hash(ENTRIES[:20]))
    with pytest.raises(ForkError):
        judge(seen, TRUST, checkpoint(OTHER[:20]), 20, [])
    with pytest.raises(ForkError):
        judge(seen, TRUST, checkpoint(OTHER), 20, proof(20, OTHER))
    stranger = Signer(LOG.key.name, SignatureType.COSIGNATURE)
    with pytest.raises(TlogError) as unsigned:
        judge(seen, TRUST, checkpoint(ENTRIES, stranger), 20, proof(20, ENTRIES))
    assert not isinstance(unsigned.value, ForkError)
