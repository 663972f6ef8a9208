"""Data keys from the key service, under this service's own keys: one for each account."""

from services.audit.ports import DataKey
from services.chassis.data_keys.cache import DataKeyCache
from services.chassis.data_keys.service_keys import account_key
from services.chassis.secret import SecretBytes

_PURPOSE = "audit-event"


class KmsKeyService:
    """A KeyService over kms, which keeps opened keys in memory as DataKeyCache permits."""

    def __init__(self, keys: DataKeyCache) -> None:
        """Use `keys`, of this service's own key."""
        self._keys = keys

    async def generate(self, key_id: bytes, account_id: str) -> tuple[SecretBytes, bytes]:
        """Have kms make a key."""
        # An account's key ends with the account; the installation's is the service's own.
        under = account_key(account_id) if account_id else ""
        key = await self._keys.make(_context(key_id, account_id), under)
        return key.plaintext, key.ciphertext

    async def open(self, key: DataKey) -> SecretBytes:
        """Open a key, from memory or by kms."""
        return await self._keys.open(key.wrapped, _context(key.key_id, key.account_id))


def _context(key_id: bytes, account_id: str) -> dict[str, str]:
    # kms treats an absent account and an empty one alike, so the installation is named.
    return {"purpose": _PURPOSE, "account_id": account_id or "installation", "key_id": key_id.hex()}
