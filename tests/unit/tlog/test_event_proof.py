"""An event with all that proves it, in one file: nothing of it can be changed."""

import base64
import json

import pytest

from tests.unit.tlog.json_files import read_differently
from tests.unit.tlog.keys import LOG, Signer
from tests.unit.tlog.trees import path, tree_hash
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.inclusion import InclusionProof
from tlog.leaf import LeafHeader, commit
from tlog.note import Note, SignatureType

EVENT, SALT = b"what happened", b"s" * 32
HEADER = LeafHeader(b"e" * 16, 7, b"k" * 16, commit(EVENT, SALT))
ENTRY = bytes(HEADER) + bytes(12 + 32 + len(EVENT) + 16)
ENTRIES = [b"another", ENTRY, b"a third"]
CHECKPOINT = Checkpoint(LOG.key.name, 3, tree_hash(ENTRIES))
PROOF = EventProof(
    ENTRY, EVENT, SALT, InclusionProof(1, tuple(path(1, ENTRIES)), LOG.sign(Note(CHECKPOINT.text, ())))
)
TRUST = Trust(LOG.key)


def test_a_file_is_read_again_and_verified() -> None:
    read = EventProof.parse(bytes(PROOF))
    assert read == PROOF
    proved = read.verify(TRUST)
    assert (proved.header, proved.checkpoint, proved.index) == (HEADER, CHECKPOINT, 1)


def test_another_logs_key_verifies_nothing() -> None:
    with pytest.raises(TlogError):
        PROOF.verify(Trust(Signer(LOG.key.name + "2", SignatureType.NOTE).key))


def test_every_changed_byte_is_refused() -> None:
    members = json.loads(bytes(PROOF))
    for name in ("entry", "event", "salt"):
        content = base64.b64decode(members[name])
        # Sealed bytes are proved as well, although only the service can open them.
        for at in range(len(content)):
            changed = base64.b64encode(content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]).decode()
            with pytest.raises(TlogError):
                EventProof.parse(json.dumps({**members, name: changed}).encode()).verify(TRUST)
    text = members["proof"]
    for at, character in enumerate(text):
        changed = text[:at] + ("A" if character != "A" else "B") + text[at + 1 :]
        with pytest.raises(TlogError):
            EventProof.parse(json.dumps({**members, "proof": changed}).encode()).verify(TRUST)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b" " * 2_000_000,
        bytes(PROOF).replace(b'"salt"', b'"pepper"'),
        bytes(PROOF).replace(b"}", b', "more": ""}'),
        json.dumps({"entry": "", "event": "", "salt": "", "proof": ""}).encode(),
        json.dumps({"entry": 1, "event": "", "salt": "", "proof": ""}).encode(),
        b"\xff\xfe",
    ],
)
def test_what_is_no_file(content: bytes) -> None:
    with pytest.raises(TlogError):
        EventProof.parse(content)


@pytest.mark.parametrize("content", read_differently(bytes(PROOF)))
def test_what_other_readers_would_read_differently_is_no_file(content: bytes) -> None:
    with pytest.raises(TlogError):
        EventProof.parse(content)
