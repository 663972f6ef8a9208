"""How the operations that the edge serves appear in the audit log, and what they need."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.audit.ports import AuditedMethod, Recording
from services.edge.domain.model import Operation

PREFIX = "edge:"
"""The edge's methods are named after operations, for example "edge:InvokeModel"."""

_BEDROCK = "bedrock.amazonaws.com"
_SOURCES: Mapping[str, str] = {
    "cloudtrail": "cloudtrail.amazonaws.com",
    "bedrock": _BEDROCK,
    "bedrock-runtime": _BEDROCK,
    "craton-audit": "audit.craton",
    "craton-runtime": "runtime.craton",
    "iam": "iam.amazonaws.com",
    "kms": "kms.amazonaws.com",
    "sts": "sts.amazonaws.com",
}
"""Event sources of the service models."""
_ELSEWHERE = {("craton-runtime", "GetReceiptAuthority"): "kms.craton"}
"""And of operations that another service answers than the rest of their model."""

_EFFECT, _READ = Recording.EFFECT, Recording.READ


@dataclass(frozen=True, slots=True)
class Served:
    """One served operation."""

    audience: str
    """The service that answers it, for which the principal token is made."""
    audited: AuditedMethod


Key = tuple[str, str]
"""A service model and an operation's name: two services may have operations of one name."""

SERVED: Mapping[Key, Served] = {
    (service, name): Served(
        audience, AuditedMethod(_ELSEWHERE.get((service, name), _SOURCES[service]), name, recording)
    )
    for service, audience, operations in (
        (
            "bedrock",
            "runtime",
            {"ListFoundationModels": _READ, "GetFoundationModel": _READ},
        ),
        (
            "bedrock-runtime",
            "runtime",
            {"InvokeModel": _EFFECT, "InvokeModelWithResponseStream": _EFFECT},
        ),
        ("craton-runtime", "runtime", {"GetReceipt": _READ}),
        ("craton-runtime", "kms", {"GetReceiptAuthority": _READ}),
        (
            "craton-audit",
            "audit",
            {"GetCheckpoint": _READ, "GetConsistencyProof": _READ, "GetEventProof": _READ},
        ),
        (
            "bedrock",
            "auth",
            {
                "ListFoundationModelAgreementOffers": _READ,
                "CreateFoundationModelAgreement": _EFFECT,
                "DeleteFoundationModelAgreement": _EFFECT,
                "GetFoundationModelAvailability": _READ,
                # The form is the account's secret: reading it releases it.
                "GetUseCaseForModelAccess": _EFFECT,
                "PutUseCaseForModelAccess": _EFFECT,
            },
        ),
        ("bedrock", "training", {"ListModelCustomizationJobs": _READ}),
        (
            "cloudtrail",
            "audit",
            {
                "LookupEvents": _READ,
                "DescribeTrails": _READ,
                "GetTrail": _READ,
                "ListTrails": _READ,
                "GetTrailStatus": _READ,
                "GetEventSelectors": _READ,
                "ListTags": _READ,
                "ListPublicKeys": _READ,
                "CreateTrail": _EFFECT,
                "UpdateTrail": _EFFECT,
                "DeleteTrail": _EFFECT,
                "StartLogging": _EFFECT,
                "StopLogging": _EFFECT,
                "PutEventSelectors": _EFFECT,
                "AddTags": _EFFECT,
                "RemoveTags": _EFFECT,
            },
        ),
        (
            "sts",
            "auth",
            {
                "GetCallerIdentity": _READ,
                "GetAccessKeyInfo": _READ,
                "AssumeRole": _EFFECT,
                "GetSessionToken": _EFFECT,
                # Auth writes the intent, once it knows who is behind the token: here strangers ask.
                "AssumeRoleWithWebIdentity": Recording.ADMITTED,
            },
        ),
        (
            "iam",
            "auth",
            {
                "CreateUser": _EFFECT,
                "GetUser": _READ,
                "ListUsers": _READ,
                "UpdateUser": _EFFECT,
                "DeleteUser": _EFFECT,
                "PutUserPermissionsBoundary": _EFFECT,
                "DeleteUserPermissionsBoundary": _EFFECT,
                "TagUser": _EFFECT,
                "UntagUser": _EFFECT,
                "ListUserTags": _READ,
                "CreateAccessKey": _EFFECT,
                "ListAccessKeys": _READ,
                "UpdateAccessKey": _EFFECT,
                "DeleteAccessKey": _EFFECT,
                "CreateServiceSpecificCredential": _EFFECT,
                "ListServiceSpecificCredentials": _READ,
                "UpdateServiceSpecificCredential": _EFFECT,
                "ResetServiceSpecificCredential": _EFFECT,
                "DeleteServiceSpecificCredential": _EFFECT,
                "GetAccessKeyLastUsed": _READ,
                "PutUserPolicy": _EFFECT,
                "GetUserPolicy": _READ,
                "ListUserPolicies": _READ,
                "DeleteUserPolicy": _EFFECT,
                "CreateGroup": _EFFECT,
                "GetGroup": _READ,
                "ListGroups": _READ,
                "UpdateGroup": _EFFECT,
                "ListGroupsForUser": _READ,
                "DeleteGroup": _EFFECT,
                "AddUserToGroup": _EFFECT,
                "RemoveUserFromGroup": _EFFECT,
                "PutGroupPolicy": _EFFECT,
                "GetGroupPolicy": _READ,
                "ListGroupPolicies": _READ,
                "DeleteGroupPolicy": _EFFECT,
                "CreateRole": _EFFECT,
                "GetRole": _READ,
                "ListRoles": _READ,
                "UpdateRole": _EFFECT,
                "UpdateRoleDescription": _EFFECT,
                "UpdateAssumeRolePolicy": _EFFECT,
                "DeleteRole": _EFFECT,
                "PutRolePolicy": _EFFECT,
                "GetRolePolicy": _READ,
                "ListRolePolicies": _READ,
                "DeleteRolePolicy": _EFFECT,
                "CreateOpenIDConnectProvider": _EFFECT,
                "GetOpenIDConnectProvider": _READ,
                "ListOpenIDConnectProviders": _READ,
                "DeleteOpenIDConnectProvider": _EFFECT,
                "AddClientIDToOpenIDConnectProvider": _EFFECT,
                "RemoveClientIDFromOpenIDConnectProvider": _EFFECT,
                "UpdateOpenIDConnectProviderThumbprint": _EFFECT,
                "TagOpenIDConnectProvider": _EFFECT,
                "UntagOpenIDConnectProvider": _EFFECT,
                "ListOpenIDConnectProviderTags": _READ,
                "PutRolePermissionsBoundary": _EFFECT,
                "DeleteRolePermissionsBoundary": _EFFECT,
                "TagRole": _EFFECT,
                "UntagRole": _EFFECT,
                "ListRoleTags": _READ,
                "SimulatePrincipalPolicy": _READ,
                "SimulateCustomPolicy": _READ,
                "GetContextKeysForPrincipalPolicy": _READ,
                "GetContextKeysForCustomPolicy": _READ,
                "CreatePolicy": _EFFECT,
                "GetPolicy": _READ,
                "ListPolicies": _READ,
                "DeletePolicy": _EFFECT,
                "CreatePolicyVersion": _EFFECT,
                "GetPolicyVersion": _READ,
                "ListPolicyVersions": _READ,
                "SetDefaultPolicyVersion": _EFFECT,
                "DeletePolicyVersion": _EFFECT,
                "ListEntitiesForPolicy": _READ,
                "TagPolicy": _EFFECT,
                "UntagPolicy": _EFFECT,
                "ListPolicyTags": _READ,
                "GetAccountSummary": _READ,
                "GetAccountAuthorizationDetails": _READ,
                "CreateAccountAlias": _EFFECT,
                "ListAccountAliases": _READ,
                "DeleteAccountAlias": _EFFECT,
                "AttachUserPolicy": _EFFECT,
                "DetachUserPolicy": _EFFECT,
                "ListAttachedUserPolicies": _READ,
                "AttachGroupPolicy": _EFFECT,
                "DetachGroupPolicy": _EFFECT,
                "ListAttachedGroupPolicies": _READ,
                "AttachRolePolicy": _EFFECT,
                "DetachRolePolicy": _EFFECT,
                "ListAttachedRolePolicies": _READ,
            },
        ),
        (
            "kms",
            "kms",
            {
                "CreateKey": _EFFECT,
                "DescribeKey": _READ,
                "ListKeys": _READ,
                "EnableKey": _EFFECT,
                "DisableKey": _EFFECT,
                "UpdateKeyDescription": _EFFECT,
                "CreateAlias": _EFFECT,
                "UpdateAlias": _EFFECT,
                "DeleteAlias": _EFFECT,
                "ListAliases": _READ,
                "TagResource": _EFFECT,
                "UntagResource": _EFFECT,
                "ListResourceTags": _READ,
                "PutKeyPolicy": _EFFECT,
                "GetKeyPolicy": _READ,
                "ListKeyPolicies": _READ,
                "CreateGrant": _EFFECT,
                "ListGrants": _READ,
                "ListRetirableGrants": _READ,
                "RevokeGrant": _EFFECT,
                "RetireGrant": _EFFECT,
                # Releasing a secret, or using one, is an effect: its intent is durable before kms is asked.
                "Encrypt": _EFFECT,
                "Decrypt": _EFFECT,
                "ReEncrypt": _EFFECT,
                "GenerateDataKey": _EFFECT,
                "GenerateDataKeyWithoutPlaintext": _EFFECT,
                "GenerateDataKeyPair": _EFFECT,
                "GenerateDataKeyPairWithoutPlaintext": _EFFECT,
                "GenerateRandom": _EFFECT,
                "Sign": _EFFECT,
                "Verify": _EFFECT,
                "GenerateMac": _EFFECT,
                "VerifyMac": _EFFECT,
                "GetPublicKey": _READ,
                "DeriveSharedSecret": _EFFECT,
                "GetParametersForImport": _EFFECT,
                "ImportKeyMaterial": _EFFECT,
                "DeleteImportedKeyMaterial": _EFFECT,
                "EnableKeyRotation": _EFFECT,
                "DisableKeyRotation": _EFFECT,
                "GetKeyRotationStatus": _READ,
                "RotateKeyOnDemand": _EFFECT,
                "ListKeyRotations": _READ,
                "ScheduleKeyDeletion": _EFFECT,
                "CancelKeyDeletion": _EFFECT,
            },
        ),
    )
    for name, recording in operations.items()
}
"""Every operation that is answered; the rest of the service models is known and refused."""

UNSERVED_AUDIENCE = "auth"
"""A caller of an operation that is not served is authenticated all the same, to be recorded. All operations
of the query protocol are for it too: which one is meant stands in the body."""

_UNKNOWN = "UnknownOperation"


def served(operation: Operation) -> Served | None:
    """Return how an operation is served, None when it is not."""
    return SERVED.get((operation.service, operation.name))


def method_name(service: str, name: str) -> str:
    """Return the edge's method for an operation: "edge:InvokeModel", "edge:iam.GetUser"."""
    return f"{PREFIX}{name}" if _SOURCES.get(service, _BEDROCK) == _BEDROCK else f"{PREFIX}{service}.{name}"


def unknown_method(service: str) -> AuditedMethod:
    """Describe a request that names no operation of `service`; of bedrock's when that is empty."""
    return AuditedMethod(_SOURCES.get(service, _BEDROCK), _UNKNOWN, Recording.READ)


def audited_method(operation: Operation) -> AuditedMethod:
    """Describe any operation of the service models."""
    found = served(operation)
    if found is None:
        return AuditedMethod(_SOURCES[operation.service], operation.name, Recording.READ)
    return found.audited


EVENTS: Mapping[str, AuditedMethod] = {
    **{method_name(*key): each.audited for key, each in SERVED.items()},
    **{method_name(service, _UNKNOWN): unknown_method(service) for service in _SOURCES},
}
"""The edge's methods for the audit log."""
