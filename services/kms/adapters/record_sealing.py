"""How records and the head of the store are sealed, and the hash over all of them.

Five keys are derived from the store key by HKDF-SHA-256 (RFC 5869; the salt is the store's id):

- *bodies* and *head* encrypt. Neither is ever given to AES-GCM itself: each write draws 16 random bytes and
  encrypts under HKDF-Expand(key, label + these bytes), with a random IV of its own. A key so derived
  encrypts one message, so that none comes near the bounds of NIST SP 800-38D for random IVs (2^32 messages a
  key), however often records are written: after 2^48 writes two of them share a key with probability 2^-33.
- *tags* authenticates: the tag of a record is HMAC-SHA-256 over its id and its sealed body.
- *elements* and *digest* make the hash over all records: the sum of HMAC-SHA-512 over every record's tag,
  modulo 2^512. That is MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend and Suh, "Incremental Multiset
  Hash Functions and Their Application to Memory Integrity Checking" (ASIACRYPT 2003): adding or removing a
  record is one addition, and without the key no other multiset of the same sum can be found. The paper blinds
  the sum with a random term, because whoever sees sums could compute with them; here nobody sees any: the
  head is encrypted, and what leaves the process is an HMAC over it.

A sealed body: version (1 byte, 1), epoch of the change that wrote it (8 bytes, big-endian), 16 bytes for the
key, 12 of IV, AES-256-GCM's ciphertext and tag. Associated data: label, id, epoch. A sealed head: version
(1), 16 bytes for the key, 12 of IV, ciphertext and tag of epoch (8), number of records (8), anchored (1) and
sum (64). Associated data: label and the store's id.
"""

import hmac
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.ports import Anchored, RecordId, StoreAlteredError

TAG_SIZE = 32
MAX_ID_SIZE = 2_560
"""Bytes of an id: PostgreSQL's B-tree holds no entry above a third of an 8 KiB page."""

_KEY_SIZE = 32
_VERSION = b"\x01"
_EPOCH = struct.Struct(">Q")
_HEAD = struct.Struct(">QQ?64s")
_SALT_SIZE = 16
_IV_SIZE = 12
_GCM_TAG_SIZE = 16
MODULUS = 1 << 512
_SUM_SIZE = 64

_BODY_LABEL = b"craton-kms record body v1"
_HEAD_LABEL = b"craton-kms store head v1"


def place_of(record_id: RecordId) -> bytes:
    """Encode an id so that no two have the same encoding. Raises ValueError when it is too long."""
    collection = record_id.collection.encode()
    partition = record_id.partition.encode()
    sort = record_id.sort.encode()
    if len(collection) + len(partition) + len(sort) > MAX_ID_SIZE:
        raise ValueError(f"the id of a record has at most {MAX_ID_SIZE} bytes")
    return b"%b%b%b%b%b%b" % (
        len(collection).to_bytes(2, "big"),
        collection,
        len(partition).to_bytes(2, "big"),
        partition,
        len(sort).to_bytes(2, "big"),
        sort,
    )


@dataclass(frozen=True, slots=True)
class StoreState:
    """What the head says about the whole store."""

    epoch: int
    count: int
    total: int
    """The multiset hash."""
    anchored: bool
    """True once any state of this store was anchored."""


@dataclass(frozen=True, slots=True)
class Head:
    """A state and its sealed form, as it stands in the head row."""

    state: StoreState
    sealed: bytes


class RecordSealer:
    """Seals, opens and authenticates with the keys of one store."""

    def __init__(self, store_key: SecretBytes, store_id: str, randomness: Randomness) -> None:
        """Derive the keys of the store `store_id`."""
        salt = store_id.encode()

        def derived(purpose: bytes) -> SecretBytes:
            derivation = HKDF(SHA256(), _KEY_SIZE, salt, b"craton-kms store " + purpose + b" v1")
            return SecretBytes(derivation.derive(store_key.reveal()))

        self._bodies = derived(b"bodies")
        self._heads = derived(b"head")
        self._tags = derived(b"tags")
        self._elements = derived(b"elements")
        self._digest = derived(b"digest")
        self._store_id = salt
        self._randomness = randomness

    def seal(self, place: bytes, body: bytes, epoch: int) -> bytes:
        """Encrypt a body for its place and the epoch of the change that writes it."""
        written = _EPOCH.pack(epoch)
        return _VERSION + written + self._encrypt(self._bodies, _BODY_LABEL, body, place + written)

    def open(self, place: bytes, sealed: bytes) -> bytes:
        """Decrypt what `seal` made for this place. Raises StoreAlteredError."""
        start = len(_VERSION) + _EPOCH.size
        if sealed[:1] != _VERSION:
            raise StoreAlteredError("a record has an unknown format")
        return _decrypt(self._bodies, _BODY_LABEL, sealed[start:], place + sealed[len(_VERSION) : start])

    def tag(self, place: bytes, sealed: bytes) -> bytes:
        """Return the tag of a record."""
        return hmac.digest(self._tags.reveal(), place + sealed, "sha256")

    def element(self, tag: bytes) -> int:
        """Return what a record adds to the multiset hash."""
        return int.from_bytes(hmac.digest(self._elements.reveal(), tag, "sha512"), "big")

    def replaced(self, total: int, old: bytes | None, new: bytes | None) -> int:
        """Return the multiset hash after the record tagged `old` gave way to the one tagged `new`."""
        if old is not None:
            total -= self.element(old)
        if new is not None:
            total += self.element(new)
        return total % MODULUS

    def seal_head(self, state: StoreState) -> Head:
        """Seal a state. No two results are equal."""
        packed = _HEAD.pack(state.epoch, state.count, state.anchored, state.total.to_bytes(_SUM_SIZE, "big"))
        return Head(state, _VERSION + self._encrypt(self._heads, _HEAD_LABEL, packed, self._store_id))

    def open_head(self, sealed: bytes) -> Head:
        """Open what `seal_head` made for this store. Raises StoreAlteredError."""
        if not sealed:
            raise StoreAlteredError("the store has no head: it was lost or emptied")
        if sealed[:1] != _VERSION:
            raise StoreAlteredError("the store's head has an unknown format")
        packed = _decrypt(self._heads, _HEAD_LABEL, sealed[1:], self._store_id)
        epoch, count, anchored, total = _HEAD.unpack(packed)
        return Head(StoreState(epoch, count, int.from_bytes(total, "big"), anchored), sealed)

    def anchored(self, state: StoreState) -> Anchored:
        """Return what an anchor is given of a state: nothing can be learned or computed from it."""
        content = _HEAD.pack(state.epoch, state.count, False, state.total.to_bytes(_SUM_SIZE, "big"))
        digest = hmac.digest(self._digest.reveal(), self._store_id + content, "sha256")
        return Anchored(state.epoch, digest)

    def _encrypt(self, key: SecretBytes, label: bytes, plaintext: bytes, associated: bytes) -> bytes:
        salt = self._randomness.token_bytes(_SALT_SIZE)
        iv = self._randomness.token_bytes(_IV_SIZE)
        return salt + iv + _cipher(key, label, salt).encrypt(iv, plaintext, label + associated)


def _decrypt(key: SecretBytes, label: bytes, sealed: bytes, associated: bytes) -> bytes:
    start = _SALT_SIZE + _IV_SIZE
    if len(sealed) < start + _GCM_TAG_SIZE:
        raise StoreAlteredError("a sealed text of the store is too short")
    cipher = _cipher(key, label, sealed[:_SALT_SIZE])
    try:
        return cipher.decrypt(sealed[_SALT_SIZE:start], sealed[start:], label + associated)
    except InvalidTag:
        raise StoreAlteredError("a sealed text of the store does not open") from None


def _cipher(key: SecretBytes, label: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(SHA256(), _KEY_SIZE, label + salt).derive(key.reveal()))
