"""Decrypts a ciphertext of kms from its custody file and its database, as docs/key-hierarchy.md says.

It needs nothing of Craton, only Python and the package `cryptography`, and shows every key on the way:

    python decrypt_by_hand.py root.key kms.sqlite CIPHERTEXT_IN_BASE64 [NAME=VALUE …]

The names and values are the encryption context. It reads development custody (kind "file"). It does not look
whether the database is the newest one: that is what kms has an anchor for.
"""

import base64
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

Unwrap = Callable[[str, int, bytes, bytes, bytes, bytes], bytes]
"""What custody does: from kind, generation, key id, IV, ciphertext and tag, associated data to plaintext."""

STEPS: list[tuple[str, str]] = []
"""What was found on the way, for the reader."""


def shown(what: str, value: bytes) -> bytes:
    """Note a value."""
    STEPS.append((what, value.hex()))
    return value


def require(condition: bool, otherwise: str) -> None:
    """Raise ValueError unless something is as it must be."""
    if not condition:
        raise ValueError(otherwise)


def prefixed(*parts: bytes) -> bytes:
    """Join byte strings, each behind its length in two bytes."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


# 1. Custody: what hangs on the root key and on the shred key.


def custody_file(path: Path) -> tuple[str, Unwrap]:
    """Read development custody: the store's id, and what its keys open."""
    magic, store, *lines = path.read_text().splitlines()
    require(magic == "craton-kms-custody-v2", "not a custody file of kind file")
    keys = {}
    for line in lines:
        kind, generation, key_id, key = line.split(" ")
        keys[kind, int(generation), bytes.fromhex(key_id)] = bytes.fromhex(key)

    def unwrap(kind: str, generation: int, key_id: bytes, iv: bytes, sealed: bytes, bound: bytes) -> bytes:
        key = shown(f"{kind} key, generation {generation}", keys[kind, generation, key_id])
        return AESGCM(key).decrypt(iv, sealed, bound)

    return store.removeprefix("store "), unwrap


def opened_by_custody(unwrap: Unwrap, store_id: str, wrapped: bytes, associated: bytes) -> bytes:
    """Open what custody wrapped."""
    require(wrapped[0] == 2, "wrapped by custody in another format")
    kind = {1: "root", 2: "shred"}[wrapped[1]]
    generation, key_id = int.from_bytes(wrapped[2:6], "big"), wrapped[6:22]
    bound = wrapped[:22] + store_id.encode() + associated
    return unwrap(kind, generation, key_id, wrapped[22:34], wrapped[34:], bound)


# 2. The store: its key, and the records that the key opens.


def store_key(database: sqlite3.Connection, unwrap: Unwrap, store_id: str) -> bytes:
    """Open the store key."""
    stored_id, wrapped = database.execute("SELECT store_id, store_key FROM installation").fetchone()
    require(stored_id == store_id, "database and custody are of two stores")
    label = b"craton-kms store key v1|" + store_id.encode()
    return shown("store key", opened_by_custody(unwrap, store_id, wrapped, label))


def record(database: sqlite3.Connection, bodies: bytes, *place: str) -> Any:
    """Read a record: a JSON document."""
    names = tuple(part.encode() for part in place)
    query = "SELECT body FROM records WHERE collection = ? AND partition = ? AND sort = ?"
    row = database.execute(query, names).fetchone()
    if row is None:
        raise LookupError(f"there is no record {place}")
    body = row[0]
    require(body[0] == 1, "a record of another format")
    epoch, salt, iv, sealed = body[1:9], body[9:25], body[25:37], body[37:]
    label = b"craton-kms record body v1"
    key = HKDFExpand(SHA256(), 32, label + salt).derive(bodies)
    return json.loads(AESGCM(key).decrypt(iv, sealed, label + prefixed(*names) + epoch))


# 3. From the page's key to the key's material.


def page_key(database: sqlite3.Connection, bodies: bytes, unwrap: Unwrap, store_id: str, page: int) -> bytes:
    """Open the key of a page."""
    wrapped = base64.b64decode(record(database, bodies, "pages", "pages", f"{page:08d}")["wrapped"])
    label = b"craton-kms page v1" + page.to_bytes(4, "big")
    return shown(f"key of page {page}", opened_by_custody(unwrap, store_id, wrapped, label))


def key_material(page: bytes, wrapped: bytes, key: Any, version: int) -> bytes:
    """Open a version's material."""
    require(wrapped[0] == 1, "material of another format")
    salt, iv, sealed = wrapped[1:33], wrapped[33:45], wrapped[45:]
    wrapping = HKDF(SHA256(), 32, salt, b"craton-kms key material under a page v1").derive(page)
    names = (key["name"].encode(), key["incarnation"].encode(), key["spec"].encode())
    bound = prefixed(b"craton-kms key material v2", *names) + version.to_bytes(4, "big")
    return shown("key material", AESGCM(wrapping).decrypt(iv, sealed, bound))


# 4. The ciphertext: docs/ciphertext-format.md.


def named_in(ciphertext: bytes) -> tuple[str, int]:
    """Return the name of the key and the version that a ciphertext names."""
    require(ciphertext[:2] == b"\x01\x01", "a ciphertext of another format")
    end = 4 + int.from_bytes(ciphertext[2:4], "big")
    return ciphertext[4:end].decode("ascii"), int.from_bytes(ciphertext[end : end + 4], "big")


def opened(ciphertext: bytes, material: bytes, context: dict[str, str]) -> bytes:
    """Open a ciphertext with the material of the version that it names."""
    end = 8 + int.from_bytes(ciphertext[2:4], "big")
    key_part, salt, iv = ciphertext[:end], ciphertext[end : end + 32], ciphertext[end + 32 : end + 44]
    derived = shown("derived key", HKDF(SHA256(), 32, salt, key_part).derive(material))
    pairs = sorted((name.encode(), value.encode()) for name, value in context.items())
    canonical = len(pairs).to_bytes(4, "big")
    for text in (text for pair in pairs for text in pair):
        canonical += len(text).to_bytes(4, "big") + text
    shown("encryption context", canonical)
    return AESGCM(derived).decrypt(iv, ciphertext[end + 44 :], ciphertext[: end + 44] + canonical)


def decrypt(
    unwrap: Unwrap, store_id: str, database: sqlite3.Connection, ciphertext: bytes, context: dict[str, str]
) -> bytes:
    """Go the whole way. Raises InvalidTag, KeyError or LookupError when something is missing or changed."""
    bodies = HKDF(SHA256(), 32, store_id.encode(), b"craton-kms store bodies v1").derive(
        store_key(database, unwrap, store_id)
    )
    shown("key of the records' bodies", bodies)
    name, number = named_in(ciphertext)
    parent, key_id = name.rsplit("/keys/")
    key = record(database, bodies, "keys", parent, key_id)
    version = record(database, bodies, "versions", name, f"{number:08d}")
    page = page_key(database, bodies, unwrap, store_id, key["page"])
    material = key_material(page, base64.b64decode(version["wrapped"]), key, number)
    return opened(ciphertext, material, context)


def main() -> None:
    """Decrypt what the command line names, and show how."""
    custody, path, ciphertext, *pairs = sys.argv[1:]
    store_id, unwrap = custody_file(Path(custody))
    with sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True) as database:
        context = dict(pair.split("=", 1) for pair in pairs)
        plaintext = decrypt(unwrap, store_id, database, base64.b64decode(ciphertext), context)
    shown("plaintext", plaintext)
    for what, value in STEPS:
        print(f"{what}\n  {value}")


if __name__ == "__main__":
    main()
