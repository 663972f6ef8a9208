"""Users and their access keys, as the caller's own policies allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain.identity import Entity, EntityKind, Tag, UserDetails
from services.auth.domain.ids import new_user_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import AccessKey, KeyStatus, User
from services.auth.domain.tag_rules import check_tags, in_order
from services.auth.operations.credentials import KeyMaker, NewKey
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.identity import TagStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.randomness import Randomness

MAX_KEYS = 2
"""Access keys a user may have: one in use and one to rotate to, as at AWS."""

MAX_USERS = 5_000
"""Users an account may have, as at AWS."""


@dataclass(frozen=True, slots=True)
class Users:
    """Manages the users of the caller's account."""

    store: DirectoryStore
    details: TagStore
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness

    async def create(
        self,
        call: CallContext,
        user_name: str,
        boundary_arn: str = "",
        tags: Sequence[Tag] = (),
        path: str = "",
    ) -> UserDetails:
        """Create a user, on request with boundary and tags (iam:CreateUser, and iam:TagUser for tags)."""
        check_tags(tags)
        boundary = self.admission.reference(boundary_arn, "permissions_boundary") if boundary_arn else None
        entity = Entity(EntityKind.USER, user_name)
        caller = await self.admission.admit_new(call, "iam:CreateUser", entity, path, tags, boundary)
        now = self.clock.now()
        user = User(caller.account_id, user_name, new_user_id(self.randomness), now, path or "/")
        epoch = await self.store.create_user(user, MAX_USERS, boundary, tags)
        await self.revocations.publish(caller.account_id, epoch)
        return UserDetails(user, boundary, in_order(tags))

    async def get(self, call: CallContext, user_name: str) -> UserDetails:
        """Return a user with what hangs on it (iam:GetUser)."""
        caller = await self.admission.admit(call, "iam:GetUser", Entity(EntityKind.USER, user_name))
        return await self.details.user_details(caller.account_id, user_name)

    async def list(self, call: CallContext, request: PageRequest, path_prefix: str = "") -> Page[User]:
        """List users (iam:ListUsers)."""
        caller = await self.admission.admit_listing(call, "iam:ListUsers", EntityKind.USER, path_prefix)
        return await self.store.users(caller.account_id, request, path_prefix)

    async def update(self, call: CallContext, user_name: str, new_name: str, new_path: str) -> User:
        """Rename and move a user; what is empty stays (iam:UpdateUser, on both its ARNs).

        When this returns no enforcement point knows the user by its old ARN.
        """
        entity = Entity(EntityKind.USER, user_name)
        caller = await self.admission.admit_move(call, "iam:UpdateUser", entity, new_name, new_path)
        user, epoch = await self.store.update_user(caller.account_id, user_name, new_name, new_path)
        await self.revocations.publish(caller.account_id, epoch)
        return user

    async def delete(self, call: CallContext, user_name: str) -> None:
        """Delete a user that has neither keys nor policies and is in no group (iam:DeleteUser)."""
        caller = await self.admission.admit(call, "iam:DeleteUser", Entity(EntityKind.USER, user_name))
        epoch = await self.store.delete_user(caller.account_id, user_name)
        await self.revocations.publish(caller.account_id, epoch)


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """Manages the access keys of users."""

    store: DirectoryStore
    admission: IdentityAdmission
    keys: KeyMaker
    revocations: Revocations

    async def create(self, call: CallContext, user_name: str) -> NewKey:
        """Create a key (iam:CreateAccessKey)."""
        caller = await self.admission.admit(call, "iam:CreateAccessKey", Entity(EntityKind.USER, user_name))
        user = await self.store.user(caller.account_id, user_name)
        new = await self.keys.make(caller.account_id, user)
        epoch = await self.store.create_access_key(new.key, MAX_KEYS)
        await self.revocations.publish(caller.account_id, epoch)
        return new

    async def list(self, call: CallContext, user_name: str, request: PageRequest) -> Page[AccessKey]:
        """List a user's keys (iam:ListAccessKeys)."""
        caller = await self.admission.admit(call, "iam:ListAccessKeys", Entity(EntityKind.USER, user_name))
        return await self.store.access_keys(caller.account_id, user_name, request)

    async def update(
        self, call: CallContext, user_name: str, access_key_id: str, status: KeyStatus
    ) -> AccessKey:
        """Activate or deactivate a key (iam:UpdateAccessKey)."""
        caller = await self.admission.admit(call, "iam:UpdateAccessKey", Entity(EntityKind.USER, user_name))
        key, epoch = await self.store.set_key_status(caller.account_id, user_name, access_key_id, status)
        await self.revocations.publish(caller.account_id, epoch)
        return key

    async def delete(self, call: CallContext, user_name: str, access_key_id: str) -> None:
        """Delete a key (iam:DeleteAccessKey)."""
        caller = await self.admission.admit(call, "iam:DeleteAccessKey", Entity(EntityKind.USER, user_name))
        epoch = await self.store.delete_access_key(caller.account_id, user_name, access_key_id)
        await self.revocations.publish(caller.account_id, epoch)
