"""Asking for purges of accounts, approving them, calling them off."""

from collections.abc import Callable
from dataclasses import dataclass

from services.auth.domain.pages import PageRequest
from services.auth.domain.purges import AccountPurge, Deed, Profile, PurgeState, requested
from services.auth.errors import access_denied, account_not_found
from services.auth.errors.purges import has_principals, management_account, purge_state
from services.auth.operations.credentials import KeyMaker, NewKey
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.purges import PurgeStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.randomness import Randomness, random_uuid


@dataclass(frozen=True, slots=True)
class AccountPurges:
    """For operators, by their certificates. `wake` says that there may be something to do."""

    store: PurgeStore
    directory: DirectoryStore
    keys: KeyMaker
    revocations: Revocations
    profile: Profile
    clock: Clock
    randomness: Randomness
    wake: Callable[[], None]

    async def request(self, call: CallContext, account_id: str, *, keep: bool) -> AccountPurge:
        """Ask for a purge.

        Raises DomainError: RESOURCE_NOT_FOUND, RESOURCE_STATE for the management account, RESOURCE_EXISTS for
        one that has a purge which is open.
        """
        installation = await self.directory.installation()
        if installation is not None and installation.management_account_id == account_id:
            raise management_account()
        account = await self.directory.account(account_id)
        if account.closed and not await self._open(account_id):
            raise account_not_found(account_id)
        purge = requested(
            random_uuid(self.randomness),
            account_id,
            account.incarnation,
            self.profile,
            keep=keep,
            deed=self._deed(call),
        )
        await self.store.add(purge)
        self.wake()
        return purge

    async def approve(self, call: CallContext, purge_id: str) -> AccountPurge:
        """Approve what another operator asked for. Raises DomainError."""
        purge = await self.store.get(purge_id)
        return await self.store.replace(purge.approve(self._deed(call)))

    async def cancel(self, call: CallContext, purge_id: str) -> AccountPurge:
        """Call a purge off. Raises DomainError."""
        _operator(call)
        purge = await self.store.get(purge_id)
        return await self.store.replace(purge.cancel())

    async def get(self, purge_id: str) -> AccountPurge:
        """Return a purge. Raises DomainError(RESOURCE_NOT_FOUND)."""
        return await self.store.get(purge_id)

    async def list(self, account_id: str, request: PageRequest) -> Page[AccountPurge]:
        """List purges, the newest first."""
        return await self.store.list(account_id, request)

    async def create_key(self, call: CallContext, purge_id: str) -> NewKey:
        """Make the first key of an account that begins again without any principal. Raises DomainError."""
        _operator(call)
        purge = await self.store.get(purge_id)
        if purge.state is not PurgeState.DONE:
            raise purge_state(purge_id, purge.state.value, PurgeState.DONE.value)
        if not purge.continues or purge.keep_principals:
            raise has_principals(purge.account_id)
        call.resources.append(f"accounts/{purge.account_id}")
        new = await self.keys.make(purge.account_id, None)
        epoch = await self.store.add_first_key(new.key)
        await self.revocations.publish(purge.account_id, epoch)
        return new

    async def _open(self, account_id: str) -> bool:
        found = await self.store.list(account_id, PageRequest(1, ""))
        return any(each.state in (PurgeState.PURGING, PurgeState.CERTIFYING) for each in found.items)

    def _deed(self, call: CallContext) -> Deed:
        return Deed(_operator(call), self.clock.now(), call.intent_id)


def _operator(call: CallContext) -> str:
    """Return who calls. Callers are listed method by method; this holds whatever that list says."""
    if call.caller is None or call.caller.kind != "operator":
        raise access_denied("Purges of accounts are for operators.")
    return call.caller.path
