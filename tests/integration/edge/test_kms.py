"""KMS through an unmodified boto3 client: what kms is asked, and what its answers become."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import (
    alias_service_pb2,
    crypto_service_pb2,
    grant_service_pb2,
    key_admin_service_pb2,
    key_material_service_pb2,
    resources_pb2,
)

from services.chassis.errors import DomainError

ACCOUNT = "123456789012"
PARENT = f"accounts/{ACCOUNT}/regions/us-east-1"
ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
NAME = f"{PARENT}/keys/{ID}"
ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ID}"
OTHER = ARN.replace(ACCOUNT, "210987654321")
GRANT = "0123456789abcdef" * 4
MATERIAL = "fedcba9876543210" * 4
NOON = datetime(2026, 1, 2, 12, 0, 0, 250_000, UTC)


def a_key(**fields: Any) -> resources_pb2.Key:
    values: dict[str, Any] = {
        "name": NAME,
        "state": resources_pb2.KEY_STATE_ENABLED,
        "spec": resources_pb2.KEY_SPEC_SYMMETRIC_DEFAULT,
        "usage": resources_pb2.KEY_USAGE_ENCRYPT_DECRYPT,
        "origin": resources_pb2.KEY_ORIGIN_KMS,
        "manager": resources_pb2.KEY_MANAGER_CUSTOMER,
        "create_time": NOON,
        "encryption_algorithms": ["SYMMETRIC_DEFAULT"],
        "material_id": MATERIAL,
    }
    return resources_pb2.Key(**(values | fields))


async def call(stack: Any, operation: str, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await stack.call(stack.client("kms"), operation, **arguments)
    answer.pop("ResponseMetadata")
    return answer


async def refusal(stack: Any, operation: str, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        await call(stack, operation, **arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


async def test_create_key(stack: Any) -> None:
    stack.kms.answers["CreateKey"] = key_admin_service_pb2.CreateKeyResponse(key=a_key(description="é"))
    answer = await call(
        stack,
        "create_key",
        Description="é",
        KeySpec="SYMMETRIC_DEFAULT",
        Origin="AWS_KMS",
        Policy="{}",
        BypassPolicyLockoutSafetyCheck=True,
        MultiRegion=False,
        Tags=[{"TagKey": "a", "TagValue": "b"}],
    )
    request, metadata = stack.kms.requests[0]
    assert request == key_admin_service_pb2.CreateKeyRequest(
        parent=PARENT,
        description="é",
        spec=resources_pb2.KEY_SPEC_SYMMETRIC_DEFAULT,
        origin=resources_pb2.KEY_ORIGIN_KMS,
        policy="{}",
        bypass_lockout_check=True,
        tags=[resources_pb2.Tag(key="a", value="b")],
    )
    assert metadata["authorization"] == "Bearer token-kms-1"
    assert answer == {
        "KeyMetadata": {
            "AWSAccountId": ACCOUNT,
            "Arn": ARN,
            "CreationDate": NOON,
            "CurrentKeyMaterialId": MATERIAL,
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "Description": "é",
            "Enabled": True,
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyId": ID,
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "MultiRegion": False,
            "Origin": "AWS_KMS",
        }
    }
    assert stack.recorder.events == [("intent", "CreateKey", "", ""), ("outcome", "CreateKey", "OK", "")]


async def test_an_imported_key_and_one_that_goes(stack: Any) -> None:
    stack.kms.answers["GetKey"] = key_admin_service_pb2.GetKeyResponse(
        key=a_key(
            state=resources_pb2.KEY_STATE_PENDING_DELETION,
            origin=resources_pb2.KEY_ORIGIN_EXTERNAL,
            delete_time=NOON,
            pending_days=7,
            material_expire_time=NOON,
            import_state=resources_pb2.IMPORT_STATE_IMPORTED,
        )
    )
    metadata = (await call(stack, "describe_key", KeyId="alias/x", GrantTokens=["t"]))["KeyMetadata"]
    assert stack.kms.requests[0][0] == key_admin_service_pb2.GetKeyRequest(
        name=f"{PARENT}/aliases/x", grant_tokens=["t"]
    )
    assert (metadata["KeyState"], metadata["Enabled"]) == ("PendingDeletion", False)
    assert (metadata["DeletionDate"], metadata["ValidTo"]) == (NOON, NOON)
    assert (metadata["Origin"], metadata["ExpirationModel"]) == ("EXTERNAL", "KEY_MATERIAL_EXPIRES")
    assert stack.recorder.calls[-1].resources == [f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/x"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"MultiRegion": True}, "UnsupportedOperationException"),
        ({"Origin": "AWS_CLOUDHSM"}, "UnsupportedOperationException"),
        ({"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "x"}, "UnsupportedOperationException"),
        ({"CustomKeyStoreId": "c"}, "UnsupportedOperationException"),
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ({"KeySpec": "RSA_2048", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}, "UnsupportedOperationException"),
        ({"KeySpec": "RSA_2048"}, "ValidationException"),
        ({"KeySpec": "HMAC_256"}, "ValidationException"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048"}, "ValidationException"),
        ({"Policy": "x" * 32769}, "LimitExceededException"),
        ({"Tags": [{"TagKey": str(n), "TagValue": ""} for n in range(51)]}, "TagException"),
    ],
)
async def test_keys_that_cannot_be(stack: Any, arguments: dict[str, Any], code: str) -> None:
    assert (await refusal(stack, "create_key", **arguments))[0] == code
    assert stack.kms.requests == []


async def test_lists_are_paged(stack: Any) -> None:
    stack.kms.answers["ListKeys"] = key_admin_service_pb2.ListKeysResponse(
        keys=[a_key()], next_page_token="MWI"
    )
    answer = await call(stack, "list_keys", Limit=1, Marker="MWE")
    assert stack.kms.requests[0][0] == key_admin_service_pb2.ListKeysRequest(
        parent=PARENT, page_size=1, page_token="MWE"
    )
    assert answer == {"Keys": [{"KeyId": ID, "KeyArn": ARN}], "NextMarker": "MWI", "Truncated": True}
    stack.kms.answers["ListAliases"] = alias_service_pb2.ListAliasesResponse(
        aliases=[resources_pb2.Alias(name=f"{PARENT}/aliases/a/b", key_name=NAME, create_time=NOON)]
    )
    answer = await call(stack, "list_aliases", KeyId=ARN)
    assert stack.kms.requests[1][0] == alias_service_pb2.ListAliasesRequest(
        parent=PARENT, key_name=NAME, page_size=50
    )
    alias = {
        "AliasName": "alias/a/b",
        "AliasArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/a/b",
        "TargetKeyId": ID,
        "CreationDate": NOON,
    }
    assert answer == {"Aliases": [alias], "Truncated": False}
    assert (await refusal(stack, "list_keys", Marker="?"))[0] == "InvalidMarkerException"
    assert (await refusal(stack, "list_key_policies", KeyId=ID, Marker="?"))[0] == "ValidationException"
    stack.kms.answers["ListKeys"] = DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD, "page_token: no", field="page_token"
    )
    assert (await refusal(stack, "list_keys", Marker="MWE"))[0] == "InvalidMarkerException"
    other = await refusal(stack, "list_keys", ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"])
    assert other[0] == "UnsupportedOperationException"


@pytest.mark.parametrize(
    ("operation", "arguments", "request_of_kms"),
    [
        ("enable_key", {}, key_admin_service_pb2.EnableKeyRequest(name=NAME)),
        ("disable_key", {}, key_admin_service_pb2.DisableKeyRequest(name=NAME)),
        (
            "update_key_description",
            {"Description": "d"},
            key_admin_service_pb2.UpdateKeyDescriptionRequest(name=NAME, description="d"),
        ),
        (
            "tag_resource",
            {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
            key_admin_service_pb2.TagKeyRequest(name=NAME, tags=[resources_pb2.Tag(key="a", value="b")]),
        ),
        (
            "untag_resource",
            {"TagKeys": ["a"]},
            key_admin_service_pb2.UntagKeyRequest(name=NAME, tag_keys=["a"]),
        ),
        (
            "put_key_policy",
            {"Policy": "{}", "PolicyName": "default"},
            key_admin_service_pb2.PutKeyPolicyRequest(name=NAME, policy="{}"),
        ),
        (
            "enable_key_rotation",
            {"RotationPeriodInDays": 90},
            key_material_service_pb2.EnableKeyRotationRequest(name=NAME, period_days=90),
        ),
        ("disable_key_rotation", {}, key_material_service_pb2.DisableKeyRotationRequest(name=NAME)),
        (
            "revoke_grant",
            {"GrantId": GRANT, "DryRun": True},
            grant_service_pb2.RevokeGrantRequest(name=f"{NAME}/grants/{GRANT}", dry_run=True),
        ),
    ],
)
async def test_operations_without_an_answer(
    stack: Any, operation: str, arguments: dict[str, Any], request_of_kms: Any
) -> None:
    method = type(request_of_kms).__name__.removesuffix("Request")
    pool = {**vars(key_admin_service_pb2), **vars(key_material_service_pb2), **vars(grant_service_pb2)}
    stack.kms.answers[method] = pool[f"{method}Response"]()
    assert await call(stack, operation, KeyId=ID, **arguments) == {}
    assert stack.kms.requests[0][0] == request_of_kms


async def test_aliases(stack: Any) -> None:
    for method in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
        stack.kms.answers[method] = getattr(alias_service_pb2, f"{method}Response")()
    assert await call(stack, "create_alias", AliasName="alias/a", TargetKeyId=ARN) == {}
    assert await call(stack, "update_alias", AliasName="alias/a", TargetKeyId=ID) == {}
    assert await call(stack, "delete_alias", AliasName="alias/a") == {}
    name = f"{PARENT}/aliases/a"
    assert [request for request, _ in stack.kms.requests] == [
        alias_service_pb2.CreateAliasRequest(name=name, key_name=NAME),
        alias_service_pb2.UpdateAliasRequest(name=name, key_name=NAME),
        alias_service_pb2.DeleteAliasRequest(name=name),
    ]
    assert (await refusal(stack, "create_alias", AliasName="a", TargetKeyId=ID))[0] == "ValidationException"
    code, _ = await refusal(stack, "create_alias", AliasName="alias/a:b", TargetKeyId=ID)
    assert code == "InvalidAliasNameException"
    code, message = await refusal(stack, "create_alias", AliasName="alias/a", TargetKeyId="alias/b")
    assert (code, message) == ("NotFoundException", "Invalid keyId 'alias/b'")


async def test_encrypt_and_decrypt(stack: Any) -> None:
    stack.kms.answers["Encrypt"] = crypto_service_pb2.EncryptResponse(
        ciphertext=b"\0c", key_name=NAME, encryption_algorithm="SYMMETRIC_DEFAULT", material_id=MATERIAL
    )
    answer = await call(
        stack, "encrypt", KeyId=OTHER, Plaintext=b"\xff", EncryptionContext={"a": "b"}, GrantTokens=["t"]
    )
    assert answer == {"CiphertextBlob": b"\0c", "KeyId": ARN, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    assert stack.kms.requests[0][0] == crypto_service_pb2.EncryptRequest(
        key_name=NAME.replace(ACCOUNT, "210987654321"),
        plaintext=b"\xff",
        encryption_context={"a": "b"},
        grant_tokens=["t"],
    )
    stack.kms.answers["Decrypt"] = crypto_service_pb2.DecryptResponse(
        plaintext=b"\xff", key_name=NAME, encryption_algorithm="SYMMETRIC_DEFAULT", material_id=MATERIAL
    )
    answer = await call(stack, "decrypt", CiphertextBlob=b"\0c", EncryptionContext={"a": "b"})
    assert answer == {
        "Plaintext": b"\xff",
        "KeyId": ARN,
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": MATERIAL,
    }
    assert stack.kms.requests[1][0] == crypto_service_pb2.DecryptRequest(
        ciphertext=b"\0c", encryption_context={"a": "b"}
    )
    null = "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
    assert await refusal(stack, "decrypt") == ("ValidationException", f"{null}Member must not be null")
    document = {"AttestationDocument": b"a", "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    for arguments in ({"Recipient": document}, {"DryRunModifiers": ["IGNORE_CIPHERTEXT"]}):
        code, _ = await refusal(stack, "decrypt", CiphertextBlob=b"c", **arguments)
        assert code == "UnsupportedOperationException"
    assert len(stack.kms.requests) == 2


async def test_re_encrypt(stack: Any) -> None:
    stack.kms.answers["ReEncrypt"] = crypto_service_pb2.ReEncryptResponse(
        ciphertext=b"d",
        source_key_name=NAME,
        destination_key_name=NAME,
        source_encryption_algorithm="SYMMETRIC_DEFAULT",
        destination_encryption_algorithm="RSAES_OAEP_SHA_256",
        source_material_id=MATERIAL,
    )
    answer = await call(
        stack,
        "re_encrypt",
        CiphertextBlob=b"c",
        SourceEncryptionContext={"a": "b"},
        SourceKeyId="alias/s",
        SourceEncryptionAlgorithm="SYMMETRIC_DEFAULT",
        DestinationKeyId="alias/d",
        DestinationEncryptionContext={"c": "d"},
        DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DryRun=False,
    )
    assert stack.kms.requests[0][0] == crypto_service_pb2.ReEncryptRequest(
        ciphertext=b"c",
        source_encryption_context={"a": "b"},
        source_key_name=f"{PARENT}/aliases/s",
        source_encryption_algorithm="SYMMETRIC_DEFAULT",
        destination_key_name=f"{PARENT}/aliases/d",
        destination_encryption_context={"c": "d"},
        destination_encryption_algorithm="RSAES_OAEP_SHA_256",
    )
    assert answer == {
        "CiphertextBlob": b"d",
        "SourceKeyId": ARN,
        "KeyId": ARN,
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "SourceKeyMaterialId": MATERIAL,
    }


async def test_data_keys(stack: Any) -> None:
    stack.kms.answers["GenerateDataKey"] = crypto_service_pb2.GenerateDataKeyResponse(
        plaintext=b"p", ciphertext=b"c", key_name=NAME, material_id=MATERIAL
    )
    stack.kms.answers["GenerateDataKeyWithoutPlaintext"] = (
        crypto_service_pb2.GenerateDataKeyWithoutPlaintextResponse(
            ciphertext=b"c", key_name=NAME, material_id=MATERIAL
        )
    )
    without = {"CiphertextBlob": b"c", "KeyId": ARN, "KeyMaterialId": MATERIAL}
    lengths: dict[int, dict[str, Any]] = {
        32: {"KeySpec": "AES_256"},
        16: {"KeySpec": "AES_128"},
        7: {"NumberOfBytes": 7},
    }
    for length, arguments in lengths.items():
        assert await call(stack, "generate_data_key", KeyId=ID, **arguments) == {**without, "Plaintext": b"p"}
        assert await call(stack, "generate_data_key_without_plaintext", KeyId=ID, **arguments) == without
        for request, _ in stack.kms.requests[-2:]:
            assert (request.key_name, request.number_of_bytes) == (NAME, length)
    for arguments in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
        assert await refusal(stack, "generate_data_key", KeyId=ID, **arguments) == (
            "ValidationException",
            "Please specify either number of bytes or key spec.",
        )


async def test_key_pairs(stack: Any) -> None:
    stack.kms.answers["GenerateDataKeyPair"] = crypto_service_pb2.GenerateDataKeyPairResponse(
        private_key_plaintext=b"p", private_key_ciphertext=b"c", public_key=b"k", key_name=NAME
    )
    stack.kms.answers["GenerateDataKeyPairWithoutPlaintext"] = (
        crypto_service_pb2.GenerateDataKeyPairWithoutPlaintextResponse(
            private_key_ciphertext=b"c", public_key=b"k", key_name=NAME, material_id=MATERIAL
        )
    )
    arguments = {"KeyId": ID, "KeyPairSpec": "ECC_NIST_EDWARDS25519"}
    without = {
        "PrivateKeyCiphertextBlob": b"c",
        "PublicKey": b"k",
        "KeyId": ARN,
        "KeyPairSpec": "ECC_NIST_EDWARDS25519",
    }
    answer = await call(stack, "generate_data_key_pair", **arguments)
    assert answer == {**without, "PrivateKeyPlaintext": b"p"}
    answer = await call(stack, "generate_data_key_pair_without_plaintext", **arguments)
    assert answer == {**without, "KeyMaterialId": MATERIAL}
    assert stack.kms.requests[0][0].pair_spec == resources_pb2.KEY_SPEC_ECC_NIST_EDWARDS25519
    arguments["KeyPairSpec"] = "SM2"
    code, _ = await refusal(stack, "generate_data_key_pair", **arguments)
    assert code == "UnsupportedOperationException"


async def test_random_bytes(stack: Any) -> None:
    stack.kms.answers["GenerateRandom"] = crypto_service_pb2.GenerateRandomResponse(plaintext=b"r")
    assert await call(stack, "generate_random", NumberOfBytes=1) == {"Plaintext": b"r"}
    assert await refusal(stack, "generate_random") == ("ValidationException", "NumberOfBytes is required.")
    code, _ = await refusal(stack, "generate_random", NumberOfBytes=1, CustomKeyStoreId="c")
    assert code == "UnsupportedOperationException"


async def test_signatures_and_codes(stack: Any) -> None:
    kms = stack.kms.answers
    kms["Sign"] = crypto_service_pb2.SignResponse(
        signature=b"s", key_name=NAME, signing_algorithm="ECDSA_SHA_256"
    )
    kms["Verify"] = crypto_service_pb2.VerifyResponse(key_name=NAME, signing_algorithm="ECDSA_SHA_256")
    kms["GenerateMac"] = crypto_service_pb2.GenerateMacResponse(
        mac=b"m", key_name=NAME, mac_algorithm="HMAC_SHA_256"
    )
    kms["VerifyMac"] = crypto_service_pb2.VerifyMacResponse(key_name=NAME, mac_algorithm="HMAC_SHA_256")
    signed = {
        "KeyId": "alias/a",
        "Message": b"x",
        "MessageType": "DIGEST",
        "SigningAlgorithm": "ECDSA_SHA_256",
    }
    told = {"KeyId": ARN, "SigningAlgorithm": "ECDSA_SHA_256"}
    assert await call(stack, "sign", **signed) == {**told, "Signature": b"s"}
    assert await call(stack, "verify", **signed, Signature=b"s") == {**told, "SignatureValid": True}
    assert stack.kms.requests[1][0] == crypto_service_pb2.VerifyRequest(
        key_name=f"{PARENT}/aliases/a",
        message=b"x",
        message_type="DIGEST",
        signature=b"s",
        signing_algorithm="ECDSA_SHA_256",
    )
    coded = {"KeyId": ID, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    told = {"KeyId": ARN, "MacAlgorithm": "HMAC_SHA_256"}
    assert await call(stack, "generate_mac", **coded) == {**told, "Mac": b"m"}
    assert await call(stack, "verify_mac", **coded, Mac=b"m") == {**told, "MacValid": True}
    signed["MessageType"] = "EXTERNAL_MU"
    assert (await refusal(stack, "sign", **signed))[0] == "UnsupportedOperationException"


async def test_public_keys_and_secrets(stack: Any) -> None:
    key = a_key(
        spec=resources_pb2.KEY_SPEC_ECC_NIST_P256,
        usage=resources_pb2.KEY_USAGE_KEY_AGREEMENT,
        encryption_algorithms=[],
        key_agreement_algorithms=["ECDH"],
    )
    stack.kms.answers["GetPublicKey"] = crypto_service_pb2.GetPublicKeyResponse(public_key=b"k", key=key)
    stack.kms.answers["DeriveSharedSecret"] = crypto_service_pb2.DeriveSharedSecretResponse(
        shared_secret=b"s", key_name=NAME, origin=resources_pb2.KEY_ORIGIN_EXTERNAL
    )
    assert await call(stack, "get_public_key", KeyId=ID) == {
        "KeyId": ARN,
        "PublicKey": b"k",
        "CustomerMasterKeySpec": "ECC_NIST_P256",
        "KeySpec": "ECC_NIST_P256",
        "KeyUsage": "KEY_AGREEMENT",
        "KeyAgreementAlgorithms": ["ECDH"],
    }
    assert await call(
        stack, "derive_shared_secret", KeyId=ID, KeyAgreementAlgorithm="ECDH", PublicKey=b"k"
    ) == {"KeyId": ARN, "SharedSecret": b"s", "KeyAgreementAlgorithm": "ECDH", "KeyOrigin": "EXTERNAL"}


async def test_policies_and_tags(stack: Any) -> None:
    kms = stack.kms.answers
    kms["GetKeyPolicy"] = key_admin_service_pb2.GetKeyPolicyResponse(policy="{}")
    kms["ListKeyPolicies"] = key_admin_service_pb2.ListKeyPoliciesResponse(policy_names=["default"])
    kms["ListKeyTags"] = key_admin_service_pb2.ListKeyTagsResponse(
        tags=[resources_pb2.Tag(key="a", value="b")]
    )
    assert await call(stack, "get_key_policy", KeyId=ID) == {"Policy": "{}", "PolicyName": "default"}
    assert await refusal(stack, "get_key_policy", KeyId=ID, PolicyName="p") == (
        "NotFoundException",
        "No such policy exists",
    )
    answer = await call(stack, "list_key_policies", KeyId=ID, Limit=5)
    assert answer == {"PolicyNames": ["default"], "Truncated": False}
    answer = await call(stack, "list_resource_tags", KeyId=ID)
    assert answer == {"Tags": [{"TagKey": "a", "TagValue": "b"}], "Truncated": False}
    code, _ = await refusal(stack, "put_key_policy", KeyId=ID, Policy="x" * 32769)
    assert code == "LimitExceededException"


async def test_ends(stack: Any) -> None:
    going = a_key(state=resources_pb2.KEY_STATE_PENDING_DELETION, delete_time=NOON, pending_days=7)
    stack.kms.answers["ScheduleKeyDeletion"] = key_admin_service_pb2.ScheduleKeyDeletionResponse(key=going)
    stack.kms.answers["CancelKeyDeletion"] = key_admin_service_pb2.CancelKeyDeletionResponse(key=a_key())
    assert await call(stack, "schedule_key_deletion", KeyId=ID, PendingWindowInDays=7) == {
        "KeyId": ARN,
        "DeletionDate": NOON,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": 7,
    }
    assert await call(stack, "cancel_key_deletion", KeyId=ID) == {"KeyId": ARN}
    for days in (6, 31):
        code, message = await refusal(stack, "schedule_key_deletion", KeyId=ID, PendingWindowInDays=days)
        assert code == "ValidationException"
        assert "'pendingWindowInDays'" in message


async def test_rotations(stack: Any) -> None:
    kms = stack.kms.answers
    kms["GetKeyRotationStatus"] = key_material_service_pb2.GetKeyRotationStatusResponse(
        enabled=True, period_days=90, next_rotate_time=NOON
    )
    kms["RotateKey"] = key_material_service_pb2.RotateKeyResponse(key=a_key())
    kms["ListKeyRotations"] = key_material_service_pb2.ListKeyRotationsResponse(
        rotations=[
            resources_pb2.Rotation(version=1, rotate_time=NOON, material_id=MATERIAL),
            resources_pb2.Rotation(version=2, rotate_time=NOON, on_demand=True, current=True),
            resources_pb2.Rotation(version=1, import_state=resources_pb2.IMPORT_STATE_IMPORTED, current=True),
            resources_pb2.Rotation(
                version=1, import_state=resources_pb2.IMPORT_STATE_PENDING_IMPORT, current=True
            ),
        ]
    )
    assert await call(stack, "get_key_rotation_status", KeyId=ARN) == {
        "KeyRotationEnabled": True,
        "KeyId": ID,
        "RotationPeriodInDays": 90,
        "NextRotationDate": NOON,
    }
    assert await call(stack, "rotate_key_on_demand", KeyId=ARN) == {"KeyId": ID}
    answer = await call(stack, "list_key_rotations", KeyId=ID, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    assert answer["Rotations"] == [
        {"KeyId": ID, "KeyMaterialId": MATERIAL, "KeyMaterialState": "NON_CURRENT"},
        {"KeyId": ID, "KeyMaterialState": "CURRENT", "RotationDate": NOON, "RotationType": "ON_DEMAND"},
        {
            "KeyId": ID,
            "KeyMaterialState": "CURRENT",
            "ImportState": "IMPORTED",
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        },
        {"KeyId": ID, "KeyMaterialState": "CURRENT", "ImportState": "PENDING_IMPORT"},
    ]
    assert stack.kms.requests[-1][0] == key_material_service_pb2.ListKeyRotationsRequest(
        name=NAME, page_size=100, include_first=True
    )


async def test_imports(stack: Any) -> None:
    kms = stack.kms.answers
    kms["GetParametersForImport"] = key_material_service_pb2.GetParametersForImportResponse(
        import_token=b"t", public_key=b"k", expire_time=NOON
    )
    kms["ImportKeyMaterial"] = key_material_service_pb2.ImportKeyMaterialResponse(material_id=MATERIAL)
    kms["DeleteImportedKeyMaterial"] = key_material_service_pb2.DeleteImportedKeyMaterialResponse()
    wrapping = {"WrappingAlgorithm": "RSA_AES_KEY_WRAP_SHA_256", "WrappingKeySpec": "RSA_4096"}
    assert await call(stack, "get_parameters_for_import", KeyId=ID, **wrapping) == {
        "KeyId": ARN,
        "ImportToken": b"t",
        "PublicKey": b"k",
        "ParametersValidTo": NOON,
    }
    for member, value in (("WrappingAlgorithm", "RSAES_PKCS1_V1_5"), ("WrappingKeySpec", "SM2")):
        code, _ = await refusal(stack, "get_parameters_for_import", KeyId=ID, **{**wrapping, member: value})
        assert code == "UnsupportedOperationException"
    given = {"KeyId": ID, "ImportToken": b"t", "EncryptedKeyMaterial": b"e"}
    answer = await call(stack, "import_key_material", **given, ValidTo=NOON)
    assert answer == {"KeyId": ARN, "KeyMaterialId": MATERIAL}
    answer = await call(stack, "import_key_material", **given, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    first, second = (request for request, _ in stack.kms.requests[1:])
    expected = key_material_service_pb2.ImportKeyMaterialRequest(
        name=NAME, import_token=b"t", encrypted_material=b"e"
    )
    assert second == expected
    expected.expire_time.FromDatetime(NOON)
    assert first == expected
    code, message = await refusal(stack, "import_key_material", **given)
    assert message == "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
    stays = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "ValidTo": NOON}
    assert (await refusal(stack, "import_key_material", **given, **stays))[0] == code == "ValidationException"
    assert await call(stack, "delete_imported_key_material", KeyId=ID) == {"KeyId": ARN}


async def test_grants(stack: Any) -> None:
    kms = stack.kms.answers
    kms["CreateGrant"] = grant_service_pb2.CreateGrantResponse(
        name=f"{NAME}/grants/{GRANT}", grant_token="token"
    )
    grantee = f"arn:aws:iam::{ACCOUNT}:user/bob"
    arguments = {
        "KeyId": ID,
        "GranteePrincipal": grantee,
        "RetiringPrincipal": grantee,
        "Operations": ["Decrypt", "RetireGrant"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
        "Name": "n",
    }
    answer = await call(stack, "create_grant", **arguments)
    assert answer == {"GrantToken": "token", "GrantId": GRANT}
    constraints = resources_pb2.GrantConstraints(encryption_context_subset={"a": "b"})
    assert stack.kms.requests[0][0] == grant_service_pb2.CreateGrantRequest(
        key_name=NAME,
        grantee_principal=grantee,
        retiring_principal=grantee,
        operations=["Decrypt", "RetireGrant"],
        constraints=constraints,
        friendly_name="n",
    )
    listed = resources_pb2.Grant(
        name=f"{NAME}/grants/{GRANT}",
        grantee_principal="pool/craton",
        operations=["Decrypt"],
        constraints=constraints,
        issuing_account=f"arn:aws:iam::{ACCOUNT}:root",
        create_time=NOON,
    )
    rendered = {
        "KeyId": ARN,
        "GrantId": GRANT,
        "CreationDate": NOON,
        "GranteePrincipal": "pool/craton",
        "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
        "Operations": ["Decrypt"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
    }
    kms["ListGrants"] = grant_service_pb2.ListGrantsResponse(grants=[listed])
    kms["ListRetirableGrants"] = grant_service_pb2.ListRetirableGrantsResponse(grants=[listed])
    answer = await call(stack, "list_grants", KeyId=ID, GrantId=GRANT, GranteePrincipal=grantee)
    assert answer == {"Grants": [rendered], "Truncated": False}
    assert (await call(stack, "list_retirable_grants", RetiringPrincipal=grantee))["Grants"] == [rendered]
    assert stack.kms.requests[-1][0] == grant_service_pb2.ListRetirableGrantsRequest(
        parent=PARENT, retiring_principal=grantee, page_size=50
    )
    asked = len(stack.kms.requests)
    for changed, code in (
        ({"Constraints": {"SourceArn": f"arn:aws:s3:::{ACCOUNT}:b"}}, "ValidationException"),
        (
            {"Constraints": {"SourceArn": f"arn:aws:s3:us-east-1:{ACCOUNT}:b"}},
            "UnsupportedOperationException",
        ),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "UnsupportedOperationException"),
    ):
        assert (await refusal(stack, "create_grant", **{**arguments, **changed}))[0] == code
    refusing = DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, "nobody", field="grantee_principal")
    kms["CreateGrant"] = refusing
    text = "ARN does not refer to a valid principal"
    assert await refusal(stack, "create_grant", **arguments) == ("InvalidArnException", text)
    asked += 1
    del arguments["GranteePrincipal"]
    assert (await refusal(stack, "create_grant", **arguments))[0] == "ValidationException"
    assert (await refusal(stack, "list_retirable_grants"))[0] == "ValidationException"
    for operation in ("list_grants", "revoke_grant"):
        assert (await refusal(stack, operation, KeyId=ID, GrantId="g"))[0] == "InvalidGrantIdException"
    assert len(stack.kms.requests) == asked


async def test_retiring_grants(stack: Any) -> None:
    stack.kms.answers["RetireGrant"] = grant_service_pb2.RetireGrantResponse()
    assert await call(stack, "retire_grant", GrantToken="t") == {}
    assert await call(stack, "retire_grant", KeyId=OTHER, GrantId=GRANT) == {}
    first, second = (request for request, _ in stack.kms.requests)
    assert first == grant_service_pb2.RetireGrantRequest(grant_token="t")
    name = NAME.replace(ACCOUNT, "210987654321")
    assert second == grant_service_pb2.RetireGrantRequest(name=f"{name}/grants/{GRANT}")
    assert (await refusal(stack, "retire_grant", KeyId=ID, GrantId=GRANT))[0] == "InvalidArnException"
    for arguments in ({}, {"KeyId": ARN}, {"GrantToken": "t", "KeyId": ARN, "GrantId": GRANT}):
        assert (await refusal(stack, "retire_grant", **arguments))[0] == "ValidationException"


async def test_names_that_are_refused_here(stack: Any) -> None:
    code, message = await refusal(stack, "describe_key", KeyId="fake-key-id")
    assert (code, message) == ("NotFoundException", "Invalid keyId 'fake-key-id'")
    foreign = ARN.replace("us-east-1", "eu-west-1")
    assert await refusal(stack, "encrypt", KeyId=foreign, Plaintext=b"x") == (
        "NotFoundException",
        "Invalid arn eu-west-1",
    )
    assert (await refusal(stack, "describe_key", KeyId="arn:aws:kms:x"))[0] == "InvalidArnException"
    assert (await refusal(stack, "encrypt", KeyId="arn:aws:kms:x", Plaintext=b"x"))[0] == "NotFoundException"
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/a"
    assert (await refusal(stack, "enable_key", KeyId=alias))[0] == "InvalidArnException"
    assert stack.kms.requests == []
    # Refused after the intent was durable, and recorded so.
    assert stack.recorder.events[-2:] == [
        ("intent", "EnableKey", "", ""),
        ("outcome", "EnableKey", "INVALID_ARGUMENT", "INVALID_FIELD"),
    ]


@pytest.mark.parametrize(
    ("reason", "code", "status"),
    [
        (ErrorReason.ERROR_REASON_KEY_DISABLED, "DisabledException", 400),
        (ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT, "InvalidCiphertextException", 400),
        (ErrorReason.ERROR_REASON_DRY_RUN, "DryRunOperationException", 400),
        (ErrorReason.ERROR_REASON_SEALED, "KeyUnavailableException", 500),
        (ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "DependencyTimeoutException", 500),
        (ErrorReason.ERROR_REASON_ACCESS_DENIED, "AccessDeniedException", 400),
    ],
)
async def test_refusals_of_kms(stack: Any, reason: int, code: str, status: int) -> None:
    stack.kms.answers["Decrypt"] = DomainError(reason, "the text of kms")
    client = stack.client("kms")
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "decrypt", CiphertextBlob=b"c")
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["content-type"], headers["x-amzn-errortype"]) == ("application/x-amz-json-1.1", code)
    assert response["ResponseMetadata"]["RequestId"] == stack.recorder.calls[-1].request_id


@pytest.mark.parametrize("operation", ["replicate_key", "encapsulate", "get_key_last_usage"])
async def test_operations_that_are_not_served(stack: Any, operation: str) -> None:
    arguments: dict[str, Any] = {
        "replicate_key": {"ReplicaRegion": "eu-west-1"},
        "encapsulate": {"EncapsulationAlgorithm": "ML_KEM"},
        "get_key_last_usage": {},
    }[operation]
    code, message = await refusal(stack, operation, KeyId=ID, **arguments)
    assert code == "UnsupportedOperationException"
    assert message.startswith("This installation does not support ")


async def test_strangers(stack: Any) -> None:
    client = stack.client("kms", aws_access_key_id="AKIASTRANGERSTRANGER")
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "list_keys")
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert stack.kms.requests == []
