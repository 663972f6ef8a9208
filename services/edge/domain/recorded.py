"""What of an input and an output the audit log has: CloudTrail's requestParameters and responseElements.

Left out are, wherever they are: blobs, streams and documents without a shape; the members of `NEVER`; and
of what AWS's models call sensitive the value, in whose place stands CloudTrail's word for that. Of a service
that carries prompts only the members of `ALONE` are recorded, and nothing of its answers. A test walks all
operations of all models (`tests/unit/edge/test_recorded.py`).
AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.chassis.audit.parameters import recorded
from services.chassis.context import IssuedCredentials
from services.chassis.principal import PrincipalClaims
from services.edge.domain.constraints import spelled
from services.edge.domain.model import Operation, ServiceModel

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What CloudTrail writes in the place of a value that it knows to be sensitive."""

NEVER: Mapping[str, frozenset[str]] = {
    "bedrock": frozenset(
        {
            # Shows that its holder was made an offer. Which model it was for stands beside it.
            "offerToken",
            # What people write for models, and models for people.
            "additionalModelRequestFields",
            "byteContent",
            "content",
            "documentContent",
            "formData",
            "generateFidelityReportContent",
            "ingestContent",
            "iterativeRefinementContent",
            "sourceContent",
            "text",
            "workflowContent",
        }
    ),
    "cloudtrail": frozenset(),
    # An event and what proves it are their owner's, and stand in the log as an event of their own.
    "craton-audit": frozenset({"entry", "event", "salt"}),
    # Clients can ask for any text as a request's id. Of a receipt that there is its model is recorded.
    "craton-runtime": frozenset({"requestId"}),
    "iam": frozenset(
        {
            "AddPrivateKey",
            "AuthenticationCode1",
            "AuthenticationCode2",
            "Base32StringSeed",
            "NewPassword",
            "OldPassword",
            "Password",
            "PrivateKey",
            "QRCodePNG",
            # May carry the provider's keys, and is as long as a novel.
            "SAMLMetadataDocument",
            "SecretAccessKey",
            "ServiceCredentialSecret",
            "ServicePassword",
        }
    ),
    "kms": frozenset(
        {
            "AttestationDocument",
            "CiphertextBlob",
            "CiphertextForRecipient",
            "EncryptedKeyMaterial",
            # Whoever shows one has the grant's rights before the grant is known everywhere.
            "GrantToken",
            "GrantTokens",
            "ImportToken",
            "KeyStorePassword",
            "Mac",
            "Message",
            "Plaintext",
            "PrivateKeyCiphertextBlob",
            "PrivateKeyPlaintext",
            "PublicKey",
            "SharedSecret",
            "Signature",
            "XksProxyAuthenticationCredential",
        }
    ),
    "sts": frozenset(
        {
            # AWS records session tokens. Here nobody finds a credential in a log.
            "ContextAssertion",
            "DecodedMessage",
            "EncodedMessage",
            "SAMLAssertion",
            "SecretAccessKey",
            "SessionToken",
            "TokenCode",
            "TradeInToken",
            "WebIdentityToken",
        }
    ),
}
"""Members that no record has, of each service, at whatever depth."""

ALONE: Mapping[str, frozenset[str]] = {"bedrock-runtime": frozenset({"modelId"})}
"""The members of inputs that are recorded of services that carry prompts."""

_LEFT_OUT = object()


def request_parameters(model: ServiceModel, operation: Operation, values: Mapping[str, Any]) -> str:
    """Return what is recorded of an input, as an event has it."""
    alone = ALONE.get(model.service)
    if alone is not None:
        return recorded({name: value for name, value in values.items() if name in alone})
    return recorded(_members(model, operation.input.shape, values))


def response_elements(model: ServiceModel, operation: Operation, output: Mapping[str, Any]) -> str:
    """Return what is recorded of an output, as an event has it."""
    if model.service in ALONE:
        return ""
    return recorded(_members(model, operation.output.shape, output))


def issued_credentials(output: Mapping[str, Any], caller: PrincipalClaims) -> IssuedCredentials | None:
    """Return whose temporary credentials an answer of STS gives out, without their secrets."""
    given = output.get("Credentials")
    if given is None:
        return None
    # Without a role they are the caller's own.
    role = output.get("AssumedRoleUser", {})
    return IssuedCredentials(
        given["AccessKeyId"],
        role.get("Arn", caller.arn),
        role.get("AssumedRoleId", caller.principal_id),
        given["Expiration"],
    )


def _members(model: ServiceModel, shape_name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Choose among the members of a structure. Raises KeyError for a member that the shape lacks."""
    members, never = model.shapes[shape_name]["members"], NEVER[model.service]
    chosen = {}
    for name, each in value.items():
        if each is None or name in never:
            continue
        one = _chosen(model, members[name]["shape"], each)
        if one is not _LEFT_OUT:
            chosen[spelled(name)] = one
    return chosen


def _chosen(model: ServiceModel, shape_name: str, value: Any) -> Any:
    shape = model.shapes[shape_name]
    kind = shape["type"]
    if kind == "blob" or shape.get("document") or shape.get("eventstream"):
        return _LEFT_OUT
    if shape.get("sensitive"):
        return HIDDEN
    if kind == "structure":
        return _members(model, shape_name, value)
    if kind == "list":
        items = [_chosen(model, shape["member"]["shape"], each) for each in value]
        return [each for each in items if each is not _LEFT_OUT]
    if kind == "map":
        return _entries(model, shape, value)
    return _written(value) if kind == "timestamp" else value


def _entries(model: ServiceModel, shape: Mapping[str, Any], value: Mapping[str, Any]) -> Any:
    if model.shapes[shape["key"]["shape"]].get("sensitive"):
        return HIDDEN
    entries = {key: _chosen(model, shape["value"]["shape"], each) for key, each in value.items()}
    return {key: each for key, each in entries.items() if each is not _LEFT_OUT}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
