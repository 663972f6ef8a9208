"""KMS' rotations and imports through an unmodified boto3 client."""

from typing import Any

from craton.kms.v1 import (
    key_material_service_pb2,
    resources_pb2,
)

from tests.integration.edge.kms_requests import ARN, ID, MATERIAL, NAME, NOON, a_key, call, refusal


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
