"""Who may do what with a key, and what somebody who may not is told of it.

A key's policy decides first, with everything that binds the caller; where it is only silent, so do grants.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
"""

from collections.abc import Mapping, Sequence

from services.chassis.arn import arn_of, root_arn
from services.chassis.authorization import refuse, refuse_caller
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.pipeline import require_principal
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.principal import PrincipalClaims, requester_of
from services.kms.domain.grants import GRANTABLE, WORKLOAD_SERVICE, Grant, grantees_of, is_workload
from services.kms.domain.key_policies import SILENT_POLICY, CompiledKeyPolicies, GrantedPolicy, WorkloadPolicy
from services.kms.domain.keys import Key
from services.kms.domain.names import AliasName, KeyClass, KeyName, KeyParent
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.errors import alias_not_found, caller_refused, key_not_found
from services.kms.operations.conditions import conditions_of
from services.kms.operations.grant_records import GrantRecords
from services.kms.operations.grant_tokens import GrantTokens
from services.kms.operations.key_records import KeyRecords
from services.kms.ports import ConditionSource, PolicyEnforcer

ANY_RESOURCE = "*"
"""What IAM calls the resource of an action that acts on no existing one, CreateKey for example."""

_MAX_ALIASES = 50
_SILENT = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)
_OF_CALLER = frozenset({Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION})
_BETWEEN_ACCOUNTS = frozenset(
    {
        *(f"kms:{name}" for name in GRANTABLE),
        "kms:GetKeyRotationStatus",
        "kms:ListGrants",
        "kms:RevokeGrant",
    }
)
"""What another account's principals can do with a key at all. AWS:
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html"""


class Access:
    """Admits calls: principals and workloads to customer keys, providers and operators to provider keys."""

    def __init__(
        self,
        policies: PolicyEnforcer,
        keys: KeyRecords,
        grants: GrantRecords,
        tokens: GrantTokens,
        partition: str = "aws",
    ) -> None:
        """Ask `policies` about who calls and the ARNs of `partition`; `keys` know the keys' aliases."""
        self._policies = policies
        self._keys = keys
        self._grants = grants
        self._tokens = tokens
        self._partition = partition
        self._compiled = CompiledKeyPolicies(partition)

    async def admit(
        self,
        call: CallContext,
        key: Key,
        action: str,
        facts: RequestFacts = NO_FACTS,
        grant_tokens: Sequence[str] = (),
    ) -> None:
        """Return when the caller may do `action` ("kms:Encrypt") on a key, as its record is now.

        Raises DomainError: ACCESS_DENIED; RESOURCE_NOT_FOUND for a key that the caller cannot know of;
        INVALID_GRANT_TOKEN; and what the enforcer raises.
        """
        if key.name.parent.key_class is KeyClass.PROVIDER and not _of_customers(call):
            _admit_provider(call, key.name.parent)
        else:
            self._require_visible(call, key)
            for token in grant_tokens:
                await self._tokens.read(token)
            principal = call.principal
            if principal is None:
                decision = await self._of_caller(call, key, action, facts)
            else:
                decision = await self._by_policy(call, key, action, facts)
                if decision.verdict is Verdict.IMPLICIT_DENY:
                    decision = await self._by_grants(call, principal, key, action, facts, decision)
            if not decision.allowed:
                raise self._refusal(call, key.name, action, decision)
            if principal is None or principal.account_id != key.name.parent.owner:
                # The owner sees in its own log who uses its keys.
                call.recipients.append(key.name.parent.owner)

    async def granted(
        self, workload: WorkloadId, key: Key, operation: str, context: Mapping[str, str]
    ) -> bool:
        """Say whether a grant lets a workload do "Decrypt", for example, with a customer's key now."""
        if key.name.parent.key_class is not KeyClass.CUSTOMER or not is_workload(workload.path):
            return False
        facts = RequestFacts(encryption_context=context)
        decision = await self._of_workload(workload, key, f"kms:{operation}", facts)
        return decision.allowed

    async def would_permit(self, call: CallContext, key: Key, action: str, facts: RequestFacts) -> bool:
        """Say whether policies alone let the caller do `action`, were the key's record as it is given."""
        decision = await self._by_policy(call, key, action, facts)
        return decision.allowed

    async def admit_to_grant(self, call: CallContext, grant: Grant, facts: RequestFacts) -> None:
        """Admit a call that retires a grant: of who is named in it, or of the account that created it.

        The grant says who, and not the key's policy. AWS:
        https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
        """
        principal = require_principal(call)
        if grant.name.key.parent.region != principal.region:
            raise key_not_found(grant.name.key.displayed)
        may = [grant.issuing_account, *((grant.retiring,) if grant.retiring else ())]
        if "RetireGrant" in grant.operations and not is_workload(grant.grantee):
            may.append(grant.grantee)
        arn = self._arn(grant.name.key)
        # A grant is nobody's resource: its retiring principal needs no permission of its own account.
        target = ResourceLayers(policy=GrantedPolicy(SILENT_POLICY, may), required=True)
        said = _said(facts, principal)
        decision = await self._policies.decide(call, "kms:RetireGrant", arn, said, target)
        if not decision.allowed:
            raise refuse(principal, "kms:RetireGrant", arn, decision)

    async def admit_to_parent(
        self, call: CallContext, parent: KeyParent, action: str, facts: RequestFacts = NO_FACTS
    ) -> str:
        """Admit a call on a parent as a whole and return the incarnation that its keys must have."""
        if parent.key_class is KeyClass.PROVIDER:
            _admit_provider(call, parent)
            return ""
        principal = require_principal(call)
        if not _is_of(parent, principal):
            raise caller_refused("The parent must be the caller's own account and the region of its request.")
        await self._admit_to(call, principal, action, ANY_RESOURCE, facts)
        return principal.account_incarnation

    async def admit_to_alias(self, call: CallContext, name: AliasName, action: str) -> None:
        """Admit a call on an alias, which has no policy of its own; the key has to permit it as well."""
        principal = require_principal(call)
        if not _is_of(name.parent, principal):
            raise caller_refused(
                "The alias must be of the caller's own account and the region of its request."
            )
        await self._admit_to(call, principal, action, arn_of(str(name), self._partition), NO_FACTS)

    async def admit_to_nothing(self, call: CallContext, action: str) -> None:
        """Admit a call on no resource at all, GenerateRandom for example."""
        await self._admit_to(call, require_principal(call), action, ANY_RESOURCE, NO_FACTS)

    def refuse_unknown(self, call: CallContext, name: KeyName, action: str) -> DomainError:
        """Return what a caller is told who asks for `action` on a key that there is not, to be raised."""
        parent, principal = name.parent, call.principal
        own = principal is not None and parent.owner == principal.account_id
        elsewhere = principal is not None and parent.region != principal.region
        if parent.key_class is not KeyClass.CUSTOMER or own or elsewhere:
            return key_not_found(name.displayed)
        # Of another account nobody learns which keys there are.
        return self._refusal(call, name, action, _SILENT)

    def refuse_unknown_alias(self, call: CallContext, name: AliasName, action: str) -> DomainError:
        """Return what a caller is told of an alias that there is not, or whose key it may not use."""
        principal = call.principal
        if principal is None or self.owns(call, name) or name.parent.region != principal.region:
            return alias_not_found(name.displayed)
        return refuse(principal, action, name.displayed, _SILENT)

    def owns(self, call: CallContext, name: AliasName) -> bool:
        """True for aliases of the principal's account."""
        return call.principal is not None and name.parent.owner == call.principal.account_id

    def sees(self, call: CallContext, name: KeyName) -> bool:
        """True for keys of the principal's account in the region of its request."""
        return _is_of(name.parent, require_principal(call))

    def _require_visible(self, call: CallContext, key: Key) -> None:
        """Refuse keys of services, of other regions, and of an earlier account of the caller's id."""
        parent, principal = key.name.parent, call.principal
        if principal is None and (call.caller is None or not is_workload(call.caller.path)):
            principal = require_principal(call)
        visible = parent.key_class is KeyClass.CUSTOMER
        if principal is not None:
            own = parent.owner == principal.account_id
            visible = visible and parent.region == principal.region
            visible = visible and (not own or key.incarnation == principal.account_incarnation)
        if not visible:
            raise key_not_found(key.name.displayed)

    async def _of_caller(self, call: CallContext, key: Key, action: str, facts: RequestFacts) -> Decision:
        """Decide about a call that no principal makes."""
        if call.caller is None:
            return _SILENT
        call.invoked_by = WORKLOAD_SERVICE
        return await self._of_workload(call.caller, key, action, facts)

    async def _by_grants(
        self,
        call: CallContext,
        principal: PrincipalClaims,
        key: Key,
        action: str,
        facts: RequestFacts,
        decision: Decision,
    ) -> Decision:
        """Decide with the grants of a principal about whom policies are silent: `decision` without any."""
        if action.removeprefix("kms:") not in GRANTABLE:
            return decision
        requester = requester_of(principal)
        account = root_arn(principal.account_id, self._partition)
        grantees = grantees_of(requester, account)
        found = [each for each in grantees if await self._granted(key, each, action, facts)]
        if not found:
            return decision
        return await self._by_policy(call, key, action, facts, found)

    async def _by_policy(
        self, call: CallContext, key: Key, action: str, facts: RequestFacts, grantees: Sequence[str] = ()
    ) -> Decision:
        """Decide by the key's policy and everything that binds the caller; `grantees` have a grant."""
        principal, owner = require_principal(call), key.name.parent.owner
        if owner != principal.account_id and action not in _BETWEEN_ACCOUNTS:
            return _SILENT
        policy: ResourcePolicySet = self._compiled.compiled(key.policy, owner)
        if grantees:
            policy = GrantedPolicy(policy, grantees)
        target = ResourceLayers(owner, policy, required=True)
        arn = self._arn(key.name)
        said = self._said_of(key, facts, principal)
        return await self._policies.decide(call, action, arn, said, target, key.incarnation)

    async def _of_workload(
        self, workload: WorkloadId, key: Key, action: str, facts: RequestFacts
    ) -> Decision:
        """Decide about a workload: a grant must give it the action, and nothing may deny it."""
        granted = await self._granted(key, workload.path, action, facts)
        policy = WorkloadPolicy(self._compiled.compiled(key.policy, key.name.parent.owner), granted=granted)
        target = ResourceLayers(key.name.parent.owner, policy, required=True)
        arn = self._arn(key.name)
        said = self._said_of(key, facts, None)
        return await self._policies.decide_workload(action, arn, said, target, key.incarnation)

    async def _granted(self, key: Key, grantee: str, action: str, facts: RequestFacts) -> bool:
        async for grant in self._grants.of_grantee(key.name, grantee):
            if grant.permits(action, facts):
                return True
        return False

    def _said_of(self, key: Key, facts: RequestFacts, principal: PrincipalClaims | None) -> ConditionSource:
        async def said() -> Conditions:
            aliases = await self._keys.aliases_of(key.name, "", _MAX_ALIASES)
            return conditions_of(facts, principal, key, [each.name for each in aliases])

        return said

    async def _admit_to(
        self, call: CallContext, principal: PrincipalClaims, action: str, resource: str, facts: RequestFacts
    ) -> None:
        decision = await self._policies.decide(call, action, resource, _said(facts, principal))
        if not decision.allowed:
            raise refuse(principal, action, resource, decision)

    def _arn(self, name: KeyName) -> str:
        return arn_of(str(name), self._partition)

    def _refusal(self, call: CallContext, name: KeyName, action: str, decision: Decision) -> DomainError:
        """Say which policy is in the way.

        Of another account's key only what that account permits, and the caller's own does not: everything
        else is answered as for a key that there is not.
        """
        arn, principal = self._arn(name), call.principal
        if principal is None:
            who = call.caller.path if call.caller is not None else "anonymous"
            return refuse_caller(who, action, arn, _SILENT)
        foreign = principal.account_id != name.parent.owner
        told = decision.verdict is Verdict.IMPLICIT_DENY and decision.layer in _OF_CALLER
        return refuse(principal, action, arn, _SILENT if foreign and not told else decision)


def _said(facts: RequestFacts, principal: PrincipalClaims) -> ConditionSource:
    """Return what a request says that is on no key."""

    async def said() -> Conditions:
        return conditions_of(facts, principal)

    return said


def _of_customers(call: CallContext) -> bool:
    """Say whether a call was passed on for a customer, who sees no keys but customers'."""
    return call.principal is not None and call.caller is not None and call.caller.kind == "service"


def _admit_provider(call: CallContext, parent: KeyParent) -> None:
    caller = call.caller
    own = caller is not None and caller.kind == "provider" and caller.name == parent.owner
    if not own and (caller is None or caller.kind != "operator"):
        raise caller_refused("Keys of a provider are managed by that provider or by an operator.")


def _is_of(parent: KeyParent, principal: PrincipalClaims) -> bool:
    return parent == KeyParent(KeyClass.CUSTOMER, principal.account_id, principal.region)
