"""The operations of KMS that renew and import the material of keys, answered by kms' KeyMaterialService."""

from collections.abc import Mapping
from typing import Any

from craton.kms.v1 import key_material_service_pb2 as pb
from craton.kms.v1 import key_material_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.kms_calls import Lacking, Mapped, Member, calls, key, page
from services.edge.adapters.kms_values import last_part, rotation, spec_of, time, timestamp_of
from services.edge.domain import model
from services.edge.domain.faults import validation
from services.edge.domain.json_faults import unsupported
from services.edge.domain.kms_names import KmsNames
from services.edge.ports import Operation

_EXPIRES = "KEY_MATERIAL_EXPIRES"
_WRAPPING = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")


def material(
    operations: Mapping[str, model.Operation], channel: Channel, partition: str
) -> Mapping[str, Operation]:
    """Return the operations on the material of keys; `channel` leads to kms."""
    return calls(operations, rpc.KeyMaterialServiceStub(channel), pb, partition, _MAPPED)


def _expiration(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say by ValidTo alone whether imported material expires."""
    expires = values.get("ExpirationModel", _EXPIRES) == _EXPIRES
    if expires and "ValidTo" not in values:
        raise validation(f"A validTo date must be set if the ExpirationModel is {_EXPIRES}")
    if not expires and "ValidTo" in values:
        raise validation(f"A validTo date can be set only if the ExpirationModel is {_EXPIRES}")
    return {name: each for name, each in values.items() if name != "ExpirationModel"}


def _wrapping(algorithm: str, _names: KmsNames) -> str:
    if algorithm not in _WRAPPING:
        raise unsupported(f"This installation does not support the wrapping algorithm {algorithm}.")
    return algorithm


def _key_arn(values: Mapping[str, Any], names: KmsNames) -> str:
    return names.arn(names.key(values["KeyId"]))


def _status(
    answer: pb.GetKeyRotationStatusResponse, names: KmsNames, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "KeyRotationEnabled": answer.enabled,
        "KeyId": last_part(names.key(values["KeyId"])),
        "RotationPeriodInDays": answer.period_days or None,
        "NextRotationDate": time(answer, "next_rotate_time"),
    }


def _rotations(
    answer: pb.ListKeyRotationsResponse, names: KmsNames, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    key_id = last_part(names.key(values["KeyId"]))
    return page("Rotations", [rotation(each, key_id) for each in answer.rotations], answer.next_page_token)


def _parameters(
    answer: pb.GetParametersForImportResponse, names: KmsNames, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "KeyId": _key_arn(values, names),
        "ImportToken": answer.import_token,
        "PublicKey": answer.public_key,
        "ParametersValidTo": time(answer, "expire_time"),
    }


_KEY = {"KeyId": key()}

_MAPPED: Mapping[str, Mapped] = {
    "EnableKeyRotation": Mapped("EnableKeyRotation", {**_KEY, "RotationPeriodInDays": Member("period_days")}),
    "DisableKeyRotation": Mapped("DisableKeyRotation", _KEY),
    "GetKeyRotationStatus": Mapped("GetKeyRotationStatus", _KEY, _status),
    "RotateKeyOnDemand": Mapped(
        "RotateKey", _KEY, lambda answer, _names, _values: {"KeyId": last_part(answer.key.name)}
    ),
    "ListKeyRotations": Mapped(
        "ListKeyRotations",
        {
            **_KEY,
            "IncludeKeyMaterial": Member("include_first", lambda value, _names: value == "ALL_KEY_MATERIAL"),
        },
        _rotations,
        items=100,
    ),
    "GetParametersForImport": Mapped(
        "GetParametersForImport",
        {
            **_KEY,
            "WrappingAlgorithm": Member("wrapping_algorithm", _wrapping),
            "WrappingKeySpec": Member("wrapping_key_spec", spec_of),
        },
        _parameters,
    ),
    "ImportKeyMaterial": Mapped(
        "ImportKeyMaterial",
        {
            **_KEY,
            "EncryptedKeyMaterial": Member("encrypted_material"),
            "ValidTo": Member("expire_time", timestamp_of),
            # A key has one material: whether what comes is new to it says the material itself.
            "ImportType": Lacking(harmless=("EXISTING_KEY_MATERIAL", "NEW_KEY_MATERIAL")),
        },
        lambda answer, names, values: {
            "KeyId": _key_arn(values, names),
            "KeyMaterialId": answer.material_id or None,
        },
        _expiration,
    ),
    "DeleteImportedKeyMaterial": Mapped(
        "DeleteImportedKeyMaterial",
        _KEY,
        lambda _answer, names, values: {"KeyId": _key_arn(values, names)},
    ),
}
