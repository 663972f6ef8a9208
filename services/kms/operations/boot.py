"""Whether custody and store belong together: decided before anything is served."""

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.ports import CustodyError, Installation, Installations, RootCustody

_VERIFIER_SIZE = 32


def open_installation(custody: RootCustody, installations: Installations, randomness: Randomness) -> None:
    """Check that the store hangs on this root key; on the marked first boot, bind it to the key.

    Raises CustodyError. Each step of a first boot may be the last one before a crash: the mark stands
    until the store is bound, and binding a bound store again changes nothing.
    """
    found = installations.load()
    if found is None:
        if not custody.first_boot:
            raise CustodyError(
                "the key store is empty, but the root key has had its first boot: the store was lost or "
                "replaced. Restore it from its backup; a new one would leave every ciphertext undecryptable"
            )
        associated = _associated(custody.store_id)
        verifier = custody.wrap(SecretBytes(randomness.token_bytes(_VERIFIER_SIZE)), associated)
        installations.save(Installation(custody.store_id, verifier))
    else:
        if found.store_id != custody.store_id:
            raise CustodyError("the key store belongs to another root key")
        custody.unwrap(found.verifier, _associated(found.store_id))
    if custody.first_boot:
        custody.complete_first_boot()


def _associated(store_id: str) -> bytes:
    return b"craton-kms store verifier v1|" + store_id.encode()
