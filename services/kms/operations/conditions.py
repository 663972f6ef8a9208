"""What a request says, as condition keys of policies: the one place that names the keys of kms.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html and
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
"""

from collections.abc import Iterator, Sequence

from services.chassis.policy.keys import Conditions
from services.chassis.principal import PrincipalClaims
from services.kms.domain.keys import Key
from services.kms.domain.names import AliasName
from services.kms.domain.request_facts import GrantFacts, RequestFacts

_Value = tuple[str, str | Sequence[str]]


def conditions_of(
    facts: RequestFacts,
    principal: PrincipalClaims | None,
    key: Key | None = None,
    aliases: Sequence[AliasName] = (),
) -> Conditions:
    """Return the condition keys of a request on `key`, None for one on no existing key.

    `principal` is None for a workload that comes with a grant. `aliases` are the key's.
    """
    conditions: dict[str, str | Sequence[str]] = {name: value for name, value in _said(facts) if value}
    conditions.update(_truths(facts))
    if principal is not None:
        conditions.update(_calling(principal))
    context = facts.encryption_context
    if context:
        conditions["kms:EncryptionContextKeys"] = tuple(context)
        conditions.update((f"kms:EncryptionContext:{name}", value) for name, value in context.items())
    if facts.about_grants:
        # AWS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource
        for_service = principal is not None and bool(principal.via)
        conditions["kms:GrantIsForAWSResource"] = _truth(for_service)
    if facts.grant is not None:
        conditions.update(_granting(facts.grant))
    conditions.update((f"aws:RequestTag/{name}", value) for name, value in facts.tags.items())
    tag_keys = dict.fromkeys((*facts.tags, *facts.tag_keys))
    if tag_keys:
        conditions["aws:TagKeys"] = tuple(tag_keys)
    if key is not None:
        conditions.update(_kept(key, aliases))
    return conditions


def _said(facts: RequestFacts) -> Iterator[tuple[str, str]]:
    """Yield what has one value, empty where the request does not say it."""
    yield "kms:EncryptionAlgorithm", facts.encryption_algorithm
    yield "kms:SigningAlgorithm", facts.signing_algorithm
    yield "kms:MessageType", facts.message_type
    yield "kms:MacAlgorithm", facts.mac_algorithm
    yield "kms:KeyAgreementAlgorithm", facts.key_agreement_algorithm
    yield "kms:DataKeyPairSpec", facts.pair_spec
    yield "kms:RequestAlias", "" if facts.alias is None else _alias(facts.alias)
    yield "kms:WrappingAlgorithm", facts.wrapping_algorithm
    yield "kms:WrappingKeySpec", facts.wrapping_key_spec
    yield "kms:ScheduleKeyDeletionPendingWindowInDays", _number(facts.pending_days)
    yield "kms:RotationPeriodInDays", _number(facts.rotation_days)
    yield "kms:KeySpec", facts.spec
    yield "kms:KeyUsage", facts.usage
    yield "kms:KeyOrigin", facts.origin
    if facts.import_material:
        expires = facts.expires
        yield "kms:ExpirationModel", f"KEY_MATERIAL_{'DOES_NOT_EXPIRE' if expires is None else 'EXPIRES'}"
        yield "kms:ValidTo", "" if expires is None else expires.strftime("%Y-%m-%dT%H:%M:%SZ")


def _truths(facts: RequestFacts) -> Iterator[tuple[str, str]]:
    if facts.same_key is not None:
        yield "kms:ReEncryptOnSameKey", _truth(facts.same_key)
    if facts.bypass_lockout_check is not None:
        yield "kms:BypassPolicyLockoutSafetyCheck", _truth(facts.bypass_lockout_check)


def _calling(principal: PrincipalClaims) -> Iterator[tuple[str, str]]:
    yield "kms:CallerAccount", principal.account_id
    if principal.via:
        # AWS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
        service, _, domain = principal.via[-1].partition(".")
        yield "kms:ViaService", f"{service}.{principal.region}.{domain}"


def _granting(grant: GrantFacts) -> Iterator[_Value]:
    if grant.operations:
        yield "kms:GrantOperations", tuple(grant.operations)
    if grant.grantee:
        yield "kms:GranteePrincipal", grant.grantee
    if grant.retiring:
        yield "kms:RetiringPrincipal", grant.retiring
    if grant.equals is not None:
        yield "kms:GrantConstraintType", "EncryptionContextEquals"
    elif grant.subset is not None:
        yield "kms:GrantConstraintType", "EncryptionContextSubset"


def _kept(key: Key, aliases: Sequence[AliasName]) -> Iterator[_Value]:
    """Yield what the key itself says; it counts whatever the request says."""
    yield "kms:KeySpec", key.spec.value
    yield "kms:KeyUsage", key.usage.value
    yield "kms:KeyOrigin", key.origin.value
    yield "kms:MultiRegion", "false"
    yield from ((f"aws:ResourceTag/{name}", value) for name, value in key.tags)
    if aliases:
        yield "kms:ResourceAliases", tuple(map(_alias, aliases))


def _alias(name: AliasName) -> str:
    return f"alias/{name.name}"


def _number(days: int) -> str:
    return str(days) if days else ""


def _truth(value: bool) -> str:
    return "true" if value else "false"
