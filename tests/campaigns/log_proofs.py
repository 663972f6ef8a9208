"""A lying log: whatever it changes in proofs and checkpoints, whoever verifies them notices."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from random import Random
from unittest.mock import patch

from tests.campaigns.campaign import Campaign, Finding
from tests.unit.tlog.keys import LOG, WITNESSES
from tlog import proofs
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.hashing import fold, leaf_hash, node_hash
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, commit
from tlog.note import Note
from tlog.proofs import Range, consistency_ranges, inclusion_ranges, nodes_of, verify_consistency

_LEAVES = 5_000
_LIES = 100
_TRUST = Trust(LOG.key, tuple(witness.key for witness in WITNESSES[:2]), quorum=2)


class LogProofsCampaign(Campaign):
    """One case is one event in a tree of some size, its honest proofs, and a hundred lies about it."""

    name = "log-proofs"
    summary = (
        f"An event of a tree of up to {_LEAVES:,} leaves is proved and verified; with any other entry, "
        "event, salt, index, size, root, hash, order of hashes, signature or character of the proof's text, "
        "or with parts of another valid proof, it is refused; and so is a proof of growth with another root "
        "or hash."
    )
    fault = "an inclusion proof whose index is not looked at beyond the tree's size."
    sources = ("tlog", "tests/campaigns/log_proofs.py", "tests/unit/tlog/keys.py")
    units = (_LIES, "mutated proofs and checkpoints")

    def case(self, seed: int, index: int) -> None:
        """Prove, lie, verify."""
        random = self.random(seed, index)
        size = random.choice((1, 2, 3, 256, 257, random.randrange(1, _LEAVES), random.randrange(1, _LEAVES)))
        one = _Honest(random.randrange(size), size)
        one.proof.verify(_TRUST)
        lies = 0
        while lies < _LIES * 3 // 4:
            what, lie = one.lie(random)
            if lie != one.proof:
                _refused(what, lie)
                lies += 1
        growth = _Growth(random.randrange(size + 1), size)
        growth.verify(growth.proof)
        while lies < _LIES:
            lies += growth.refused(random)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Follow whatever path the hashes fit, as if the index were only a hint."""
        original = proofs.verify_inclusion

        def somewhere(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
            for place in {index, index ^ 1, max(index - 1, 0), min(index + 1, size - 1)}:
                try:
                    return original(place, size, leaf, proof, root)
                except TlogError:
                    continue
            raise TlogError("nowhere")

        with patch("tlog.inclusion.verify_inclusion", somewhere):
            yield


class _Honest:
    """An event's proof as an honest log gives it, and what a lying one makes of it."""

    def __init__(self, index: int, size: int) -> None:
        self._size = size
        self.proof = _proof_of(index, size)

    def lie(self, random: Random) -> tuple[str, EventProof]:
        """Return one change of the proof."""
        honest, proof = self.proof, self.proof.proof
        other = _proof_of(random.randrange(_LEAVES), _LEAVES)
        hashes = list(proof.hashes)
        lies = {
            "another entry": lambda: replace(honest, entry=other.entry),
            "another event": lambda: replace(honest, event=other.event),
            "another event with its salt": lambda: replace(honest, event=other.event, salt=other.salt),
            "another salt": lambda: replace(honest, salt=random.randbytes(random.choice((0, 31, 32, 33)))),
            "a changed entry": lambda: replace(honest, entry=_changed(honest.entry, random)),
            "a changed event": lambda: replace(honest, event=_changed(honest.event, random)),
            "a cut entry": lambda: replace(honest, entry=honest.entry[: random.randrange(len(honest.entry))]),
            "another index": lambda: _with(honest, index=_another(proof.index, self._size, random)),
            "other hashes": lambda: _with(honest, hashes=tuple(_other_hashes(hashes, random))),
            "the hashes of another proof": lambda: _with(honest, hashes=other.proof.hashes),
            "another checkpoint": lambda: _with(honest, checkpoint=_other_note(self._size, random)),
            "a changed checkpoint": lambda: _with(honest, checkpoint=_forged(proof.checkpoint, random)),
        }
        what = random.choice((*lies, "another text", "another text", "another text"))
        if what == "another text":
            return what, _another_text(honest, random)
        return what, lies[what]()


class _Growth:
    """A proof that a tree has only grown."""

    def __init__(self, first: int, second: int) -> None:
        self._first, self._second = first, second
        self.proof = [_root(each) for each in consistency_ranges(first, second)]

    def verify(self, proof: Sequence[bytes]) -> None:
        first, second = _root(Range(0, self._first)), _root(Range(0, self._second))
        verify_consistency(self._first, self._second, proof, first, second)

    def refused(self, random: Random) -> bool:
        """Change a root or a hash, see it refused, and return whether that was a lie.

        Sizes are what signed checkpoints say.
        """
        roots = [_root(Range(0, self._first)), _root(Range(0, self._second))]
        proof, changed = list(self.proof), list(roots)
        if random.random() < 0.5:
            at = random.randrange(2)
            changed[at] = random.choice((random.randbytes(32), _root(Range(0, random.randrange(_LEAVES)))))
        else:
            proof = _other_hashes(proof, random)
        # Every tree begins with the empty one: then only the smaller root says anything.
        empty = self._first == 0 and not proof and changed[0] == roots[0]
        if empty or (proof, changed) == (self.proof, roots):
            return False
        try:
            verify_consistency(self._first, self._second, proof, changed[0], changed[1])
        except TlogError:
            return True
        raise Finding(f"growth from {self._first} to {self._second} was believed")


def _refused(what: str, lie: EventProof) -> None:
    try:
        lie.verify(_TRUST)
    except TlogError:
        return
    raise Finding(f"a proof at {lie.proof.index} was believed with {what}")


def _another_text(honest: EventProof, random: Random) -> EventProof:
    text = bytes(honest.proof)
    # The line of opaque data is the application's, and vouched for by nobody.
    for _ in range(20):
        at = random.randrange(len(text))
        change = random.choice((text[:at] + text[at + 1 :], _replaced(text, at, random), text[:at]))
        try:
            return replace(honest, proof=InclusionProof.parse(change))
        except TlogError:
            continue
    return honest


def _replaced(text: bytes, at: int, random: Random) -> bytes:
    return text[:at] + random.choice((b"A", b"0", b"1", b"\n", b"/", b"=")) + text[at + 1 :]


def _with(honest: EventProof, **changes: object) -> EventProof:
    return replace(honest, proof=replace(honest.proof, **changes))  # type: ignore[arg-type]


def _changed(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + bytes((content[at] ^ 1 << random.randrange(8),)) + content[at + 1 :]


def _another(number: int, size: int, random: Random) -> int:
    places = (number - 1, number + 1, number ^ 1, random.randrange(size), size)
    return random.choice([each for each in places if each >= 0])


def _other_hashes(hashes: list[bytes], random: Random) -> list[bytes]:
    at = random.randrange(len(hashes) + 1)
    changes = [[*hashes[:at], random.randbytes(32), *hashes[at:]]]
    if hashes:
        at = random.randrange(len(hashes))
        changes += [
            hashes[:at] + hashes[at + 1 :],
            [*hashes[:at], _changed(hashes[at], random), *hashes[at + 1 :]],
            [*hashes[:at], hashes[at], *hashes[at:]],
            [*hashes[:at], hashes[at][:31], *hashes[at + 1 :]],
            hashes[::-1],
        ]
    return random.choice(changes)


def _other_note(size: int, random: Random) -> Note:
    """A checkpoint that is right about another tree, or about another size."""
    other = random.randrange(1, _LEAVES)
    if other == size or random.random() < 0.3:
        return _note(Checkpoint(LOG.key.name, size, random.randbytes(32)), witnesses=random.randrange(2))
    return _note(Checkpoint(LOG.key.name, other, _root(Range(0, other))))


def _forged(note: Note, random: Random) -> Note:
    """A checkpoint with the signatures of another one, or without one of its own."""
    text = Checkpoint(LOG.key.name, random.randrange(1, _LEAVES), random.randbytes(32)).text
    kept = [each for each in note.signatures if random.random() < 0.6]
    return random.choice((Note(text, note.signatures), Note(note.text, tuple(kept[:2]))))


@cache
def _events() -> list[tuple[bytes, bytes, bytes]]:
    """Entries with their events and salts."""
    made = []
    for number in range(_LEAVES):
        event, salt = b"event %d" % number, number.to_bytes(32, "big")
        header = LeafHeader(number.to_bytes(16, "big"), number, b"k" * 16, commit(event, salt))
        made.append((bytes(header) + bytes(60 + len(event)), event, salt))
    return made


@cache
def _levels() -> list[list[bytes]]:
    """The nodes of the whole tree, leaves first."""
    levels = [[leaf_hash(entry) for entry, _, _ in _events()]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return levels


def _root(leaves: Range) -> bytes:
    return fold([_levels()[node.level][node.index] for node in nodes_of(leaves)])


def _proof_of(index: int, size: int) -> EventProof:
    hashes = tuple(_root(each) for each in inclusion_ranges(index, size))
    note = _note(Checkpoint(LOG.key.name, size, _root(Range(0, size))))
    return EventProof(*_events()[index], InclusionProof(index, hashes, note))


@cache
def _note(checkpoint: Checkpoint, witnesses: int = 2) -> Note:
    note = LOG.sign(Note(checkpoint.text, ()))
    for witness in WITNESSES[:witnesses]:
        note = witness.sign(note, 1_700_000_000)
    return note
