"""What of inputs and outputs is recorded: all operations of all models are walked, and nothing secret is."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from services.chassis.audit import parameters
from services.edge.domain.model import JSON_SERVICES, OWN_SERVICES, QUERY_SERVICES, SERVICES, ServiceModel
from services.edge.domain.recorded import (
    ALONE,
    HIDDEN,
    NEVER,
    issued_credentials,
    request_parameters,
    response_elements,
)
from tests.unit.chassis.audit.test_recorder import ALICE

MODELS = {
    name: ServiceModel.load(name) for name in (*SERVICES, *QUERY_SERVICES, *JSON_SERVICES, *OWN_SERVICES)
}
OPERATIONS = [(name, operation) for name in MODELS for operation in sorted(MODELS[name].operations)]
SECRETS = {
    "AuthenticationCode1",
    "AuthenticationCode2",
    "Base32StringSeed",
    "CiphertextBlob",
    "CiphertextForRecipient",
    "ContextAssertion",
    "DecodedMessage",
    "EncodedMessage",
    "EncryptedKeyMaterial",
    "GrantToken",
    "GrantTokens",
    "ImportToken",
    "KeyStorePassword",
    "Mac",
    "NewPassword",
    "OldPassword",
    "Password",
    "Plaintext",
    "PrivateKey",
    "PrivateKeyCiphertextBlob",
    "PrivateKeyPlaintext",
    "QRCodePNG",
    "RawSecretAccessKey",
    "SAMLAssertion",
    "SecretAccessKey",
    "ServiceCredentialSecret",
    "ServicePassword",
    "SessionToken",
    "SharedSecret",
    "Signature",
    "TokenCode",
    "TradeInToken",
    "WebIdentityToken",
    "body",
    "formData",
    "offerToken",
}
"""Members that carry credentials, key material or contents, as this test's author read AWS's models."""
TELLING = re.compile(
    "token|secret|passw|plaintext|cipher|private|signature|mac$|seed|assertion|code|message|content|text"
    "|material|body$",
    re.IGNORECASE,
)
HARMLESS = {
    "bedrock": """
        clientRequestToken clientToken code contentType documentContentType endpointStatusMessage errorMessage
        failureMessage failureMessages message messageType messages nextToken selectiveContentGuarding
        statusMessage context contentPolicy contentPolicyConfig contextualGroundingPolicy
        contextualGroundingPolicyConfig textInferenceConfig
    """,
    "cloudtrail": """
        ContextKeySelectors ErrorCode ErrorMessage LatestIngestionErrorCode NextToken
    """,
    "craton-audit": "",
    "craton-runtime": "",
    "iam": """
        AssertionEncryptionMode CertificateBody Code ContextEntries ContextKeyName ContextKeyNames
        ContextKeyType
        ContextKeyValues GlobalEndpointTokenVersion Message MissingContextValues PasswordPolicy
        PasswordPolicyPresent PrivateKeyList RemovePrivateKey RequestMessage SSHPublicKeyBody SummaryContent
    """,
    "kms": """
        ConnectionErrorCode CurrentKeyMaterialId DestinationEncryptionContext DestinationKeyMaterialId
        EncryptionContext EncryptionContextEquals EncryptionContextSubset IncludeKeyMaterial
        KeyMaterialDescription KeyMaterialId KeyMaterialState MessageType SourceEncryptionContext
        SourceKeyMaterialId
    """,
    "sts": "ProvidedContexts SubjectFromWebIdentityToken",
}
"""Members of telling names that were looked at, and may be recorded."""


class Filled:
    """A value of a shape in which every string, key and blob is a canary of its own."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self.canaries: dict[str, tuple[str, ...]] = {}
        """Of each canary the members that lead to it, and what its shapes are."""

    def value(self, shape_name: str, path: tuple[str, ...]) -> Any:
        shape = self.model.shapes[shape_name]
        kind = shape["type"]
        marks = [f"<{mark}>" for mark in ("sensitive", "document", "eventstream") if shape.get(mark)]
        path = (*path, *marks)
        if kind == "structure":
            return {
                name: self.value(target["shape"], (*path, name))
                for name, target in shape["members"].items()
                # Shapes that hold themselves are gone into once.
                if path.count(name) < 2
            }
        if kind == "list":
            return [self.value(shape["member"]["shape"], path)]
        if kind == "map":
            key = shape["key"]["shape"]
            hidden = ("<sensitive>",) if self.model.shapes[key].get("sensitive") else ()
            return {self.value(key, path): self.value(shape["value"]["shape"], (*path, *hidden))}
        if kind == "string":
            return self.canary(path)
        if kind == "blob":
            return self.canary((*path, "<blob>")).encode()
        if kind == "timestamp":
            return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        return kind == "boolean" or 7

    def canary(self, path: tuple[str, ...]) -> str:
        canary = f"canary{len(self.canaries)}x"
        self.canaries[canary] = path
        return canary


def secret(path: tuple[str, ...]) -> bool:
    """Say whether a member must not be recorded, by this test's own list."""
    return any(part.startswith("<") or part in SECRETS for part in path)


@pytest.fixture(autouse=True)
def boundless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "MAX_BYTES", 2**40)


def told(service: str, name: str) -> Iterator[tuple[str, str, Filled]]:
    """Return what is recorded of an input and an output that have everything."""
    model = MODELS[service]
    operation = model.operations[name]
    for shape, record in (
        (operation.input.shape, request_parameters),
        (operation.output.shape, response_elements),
    ):
        filled = Filled(model)
        value = filled.value(shape, ())
        yield shape, record(model, operation, value), filled


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_nothing_secret_is_recorded_and_all_else_is(service: str, name: str) -> None:
    for _, text, filled in told(service, name):
        shown = set(re.findall("canary[0-9]+x", text))
        leaked = {filled.canaries[canary] for canary in shown if secret(filled.canaries[canary])}
        assert not leaked
        if service in ALONE:
            assert {filled.canaries[canary] for canary in shown} <= {("modelId",)}
            continue
        open_ = {path for path in filled.canaries.values() if not secret(path)}
        missing = open_ - {filled.canaries[canary] for canary in shown}
        assert not {path for path in missing if not NEVER[service] & set(path)}


def test_secrets_of_aws_are_marked_as_hidden_or_left_out() -> None:
    hidden = sum(text.count(HIDDEN) for service, name in OPERATIONS for _, text, _ in told(service, name))
    assert hidden > 100
    [(_, asked, _), (_, answered, _)] = told("iam", "CreateAccessKey")
    assert set(json.loads(answered)["accessKey"]) == {"userName", "accessKeyId", "status", "createDate"}
    assert list(json.loads(asked)) == ["userName"]


@pytest.mark.parametrize("service", sorted(set(MODELS) - set(ALONE)))
def test_members_of_telling_names_were_looked_at(service: str) -> None:
    """A newer botocore that brings one is not recorded before somebody has decided."""
    model = MODELS[service]
    found = set()
    for operation in model.operations.values():
        for shape in (operation.input.shape, operation.output.shape):
            found |= members(model, shape, frozenset())
    looked_at = NEVER[service] | set(HARMLESS[service].split())
    assert {name for name in found if TELLING.search(name)} - looked_at == set()


def members(model: ServiceModel, shape_name: str, seen: frozenset[str]) -> set[str]:
    """Return the members of a shape that texts can come out of, besides those that are sensitive."""
    shape = model.shapes[shape_name]
    if shape_name in seen or shape["type"] == "blob" or shape.get("sensitive"):
        return set()
    seen |= {shape_name}
    if shape["type"] == "list":
        return members(model, shape["member"]["shape"], seen)
    if shape["type"] == "map":
        return members(model, shape["value"]["shape"], seen)
    found: set[str] = set()
    for name, target in shape.get("members", {}).items():
        inside = model.shapes[target["shape"]]
        if inside["type"] in ("string", "structure", "list", "map") and not inside.get("sensitive"):
            found |= {name} | members(model, target["shape"], seen)
    return found


def asked(service: str, name: str, values: Mapping[str, Any]) -> Any:
    model = MODELS[service]
    text = request_parameters(model, model.operations[name], values)
    return json.loads(text) if text else None


def test_names_and_values_are_cloudtrails() -> None:
    context = {"Tenant": "Blue"}
    values = {
        "KeyId": "alias/a",
        "EncryptionContext": context,
        "Plaintext": b"p",
        "GrantTokens": ["t"],
        "DryRun": None,
    }
    assert asked("kms", "Encrypt", values) == {"keyId": "alias/a", "encryptionContext": context}
    assert asked("kms", "ListAliases", {}) is None
    valid = {"KeyId": "k", "ValidTo": datetime(2026, 1, 2, 3, 4, 5, 600, UTC)}
    assert asked("kms", "ImportKeyMaterial", valid) == {"keyId": "k", "validTo": "2026-01-02T03:04:05Z"}
    assert asked("bedrock-runtime", "Converse", {"modelId": "m", "messages": [{"role": "user"}]}) == {
        "modelId": "m"
    }


def test_what_was_given_out() -> None:
    until = datetime(2026, 1, 2, tzinfo=UTC)
    given = {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": until}
    role = {"Arn": "arn:role", "AssumedRoleId": "AROA:x"}
    assert issued_credentials({}, ALICE) is None
    own = issued_credentials({"Credentials": given}, ALICE)
    assert own is not None
    assert (own.access_key_id, own.principal_arn, own.principal_id) == ("ASIA", ALICE.arn, "AIDAALICE")
    roles = issued_credentials({"Credentials": given, "AssumedRoleUser": role}, ALICE)
    assert roles is not None
    assert (roles.principal_arn, roles.principal_id, roles.expires_at) == ("arn:role", "AROA:x", until)
