"""The ciphertext format: one encoding of everything, and nothing but the original opens."""

import hmac
import json
import re
import struct
from hashlib import sha256
from pathlib import Path

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext, canonical_context
from services.kms.domain.envelope import decrypt, encrypt

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "kms" / "ciphertext-v1.json").read_text())
NAME = "accounts/123456789012/regions/us-east-1/keys/1b9c6ef0-0000-4000-8000-000000000001"
MATERIAL = SecretBytes(bytes(range(32)))
CONTEXT = {"purpose": "test", "tenant": "a"}
TEXT = st.text(max_size=40)
CONTEXTS = st.dictionaries(TEXT, TEXT, max_size=6)


def sealed(plaintext: bytes = b"sixteen byte key", context: dict[str, str] | None = None) -> bytes:
    chosen = CONTEXT if context is None else context
    return encrypt(MATERIAL, NAME, 1, SecretBytes(plaintext), chosen, SystemRandomness())


def opened(blob: bytes, context: dict[str, str] | None = None, material: SecretBytes = MATERIAL) -> bytes:
    chosen = CONTEXT if context is None else context
    return decrypt(material, Ciphertext.parse(blob), chosen).reveal()


def refused(blob: bytes, context: dict[str, str] | None = None, material: SecretBytes = MATERIAL) -> str:
    with pytest.raises(DomainError) as caught:
        opened(blob, context, material)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT
    assert caught.value.__cause__ is None
    return caught.value.message


@given(st.binary(min_size=1, max_size=4096), CONTEXTS)
def test_round_trip(plaintext: bytes, context: dict[str, str]) -> None:
    assert opened(sealed(plaintext, context), context) == plaintext


def test_every_flipped_bit_is_refused_with_the_same_words() -> None:
    blob = sealed()
    messages = set()
    for position in range(len(blob) * 8):
        damaged = bytearray(blob)
        damaged[position // 8] ^= 1 << position % 8
        messages.add(refused(bytes(damaged)))
    assert len(messages) == 1
    assert opened(blob) == b"sixteen byte key"


def test_every_truncation_and_extension_is_refused() -> None:
    blob = sealed()
    for length in range(len(blob)):
        refused(blob[:length])
    refused(blob + b"\0")
    refused(b"\0" + blob)


def test_parts_of_two_ciphertexts_do_not_mix() -> None:
    first, second = sealed(b"one plaintext!"), sealed(b"another plain!")
    assert len(first) == len(second)
    for cut in range(1, len(first)):
        mixed = first[:cut] + second[cut:]
        if mixed not in (first, second):
            refused(mixed)


@given(CONTEXTS, CONTEXTS)
def test_only_the_same_context_opens(context: dict[str, str], other: dict[str, str]) -> None:
    blob = sealed(context=context)
    if context == other:
        assert opened(blob, other)
    else:
        refused(blob, other)


@settings(max_examples=300)
@given(CONTEXTS, CONTEXTS)
def test_contexts_are_equal_exactly_when_their_encodings_are(
    context: dict[str, str], other: dict[str, str]
) -> None:
    assert (canonical_context(context) == canonical_context(other)) == (context == other)


def test_order_of_pairs_does_not_matter_but_their_borders_do() -> None:
    blob = sealed(context={"a": "1", "b": "2"})
    assert opened(blob, {"b": "2", "a": "1"})
    refused(sealed(context={"ab": "c"}), {"a": "bc"})
    refused(sealed(context={"a": "", "b": ""}), {"a": "b"})
    refused(sealed(context={}), {"": ""})


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(blob: bytes) -> None:
    refused(blob)


def test_another_material_does_not_open() -> None:
    refused(sealed(), material=SecretBytes(bytes(32)))


def test_a_context_has_a_bound() -> None:
    with pytest.raises(DomainError) as caught:
        canonical_context({"key": "x" * 8192})
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_FIELD
    assert canonical_context({"key": "x" * (8192 - 4 - 8 - 3)})


def test_no_salt_and_no_iv_comes_twice() -> None:
    headers = [Ciphertext.parse(sealed()).header for _ in range(2_000)]
    assert len({header.salt for header in headers}) == len({header.iv for header in headers}) == 2_000


def by_hand(blob: bytes, material: bytes, context: dict[str, str]) -> bytes:
    """Open a ciphertext as docs/ciphertext-format.md says, with none of the service's code."""
    version, suite, name_length = struct.unpack_from(">BBH", blob)
    assert (version, suite) == (1, 1)
    info = blob[: 8 + name_length]
    salt = blob[len(info) : len(info) + 32]
    iv = blob[len(info) + 32 : len(info) + 44]
    pseudo_random = hmac.digest(salt, material, "sha256")
    key = hmac.digest(pseudo_random, info + b"\x01", sha256)
    associated = blob[: len(info) + 44] + struct.pack(">I", len(context))
    for pair in sorted((name.encode(), value.encode()) for name, value in context.items()):
        for text in pair:
            associated += struct.pack(">I", len(text)) + text
    return AESGCM(key).decrypt(iv, blob[len(info) + 44 :], associated)


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["comment"])
def test_valid_vectors(vector: dict[str, object]) -> None:
    blob, material = bytes.fromhex(vector["ciphertext"]), bytes.fromhex(vector["key_material"])
    plaintext = bytes.fromhex(vector["plaintext"])
    assert opened(blob, vector["encryption_context"], SecretBytes(material)) == plaintext
    assert by_hand(blob, material, vector["encryption_context"]) == plaintext
    header = Ciphertext.parse(blob).header
    assert (header.key_name, header.key_version) == (vector["key_name"], vector["key_version"])
    assert header.encode() == blob[: len(header.encode())]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["comment"])
def test_invalid_vectors(vector: dict[str, object]) -> None:
    material = SecretBytes(bytes.fromhex(vector["key_material"]))
    refused(bytes.fromhex(vector["ciphertext"]), vector["encryption_context"], material)


def test_the_vectors_are_what_the_service_writes() -> None:
    class Recorded:
        """Replays the salt and IV of a vector."""

        def __init__(self, *parts: bytes) -> None:
            self.parts = list(parts)

        def token_bytes(self, count: int) -> bytes:
            part = self.parts.pop(0)
            assert len(part) == count
            return part

    for vector in VECTORS["valid"]:
        blob = encrypt(
            SecretBytes(bytes.fromhex(vector["key_material"])),
            vector["key_name"],
            vector["key_version"],
            SecretBytes(bytes.fromhex(vector["plaintext"])),
            vector["encryption_context"],
            Recorded(bytes.fromhex(vector["salt"]), bytes.fromhex(vector["iv"])),
        )
        assert blob.hex() == vector["ciphertext"]


def test_the_worked_example_of_the_document_is_right() -> None:
    text = (Path(__file__).parents[3] / "docs" / "ciphertext-format.md").read_text()
    example = text.partition("## A worked example")[2].partition("\n## ")[0]
    values = {
        label.strip(): bytes.fromhex(digits)
        for label, digits in re.findall(r"^([A-Za-z][^\n`]*)\n((?:  [0-9a-f]+\n)+)", example, re.MULTILINE)
    }
    assert set(values) == {
        "key material", "ciphertext", "PRK", "derived key", "AAD, after the header", "plaintext"
    }  # fmt: skip
    assert by_hand(values["ciphertext"], values["key material"], {}) == values["plaintext"]
    assert values["plaintext"].decode() in example
    header = Ciphertext.parse(values["ciphertext"]).header
    assert hmac.digest(header.salt, values["key material"], "sha256") == values["PRK"]
    assert hmac.digest(values["PRK"], header.key_part() + b"\x01", "sha256") == values["derived key"]
    assert canonical_context({}) == values["AAD, after the header"]
