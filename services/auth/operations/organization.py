"""The organization: its tree of units, and where accounts stand in it."""

from dataclasses import dataclass

from services.auth.domain.organization import (
    MAX_DEPTH,
    MAX_UNITS,
    OrganizationArns,
    PolicyType,
    Unit,
    new_unit_id,
    root_id_of,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, Installation
from services.auth.errors import access_denied
from services.auth.operations.admission import Admission
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.organization import OrganizationStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.layers import NO_OWNER
from services.chassis.randomness import Randomness


@dataclass(frozen=True, slots=True)
class OrganizationAdmission:
    """Admits principals of the management account to actions of AWS Organizations."""

    directory: DirectoryStore
    admission: Admission
    partition: str

    async def arns(self) -> OrganizationArns:
        """Return the ARNs of the organization. Raises ACCESS_DENIED before there is one."""
        installation = await self.directory.installation()
        if installation is None:
            raise access_denied("Your account is not a member of an organization.")
        return OrganizationArns(installation, self.partition)

    async def admit(
        self, call: CallContext, action: str, *resources: str, policy_type: PolicyType | None = None
    ) -> None:
        """Return when the caller may do `action` on every one of the ARNs, or on * without any.

        `policy_type` is that of an action about policies, for conditions.
        """
        first, *more = resources or ("*",)
        action = f"organizations:{action}"
        conditions = {} if policy_type is None else {"organizations:PolicyType": policy_type.value}
        caller = await self.admission.authorize_management(call, action, first, conditions)
        for resource in more:
            self.admission.require(caller, action, resource, NO_OWNER, conditions)

    async def admit_nodes(
        self, call: CallContext, action: str, *node_ids: str, policy_type: PolicyType | None = None
    ) -> None:
        """As `admit`, on roots, units and accounts."""
        arns = await self.arns()
        await self.admit(call, action, *(arns.node(each) for each in node_ids), policy_type=policy_type)


@dataclass(frozen=True, slots=True)
class Organization:
    """Manages the tree for principals of the management account."""

    store: OrganizationStore
    admission: OrganizationAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness

    async def describe(self, call: CallContext) -> Installation:
        """Return what was fixed for ever (organizations:DescribeOrganization)."""
        await self.admission.admit(call, "DescribeOrganization")
        return (await self.admission.arns()).installation

    async def root(self, call: CallContext) -> tuple[Unit, tuple[PolicyType, ...]]:
        """Return the only root, with the enabled types of policies (organizations:ListRoots)."""
        await self.admission.admit(call, "ListRoots")
        root, enabled = await self.store.root()
        return root, tuple(enabled)

    async def create_unit(self, call: CallContext, parent_id: str, name: str) -> Unit:
        """Create a unit (organizations:CreateOrganizationalUnit on the parent)."""
        await self.admission.admit_nodes(call, "CreateOrganizationalUnit", parent_id)
        installation = (await self.admission.arns()).installation
        unit_id = new_unit_id(root_id_of(installation.organization_id), self.randomness)
        call.resources.append(unit_id)
        now = self.clock.now()
        return await self.store.create_unit(unit_id, parent_id, name, now, MAX_UNITS, MAX_DEPTH)

    async def unit(self, call: CallContext, unit_id: str) -> Unit:
        """Return a unit (organizations:DescribeOrganizationalUnit)."""
        await self.admission.admit_nodes(call, "DescribeOrganizationalUnit", unit_id)
        return await self.store.unit(unit_id)

    async def rename_unit(self, call: CallContext, unit_id: str, name: str) -> Unit:
        """Rename a unit (organizations:UpdateOrganizationalUnit)."""
        await self.admission.admit_nodes(call, "UpdateOrganizationalUnit", unit_id)
        return await self.store.rename_unit(unit_id, name)

    async def delete_unit(self, call: CallContext, unit_id: str) -> None:
        """Delete an empty unit (organizations:DeleteOrganizationalUnit)."""
        await self.admission.admit_nodes(call, "DeleteOrganizationalUnit", unit_id)
        await self.store.delete_unit(unit_id)

    async def units_in(self, call: CallContext, parent_id: str, request: PageRequest) -> Page[Unit]:
        """List units (organizations:ListOrganizationalUnitsForParent)."""
        await self.admission.admit_nodes(call, "ListOrganizationalUnitsForParent", parent_id)
        return await self.store.units_in(parent_id, request)

    async def accounts_in(self, call: CallContext, parent_id: str, request: PageRequest) -> Page[Account]:
        """List accounts (organizations:ListAccountsForParent)."""
        await self.admission.admit_nodes(call, "ListAccountsForParent", parent_id)
        return await self.store.accounts_in(parent_id, request)

    async def child_units(self, call: CallContext, parent_id: str, request: PageRequest) -> Page[str]:
        """List the ids of units (organizations:ListChildren)."""
        await self.admission.admit_nodes(call, "ListChildren", parent_id)
        page = await self.store.units_in(parent_id, request)
        return Page([each.unit_id for each in page.items], page.next_token)

    async def child_accounts(self, call: CallContext, parent_id: str, request: PageRequest) -> Page[str]:
        """List the ids of accounts (organizations:ListChildren)."""
        await self.admission.admit_nodes(call, "ListChildren", parent_id)
        page = await self.store.accounts_in(parent_id, request)
        return Page([each.account_id for each in page.items], page.next_token)

    async def parent_of(self, call: CallContext, child_id: str) -> str:
        """Return the id of the one parent (organizations:ListParents)."""
        await self.admission.admit_nodes(call, "ListParents", child_id)
        return await self.store.parent_of(child_id)

    async def move_account(
        self, call: CallContext, account_id: str, source_id: str, destination_id: str
    ) -> None:
        """Move an account (organizations:MoveAccount on the account and both parents)."""
        await self.admission.admit_nodes(call, "MoveAccount", account_id, source_id, destination_id)
        epochs = await self.store.move_account(account_id, source_id, destination_id)
        await self.revocations.publish_all(epochs)
