"""Checkpoints and proofs in one file: who must have signed, and what is proved by them."""

import base64

import pytest

from tests.unit.tlog.keys import LOG, WITNESSES
from tests.unit.tlog.trees import path, tree_hash
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT
from tlog.inclusion import InclusionProof
from tlog.note import Note, SignatureType, VerifierKey

ENTRIES = [b"%d" % number for number in range(20)]
CHECKPOINT = Checkpoint(LOG.key.name, len(ENTRIES), tree_hash(ENTRIES))
KEYS = tuple(witness.key for witness in WITNESSES)
TRUST = Trust(LOG.key, KEYS, quorum=2)


def cosigned(*witnesses: int) -> Note:
    note = LOG.sign(Note(CHECKPOINT.text, ()))
    for number in witnesses:
        note = WITNESSES[number].sign(note, 1_700_000_000)
    return note


def test_a_checkpoint_is_what_the_quorum_has_seen() -> None:
    assert Checkpoint.parse(CHECKPOINT.text) == CHECKPOINT
    for witnesses in ((0, 1), (1, 2), (0, 1, 2)):
        assert TRUST.checkpoint(cosigned(*witnesses)) == CHECKPOINT
    for witnesses in ((), (0,), (2,)):
        with pytest.raises(TlogError):
            TRUST.checkpoint(cosigned(*witnesses))
    unsigned = WITNESSES[1].sign(WITNESSES[0].sign(Note(CHECKPOINT.text, ()), 0), 0)
    with pytest.raises(TlogError):
        TRUST.checkpoint(unsigned)
    assert Trust(LOG.key).checkpoint(cosigned()) == CHECKPOINT


def test_another_logs_checkpoint_is_not_believed() -> None:
    other = Checkpoint("another.example/log", 20, CHECKPOINT.root)
    with pytest.raises(TlogError, match="another log"):
        Trust(LOG.key).checkpoint(LOG.sign(Note(other.text, ())))


def test_a_false_cosignature_spoils_the_note() -> None:
    note = cosigned(0, 1)
    other = WITNESSES[2].sign(Note(Checkpoint(LOG.key.name, 21, bytes(32)).text, ()), 5)
    with pytest.raises(TlogError):
        TRUST.checkpoint(note.signed(*other.signatures))


def test_what_a_quorum_may_be() -> None:
    for witnesses, quorum in ((KEYS, 4), (KEYS, -1), ((), 1), ((KEYS[0], KEYS[0]), 1)):
        with pytest.raises(TlogError):
            Trust(LOG.key, witnesses, quorum)
    renamed = VerifierKey("other.example/w", SignatureType.COSIGNATURE, KEYS[0].public_key)
    with pytest.raises(TlogError, match="one key"):
        Trust(LOG.key, (KEYS[0], renamed), 2)
    itself = VerifierKey("witness.example/x", SignatureType.COSIGNATURE, LOG.key.public_key)
    with pytest.raises(TlogError, match="one key"):
        Trust(LOG.key, (itself,), 1)


@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT.text + "extension\n",
        CHECKPOINT.text[:-1],
        CHECKPOINT.text.replace("\n20\n", "\n020\n"),
        CHECKPOINT.text.replace("\n20\n", "\n-20\n"),
        CHECKPOINT.text.replace("\n20\n", "\n٢٠\n"),
        CHECKPOINT.text.replace("\n20\n", "\n9223372036854775808\n"),
        "\n" + CHECKPOINT.text.split("\n", 1)[1],
        f"log\n20\n{base64.b64encode(bytes(31)).decode()}\n",
        f"log\n0\n{base64.b64encode(bytes(32)).decode()}\n",
        "log\n20\n",
        "",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(TlogError):
        Checkpoint.parse(text)


def test_an_empty_log_has_a_checkpoint() -> None:
    empty = Checkpoint("log", 0, EMPTY_ROOT)
    assert Checkpoint.parse(empty.text) == empty


@pytest.mark.parametrize("extra", [b"", b"salt and more"])
def test_a_proof_in_one_file(extra: bytes) -> None:
    proof = InclusionProof(7, tuple(path(7, ENTRIES)), cosigned(0, 1), extra)
    read = InclusionProof.parse(bytes(proof))
    assert read == proof
    assert read.verify(ENTRIES[7], TRUST) == CHECKPOINT
    for entry in ENTRIES[:7]:
        with pytest.raises(TlogError):
            read.verify(entry, TRUST)
    with pytest.raises(TlogError):
        InclusionProof(8, proof.hashes, proof.checkpoint).verify(ENTRIES[7], TRUST)
    with pytest.raises(TlogError):
        InclusionProof(7, proof.hashes, cosigned(1)).verify(ENTRIES[7], TRUST)


def test_the_form_of_a_proof() -> None:
    proof = InclusionProof(0, (bytes(32),), Note("text\n", cosigned().signatures), b"x")
    lines = bytes(proof).decode().split("\n")
    assert lines[:5] == ["c2sp.org/tlog-proof@v1", "extra eA==", "index 0", f"{'A' * 43}=", ""]
    assert lines[5] == "text"


def changed(old: bytes, new: bytes) -> bytes:
    whole = bytes(InclusionProof(7, tuple(path(7, ENTRIES)), cosigned(0, 1)))
    assert old in whole
    return whole.replace(old, new, 1)


@pytest.mark.parametrize(
    "content",
    [
        changed(b"@v1", b"@v2"),
        changed(b"index 7", b"index 07"),
        changed(b"index 7", b"index -7"),
        changed(b"index 7\n", b""),
        changed(b"index 7", b"extra x\nindex 7"),
        changed(b"index 7\n", b"index 7\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63),
        changed(b"index 7\n", b"index 7\nAAAA\n"),
        changed(b"index 7\n", b"index 7\n\xff\n"),
        changed(b"\n\n", b"\n"),
        b"",
    ],
)
def test_what_is_no_proof(content: bytes) -> None:
    with pytest.raises(TlogError):
        InclusionProof.parse(content)
