"""What clients call keys and aliases: AWS's four kinds of names, and its refusals of everything else."""

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.edge.domain.faults import Fault
from services.edge.domain.kms_names import InvalidArnError, KmsNames

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
NAMES = KmsNames("123456789012", "us-east-1")
HERE = "accounts/123456789012/regions/us-east-1"
ARN = f"arn:aws:kms:us-east-1:123456789012:key/{ID}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ID, f"{HERE}/keys/{ID}"),
        (ID.upper(), f"{HERE}/keys/{ID.upper()}"),
        (f"mrk-{'a' * 32}", f"{HERE}/keys/mrk-{'a' * 32}"),
        (ARN, f"{HERE}/keys/{ID}"),
        # Another account's policy decides whether its key may be used.
        (ARN.replace("123456789012", "210987654321"), f"accounts/210987654321/regions/us-east-1/keys/{ID}"),
    ],
)
def test_keys(text: str, name: str) -> None:
    assert NAMES.key(text) == NAMES.key_or_alias(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alias/a", f"{HERE}/aliases/a"),
        ("alias/team/app_1-x", f"{HERE}/aliases/team/app_1-x"),
        ("alias/aws/bedrock", f"{HERE}/aliases/aws/bedrock"),
        ("alias/alias/a", f"{HERE}/aliases/alias/a"),
        (
            "arn:aws:kms:us-east-1:210987654321:alias/a/b",
            "accounts/210987654321/regions/us-east-1/aliases/a/b",
        ),
    ],
)
def test_aliases(text: str, name: str) -> None:
    assert NAMES.key_or_alias(text) == name
    if text.startswith("alias/"):
        assert NAMES.alias(text) == name
        assert NAMES.arn(name) == f"arn:aws:kms:us-east-1:123456789012:{text}"
        # Where AWS wants a key, an alias is the ID of none.
        assert _reason(NAMES.key, text) == ("RESOURCE_NOT_FOUND", f"Invalid keyId '{text}'")
    else:
        with pytest.raises(InvalidArnError):
            NAMES.key(text)


def _reason(call: object, text: str) -> tuple[str, str]:
    with pytest.raises(DomainError) as caught:
        call(text)  # type: ignore[operator]
    return caught.value.reason_name, caught.value.message


@pytest.mark.parametrize(
    "text", ["fake-key-id", ID.replace("-", ""), ID + "0", "mrk-x", "alias/", "alias/a b", "alias/a:b"]
)
def test_what_is_no_key(text: str) -> None:
    assert _reason(NAMES.key_or_alias, text) == ("RESOURCE_NOT_FOUND", f"Invalid keyId '{text}'")


def test_what_is_refused_is_repeated_in_part() -> None:
    assert len(_reason(NAMES.key, "x" * 2048)[1]) < 300


def test_another_region() -> None:
    for resource in (f"key/{ID}", "alias/a"):
        text = f"arn:aws:kms:eu-west-1:123456789012:{resource}"
        assert _reason(NAMES.key_or_alias, text) == ("RESOURCE_NOT_FOUND", "Invalid arn eu-west-1")


@pytest.mark.parametrize(
    "text",
    [
        "arn:",
        "arn:aws:kms",
        f"arn:aws-cn:kms:us-east-1:123456789012:key/{ID}",
        f"arn:aws:iam:us-east-1:123456789012:key/{ID}",
        f"arn:aws:kms::123456789012:key/{ID}",
        f"arn:aws:kms:us-east-1:12345678901:key/{ID}",
        "arn:aws:kms:us-east-1:123456789012:key/",
        f"arn:aws:kms:us-east-1:123456789012:key/{ID}/grants/1",
        f"arn:aws:kms:us-east-1:123456789012:keys/{ID}",
        "arn:aws:iam::123456789012:user/a/keys/b",
        "arn:aws:iam::123456789012:user/regions/us-east-1/keys/b",
    ],
)
def test_arns_of_nothing_here(text: str) -> None:
    with pytest.raises(InvalidArnError):
        NAMES.key_or_alias(text)


def test_names_of_aliases_that_are_written() -> None:
    with pytest.raises(Fault) as caught:
        NAMES.alias("a")
    assert caught.value.code == "ValidationException"
    assert caught.value.message.startswith('Alias must start with the prefix "alias/".')
    for text in ("alias/", "alias/a:b", "alias/" + "x" * 251):
        with pytest.raises(DomainError) as refused:
            NAMES.alias(text)
        assert refused.value.reason == ErrorReason.ERROR_REASON_INVALID_ALIAS_NAME
