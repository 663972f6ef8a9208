"""What the identities of the caller's account are altogether, and the account's alias.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from services.auth.domain.account_details import Detail, DetailKind, RoleRights
from services.auth.domain.identity import EntityKind
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import Role
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.groups import MAX_GROUPS, MAX_GROUPS_OF_USER
from services.auth.operations.inline_policies import MAX_CHARS
from services.auth.operations.managed_policies import MAX_ATTACHED, MAX_POLICIES, MAX_VERSIONS
from services.auth.operations.roles import MAX_ROLES
from services.auth.operations.trust_policies import TrustPolicies
from services.auth.operations.users import MAX_KEYS, MAX_USERS
from services.auth.ports.account import AccountDetailStore
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.kinds import IDENTITY, TRUST

_QUOTAS: Mapping[str, int] = {
    "UsersQuota": MAX_USERS,
    "GroupsQuota": MAX_GROUPS,
    "RolesQuota": MAX_ROLES,
    "PoliciesQuota": MAX_POLICIES,
    # No other limit binds it.
    "PolicyVersionsInUseQuota": MAX_POLICIES * MAX_VERSIONS,
    "VersionsPerPolicyQuota": MAX_VERSIONS,
    "GroupsPerUserQuota": MAX_GROUPS_OF_USER,
    "AccessKeysPerUserQuota": MAX_KEYS,
    "AttachedPoliciesPerUserQuota": MAX_ATTACHED,
    "AttachedPoliciesPerGroupQuota": MAX_ATTACHED,
    "AttachedPoliciesPerRoleQuota": MAX_ATTACHED,
    "UserPolicySizeQuota": MAX_CHARS[EntityKind.USER],
    "GroupPolicySizeQuota": MAX_CHARS[EntityKind.GROUP],
    "RolePolicySizeQuota": MAX_CHARS[EntityKind.ROLE],
    "PolicySizeQuota": IDENTITY.max_chars,
    "AssumeRolePolicySizeQuota": TRUST.max_chars,
}
_NEVER = (
    "AccountMFAEnabled",
    "AccountPasswordPresent",
    "AccountSigningCertificatesPresent",
    "InstanceProfiles",
    "InstanceProfilesQuota",
    "MFADevices",
    "MFADevicesInUse",
    "ServerCertificates",
    "ServerCertificatesQuota",
    "SigningCertificatesPerUserQuota",
)
"""What IAM counts of things that this software has none of."""


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """Tells about the caller's account as a whole."""

    store: AccountDetailStore
    admission: IdentityAdmission
    trusts: TrustPolicies

    async def summary(self, call: CallContext) -> Mapping[str, int]:
        """Count identities, and say the limits, by IAM's names (iam:GetAccountSummary)."""
        caller = await self.admission.admit_any(call, "iam:GetAccountSummary")
        found = await self.store.counts(caller.account_id)
        return {
            **dict.fromkeys(_NEVER, 0),
            **_QUOTAS,
            "Users": found.users,
            "Groups": found.groups,
            "Roles": found.roles,
            "Policies": found.policies,
            "Providers": found.providers,
            "PolicyVersionsInUse": found.policy_versions,
            "AccountAccessKeysPresent": int(found.root_keys > 0),
            # The version of session tokens that are good in every region, which all are here.
            "GlobalEndpointTokenVersion": 2,
        }

    async def details(self, call: CallContext, kinds: Set[DetailKind], request: PageRequest) -> Page[Detail]:
        """List identities with their rights; of all kinds for none (iam:GetAccountAuthorizationDetails)."""
        caller = await self.admission.admit_any(call, "iam:GetAccountAuthorizationDetails")
        page = await self.store.details(caller.account_id, kinds or frozenset(DetailKind), request)
        roles = [each.details.role for each in page.items if isinstance(each, RoleRights)]
        told = {role.role_id: role for role in await self.trusts.told(*roles)}
        return replace(page, items=tuple(_with_trust(each, told) for each in page.items))

    async def alias(self, call: CallContext) -> str:
        """Return the account's alias, empty when it has none (iam:ListAccountAliases)."""
        caller = await self.admission.admit_any(call, "iam:ListAccountAliases")
        return await self.store.alias(caller.account_id)

    async def set_alias(self, call: CallContext, alias: str) -> None:
        """Give the account an alias, instead of another one (iam:CreateAccountAlias)."""
        caller = await self.admission.admit_any(call, "iam:CreateAccountAlias")
        await self.store.set_alias(caller.account_id, alias)

    async def delete_alias(self, call: CallContext, alias: str) -> None:
        """Take the account's alias away (iam:DeleteAccountAlias)."""
        caller = await self.admission.admit_any(call, "iam:DeleteAccountAlias")
        await self.store.delete_alias(caller.account_id, alias)


def _with_trust(detail: Detail, roles: Mapping[str, Role]) -> Detail:
    """Return a detail with the role as others read it."""
    if not isinstance(detail, RoleRights):
        return detail
    role = roles[detail.details.role.role_id]
    return replace(detail, details=replace(detail.details, role=role))
