"""Accounts: bootstrapping the first one, creating others, and the way back in by root."""

from dataclasses import dataclass

from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.ids import (
    ADMINISTRATOR_POLICY,
    ADMINISTRATOR_POLICY_NAME,
    new_account_id,
    new_incarnation,
    new_organization_id,
    new_user_id,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, Installation, User
from services.auth.errors import access_denied, already_bootstrapped
from services.auth.operations.admission import Admission
from services.auth.operations.credentials import KeyMaker, NewKey
from services.auth.operations.users import MAX_KEYS
from services.auth.ports.directory import BootstrapToken, DirectoryStore
from services.auth.ports.revocation import Revocations
from services.chassis.arn import root_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.pages import Page
from services.chassis.policy.document import canonical, parse
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A created account, with its administrator's key when one was asked for."""

    account: Account
    administrator: NewKey | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """Manages accounts for principals of the management account."""

    store: DirectoryStore
    admission: Admission
    keys: KeyMaker
    revocations: Revocations
    bootstrap_token: BootstrapToken
    clock: Clock
    randomness: Randomness
    partition: str

    async def bootstrap(
        self, token: SecretBytes, account_id: str, display_name: str, user_name: str
    ) -> NewAccount:
        """Create the first account, once in the life of the installation.

        Raises DomainError: ALREADY_BOOTSTRAPPED, ACCESS_DENIED for a wrong token.
        """
        if await self.store.installation() is not None:
            raise already_bootstrapped()
        expected = self.bootstrap_token.read()
        if expected is None or not expected.equals(token):
            raise access_denied("The bootstrap token is not valid.")
        account = self._new_account(account_id, display_name)
        user, policy, key = await self._administrator(account, user_name)
        installation = Installation(account_id, new_organization_id(self.randomness))
        await self.store.bootstrap(installation, account, user, policy, key.key)
        self.bootstrap_token.destroy()
        return NewAccount(account, key)

    async def create(
        self,
        call: CallContext,
        account_id: str,
        display_name: str,
        administrator_name: str,
        request_id: str,
    ) -> NewAccount:
        """Create an account (organizations:CreateAccount). A repeated request id returns the first answer."""
        caller = await self.admission.authorize_management(call, "organizations:CreateAccount", "*")
        request_key = f"{caller.claims.principal_id}:{request_id}" if request_id else None
        repeated = await self._answered(request_key)
        if repeated is not None:
            return repeated
        account = self._new_account(account_id or new_account_id(self.randomness), display_name)
        if not account_id:
            call.resources.append(self._arn(account.account_id))
        administrator = None
        if administrator_name:
            administrator = await self._administrator(account, administrator_name)
        stored = None if administrator is None else (administrator[0], administrator[1], administrator[2].key)
        try:
            await self.store.create_account(account, request_key, stored)
        except DomainError:
            # The same request may have come twice at once: then the faster one's answer is the answer.
            repeated = await self._answered(request_key)
            if repeated is None:
                raise
            return repeated
        return NewAccount(account, None if administrator is None else administrator[2])

    async def _answered(self, request_key: str | None) -> NewAccount | None:
        earlier = None if request_key is None else await self.store.account_of_request(request_key)
        if earlier is None:
            return None
        account, key = earlier
        return NewAccount(account, None if key is None else await self.keys.open(key))

    async def get(self, call: CallContext, account_id: str) -> Account:
        """Return an account (organizations:DescribeAccount)."""
        await self.admission.authorize_management(
            call, "organizations:DescribeAccount", self._arn(account_id)
        )
        return await self.store.account(account_id)

    async def list(self, call: CallContext, request: PageRequest) -> Page[Account]:
        """List accounts (organizations:ListAccounts)."""
        await self.admission.authorize_management(call, "organizations:ListAccounts", "*")
        return await self.store.accounts(request)

    async def create_root_key(self, call: CallContext, account_id: str) -> NewKey:
        """Create a key of an account's root user (iam:CreateAccessKey on its ARN)."""
        await self.admission.authorize_management(call, "iam:CreateAccessKey", self._arn(account_id))
        await self.store.account(account_id)
        new = await self.keys.make(account_id, None)
        epoch = await self.store.create_access_key(new.key, MAX_KEYS)
        await self.revocations.publish(account_id, epoch)
        return new

    async def delete_root_key(self, call: CallContext, account_id: str, access_key_id: str) -> None:
        """Delete a key of an account's root user (iam:DeleteAccessKey on its ARN)."""
        await self.admission.authorize_management(call, "iam:DeleteAccessKey", self._arn(account_id))
        epoch = await self.store.delete_access_key(account_id, None, access_key_id)
        await self.revocations.publish(account_id, epoch)

    def _arn(self, account_id: str) -> str:
        return root_arn(account_id, self.partition)

    def _new_account(self, account_id: str, display_name: str) -> Account:
        return Account(account_id, new_incarnation(self.randomness), display_name, self.clock.now())

    async def _administrator(self, account: Account, name: str) -> tuple[User, InlinePolicy, NewKey]:
        now = self.clock.now()
        user = User(account.account_id, name, new_user_id(self.randomness), now)
        policy = InlinePolicy(
            account.account_id,
            Entity(EntityKind.USER, name),
            ADMINISTRATOR_POLICY_NAME,
            ADMINISTRATOR_POLICY,
            canonical(parse(ADMINISTRATOR_POLICY)),
            now,
        )
        return user, policy, await self.keys.make(account.account_id, user)
