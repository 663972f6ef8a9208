"""The end of keys: a waiting period, then deletion for good.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
"""

from dataclasses import replace
from datetime import timedelta

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.names import KeyName, KeyParent
from services.kms.domain.request_facts import RequestFacts
from services.kms.errors import invalid_field, key_not_found, key_state
from services.kms.operations.access import Access
from services.kms.operations.certificates import Certificates
from services.kms.operations.key_admin import update_key
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.keys import Keys, require_managed
from services.kms.ports import KeyRevocations

DEFAULT_DAYS = 30
_MIN_DAYS = 7


class Deletion:
    """Schedules deletions, and calls them off."""

    def __init__(
        self,
        records: KeyRecords,
        access: Access,
        certificates: Certificates,
        revocations: KeyRevocations,
        clock: Clock,
    ) -> None:
        """Delete keys of `records`."""
        self._records = records
        self._keys = Keys(records, access)
        self._access = access
        self._certificates = certificates
        self._revocations = revocations
        self._clock = clock

    async def schedule(self, call: CallContext, name: KeyName, days: int) -> Key:
        """End the use of a key and begin its waiting period (kms:ScheduleKeyDeletion)."""
        days = days or DEFAULT_DAYS
        if not _MIN_DAYS <= days <= DEFAULT_DAYS:
            raise invalid_field("pending_days", f"must be between {_MIN_DAYS} and {DEFAULT_DAYS}")
        key = await self._keys.admit(
            call, str(name), "kms:ScheduleKeyDeletion", RequestFacts(pending_days=days)
        )
        require_managed(key)
        end = self._clock.now() + timedelta(days=days)
        key = await update_key(
            self._records,
            name,
            lambda key: replace(
                key, state=KeyState.PENDING_DELETION, delete_at=end, pending_days=days, rotate_at=None
            ),
        )
        await self._revocations.revoke(name)
        return key

    async def cancel(self, call: CallContext, name: KeyName) -> Key:
        """End the waiting period (kms:CancelKeyDeletion). The key is disabled afterwards."""
        await self._keys.admit(call, str(name), "kms:CancelKeyDeletion")

        def work(change: KeyChange) -> Key:
            key = change.key(name)
            if key is None:
                raise key_not_found(name.displayed)
            if key.state is not KeyState.PENDING_DELETION:
                raise key_state(name.displayed, "not pending deletion")
            has_material = any(each.wrapped for each in change.versions(name))
            new = replace(
                key,
                state=KeyState.DISABLED if has_material else KeyState.PENDING_IMPORT,
                delete_at=None,
                pending_days=0,
            )
            change.put_key(new)
            return new

        return await self._records.change(work)

    async def list(
        self, call: CallContext, parent: KeyParent, page_size: int, page_token: str
    ) -> tuple[Page[bytes], bytes]:
        """Return one page of certificates of deletion (kms:ListKeys), and the key that verifies them."""
        incarnation = await self._access.admit_to_parent(call, parent, "kms:ListKeys")
        page = await self._certificates.list(parent, incarnation, page_size, page_token)
        return page, await self._certificates.public_key()
