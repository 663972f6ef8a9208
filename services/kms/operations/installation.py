"""Whether custody and store belong together, and the store's key, which hangs on the root key."""

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.ports import CustodyError, Installation, Installations, RootCustody, WrapKind

STORE_KEY_SIZE = 32
"""Bytes of the store's key: a key's worth of entropy for HKDF."""


def open_installation(
    custody: RootCustody, installations: Installations, randomness: Randomness
) -> SecretBytes:
    """Return the store's key; on the marked first boot, make it and bind the empty store to custody.

    Raises CustodyError. Each step of a first boot and of a root change may be the last one before a crash:
    the mark stands until the store was opened, a bound store is not bound again, and a root change that was
    begun is brought to its end here.
    """
    found = installations.load()
    if found is None:
        if not custody.first_boot:
            raise CustodyError(
                "the key store is empty, but the root key has had its first boot: the store was lost or "
                "replaced. Restore it from its backup; a new one would leave every ciphertext undecryptable"
            )
        store_key = SecretBytes(randomness.token_bytes(STORE_KEY_SIZE))
        newest = custody.generations(WrapKind.ROOT)[-1]
        installations.save(_wrapped(custody, newest, store_key))
    else:
        store_key = _unwrapped(custody, found)
        _finish_root_change(custody, installations, found.root_generation, store_key)
    return store_key


def change_root(custody: RootCustody, installations: Installations) -> int:
    """Make a new root key, wrap the store's key under it, destroy the old one. Returns its generation.

    Raises CustodyError. Whenever it ends early, `open_installation` or the next change finishes it.
    """
    found = installations.load()
    if found is None:
        raise CustodyError("the key store was never bound to a root key: start kms before changing it")
    store_key = _unwrapped(custody, found)
    custody.add_generation(WrapKind.ROOT)
    return _finish_root_change(custody, installations, found.root_generation, store_key)


def _finish_root_change(
    custody: RootCustody, installations: Installations, bound_to: int, store_key: SecretBytes
) -> int:
    newest = custody.generations(WrapKind.ROOT)[-1]
    if bound_to != newest:
        installations.save(_wrapped(custody, newest, store_key))
    custody.destroy_before(WrapKind.ROOT, newest)
    return newest


def _wrapped(custody: RootCustody, generation: int, store_key: SecretBytes) -> Installation:
    store_id = custody.store_id
    wrapped = custody.wrap(WrapKind.ROOT, generation, store_key, _associated(store_id))
    return Installation(store_id, generation, wrapped)


def _unwrapped(custody: RootCustody, found: Installation) -> SecretBytes:
    if found.store_id != custody.store_id:
        raise CustodyError("the key store belongs to another root key")
    return custody.unwrap(WrapKind.ROOT, found.root_generation, found.store_key, _associated(found.store_id))


def _associated(store_id: str) -> bytes:
    return b"craton-kms store key v1|" + store_id.encode()
