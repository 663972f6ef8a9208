"""What a service may do in its own name with customers' keys: what the key's own policy gives to that name.

A workload uses a customer's key against a principal's token or with a grant, and never on its own word. Here
the word is the customer's: its policy names the service, and says for which of its resources.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from services.chassis.arn import arn_of
from services.chassis.authorization import refuse_caller
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision, Layer, Verdict
from services.kms.domain.key_policies import CompiledKeyPolicies, NamingPolicy
from services.kms.domain.keys import Key
from services.kms.domain.names import AliasName, KeyClass, KeyName
from services.kms.domain.request_facts import RequestFacts
from services.kms.errors import key_not_found
from services.kms.operations.conditions import conditions_of
from services.kms.operations.key_records import KeyRecords
from services.kms.ports import PolicyEnforcer, WorkingService

_MAX_ALIASES = 50
_MAX_CHARS = 1_000_000
"""Characters of policies that are kept compiled: few keys are used so."""
_SILENT = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)


class ServiceAccess:
    """Admits services that work for a resource of a customer."""

    def __init__(self, policies: PolicyEnforcer, keys: KeyRecords, partition: str) -> None:
        """Ask `policies`; find keys in `keys`."""
        self._policies = policies
        self._keys = keys
        self._partition = partition
        self._compiled = CompiledKeyPolicies(partition, _MAX_CHARS)

    async def find(self, working: WorkingService, text: str, action: str) -> Key:
        """Return the key that a key's or an alias' resource name means.

        Raises DomainError: RESOURCE_NOT_FOUND for what is not there, or in another region; ACCESS_DENIED for
        what is not there in another account, as for what nobody may use.
        """
        try:
            name: KeyName | AliasName = KeyName.parse(text)
        except ValueError:
            try:
                name = AliasName.parse(text)
            except ValueError:
                raise key_not_found(text) from None
        parent, (region, account) = name.parent, working.source
        if parent.key_class is not KeyClass.CUSTOMER or parent.region != region:
            raise key_not_found(name.displayed)
        if isinstance(name, AliasName):
            alias = await self._keys.alias(name)
            key = None if alias is None else await self._keys.key(alias.key)
        else:
            key = await self._keys.key(name)
        if key is not None:
            return key
        if parent.owner == account:
            raise key_not_found(name.displayed)
        raise _foreign(working, action)

    async def admit(
        self, call: CallContext, working: WorkingService, key: Key, action: str, facts: RequestFacts
    ) -> None:
        """Return when the key's policy lets the service do `action`. Raises DomainError(ACCESS_DENIED)."""
        owner = key.name.parent.owner
        policy = NamingPolicy(self._compiled.compiled(key.policy, owner))
        target = ResourceLayers(owner, policy, required=True)
        arn = arn_of(str(key.name), self._partition)

        async def said() -> Conditions:
            aliases = await self._keys.aliases_of(key.name, "", _MAX_ALIASES)
            return conditions_of(facts, None, key, [each.name for each in aliases])

        decision = await self._policies.decide_service(working, action, arn, said, target, key.incarnation)
        own = owner == working.source[1]
        if (own or decision.allowed) and owner not in call.recipients:
            # The owner sees in its own log who uses its keys, and what was refused to its own trails.
            call.recipients.append(owner)
        if not decision.allowed:
            refusal = refuse_caller(working.principal, action, arn, decision)
            raise refusal if own else _foreign(working, action)


def _foreign(working: WorkingService, action: str) -> DomainError:
    """One answer about another account's keys and aliases, which there are and which there are not."""
    return refuse_caller(working.principal, action, "*", _SILENT)
