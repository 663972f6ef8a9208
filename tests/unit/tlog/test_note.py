"""Signed notes and verifier keys, as C2SP and Go's checksum database write them."""

import pytest

from tests.unit.tlog.keys import LOG, WITNESSES
from tlog.errors import TlogError
from tlog.note import MAX_BYTES, Note, Signature, SignatureType, VerifierKey, decode_base64

NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The key and the note of the documentation of golang.org/x/mod/sumdb/note."""
ANSWER = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
TEXT = "audit.example/log\n1\nZQ==\n"


def test_a_note_of_another_implementation() -> None:
    key = VerifierKey.parse(NEUMANN)
    assert str(key) == NEUMANN
    note = Note.parse(ANSWER)
    assert bytes(note) == ANSWER
    assert note.verify([key]) == {key: None}
    assert note.verify([LOG.key]) == {}
    other = Note(note.text.replace("answer", "problem"), note.signatures)
    with pytest.raises(TlogError):
        other.verify([key])


def test_signatures_of_a_log_and_of_witnesses() -> None:
    note = WITNESSES[0].sign(LOG.sign(Note(TEXT, ())), 1_679_315_147)
    note = Note.parse(bytes(note))
    keys = [LOG.key, *(witness.key for witness in WITNESSES)]
    assert note.verify(keys) == {LOG.key: None, WITNESSES[0].key: 1_679_315_147}
    again = WITNESSES[0].sign(note, 1_679_315_148)
    assert again.verify(keys) == {LOG.key: None, WITNESSES[0].key: 1_679_315_148}


def test_a_cosignature_is_of_its_time() -> None:
    note = WITNESSES[0].sign(Note(TEXT, ()), 7)
    [signature] = note.signatures
    for value in (
        (8).to_bytes(8, "big") + signature.value[8:],
        (2**63).to_bytes(8, "big") + signature.value[8:],
        signature.value[8:],
        signature.value + b"\0",
    ):
        forged = Note(TEXT, (Signature(signature.name, signature.key_id, value),))
        with pytest.raises(TlogError):
            forged.verify([WITNESSES[0].key])


def test_one_key_for_two_purposes_has_two_ids() -> None:
    key = LOG.key
    other = VerifierKey(key.name, SignatureType.COSIGNATURE, key.public_key)
    assert key.key_id != other.key_id
    assert LOG.sign(Note(TEXT, ())).verify([other]) == {}


def test_a_key_signs_once() -> None:
    note = LOG.sign(Note(TEXT, ()))
    twice = Note(TEXT, note.signatures * 2)
    with pytest.raises(TlogError):
        twice.verify([LOG.key])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 name eHh4eHg=",
        b"text\n\n- name eHh4eHg=\n",
        b"text\n\n\xe2\x80\x94 name+ eHh4eHg=\n",
        b"text\n\n\xe2\x80\x94  eHh4eHg=\n",
        b"text\n\n\xe2\x80\x94 name eHh4eA==\n",
        b"text\n\n\xe2\x80\x94 name eHh4eHh=\n",
        b"text\n\n\xe2\x80\x94 name eHh4\neHg=\n",
        b"te\rxt\n\n\xe2\x80\x94 name eHh4eHg=\n",
        b"te\xffxt\n\n\xe2\x80\x94 name eHh4eHg=\n",
        b"text\n\n" + "— name eHh4eHg=\n".encode() * 65,
        b"x" * MAX_BYTES + "\n\n— name eHh4eHg=\n".encode(),
    ],
)
def test_what_is_no_note(content: bytes) -> None:
    with pytest.raises(TlogError):
        Note.parse(content)


def test_an_empty_line_belongs_to_the_text() -> None:
    note = Note.parse("a\n\nb\n\n— name eHh4eHg=\n".encode())
    assert note.text == "a\n\nb\n"


@pytest.mark.parametrize(
    "key",
    [
        *("", "name", "name+c74f20a3", NEUMANN.replace("c74f20a3", "c74f20a4"), NEUMANN.replace("P", "p")),
        *(NEUMANN[:-4], NEUMANN + "+", "PeterNeumann+c74f20a3+AhpcwQ==", " " + NEUMANN),
    ],
)
def test_what_is_no_verifier_key(key: str) -> None:
    with pytest.raises(TlogError):
        VerifierKey.parse(key)


@pytest.mark.parametrize("text", ["A", "AA", "AA=", "AB==", "AA==\n", " AA==", "AA==AA==", "A_8=", "ÄA=="])
def test_base64_has_one_form(text: str) -> None:
    with pytest.raises(TlogError):
        decode_base64(text)
