"""Keys of KMS by an unmodified boto3, against the whole stack: what they are, and how they are managed."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT, document, refused

Make = Callable[..., dict[str, Any]]
MISSING = "1234abcd-12ab-34cd-56ef-1234567890ab"
_RSA_SIGNING = {f"RSASSA_{scheme}_SHA_{size}" for scheme in ("PSS", "PKCS1_V1_5") for size in (256, 384, 512)}


def _message(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def _every(call: Any, member: str, **arguments: Any) -> list[Any]:
    found, answer = [], {"Truncated": True}
    while answer["Truncated"]:
        answer = call(**arguments)
        assert len(answer[member]) <= arguments["Limit"]
        assert answer["Truncated"] is ("NextMarker" in answer)
        found += answer[member]
        arguments["Marker"] = answer.get("NextMarker")
    return found


def test_a_symmetric_key(kms: Any, make_key: Make) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = make_key(Description="of a test")
    material = made.pop("CurrentKeyMaterialId")
    assert len(bytes.fromhex(material)) == 32
    assert before <= made.pop("CreationDate") <= datetime.now(UTC)
    key_id = made["KeyId"]
    assert made == {
        "AWSAccountId": ACCOUNT,
        "KeyId": key_id,
        "Arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key_id}",
        "Enabled": True,
        "Description": "of a test",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    for name in (key_id, made["Arn"]):
        described = kms.describe_key(KeyId=name)["KeyMetadata"]
        assert {**made, "CurrentKeyMaterialId": material} == {
            member: value for member, value in described.items() if member != "CreationDate"
        }


@pytest.mark.parametrize(
    ("spec", "usage", "member", "algorithms"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}),
        ("RSA_3072", "SIGN_VERIFY", "SigningAlgorithms", _RSA_SIGNING),
        ("RSA_4096", "SIGN_VERIFY", "SigningAlgorithms", _RSA_SIGNING),
        ("ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", {"ECDSA_SHA_256"}),
        ("ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", {"ECDSA_SHA_384"}),
        ("ECC_NIST_P521", "SIGN_VERIFY", "SigningAlgorithms", {"ECDSA_SHA_512"}),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", {"ECDSA_SHA_256"}),
        ("ECC_NIST_P256", "KEY_AGREEMENT", "KeyAgreementAlgorithms", {"ECDH"}),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", {"ED25519_SHA_512"}),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", {"HMAC_SHA_224"}),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "MacAlgorithms", {"HMAC_SHA_256"}),
        ("HMAC_384", "GENERATE_VERIFY_MAC", "MacAlgorithms", {"HMAC_SHA_384"}),
        ("HMAC_512", "GENERATE_VERIFY_MAC", "MacAlgorithms", {"HMAC_SHA_512"}),
    ],
)
def test_specs(make_key: Make, spec: str, usage: str, member: str, algorithms: set[str]) -> None:
    made = make_key(KeySpec=spec, KeyUsage=usage)
    assert (made["KeySpec"], made["CustomerMasterKeySpec"], made["KeyUsage"]) == (spec, spec, usage)
    assert set(made[member]) == algorithms
    assert [name for name in made if name.endswith("Algorithms")] == [member]
    assert "CurrentKeyMaterialId" not in made


def test_usages_that_no_key_of_the_spec_has(kms: Any) -> None:
    for spec, usage in (
        ("SYMMETRIC_DEFAULT", "SIGN_VERIFY"),
        ("HMAC_256", "ENCRYPT_DECRYPT"),
        ("ECC_NIST_P256", "ENCRYPT_DECRYPT"),
        ("ECC_NIST_EDWARDS25519", "KEY_AGREEMENT"),
    ):
        assert refused(kms.create_key, KeySpec=spec, KeyUsage=usage) == ("ValidationException", 400)


@pytest.mark.parametrize(
    "arguments",
    [
        {"MultiRegion": True},
        {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1"},
        {"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "x"},
        {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "ML_DSA_65", "KeyUsage": "SIGN_VERIFY"},
    ],
)
def test_what_this_installation_has_not(kms: Any, arguments: dict[str, Any]) -> None:
    assert refused(kms.create_key, **arguments) == ("UnsupportedOperationException", 400)


def test_keys_that_are_not_there(kms: Any) -> None:
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{MISSING}"
    for name in (MISSING, arn):
        assert _message(kms.describe_key, KeyId=name) == ("NotFoundException", f"Key '{arn}' does not exist")
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/nowhere"
    for name in ("alias/nowhere", alias):
        assert _message(kms.describe_key, KeyId=name) == ("NotFoundException", f"Alias {alias} is not found.")
    for call in (kms.enable_key, kms.disable_key, kms.list_resource_tags, kms.get_key_policy):
        assert refused(call, KeyId=MISSING) == ("NotFoundException", 400)


def test_a_key_of_another_region(stack: Any, kms: Any, make_key: Make) -> None:
    key = make_key()
    elsewhere = stack.client("kms", region_name="eu-west-1")
    arn = key["Arn"].replace("us-east-1", "eu-west-1")
    assert _message(elsewhere.describe_key, KeyId=key["KeyId"]) == (
        "NotFoundException",
        f"Key '{arn}' does not exist",
    )
    assert _message(elsewhere.describe_key, KeyId=key["Arn"]) == (
        "NotFoundException",
        "Invalid arn us-east-1",
    )


def test_states(kms: Any, make_key: Make) -> None:
    key = make_key()
    key_id, arn = key["KeyId"], key["Arn"]
    ciphertext = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key_id)
    disabled = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (disabled["KeyState"], disabled["Enabled"]) == ("Disabled", False)
    for call, arguments in (
        (kms.encrypt, {"KeyId": key_id, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": ciphertext}),
        (kms.generate_data_key, {"KeyId": key_id, "KeySpec": "AES_256"}),
    ):
        assert _message(call, **arguments) == ("DisabledException", f"{arn} is disabled.")
    kms.enable_key(KeyId=key_id)
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"x"
    scheduled = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    ends = datetime.now(UTC) + timedelta(days=7)
    assert abs(scheduled.pop("DeletionDate") - ends) < timedelta(minutes=5)
    scheduled.pop("ResponseMetadata")
    assert scheduled == {"KeyId": arn, "KeyState": "PendingDeletion", "PendingWindowInDays": 7}
    going = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (going["KeyState"], going["Enabled"]) == ("PendingDeletion", False)
    assert abs(going["DeletionDate"] - ends) < timedelta(minutes=5)
    text = f"{arn} is pending deletion."
    assert _message(kms.decrypt, CiphertextBlob=ciphertext) == ("KMSInvalidStateException", text)
    for operation in ("enable_key", "disable_key", "schedule_key_deletion"):
        assert refused(getattr(kms, operation), KeyId=key_id) == ("KMSInvalidStateException", 400)
    assert kms.cancel_key_deletion(KeyId=key_id)["KeyId"] == arn
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Disabled"
    assert refused(kms.cancel_key_deletion, KeyId=key_id) == ("KMSInvalidStateException", 400)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    kms.put_key_policy(KeyId=key_id, Policy=_policy())
    kms.cancel_key_deletion(KeyId=key_id)
    assert kms.get_key_policy(KeyId=key_id)["Policy"] == _policy()
    for days in (6, 31):
        code = refused(kms.schedule_key_deletion, KeyId=key_id, PendingWindowInDays=days)
        assert code == ("ValidationException", 400)
    month = kms.schedule_key_deletion(KeyId=key_id)
    assert month["PendingWindowInDays"] == 30


def test_descriptions(kms: Any, make_key: Make) -> None:
    key_id = make_key(Description="first")["KeyId"]
    for text in ("Schlüssel für 中", "x" * 8192, ""):
        kms.update_key_description(KeyId=key_id, Description=text)
        assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == text
    code = refused(kms.update_key_description, KeyId=key_id, Description="x" * 8193)
    assert code == ("ValidationException", 400)


def test_lists_of_keys(kms: Any, make_key: Make) -> None:
    made = [make_key() for _ in range(3)]
    listed = _every(kms.list_keys, "Keys", Limit=2)
    for key in made:
        assert {"KeyId": key["KeyId"], "KeyArn": key["Arn"]} in listed
    assert len({each["KeyId"] for each in listed}) == len(listed)
    assert refused(kms.list_keys, Marker="no marker") == ("InvalidMarkerException", 400)


def test_aliases(kms: Any, make_key: Make) -> None:
    first, second, hmac = make_key(), make_key(), make_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    name = f"alias/test/{time.time_ns()}"
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:{name}"
    kms.create_alias(AliasName=name, TargetKeyId=first["Arn"])
    (listed,) = kms.list_aliases(KeyId=first["KeyId"])["Aliases"]
    assert {listed.pop("CreationDate"), listed.pop("LastUpdatedDate")}
    assert listed == {"AliasName": name, "AliasArn": arn, "TargetKeyId": first["KeyId"]}
    for called in (name, arn):
        assert kms.describe_key(KeyId=called)["KeyMetadata"]["KeyId"] == first["KeyId"]
    assert kms.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == first["Arn"]
    assert _message(kms.create_alias, AliasName=name, TargetKeyId=second["KeyId"]) == (
        "AlreadyExistsException",
        f"An alias with the name {arn} already exists",
    )
    kms.update_alias(AliasName=name, TargetKeyId=second["KeyId"])
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == second["KeyId"]
    assert kms.list_aliases(KeyId=first["KeyId"])["Aliases"] == []
    assert name in [each["AliasName"] for each in _every(kms.list_aliases, "Aliases", Limit=1)]
    # An alias changes between keys of one kind and usage.
    code, _ = refused(kms.update_alias, AliasName=name, TargetKeyId=hmac["KeyId"])
    assert code in ("ValidationException", "KMSInvalidStateException")
    kms.delete_alias(AliasName=name)
    assert refused(kms.delete_alias, AliasName=name) == ("NotFoundException", 400)
    assert refused(kms.update_alias, AliasName=name, TargetKeyId=first["KeyId"]) == ("NotFoundException", 400)
    assert refused(kms.create_alias, AliasName=name, TargetKeyId=MISSING) == ("NotFoundException", 400)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no-prefix", "ValidationException"),
        ("alias/a:b", "InvalidAliasNameException"),
        ("alias/aws/mine", "InvalidAliasNameException"),
        ("alias/a b", "ValidationException"),
    ],
)
def test_names_that_no_alias_gets(kms: Any, make_key: Make, name: str, code: str) -> None:
    assert refused(kms.create_alias, AliasName=name, TargetKeyId=make_key()["KeyId"]) == (code, 400)


def test_tags(kms: Any, make_key: Make) -> None:
    key_id = make_key(Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyId"]
    kms.tag_resource(KeyId=key_id, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": ""}])
    expected = [{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": ""}]
    assert _every(kms.list_resource_tags, "Tags", KeyId=key_id, Limit=1) == expected
    kms.untag_resource(KeyId=key_id, TagKeys=["a", "not-there"])
    assert kms.list_resource_tags(KeyId=key_id)["Tags"] == expected[1:]
    twice = [{"TagKey": "x", "TagValue": "1"}, {"TagKey": "x", "TagValue": "2"}]
    reserved = [{"TagKey": "aws:x", "TagValue": "1"}]
    for tags in (twice, reserved):
        assert refused(kms.tag_resource, KeyId=key_id, Tags=tags) == ("TagException", 400)
    many = [{"TagKey": str(number), "TagValue": ""} for number in range(50)]
    assert refused(kms.tag_resource, KeyId=key_id, Tags=many) == ("TagException", 400)
    assert kms.list_resource_tags(KeyId=key_id)["Tags"] == expected[1:]


def _policy(*more: dict[str, Any]) -> str:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    own = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return document(own, *more)


def test_policies(kms: Any, make_key: Make) -> None:
    key_id = make_key()["KeyId"]
    default = kms.get_key_policy(KeyId=key_id)
    assert default["PolicyName"] == "default"
    (statement,) = json.loads(default["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert kms.list_key_policies(KeyId=key_id)["PolicyNames"] == ["default"]
    kms.put_key_policy(KeyId=key_id, Policy=_policy())
    assert kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"] == _policy()
    for text in (
        "{",
        "[]",
        document({"Effect": "Perhaps"}),
        document({"Effect": "Allow", "Action": "kms:*"}),
    ):
        code = refused(kms.put_key_policy, KeyId=key_id, Policy=text)
        assert code == ("MalformedPolicyDocumentException", 400), text
    lockout = document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:DescribeKey",
            "Resource": "*",
        }
    )
    for call, arguments in ((kms.put_key_policy, {"KeyId": key_id}), (kms.create_key, {})):
        assert refused(call, Policy=lockout, **arguments) == ("MalformedPolicyDocumentException", 400)
    assert kms.get_key_policy(KeyId=key_id)["Policy"] == _policy()
    assert refused(kms.get_key_policy, KeyId=key_id, PolicyName="other") == ("NotFoundException", 400)


def test_who_may_what(kms: Any, make_key: Make, somebody: Callable[..., tuple[str, Any]]) -> None:
    """The key policy leaves it to the account's policies, or says it itself."""
    key_id = make_key()["KeyId"]
    _, reader = somebody("kms:DescribeKey", "kms:Encrypt")
    arn, nobody = somebody()
    assert reader.describe_key(KeyId=key_id)["KeyMetadata"]["KeyId"] == key_id
    blob = reader.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    code, message = _message(reader.decrypt, CiphertextBlob=blob)
    assert code == "AccessDeniedException"
    assert "kms:Decrypt" in message
    assert refused(nobody.describe_key, KeyId=key_id) == ("AccessDeniedException", 400)
    allow = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:Decrypt", "Resource": "*"}
    kms.put_key_policy(KeyId=key_id, Policy=_policy(allow))
    assert nobody.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.put_key_policy(KeyId=key_id, Policy=_policy())
    # Acknowledged: nothing is permitted by the old policy any more.
    assert refused(nobody.decrypt, CiphertextBlob=blob) == ("AccessDeniedException", 400)


def test_encryption_contexts_in_policies(kms: Any, make_key: Make, somebody: Callable[..., Any]) -> None:
    key_id = make_key()["KeyId"]
    _, user = somebody("kms:Encrypt", Condition={"StringEquals": {"kms:EncryptionContext:team": "blue"}})
    assert user.encrypt(KeyId=key_id, Plaintext=b"x", EncryptionContext={"team": "blue"})["KeyId"]
    for context in ({}, {"team": "red"}):
        code = refused(user.encrypt, KeyId=key_id, Plaintext=b"x", EncryptionContext=context)
        assert code == ("AccessDeniedException", 400)


def test_dry_runs(kms: Any, make_key: Make, somebody: Callable[..., tuple[str, Any]]) -> None:
    key_id = make_key()["KeyId"]
    expected = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
    assert _message(kms.encrypt, KeyId=key_id, Plaintext=b"x", DryRun=True) == expected
    assert _message(kms.generate_data_key, KeyId=key_id, KeySpec="AES_256", DryRun=True) == expected
    _, nobody = somebody()
    assert refused(nobody.encrypt, KeyId=key_id, Plaintext=b"x", DryRun=True) == (
        "AccessDeniedException",
        400,
    )
