"""How the methods of kms appear in the audit log."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from services.chassis.account_purge import purger_events
from services.chassis.arn import arn_of
from services.chassis.audit.parameters import Parameters
from services.chassis.audit.ports import AuditedMethod, Recording, no_parameters
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.names import GrantName, KeyParent
from services.kms.event_parameters import ALIAS, COMMON, GRANT, MODEL, displayed, trail_file
from services.kms.operations.digest_keys import DIGEST_KEY
from services.kms.operations.encryption import named_key
from services.kms.operations.own_keys import OwnKey
from services.kms.operations.receipt_keys import AUTHORITY_KEY
from services.kms.operations.service_keys import SERVICE_KEY, own_key

_AWS = "kms.amazonaws.com"
_CRATON = "kms.craton"


def _field(name: str) -> Callable[[Any, CallContext], Sequence[str]]:
    def resources(request: Any, _call: CallContext) -> Sequence[str]:
        return (displayed(getattr(request, name)),)

    return resources


def _key_of_ciphertext(request: Any, _call: CallContext) -> Sequence[str]:
    # What an unopened ciphertext claims is recorded as what was asked for. The outcome does without it where
    # nothing bore it out.
    try:
        return (named_key(Ciphertext.parse(request.ciphertext)).displayed,)
    except DomainError:
        return ()


def _keys_of_decrypt(request: Any, call: CallContext) -> Sequence[str]:
    return _opened_by(request.key_name, request, call)


def _keys_of_re_encrypt(request: Any, call: CallContext) -> Sequence[str]:
    opened_by = _opened_by(request.source_key_name, request, call)
    return (*opened_by, displayed(request.destination_key_name))


def _opened_by(asked: str, request: Any, call: CallContext) -> Sequence[str]:
    """Return the key that was asked for, if one was, and the one that the ciphertext names."""
    names = ([displayed(asked)] if asked else []) + [*_key_of_ciphertext(request, call)]
    return tuple(dict.fromkeys(names))


def _parent_and_new_key(request: Any, call: CallContext) -> Sequence[str]:
    # Should the process end before the outcome, nothing else says which key there is now.
    try:
        return request.parent, KeyParent.parse(request.parent).key(call.call_id).displayed
    except ValueError:
        return (request.parent,)


def _alias_and_key(request: Any, _call: CallContext) -> Sequence[str]:
    return displayed(request.name), displayed(request.key_name)


def _key_and_trail(request: Any, _call: CallContext) -> Sequence[str]:
    try:
        trail = arn_of(request.trail)
    except ValueError:
        trail = request.trail
    return displayed(request.key_name), trail


def _grant(request: Any, _call: CallContext) -> Sequence[str]:
    # A grant is recorded by its key, and by itself; one that is shown by its token is not known yet.
    try:
        name = GrantName.parse(request.name)
    except ValueError:
        return (request.name,) if request.name else ()
    return name.key.displayed, str(name)


def _nothing(_request: Any, _call: CallContext) -> Sequence[str]:
    return ()


def _authority(_request: Any, _call: CallContext) -> Sequence[str]:
    return (AUTHORITY_KEY.displayed,)


def _own(key: OwnKey) -> Callable[[Any, CallContext], Sequence[str]]:
    def resources(_request: Any, call: CallContext) -> Sequence[str]:
        try:
            return (key.name(call.caller).displayed,)
        except DomainError:
            return ()

    return resources


def _own_of_account(request: Any, call: CallContext) -> Sequence[str]:
    return _own(own_key(request.account_id))(request, call)


def _purge(request: Any, _call: CallContext) -> Sequence[str]:
    return f"accounts/{request.account_id}", f"purges/{request.purge_id}"


def _effect(
    source: str,
    name: str,
    resources: Callable[[Any, CallContext], Sequence[str]],
    parameters: Parameters = no_parameters,
) -> AuditedMethod:
    return AuditedMethod(source, name, Recording.EFFECT, resources, parameters)


def _release(name: str, resources: Callable[[Any, CallContext], Sequence[str]]) -> AuditedMethod:
    return AuditedMethod(_AWS, name, Recording.GATED, resources, COMMON)


def _aws(
    service: str,
    field: str,
    effects: Sequence[str] = (),
    reads: Sequence[str] = (),
    names: Mapping[str, str] = MappingProxyType({}),
    releases: Sequence[str] = (),
    parameters: Parameters = COMMON,
) -> dict[str, AuditedMethod]:
    """Describe methods that name their resource in `field`; `names` has AWS's where they differ.

    Of `releases` the answer itself is the effect: it is made while the intent becomes durable.
    """
    resources = _field(field)
    recordings = {
        **dict.fromkeys(effects, Recording.EFFECT),
        **dict.fromkeys(reads, Recording.READ),
        **dict.fromkeys(releases, Recording.GATED),
    }
    return {
        f"/craton.kms.v1.{service}/{method}": AuditedMethod(
            _AWS, names.get(method, method), recording, resources, parameters
        )
        for method, recording in recordings.items()
    }


EVENTS: Mapping[str, AuditedMethod] = {
    # Releasing a secret is an effect: its intent is durable before the secret leaves.
    # Custody is of the whole store: there is no resource to name.
    "/craton.kms.v1.CustodyService/GetCustodyStatus": AuditedMethod(
        _CRATON, "GetCustodyStatus", Recording.READ
    ),
    "/craton.kms.v1.CustodyService/Unseal": AuditedMethod(_CRATON, "Unseal", Recording.EFFECT),
    "/craton.kms.v1.CustodyService/Seal": AuditedMethod(_CRATON, "Seal", Recording.EFFECT),
    "/craton.kms.v1.CustodyService/RotateRootKey": AuditedMethod(_CRATON, "RotateRootKey", Recording.EFFECT),
    "/craton.kms.v1.CustodyService/ChangePassphrase": AuditedMethod(
        _CRATON, "ChangePassphrase", Recording.EFFECT
    ),
    "/craton.kms.v1.ServiceKeyService/EncryptWithServiceKey": _effect(
        _CRATON, "EncryptWithServiceKey", _own(SERVICE_KEY)
    ),
    "/craton.kms.v1.ServiceKeyService/DecryptWithServiceKey": _effect(
        _CRATON, "DecryptWithServiceKey", _key_of_ciphertext
    ),
    "/craton.kms.v1.ServiceKeyService/GenerateServiceDataKey": _effect(
        _CRATON, "GenerateServiceDataKey", _own_of_account
    ),
    # One an hour for each trail. A checkpoint's signature could not be recorded so: it follows every event.
    "/craton.kms.v1.DigestKeyService/SignDigest": _effect(_CRATON, "SignDigest", _own(DIGEST_KEY)),
    # Twice an hour for each replica that signs receipts. Its event publishes the certificate.
    "/craton.kms.v1.ReceiptKeyService/CertifyReceiptKey": _effect(_CRATON, "CertifyReceiptKey", _authority),
    "/craton.kms.v1.ReceiptKeyService/GetReceiptAuthority": AuditedMethod(
        _CRATON, "GetReceiptAuthority", Recording.READ
    ),
    # By AWS's names: the owner of a key finds them beside what principals do with it.
    "/craton.kms.v1.TrailKeyService/ResolveTrailKey": AuditedMethod(
        _AWS, "DescribeKey", Recording.READ, _key_and_trail, trail_file
    ),
    "/craton.kms.v1.TrailKeyService/GenerateTrailDataKey": _effect(
        _AWS, "GenerateDataKey", _key_and_trail, trail_file
    ),
    "/craton.kms.v1.ModelKeyService/GenerateModelDataKey": _effect(
        _CRATON, "GenerateModelDataKey", _field("key_name"), MODEL
    ),
    "/craton.kms.v1.ModelKeyService/OpenModelDataKey": _effect(
        _CRATON, "OpenModelDataKey", _key_of_ciphertext, MODEL
    ),
    **{
        f"/craton.kms.v1.{method}": AuditedMethod(_CRATON, method.split("/")[1], Recording.SUMMARY)
        for method in (
            "KeyLeaseService/GetKeyLeases",
            "KeyLeaseService/ConfirmKeyRevocations",
            "KeyLeaseService/CheckKeyUses",
            "LogKeyService/SignCheckpoint",
            "LogKeyService/GetLogPublicKey",
            "DigestKeyService/GetDigestPublicKey",
        )
    },
    **_aws(
        "CryptoService",
        "key_name",
        releases=(
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "Sign",
            "Verify",
            "GenerateMac",
            "VerifyMac",
            "DeriveSharedSecret",
        ),
        reads=("GetPublicKey",),
    ),
    "/craton.kms.v1.CryptoService/Decrypt": _release("Decrypt", _keys_of_decrypt),
    "/craton.kms.v1.CryptoService/ReEncrypt": _release("ReEncrypt", _keys_of_re_encrypt),
    "/craton.kms.v1.CryptoService/GenerateRandom": _release("GenerateRandom", _nothing),
    "/craton.kms.v1.GrantService/RevokeGrant": _effect(_AWS, "RevokeGrant", _grant, GRANT),
    "/craton.kms.v1.GrantService/RetireGrant": _effect(_AWS, "RetireGrant", _grant, GRANT),
    **_aws("GrantService", "key_name", effects=("CreateGrant",), reads=("ListGrants",)),
    **_aws("GrantService", "parent", reads=("ListRetirableGrants",)),
    "/craton.kms.v1.KeyAdminService/CreateKey": _effect(_AWS, "CreateKey", _parent_and_new_key, COMMON),
    **_aws("KeyAdminService", "parent", reads=("ListKeys",)),
    **_aws(
        "KeyAdminService",
        "name",
        effects=(
            "EnableKey",
            "DisableKey",
            "UpdateKeyDescription",
            "TagKey",
            "UntagKey",
            "PutKeyPolicy",
            "ScheduleKeyDeletion",
            "CancelKeyDeletion",
        ),
        reads=("GetKey", "ListKeyTags", "GetKeyPolicy", "ListKeyPolicies"),
        names={
            "GetKey": "DescribeKey",
            "TagKey": "TagResource",
            "UntagKey": "UntagResource",
            "ListKeyTags": "ListResourceTags",
        },
    ),
    "/craton.kms.v1.KeyAdminService/ListKeyDeletions": AuditedMethod(
        _CRATON, "ListKeyDeletions", Recording.READ, _field("parent")
    ),
    **_aws(
        "KeyMaterialService",
        "name",
        effects=(
            "EnableKeyRotation",
            "DisableKeyRotation",
            "RotateKey",
            "GetParametersForImport",
            "ImportKeyMaterial",
            "DeleteImportedKeyMaterial",
        ),
        reads=("GetKeyRotationStatus", "ListKeyRotations"),
        names={"RotateKey": "RotateKeyOnDemand"},
    ),
    "/craton.kms.v1.AliasService/CreateAlias": _effect(_AWS, "CreateAlias", _alias_and_key, ALIAS),
    "/craton.kms.v1.AliasService/UpdateAlias": _effect(_AWS, "UpdateAlias", _alias_and_key, ALIAS),
    **_aws("AliasService", "name", effects=("DeleteAlias",), parameters=ALIAS),
    **_aws("AliasService", "parent", reads=("ListAliases",)),
    **purger_events("kms"),
    "/craton.kms.v1.PurgeCertificateService/SignPurgeCertificate": _effect(
        _CRATON, "SignPurgeCertificate", _purge
    ),
}
