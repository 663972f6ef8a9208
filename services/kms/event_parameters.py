"""What of calls of kms stands in the audit log besides their resources, under AWS's names.

An encryption context is recorded in plain text, as at AWS: it says what a key was used for.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
"""

from typing import Any

from services.chassis.arn import arn_of
from services.chassis.audit.fields import NamedFields, Table
from services.chassis.audit.parameters import Parameters, recorded
from services.chassis.context import CallContext
from services.kms.domain.names import AliasName, KeyName
from services.kms.operations.trail_keys import TrailFile


def displayed(text: str) -> str:
    """Return the ARN of a key or an alias; what is neither, a parent of keys say, as it was asked for."""
    for parse in (KeyName.parse, AliasName.parse):
        try:
            return parse(text).displayed
        except ValueError:
            continue
    return text


_COMMON: Table = {
    "bypass_lockout_check": "bypassPolicyLockoutSafetyCheck",
    "constraints": "constraints",
    "description": "description",
    "destination_encryption_algorithm": "destinationEncryptionAlgorithm",
    "destination_encryption_context": "destinationEncryptionContext",
    "destination_key_name": ("destinationKeyId", displayed),
    "dry_run": "dryRun",
    "encryption_algorithm": "encryptionAlgorithm",
    "encryption_context": "encryptionContext",
    "encryption_context_equals": "encryptionContextEquals",
    "encryption_context_subset": "encryptionContextSubset",
    "expire_time": "validTo",
    "friendly_name": "name",
    "grant_id": "grantId",
    "grantee_principal": "granteePrincipal",
    "key": "tagKey",
    "key_agreement_algorithm": "keyAgreementAlgorithm",
    "key_name": ("keyId", displayed),
    "mac_algorithm": "macAlgorithm",
    "message_type": "messageType",
    "name": ("keyId", displayed),
    "number_of_bytes": "numberOfBytes",
    "operations": "operations",
    "origin": ("origin", {1: "AWS_KMS", 2: "EXTERNAL"}.get),
    "pair_spec": "keyPairSpec",
    "pending_days": "pendingWindowInDays",
    "period_days": "rotationPeriodInDays",
    "policy": "policy",
    "retiring_principal": "retiringPrincipal",
    "signing_algorithm": "signingAlgorithm",
    "source_encryption_algorithm": "sourceEncryptionAlgorithm",
    "source_encryption_context": "sourceEncryptionContext",
    "source_key_name": ("sourceKeyId", displayed),
    "spec": "keySpec",
    "tag_keys": "tagKeys",
    "tags": "tags",
    "usage": "keyUsage",
    "value": "tagValue",
    "wrapping_algorithm": "wrappingAlgorithm",
    "wrapping_key_spec": "wrappingKeySpec",
}
COMMON: Parameters = NamedFields(_COMMON)
"""Of calls about keys."""
ALIAS: Parameters = NamedFields({"name": ("aliasName", displayed), "key_name": ("targetKeyId", displayed)})
"""Of calls about aliases."""
GRANT: Parameters = NamedFields(
    {"name": ("grantId", lambda name: name.rpartition("/")[2]), "dry_run": "dryRun"}
)
"""Of calls that end a grant. The token that shows one is nobody's to read."""
MODEL: Parameters = NamedFields(
    {
        "key_name": ("keyId", displayed),
        "context": "encryptionContext",
        "provider": "provider",
        "artifact": "artifact",
        "artifact_sha256": "artifactSha256",
    }
)
"""Of calls about the data keys of weights."""


def trail_file(request: Any, _call: CallContext) -> str:
    """Say for which file of which trail a key was used, as CloudTrail's encryption context has it."""
    file = TrailFile(request.trail, request.place)
    try:
        arn_of(file.trail)
    except ValueError:
        return recorded({"keyId": displayed(request.key_name)})
    return recorded(
        {
            "keyId": displayed(request.key_name),
            "encryptionContext": file.encryption_context("aws"),
            "keySpec": "AES_256",
        }
    )
