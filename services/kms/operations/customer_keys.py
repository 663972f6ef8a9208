"""Customer keys in use: token, policy and key must all permit it."""

from collections.abc import Mapping

from services.chassis.context import CallContext
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.keys import KeyClass, KeyName
from services.kms.errors import invalid_ciphertext, key_not_found
from services.kms.operations.access import Access
from services.kms.operations.keyring import DataKey, Keyring, named_key


class CustomerKeys:
    """Encrypts and decrypts for principals."""

    def __init__(self, keyring: Keyring, access: Access) -> None:
        """Use the keys of `keyring` as `access` permits."""
        self._keyring = keyring
        self._access = access

    async def encrypt(
        self, call: CallContext, name: KeyName, plaintext: SecretBytes, context: Mapping[str, str]
    ) -> bytes:
        """Encrypt under a customer key (kms:Encrypt)."""
        incarnation = await self._admit(call, name, "kms:Encrypt", context)
        return await self._keyring.encrypt(name, incarnation, plaintext, context)

    async def generate_data_key(
        self, call: CallContext, name: KeyName, context: Mapping[str, str]
    ) -> DataKey:
        """Make a data key under a customer key (kms:GenerateDataKey)."""
        incarnation = await self._admit(call, name, "kms:GenerateDataKey", context)
        return await self._keyring.generate_data_key(name, incarnation, context)

    async def decrypt(
        self, call: CallContext, blob: bytes, context: Mapping[str, str], expected: str
    ) -> tuple[KeyName, SecretBytes]:
        """Open a ciphertext (kms:Decrypt) and say which key did.

        `expected`, unless empty, must be that key. Keys of other accounts look like unknown ones.
        """
        ciphertext = Ciphertext.parse(blob)
        name = named_key(ciphertext)
        if not self._access.sees(call, name) or (expected and expected != str(name)):
            raise invalid_ciphertext()
        incarnation = await self._admit(call, name, "kms:Decrypt", context)
        return name, await self._keyring.decrypt(ciphertext, name, incarnation, context)

    async def _admit(self, call: CallContext, name: KeyName, action: str, context: Mapping[str, str]) -> str:
        if name.parent.key_class is not KeyClass.CUSTOMER:
            raise key_not_found(str(name))
        return await self._access.admit_to_key(call, name, action, context)
