"""Every way to take access away: who holds it, what takes it away, and what gives it back.

Each kind has principals of its own, whose access hangs on what is taken away and on nothing else.
"""

import json
from datetime import UTC, datetime
from typing import ClassVar

from tests.load.revocation.administration import Account, Organization
from tests.load.revocation.principals import Key, Principal
from tests.load.revocation.ways import MODEL


def document(effect: str, action: str | list[str] = "*", **more: object) -> str:
    """Return a policy of one statement about all resources."""
    statement = {"Effect": effect, "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


ALLOW = document("Allow", ["bedrock:*", "kms:*"])
DENY = document("Deny")
ELSEWHERE = document("Allow", "s3:*")
"""Allows, but nothing that these principals do."""


class Kind:
    """One principal, and one way to revoke it."""

    name: ClassVar[str]
    _inline = True
    """Whether the user may call by an inline policy of its own."""

    def __init__(self, account: Account) -> None:
        """Nothing is made yet."""
        self._iam = account
        self._who = self.name
        self.principal: Principal

    async def prepare(self) -> None:
        """Make the principal, and give it what it needs."""
        await self._iam("CreateUser", user_name=self._who)
        if self._inline:
            await self._iam("PutUserPolicy", user_name=self._who, policy_name="may", document=ALLOW)
        self._new(await self._key())

    async def ready(self) -> None:
        """Be able to revoke without asking anybody but auth: kms may stand still."""
        await self._iam.renew()

    async def revoke(self) -> None:
        """Take it away, by one operation."""
        raise NotImplementedError

    async def afterwards(self) -> None:
        """Do what must not give it back."""

    async def restore(self) -> None:
        """Give it back."""
        raise NotImplementedError

    async def _key(self) -> Key:
        made = await self._iam("CreateAccessKey", user_name=self._who)
        return Key(made.access_key.access_key_id, made.secret_access_key)

    def _new(self, key: Key) -> None:
        name = f"{self._iam.account_id}/{self.name}"
        self.principal = Principal(name, self._iam.account_id, key, self._iam.ciphertext)

    def _renew(self, key: Key) -> None:
        """Let the same principal call with another key."""
        self.principal.key = key
        self.principal.tokens = {}


class KeyDeactivated(Kind):
    """UpdateAccessKey, to inactive."""

    name = "key-deactivated"

    async def revoke(self) -> None:
        await self._status("ACCESS_KEY_STATUS_INACTIVE")

    async def restore(self) -> None:
        await self._status("ACCESS_KEY_STATUS_ACTIVE")

    async def _status(self, status: str) -> None:
        key_id = self.principal.key.access_key_id
        await self._iam("UpdateAccessKey", user_name=self._who, access_key_id=key_id, status=status)


class KeyDeleted(Kind):
    """DeleteAccessKey."""

    name = "key-deleted"

    async def revoke(self) -> None:
        await self._iam(
            "DeleteAccessKey", user_name=self._who, access_key_id=self.principal.key.access_key_id
        )

    async def restore(self) -> None:
        self._renew(await self._key())


class SessionOfKey(KeyDeleted):
    """Temporary credentials end with the access key that asked for them."""

    name = "session-of-key"

    async def prepare(self) -> None:
        await super().prepare()
        await self._new_session(self.principal.key)

    async def revoke(self) -> None:
        await self._iam("DeleteAccessKey", user_name=self._who, access_key_id=self._own.access_key_id)

    async def restore(self) -> None:
        await self._new_session(await self._key())

    async def _new_session(self, key: Key) -> None:
        self._own = key
        self._renew(await self._iam.session(key))


class PolicyDeleted(Kind):
    """DeleteUserPolicy."""

    name = "policy-deleted"

    async def revoke(self) -> None:
        await self._iam("DeleteUserPolicy", user_name=self._who, policy_name="may")

    async def restore(self) -> None:
        await self._iam("PutUserPolicy", user_name=self._who, policy_name="may", document=ALLOW)


class UsersSession(PolicyDeleted):
    """DeleteUserPolicy, under temporary credentials of the user, which have the rights of the user."""

    name = "users-session"

    async def prepare(self) -> None:
        await super().prepare()
        self._renew(await self._iam.session(self.principal.key))


class PolicyReplaced(PolicyDeleted):
    """PutUserPolicy, with a document that allows something else."""

    name = "policy-replaced"

    async def revoke(self) -> None:
        await self._iam("PutUserPolicy", user_name=self._who, policy_name="may", document=ELSEWHERE)


class DenyPut(Kind):
    """PutUserPolicy, with a Deny beside what allows."""

    name = "deny-put"

    async def revoke(self) -> None:
        await self._iam("PutUserPolicy", user_name=self._who, policy_name="not", document=DENY)

    async def restore(self) -> None:
        await self._iam("DeleteUserPolicy", user_name=self._who, policy_name="not")


class DenyAttached(Kind):
    """AttachUserPolicy, of a managed Deny."""

    name = "deny-attached"

    async def revoke(self) -> None:
        await self._iam("AttachUserPolicy", user_name=self._who, policy_arn=self._iam.deny)

    async def restore(self) -> None:
        await self._iam("DetachUserPolicy", user_name=self._who, policy_arn=self._iam.deny)


class PolicyDetached(Kind):
    """DetachUserPolicy."""

    name = "policy-detached"
    _inline = False

    async def prepare(self) -> None:
        await super().prepare()
        await self.restore()

    async def revoke(self) -> None:
        await self._iam("DetachUserPolicy", user_name=self._who, policy_arn=self._iam.allow)

    async def restore(self) -> None:
        await self._iam("AttachUserPolicy", user_name=self._who, policy_arn=self._iam.allow)


class VersionChanged(Kind):
    """SetDefaultPolicyVersion, to one that allows something else."""

    name = "version-changed"
    _inline = False

    async def prepare(self) -> None:
        await super().prepare()
        made = await self._iam("CreatePolicy", policy_name=self.name, document=ALLOW)
        self._arn = made.policy.arn
        await self._iam("CreatePolicyVersion", policy_arn=self._arn, document=ELSEWHERE)
        await self._iam("AttachUserPolicy", user_name=self._who, policy_arn=self._arn)

    async def revoke(self) -> None:
        await self._iam("SetDefaultPolicyVersion", policy_arn=self._arn, version_id="v2")

    async def restore(self) -> None:
        await self._iam("SetDefaultPolicyVersion", policy_arn=self._arn, version_id="v1")


class GroupLeft(Kind):
    """RemoveUserFromGroup."""

    name = "group-left"
    _inline = False

    async def prepare(self) -> None:
        await super().prepare()
        await self._iam("CreateGroup", group_name=self.name)
        await self._iam("PutGroupPolicy", group_name=self.name, policy_name="may", document=ALLOW)
        await self._iam("AddUserToGroup", group_name=self.name, user_name=self._who)

    async def revoke(self) -> None:
        await self._iam("RemoveUserFromGroup", group_name=self.name, user_name=self._who)

    async def restore(self) -> None:
        await self._iam("AddUserToGroup", group_name=self.name, user_name=self._who)


class GroupPolicyDeleted(GroupLeft):
    """DeleteGroupPolicy."""

    name = "group-policy-deleted"

    async def revoke(self) -> None:
        await self._iam("DeleteGroupPolicy", group_name=self.name, policy_name="may")

    async def restore(self) -> None:
        await self._iam("PutGroupPolicy", group_name=self.name, policy_name="may", document=ALLOW)


class Boundary(Kind):
    """PutUserPermissionsBoundary."""

    name = "boundary"

    async def revoke(self) -> None:
        await self._iam(
            "PutUserPermissionsBoundary", user_name=self._who, permissions_boundary=self._iam.elsewhere
        )

    async def restore(self) -> None:
        await self._iam("DeleteUserPermissionsBoundary", user_name=self._who)


class RolePolicyDeleted(Kind):
    """DeleteRolePolicy, under a session of the role."""

    name = "role-policy-deleted"

    async def prepare(self) -> None:
        await self._make_role()
        self._new(await self._iam.assume(self.name))

    async def revoke(self) -> None:
        await self._iam("DeleteRolePolicy", role_name=self.name, policy_name="may")

    async def restore(self) -> None:
        await self._iam("PutRolePolicy", role_name=self.name, policy_name="may", document=ALLOW)

    async def _make_role(self) -> None:
        trust = {"Effect": "Allow", "Principal": {"AWS": self._iam.account_id}, "Action": "sts:AssumeRole"}
        text = json.dumps({"Version": "2012-10-17", "Statement": trust})
        await self._iam("CreateRole", role_name=self.name, assume_role_policy_document=text)
        await self._iam("PutRolePolicy", role_name=self.name, policy_name="may", document=ALLOW)


class RoleBoundary(RolePolicyDeleted):
    """PutRolePermissionsBoundary."""

    name = "role-boundary"

    async def revoke(self) -> None:
        await self._iam(
            "PutRolePermissionsBoundary", role_name=self.name, permissions_boundary=self._iam.elsewhere
        )

    async def restore(self) -> None:
        await self._iam("DeleteRolePermissionsBoundary", role_name=self.name)


class SessionsRevoked(RolePolicyDeleted):
    """What "revoke active sessions" does at AWS: a Deny of all tokens that were issued before now.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
    """

    name = "sessions-revoked"

    async def revoke(self) -> None:
        before = {"DateLessThan": {"aws:TokenIssueTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}}
        await self._iam(
            "PutRolePolicy",
            role_name=self.name,
            policy_name="AWSRevokeOlderSessions",
            document=document("Deny", Condition=before),
        )

    async def restore(self) -> None:
        await self._iam("DeleteRolePolicy", role_name=self.name, policy_name="AWSRevokeOlderSessions")


class RoleDeleted(RolePolicyDeleted):
    """The policy and then the role are deleted; a new role under the old name is somebody else."""

    name = "role-deleted"

    async def afterwards(self) -> None:
        await self._iam("DeleteRole", role_name=self.name)
        await self._make_role()

    async def restore(self) -> None:
        self._renew(await self._iam.assume(self.name))


class AgreementEnded(Kind):
    """DeleteFoundationModelAgreement: the account may describe the model, and not invoke it."""

    name = "agreement-ended"

    async def prepare(self) -> None:
        await super().prepare()
        self.principal.ways = ("invoke",)

    async def revoke(self) -> None:
        await self._iam("DeleteFoundationModelAgreement", model_id=MODEL)

    async def restore(self) -> None:
        await self._iam.accept(MODEL)


class ControlDetached(Kind):
    """DetachPolicy, of the service control policy that allowed everything."""

    name = "control-detached"
    _full = "p-FullAWSAccess"

    def __init__(self, account: Account, organization: Organization) -> None:
        """Change what is attached to the account."""
        super().__init__(account)
        self._organization = organization

    async def ready(self) -> None:
        await self._organization.renew()

    async def prepare(self) -> None:
        await super().prepare()
        # No account is without a policy.
        await self._organization.attach(self._organization.elsewhere, self._iam.account_id)

    async def revoke(self) -> None:
        await self._organization.detach(self._full, self._iam.account_id)

    async def restore(self) -> None:
        await self._organization.attach(self._full, self._iam.account_id)


class ControlAttached(ControlDetached):
    """AttachPolicy, of a service control policy that denies."""

    name = "control-attached"

    async def revoke(self) -> None:
        await self._organization.attach(self._organization.deny, self._iam.account_id)

    async def restore(self) -> None:
        await self._organization.detach(self._organization.deny, self._iam.account_id)


class AccountMoved(ControlDetached):
    """MoveAccount, below a unit whose policy denies."""

    name = "account-moved"

    async def revoke(self) -> None:
        await self._organization.move(self._iam.account_id, closed=True)

    async def restore(self) -> None:
        await self._organization.move(self._iam.account_id, closed=False)


IN_ONE_ACCOUNT: tuple[type[Kind], ...] = (
    KeyDeactivated,
    KeyDeleted,
    SessionOfKey,
    PolicyDeleted,
    UsersSession,
    PolicyReplaced,
    DenyPut,
    DenyAttached,
    PolicyDetached,
    VersionChanged,
    GroupLeft,
    GroupPolicyDeleted,
    Boundary,
    RolePolicyDeleted,
    RoleBoundary,
    SessionsRevoked,
    RoleDeleted,
)
"""Kinds that stand beside each other in an account."""
OF_AN_ACCOUNT: tuple[type[ControlDetached], ...] = (ControlDetached, ControlAttached, AccountMoved)
"""Kinds that touch everybody in the account."""
