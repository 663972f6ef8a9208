"""What the headers and the path of an invocation may say."""

import base64

import pytest

from services.edge.domain.faults import Fault
from services.edge.domain.invocation import (
    InvocationRules,
    mime_type,
    model_arn,
    model_resources,
    receipt_salt,
)
from services.edge.domain.model import ServiceModel

RULES = InvocationRules(ServiceModel.load("bedrock-runtime"))
ARN = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"


@pytest.mark.parametrize(
    "identifier", ["craton.tiny-text-v1", "craton.tiny-text-v1:0", ARN, "us.craton.tiny-v1"]
)
def test_identifiers(identifier: str) -> None:
    RULES.check_model_id(identifier)


@pytest.mark.parametrize("identifier", ["", "a b", "a" * 2049, "arn:aws:s3:::a/b", "../etc", "é.b"])
def test_identifiers_that_no_model_has(identifier: str) -> None:
    with pytest.raises(Fault) as caught:
        RULES.check_model_id(identifier)
    assert (caught.value.code, caught.value.message) == (
        "ValidationException",
        "The provided model identifier is invalid.",
    )


def test_mime_types() -> None:
    name = b"accept"
    assert mime_type({}, name) == mime_type({name: b"*/*"}, name) == "application/json"
    assert mime_type({name: b"image/png"}, name) == "image/png"
    for bad in (b"a" * 129, b"caf\xe9", b"a\x01b"):
        with pytest.raises(Fault):
            mime_type({name: bad}, name)


def test_defaults_of_optional_features_are_accepted() -> None:
    RULES.check_headers(
        {b"x-amzn-bedrock-performanceconfig-latency": b"standard", b"x-amzn-bedrock-service-tier": b"default"}
    )


@pytest.mark.parametrize(
    "headers",
    [
        {b"x-amzn-bedrock-guardrailidentifier": b"g"},
        {b"x-amzn-bedrock-guardrailversion": b"1"},
        {b"x-amzn-bedrock-performanceconfig-latency": b"optimized"},
        {b"x-amzn-bedrock-service-tier": b"flex"},
    ],
)
def test_what_is_not_offered_is_refused(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(Fault):
        RULES.check_headers(headers)


def test_audit_names() -> None:
    assert model_arn("craton.tiny-text-v1", "us-east-1", "aws") == ARN
    assert model_arn(ARN, "eu-west-1", "aws") == ARN
    assert model_resources({"modelIdentifier": "craton.tiny-text-v1"}, "us-east-1", "aws") == (ARN,)
    assert model_resources({"modelId": ARN}, "us-east-1", "aws") == (ARN,)
    assert model_resources({}, "us-east-1", "aws") == ()


def test_a_receipt_is_asked_for_with_a_salt_and_nothing_else() -> None:
    salt = bytes(range(32))
    assert receipt_salt({}) is None
    assert receipt_salt({b"x-craton-receipt": base64.b64encode(salt)}) == salt
    for bad in (
        b"",
        b"true",
        base64.b64encode(salt[1:]),
        base64.b64encode(salt + b"x"),
        base64.urlsafe_b64encode(b"\xff" * 32),
        base64.b64encode(salt) + b"\n",
        b"\xff" * 44,
    ):
        with pytest.raises(Fault) as caught:
            receipt_salt({b"x-craton-receipt": bad})
        assert caught.value.message == "The x-craton-receipt header must be 32 random bytes in base64."
