"""Users, their access keys and their inline policies, as the caller's own policies allow."""

from collections.abc import Sequence

from services.auth.domain.identity import Entity, EntityKind, Tag, UserDetails
from services.auth.domain.ids import new_user_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import AccessKey, InlinePolicy, KeyStatus, User
from services.auth.domain.tag_rules import check_tags
from services.auth.operations.admission import Admission, Caller
from services.auth.operations.credentials import KeyMaker, NewKey
from services.auth.operations.entities import IdentityAdmission, require_usable
from services.auth.operations.tags import tag_conditions
from services.auth.ports import DirectoryStore, PolicyStore, Revocations
from services.auth.ports_identity import TagStore
from services.chassis.arn import user_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.document import canonical, parse
from services.chassis.randomness import Randomness

_MAX_KEYS = 2
"""Access keys a user may have: one in use and one to rotate to, as at AWS."""

_MAX_USERS = 5_000
"""Users an account may have, as at AWS."""

_MAX_POLICIES = 20
"""Inline policies a user may have. With those of ten groups and ten attached policies each, a lease carries
at most about 900,000 characters."""


class Users:
    """Manages the users of the caller's account."""

    def __init__(
        self,
        store: DirectoryStore,
        details: TagStore,
        admission: Admission,
        identities: IdentityAdmission,
        revocations: Revocations,
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Keep users in `store`; `details` knows what hangs on them."""
        self._store = store
        self._details = details
        self._admission = admission
        self._identities = identities
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def create(
        self, call: CallContext, user_name: str, boundary_arn: str = "", tags: Sequence[Tag] = ()
    ) -> UserDetails:
        """Create a user, on request with boundary and tags (iam:CreateUser, and iam:TagUser for tags)."""
        check_tags(tags)
        boundary = self._identities.reference(boundary_arn, "permissions_boundary") if boundary_arn else None
        entity, carried = Entity(EntityKind.USER, user_name), tag_conditions(tags)
        asked = {**carried, **self._identities.bounds(boundary)}
        caller = await self._identities.admit(call, "iam:CreateUser", entity, asked)
        if tags:
            await self._identities.admit(call, "iam:TagUser", entity, carried)
        if boundary is not None:
            require_usable(caller, boundary)
        user = User(caller.account_id, user_name, new_user_id(self._randomness), self._clock.now())
        epoch = await self._store.create_user(user, _MAX_USERS, boundary, tags)
        await self._revocations.publish(caller.account_id, epoch)
        return UserDetails(user, boundary, tuple(sorted(tags, key=lambda tag: tag.key.lower())))

    async def get(self, call: CallContext, user_name: str) -> UserDetails:
        """Return a user with what hangs on it (iam:GetUser)."""
        caller = await self.admit(call, "iam:GetUser", user_name)
        return await self._details.user_details(caller.account_id, user_name)

    async def list(self, call: CallContext, request: PageRequest) -> Page[User]:
        """List users (iam:ListUsers)."""
        caller = await self._admission.identify(call)
        # AWS checks this action against the path of all users.
        everyone = user_arn(caller.account_id, "", self._partition)
        self._admission.require(caller, "iam:ListUsers", everyone)
        return await self._store.users(caller.account_id, request)

    async def delete(self, call: CallContext, user_name: str) -> None:
        """Delete a user that has neither keys nor policies and is in no group (iam:DeleteUser)."""
        caller = await self.admit(call, "iam:DeleteUser", user_name)
        epoch = await self._store.delete_user(caller.account_id, user_name)
        await self._revocations.publish(caller.account_id, epoch)

    async def admit_bounded(self, call: CallContext, action: str, user_name: str) -> Caller:
        """As `admit`, for an action that changes what the user may do: by its boundary as well."""
        return await self._identities.admit_bounded(call, action, Entity(EntityKind.USER, user_name))

    async def admit(self, call: CallContext, action: str, user_name: str) -> Caller:
        """Admit an action on a user of the caller's own account; no other account can be named."""
        caller = await self._admission.identify(call)
        arn = user_arn(caller.account_id, user_name, self._partition)
        self._admission.require(caller, action, arn)
        return caller


class AccessKeys:
    """Manages the access keys of users."""

    def __init__(self, store: DirectoryStore, users: Users, keys: KeyMaker, revocations: Revocations) -> None:
        """Keep keys in `store`, admit through `users`."""
        self._store = store
        self._users = users
        self._keys = keys
        self._revocations = revocations

    async def create(self, call: CallContext, user_name: str) -> NewKey:
        """Create a key (iam:CreateAccessKey)."""
        caller = await self._users.admit(call, "iam:CreateAccessKey", user_name)
        user = await self._store.user(caller.account_id, user_name)
        new = await self._keys.make(caller.account_id, user)
        epoch = await self._store.create_access_key(new.key, _MAX_KEYS)
        await self._revocations.publish(caller.account_id, epoch)
        return new

    async def list(self, call: CallContext, user_name: str, request: PageRequest) -> Page[AccessKey]:
        """List a user's keys (iam:ListAccessKeys)."""
        caller = await self._users.admit(call, "iam:ListAccessKeys", user_name)
        return await self._store.access_keys(caller.account_id, user_name, request)

    async def update(
        self, call: CallContext, user_name: str, access_key_id: str, status: KeyStatus
    ) -> AccessKey:
        """Activate or deactivate a key (iam:UpdateAccessKey)."""
        caller = await self._users.admit(call, "iam:UpdateAccessKey", user_name)
        key, epoch = await self._store.set_key_status(caller.account_id, user_name, access_key_id, status)
        await self._revocations.publish(caller.account_id, epoch)
        return key

    async def delete(self, call: CallContext, user_name: str, access_key_id: str) -> None:
        """Delete a key (iam:DeleteAccessKey)."""
        caller = await self._users.admit(call, "iam:DeleteAccessKey", user_name)
        epoch = await self._store.delete_access_key(caller.account_id, user_name, access_key_id)
        await self._revocations.publish(caller.account_id, epoch)


class UserPolicies:
    """Manages the inline policies of users."""

    def __init__(self, store: PolicyStore, users: Users, revocations: Revocations, clock: Clock) -> None:
        """Keep policies in `store`, admit through `users`."""
        self._store = store
        self._users = users
        self._revocations = revocations
        self._clock = clock

    async def put(self, call: CallContext, user_name: str, policy_name: str, document: str) -> InlinePolicy:
        """Create or replace a policy (iam:PutUserPolicy). Raises UNSUPPORTED_POLICY."""
        caller = await self._users.admit_bounded(call, "iam:PutUserPolicy", user_name)
        policy = InlinePolicy(
            caller.account_id,
            user_name,
            policy_name,
            document,
            canonical(parse(document)),
            self._clock.now(),
        )
        epoch = await self._store.put_policy(policy, _MAX_POLICIES)
        await self._revocations.publish(caller.account_id, epoch)
        return policy

    async def get(self, call: CallContext, user_name: str, policy_name: str) -> InlinePolicy:
        """Return a policy (iam:GetUserPolicy)."""
        caller = await self._users.admit(call, "iam:GetUserPolicy", user_name)
        return await self._store.policy(caller.account_id, user_name, policy_name)

    async def list(self, call: CallContext, user_name: str, request: PageRequest) -> Page[InlinePolicy]:
        """List a user's policies (iam:ListUserPolicies)."""
        caller = await self._users.admit(call, "iam:ListUserPolicies", user_name)
        return await self._store.policies(caller.account_id, user_name, request)

    async def delete(self, call: CallContext, user_name: str, policy_name: str) -> None:
        """Delete a policy (iam:DeleteUserPolicy)."""
        caller = await self._users.admit_bounded(call, "iam:DeleteUserPolicy", user_name)
        epoch = await self._store.delete_policy(caller.account_id, user_name, policy_name)
        await self._revocations.publish(caller.account_id, epoch)
