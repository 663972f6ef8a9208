"""Renewing and importing the material of keys by an unmodified boto3, against the whole stack."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.contract.aws.answers import refused

Make = Callable[..., dict[str, Any]]
STAYS = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
SHA: dict[str, Any] = {"SHA_1": hashes.SHA1(), "SHA_256": hashes.SHA256()}  # noqa: S303 - what AWS offers


def test_regular_rotation(kms: Any, make_key: Make) -> None:
    key_id = make_key()["KeyId"]
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert (status["KeyRotationEnabled"], status["KeyId"]) == (False, key_id)
    assert "NextRotationDate" not in status
    for period in (90, 2560):
        kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=period)
        status = kms.get_key_rotation_status(KeyId=key_id)
        assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, period)
        expected = datetime.now(UTC) + timedelta(days=period)
        assert abs(status["NextRotationDate"] - expected) < timedelta(minutes=5)
    kms.enable_key_rotation(KeyId=key_id)
    kms.disable_key_rotation(KeyId=key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    code = refused(kms.enable_key_rotation, KeyId=key_id, RotationPeriodInDays=2561)
    assert code == ("ValidationException", 400)
    kms.disable_key(KeyId=key_id)
    assert refused(kms.enable_key_rotation, KeyId=key_id) == ("DisabledException", 400)


def test_what_waits_for_its_deletion_is_not_rotated(kms: Any, make_key: Make) -> None:
    key_id = make_key()["KeyId"]
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=100)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert status["KeyRotationEnabled"] is False
    assert "NextRotationDate" not in status
    assert refused(kms.disable_key_rotation, KeyId=key_id) == ("KMSInvalidStateException", 400)
    kms.cancel_key_deletion(KeyId=key_id)
    kms.enable_key(KeyId=key_id)
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 100)
    assert "NextRotationDate" in status


def test_imported_material_of_a_key_that_waits_for_its_deletion(kms: Any, make_key: Make) -> None:
    key_id = make_key(Origin="EXTERNAL")["KeyId"]
    material = os.urandom(32)
    _import(kms, key_id, material, "RSAES_OAEP_SHA_256")
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    kms.delete_imported_key_material(KeyId=key_id)
    for call in (kms.get_parameters_for_import, kms.enable_key):
        more = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
        arguments = more if call == kms.get_parameters_for_import else {}
        assert refused(call, KeyId=key_id, **arguments) == ("KMSInvalidStateException", 400)
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key_id)
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingImport"
    _import(kms, key_id, material, "RSAES_OAEP_SHA_256")
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Enabled"


def test_rotation_on_demand(kms: Any, make_key: Make) -> None:
    key = make_key()
    key_id = key["KeyId"]
    before = kms.encrypt(KeyId=key_id, Plaintext=b"before")["CiphertextBlob"]
    assert kms.list_key_rotations(KeyId=key_id)["Rotations"] == []
    assert kms.rotate_key_on_demand(KeyId=key_id)["KeyId"] == key_id
    after = kms.encrypt(KeyId=key_id, Plaintext=b"after")["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=after)
    current = kms.describe_key(KeyId=key_id)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"after", current)
    opened = kms.decrypt(CiphertextBlob=before)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"before", key["CurrentKeyMaterialId"])
    assert current != key["CurrentKeyMaterialId"]
    (rotation,) = kms.list_key_rotations(KeyId=key_id)["Rotations"]
    assert abs(rotation.pop("RotationDate") - datetime.now(UTC)) < timedelta(minutes=5)
    assert rotation == {
        "KeyId": key_id,
        "KeyMaterialId": current,
        "KeyMaterialState": "CURRENT",
        "RotationType": "ON_DEMAND",
    }
    both = kms.list_key_rotations(KeyId=key_id, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert {each["KeyMaterialId"] for each in both} == {current, key["CurrentKeyMaterialId"]}
    # AWS permits 25 of them.
    for _ in range(24):
        kms.rotate_key_on_demand(KeyId=key_id)
    assert refused(kms.rotate_key_on_demand, KeyId=key_id) == ("LimitExceededException", 400)
    assert kms.decrypt(CiphertextBlob=before)["Plaintext"] == b"before"
    page = kms.list_key_rotations(KeyId=key_id, Limit=15)
    rest = kms.list_key_rotations(KeyId=key_id, Limit=15, Marker=page["NextMarker"])
    assert (len(page["Rotations"]), len(rest["Rotations"]), rest["Truncated"]) == (15, 10, False)


def test_only_symmetric_material_is_renewed(kms: Any, make_key: Make) -> None:
    for spec, usage in (("RSA_2048", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")):
        key_id = make_key(KeySpec=spec, KeyUsage=usage)["KeyId"]
        for call in (kms.enable_key_rotation, kms.rotate_key_on_demand):
            assert refused(call, KeyId=key_id) == ("UnsupportedOperationException", 400)


def _wrap(parameters: Any, algorithm: str, material: bytes) -> bytes:
    public: Any = serialization.load_der_public_key(parameters["PublicKey"])
    digest = SHA["SHA_" + algorithm.rpartition("_")[2]]
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    if algorithm.startswith("RSAES"):
        return bytes(public.encrypt(material, oaep))
    key = os.urandom(32)
    return bytes(public.encrypt(key, oaep)) + keywrap.aes_key_wrap_with_padding(key, material)


def _import(
    kms: Any, key_id: str, material: bytes, algorithm: str, spec: str = "RSA_2048", **more: Any
) -> Any:
    parameters = kms.get_parameters_for_import(
        KeyId=key_id, WrappingAlgorithm=algorithm, WrappingKeySpec=spec
    )
    remaining = parameters["ParametersValidTo"] - datetime.now(UTC)
    assert timedelta(hours=23) < remaining <= timedelta(hours=24, minutes=1)
    return kms.import_key_material(
        KeyId=key_id,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=_wrap(parameters, algorithm, material),
        **(more or STAYS),
    )


@pytest.mark.parametrize(
    ("algorithm", "spec"),
    [
        ("RSAES_OAEP_SHA_1", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "RSA_3072"),
        ("RSA_AES_KEY_WRAP_SHA_1", "RSA_2048"),
        ("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"),
        ("RSA_AES_KEY_WRAP_SHA_256", "RSA_4096"),
    ],
)
def test_symmetric_material(kms: Any, make_key: Make, algorithm: str, spec: str) -> None:
    key = make_key(Origin="EXTERNAL")
    key_id, arn = key["KeyId"], key["Arn"]
    assert (key["KeyState"], key["Enabled"], key["Origin"]) == ("PendingImport", False, "EXTERNAL")
    for call in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand):
        assert refused(call, KeyId=key["KeyId"]) == ("UnsupportedOperationException", 400)
    assert "ExpirationModel" not in key
    assert refused(kms.encrypt, KeyId=key_id, Plaintext=b"x") == ("KMSInvalidStateException", 400)
    material = os.urandom(32)
    answer = _import(kms, key_id, material, algorithm, spec)
    assert answer["KeyId"] == arn
    imported = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (imported["KeyState"], imported["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert imported["CurrentKeyMaterialId"] == answer["KeyMaterialId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    assert kms.delete_imported_key_material(KeyId=key_id)["KeyId"] == arn
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingImport"
    assert refused(kms.decrypt, CiphertextBlob=blob) == ("KMSInvalidStateException", 400)
    # Only the same material comes back, and opens what was sealed under it.
    with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
        _import(kms, key_id, os.urandom(32), algorithm)
    _import(kms, key_id, material, algorithm)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_of_key_pairs(kms: Any, make_key: Make) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    der = own.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_id = make_key(Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyId"]
    _import(kms, key_id, der, "RSA_AES_KEY_WRAP_SHA_256")
    public = own.public_key()
    found = serialization.load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    assert found == public
    signature = kms.sign(KeyId=key_id, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    public.verify(signature, b"m", ec.ECDSA(hashes.SHA256()))


def test_material_that_expires(kms: Any, make_key: Make) -> None:
    key_id = make_key(Origin="EXTERNAL")["KeyId"]
    ends = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    _import(kms, key_id, os.urandom(32), "RSAES_OAEP_SHA_256", ValidTo=ends)
    metadata = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (metadata["ExpirationModel"], metadata["ValidTo"]) == ("KEY_MATERIAL_EXPIRES", ends)
    (first,) = kms.list_key_rotations(KeyId=key_id, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert (first["ImportState"], first["ExpirationModel"], first["ValidTo"]) == (
        *("IMPORTED", "KEY_MATERIAL_EXPIRES"),
        ends,
    )
    assert "RotationDate" not in first
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    kms.delete_imported_key_material(KeyId=key_id)
    metadata = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (metadata["KeyState"], "ExpirationModel" in metadata) == ("PendingDeletion", False)


def test_imports_that_are_refused(kms: Any, make_key: Make) -> None:
    key_id, other = make_key(Origin="EXTERNAL")["KeyId"], make_key(Origin="EXTERNAL")["KeyId"]
    wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    parameters = kms.get_parameters_for_import(KeyId=key_id, **wrapping)
    good = _wrap(parameters, "RSAES_OAEP_SHA_256", os.urandom(32))
    given = {"KeyId": key_id, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": good, **STAYS}
    token = parameters["ImportToken"]
    for changed, code in (
        ({"ImportToken": token[:-1] + bytes([token[-1] ^ 1])}, "InvalidImportTokenException"),
        ({"KeyId": other}, "InvalidImportTokenException"),
        ({"EncryptedKeyMaterial": good[:-1] + bytes([good[-1] ^ 1])}, "InvalidCiphertextException"),
        (
            {"EncryptedKeyMaterial": _wrap(parameters, "RSAES_OAEP_SHA_256", b"short")},
            "IncorrectKeyMaterialException",
        ),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "ValidationException"),
    ):
        assert refused(kms.import_key_material, **{**given, **changed}) == (code, 400)
    kms.import_key_material(**given)
    own = make_key()["KeyId"]
    lacking = ("UnsupportedOperationException", 400)
    assert refused(kms.get_parameters_for_import, KeyId=own, **wrapping) == lacking
    assert refused(kms.delete_imported_key_material, KeyId=own) == lacking
