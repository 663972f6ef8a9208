"""Who may do what with a key that is named in a request."""

from collections.abc import Mapping, Sequence

from services.chassis.arn import arn_of
from services.chassis.context import CallContext
from services.chassis.pipeline import require_principal
from services.chassis.policy.keys import Conditions
from services.chassis.principal import PrincipalClaims
from services.kms.domain.keys import KeyClass, KeyName, KeyParent
from services.kms.errors import caller_refused, key_not_found
from services.kms.ports import PolicyEnforcer

ANY_RESOURCE = "*"
"""What IAM calls the resource of an action that acts on no existing one, CreateKey for example."""


class Access:
    """Admits calls: principals to customer keys by policy, providers and operators to provider keys."""

    def __init__(self, policies: PolicyEnforcer, partition: str = "aws") -> None:
        """Ask `policies` about principals and the ARNs of `partition`."""
        self._policies = policies
        self._partition = partition

    def sees(self, call: CallContext, name: KeyName) -> bool:
        """True for keys of the principal's account in the region of its request."""
        return _is_of(name.parent, require_principal(call))

    async def admit_to_parent(self, call: CallContext, parent: KeyParent, action: str) -> str:
        """Admit a call on a parent as a whole and return the incarnation its keys must have."""
        if parent.key_class is KeyClass.PROVIDER:
            _admit_provider(call, parent)
            return ""
        principal = require_principal(call)
        if not _is_of(parent, principal):
            raise caller_refused("The parent must be the caller's own account and the region of its request.")
        await self._policies.authorize(call, action, ANY_RESOURCE, _conditions(principal, {}))
        return principal.account_incarnation

    async def admit_to_key(
        self, call: CallContext, name: KeyName, action: str, context: Mapping[str, str] | None = None
    ) -> str:
        """Admit a call on one key and return the incarnation that the key must have."""
        if name.parent.key_class is KeyClass.PROVIDER:
            _admit_provider(call, name.parent)
            return ""
        principal = require_principal(call)
        if not _is_of(name.parent, principal):
            # Of another account or region, or of a service: invisible, whatever the policies say.
            raise key_not_found(str(name))
        conditions = _conditions(principal, context or {})
        await self._policies.authorize(call, action, arn_of(str(name), self._partition), conditions)
        return principal.account_incarnation


def _admit_provider(call: CallContext, parent: KeyParent) -> None:
    caller = call.caller
    own = caller is not None and caller.kind == "provider" and caller.name == parent.owner
    if not own and (caller is None or caller.kind != "operator"):
        raise caller_refused("Keys of a provider are managed by that provider or by an operator.")


def _is_of(parent: KeyParent, principal: PrincipalClaims) -> bool:
    return parent == KeyParent(KeyClass.CUSTOMER, principal.account_id, principal.region)


def _conditions(principal: PrincipalClaims, context: Mapping[str, str]) -> Conditions:
    conditions: dict[str, str | Sequence[str]] = {"kms:CallerAccount": principal.account_id}
    if principal.via:
        # AWS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
        service, _, domain = principal.via[-1].partition(".")
        conditions["kms:ViaService"] = f"{service}.{principal.region}.{domain}"
    if context:
        conditions["kms:EncryptionContextKeys"] = tuple(context)
        conditions.update((f"kms:EncryptionContext:{key}", value) for key, value in context.items())
    return conditions
