"""Managing keys: creating, describing, listing, enabling and disabling. Never any material."""

from services.chassis.context import CallContext
from services.kms.domain.keys import Key, KeyName, KeyParent, KeyState
from services.kms.errors import key_not_found
from services.kms.operations.access import Access
from services.kms.operations.keyring import KeyPage, Keyring


class KeyAdministration:
    """Manages customer keys for principals, and provider keys for providers and operators."""

    def __init__(self, keyring: Keyring, access: Access) -> None:
        """Manage the keys of `keyring` as `access` permits."""
        self._keyring = keyring
        self._access = access

    async def create(self, call: CallContext, parent: KeyParent, description: str, request_id: str) -> Key:
        """Create a key (kms:CreateKey)."""
        incarnation = await self._access.admit_to_parent(call, parent, "kms:CreateKey")
        return await self._keyring.create(parent, incarnation, description, request_id)

    async def get(self, call: CallContext, name: KeyName) -> Key:
        """Return a key's record (kms:DescribeKey)."""
        return await self._admitted(call, name, "kms:DescribeKey")

    async def list(self, call: CallContext, parent: KeyParent, page_size: int, page_token: str) -> KeyPage:
        """Return one page of the keys below a parent (kms:ListKeys)."""
        incarnation = await self._access.admit_to_parent(call, parent, "kms:ListKeys")
        return await self._keyring.list(parent, incarnation, page_size, page_token)

    async def enable(self, call: CallContext, name: KeyName) -> Key:
        """Make a key usable again (kms:EnableKey)."""
        await self._admitted(call, name, "kms:EnableKey")
        return await self._keyring.set_state(name, KeyState.ENABLED)

    async def disable(self, call: CallContext, name: KeyName) -> Key:
        """Refuse every use that begins after this returns (kms:DisableKey)."""
        await self._admitted(call, name, "kms:DisableKey")
        return await self._keyring.set_state(name, KeyState.DISABLED)

    async def _admitted(self, call: CallContext, name: KeyName, action: str) -> Key:
        incarnation = await self._access.admit_to_key(call, name, action)
        key = await self._keyring.get(name)
        if key.incarnation != incarnation:
            raise key_not_found(str(name))
        return key
