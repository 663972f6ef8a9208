"""Keys of KMS and their aliases through an unmodified boto3 client: made, described, listed, ended."""

from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import (
    alias_service_pb2,
    grant_service_pb2,
    key_admin_service_pb2,
    key_material_service_pb2,
    resources_pb2,
)

from services.chassis.errors import DomainError
from tests.integration.edge.kms_requests import (
    ACCOUNT,
    ARN,
    GRANT,
    ID,
    MATERIAL,
    NAME,
    NOON,
    PARENT,
    a_key,
    call,
    refusal,
)


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
    named = stack.recorder.calls[-1].resources
    assert named == [f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/x", metadata["Arn"]]


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
