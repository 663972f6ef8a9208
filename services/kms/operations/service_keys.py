"""Service keys: each of Craton's services uses its own keys, against its certificate alone."""

from collections.abc import Mapping

from services.chassis.identity import WorkloadId
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.names import KeyName
from services.kms.errors import invalid_ciphertext
from services.kms.operations.encryption import named_key
from services.kms.operations.own_keys import OwnKey
from services.kms.operations.workload_keys import WorkloadDataKey, WorkloadKeys

SERVICE_KEY = OwnKey("default", "Service keys are for services: this workload has none.")
"""A service has one to encrypt with, and one more for each account of which it keeps what ends with that."""
_ACCOUNT = "account-"


def account_key_id(account_id: str) -> str:
    """Return the id, below each service, of its key for an account."""
    return f"{_ACCOUNT}{account_id}"


def own_key(account_id: str) -> OwnKey:
    """Return a service's key for an account; the one for everything else when that is empty."""
    return OwnKey(account_key_id(account_id), SERVICE_KEY.refusal) if account_id else SERVICE_KEY


class ServiceKeys:
    """Encrypts for the calling service. The caller never names a key, so it cannot name another's."""

    def __init__(self, keys: WorkloadKeys) -> None:
        """Use these keys."""
        self._keys = keys
        self._known: set[KeyName] = set()

    async def encrypt(
        self, caller: WorkloadId | None, plaintext: SecretBytes, context: Mapping[str, str]
    ) -> bytes:
        """Encrypt under the caller's key."""
        name = await self._ensure(caller)
        return await self._keys.encrypt(name, plaintext, context)

    async def generate_data_key(
        self, caller: WorkloadId | None, context: Mapping[str, str], account_id: str = ""
    ) -> tuple[WorkloadDataKey, KeyName]:
        """Make a data key under the caller's key, for an account or for none; return its key's name, too."""
        if account_id:
            name = own_key(account_id).name(caller)
            # Asked every time: it may have ended with the account.
            await self._keys.ensure(name, f"Service key of {name.parent.owner} for the account {account_id}")
        else:
            name = await self._ensure(caller)
        return await self._keys.generate_data_key(name, context), name

    async def decrypt(
        self, caller: WorkloadId | None, blob: bytes, context: Mapping[str, str]
    ) -> tuple[SecretBytes, KeyName]:
        """Open what was encrypted under a key of the caller's, and return the key's name.

        Raises DomainError(INVALID_CIPHERTEXT).
        """
        own = SERVICE_KEY.name(caller)
        ciphertext = Ciphertext.parse(blob)
        name = named_key(ciphertext)
        if name != own and not (name.parent == own.parent and name.key_id.startswith(_ACCOUNT)):
            raise invalid_ciphertext()
        return await self._keys.decrypt(ciphertext, name, context), name

    async def _ensure(self, caller: WorkloadId | None) -> KeyName:
        name = SERVICE_KEY.name(caller)
        if name not in self._known:
            # Creating is idempotent; remembering only saves a write for every later call.
            await self._keys.ensure(name, f"Service key of {name.parent.owner}")
            self._known.add(name)
        return name
