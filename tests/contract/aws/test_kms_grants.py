"""Grants on keys by an unmodified boto3, against the whole stack."""

import time
from collections.abc import Callable
from typing import Any

from tests.contract.aws.answers import ACCOUNT, refused

Make = Callable[..., dict[str, Any]]
Somebody = Callable[..., tuple[str, Any]]
DENIED = ("AccessDeniedException", 400)


def test_life_of_a_grant(kms: Any, make_key: Make, somebody: Somebody) -> None:
    key = make_key()
    arn, user = somebody()
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert refused(user.decrypt, CiphertextBlob=blob) == DENIED
    made = kms.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=arn,
        RetiringPrincipal=f"arn:aws:iam::{ACCOUNT}:user/admin",
        Operations=["Decrypt", "DescribeKey"],
        Name="of-a-test",
    )
    # In force at once: a token is not needed, and does no harm.
    assert user.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert user.decrypt(CiphertextBlob=blob, GrantTokens=[made["GrantToken"]])["Plaintext"] == b"x"
    assert user.describe_key(KeyId=key["Arn"])["KeyMetadata"]["Arn"] == key["Arn"]
    assert refused(user.encrypt, KeyId=key["Arn"], Plaintext=b"x") == DENIED
    (listed,) = kms.list_grants(KeyId=key["KeyId"])["Grants"]
    assert listed.pop("CreationDate")
    assert listed == {
        "KeyId": key["Arn"],
        "GrantId": made["GrantId"],
        "Name": "of-a-test",
        "GranteePrincipal": arn,
        "RetiringPrincipal": f"arn:aws:iam::{ACCOUNT}:user/admin",
        "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
        "Operations": ["Decrypt", "DescribeKey"],
    }
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    assert refused(user.decrypt, CiphertextBlob=blob) == DENIED
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []
    code = refused(kms.revoke_grant, KeyId=key["KeyId"], GrantId=made["GrantId"])
    assert code == ("NotFoundException", 400)


def test_constraints(kms: Any, make_key: Make, somebody: Somebody) -> None:
    key_id = make_key()["KeyId"]
    for constraint, passing, failing in (
        ("EncryptionContextSubset", [{"a": "1"}, {"a": "1", "b": "2"}], [{}, {"b": "2"}]),
        ("EncryptionContextEquals", [{"a": "1"}], [{}, {"a": "2"}, {"a": "1", "b": "2"}]),
    ):
        arn, user = somebody()
        kms.create_grant(
            KeyId=key_id,
            GranteePrincipal=arn,
            Operations=["GenerateDataKey"],
            Constraints={constraint: {"a": "1"}},
        )
        listed = kms.list_grants(KeyId=key_id, GranteePrincipal=arn)["Grants"]
        assert [each["Constraints"] for each in listed] == [{constraint: {"a": "1"}}]
        named = {"KeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key_id}", "KeySpec": "AES_256"}
        for context in passing:
            assert user.generate_data_key(EncryptionContext=context, **named)["Plaintext"]
        for context in failing:
            assert refused(user.generate_data_key, EncryptionContext=context, **named) == DENIED


def test_retiring(kms: Any, make_key: Make, somebody: Somebody) -> None:
    key = make_key()
    arn, user = somebody()
    other_arn, other = somebody()
    given = {"KeyId": key["KeyId"], "GranteePrincipal": arn, "Operations": ["Decrypt"]}
    first = kms.create_grant(RetiringPrincipal=other_arn, **given)
    second = kms.create_grant(**{**given, "Operations": ["Decrypt", "RetireGrant"]})
    third = kms.create_grant(**given, Name=f"n-{time.time_ns()}")
    retirable = kms.list_retirable_grants(RetiringPrincipal=other_arn)["Grants"]
    assert [each["GrantId"] for each in retirable] == [first["GrantId"]]
    assert refused(user.retire_grant, GrantToken=first["GrantToken"]) == DENIED
    assert refused(user.retire_grant, KeyId=key["Arn"], GrantId=third["GrantId"]) == DENIED
    other.retire_grant(GrantToken=first["GrantToken"])
    user.retire_grant(KeyId=key["Arn"], GrantId=second["GrantId"])
    left = [each["GrantId"] for each in kms.list_grants(KeyId=key["KeyId"])["Grants"]]
    assert left == [third["GrantId"]]
    code = refused(kms.retire_grant, KeyId=key["KeyId"], GrantId=third["GrantId"])
    assert code == ("InvalidArnException", 400)
    assert refused(kms.retire_grant, GrantToken="no token")[0] == "InvalidGrantTokenException"


def test_grants_by_name_and_in_pages(kms: Any, make_key: Make, somebody: Somebody) -> None:
    key_id = make_key()["KeyId"]
    arn, _ = somebody()
    given = {"KeyId": key_id, "GranteePrincipal": arn, "Operations": ["Decrypt"]}
    first = kms.create_grant(**given, Name="once")
    assert kms.create_grant(**given, Name="once")["GrantId"] == first["GrantId"]
    made = {first["GrantId"], *(kms.create_grant(**given)["GrantId"] for _ in range(2))}
    page = kms.list_grants(KeyId=key_id, Limit=2)
    rest = kms.list_grants(KeyId=key_id, Limit=2, Marker=page["NextMarker"])
    assert (page["Truncated"], rest["Truncated"]) == (True, False)
    assert {each["GrantId"] for each in page["Grants"] + rest["Grants"]} == made
    (one,) = kms.list_grants(KeyId=key_id, GrantId=first["GrantId"])["Grants"]
    assert one["GrantId"] == first["GrantId"]


def test_grants_that_are_refused(kms: Any, make_key: Make, somebody: Somebody) -> None:
    key_id = make_key()["KeyId"]
    arn, user = somebody("kms:DescribeKey")
    given = {"KeyId": key_id, "GranteePrincipal": arn, "Operations": ["Decrypt"]}
    assert refused(user.create_grant, **given) == DENIED
    for changed, code in (
        ({"Operations": ["Sign"]}, "ValidationException"),
        ({"Operations": ["Encapsulate"]}, "ValidationException"),
        ({"GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:user/nobody-{time.time_ns()}"}, "InvalidArnException"),
        ({"GranteePrincipal": "arn:nothing"}, "InvalidArnException"),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "UnsupportedOperationException"),
    ):
        assert refused(kms.create_grant, **{**given, **changed}) == (code, 400), changed
    dry = refused(kms.create_grant, **given, DryRun=True)
    assert dry == ("DryRunOperationException", 400)
    assert kms.list_grants(KeyId=key_id)["Grants"] == []
    assert refused(kms.revoke_grant, KeyId=key_id, GrantId="x") == ("InvalidGrantIdException", 400)
    kms.disable_key(KeyId=key_id)
    assert refused(kms.create_grant, **given) == ("DisabledException", 400)
