"""What keys may do is what AWS says that they may."""

import gzip
import json
from pathlib import Path

import botocore
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.kms.domain.names import KeyName
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.domain.usage import (
    permitted_algorithm,
    require_algorithm,
    require_pair,
    require_permitted,
    require_usage,
)

_MODEL = next((Path(botocore.__file__).parent / "data/kms").glob("*/service-2.json.gz"))
SHAPES = json.loads(gzip.decompress(_MODEL.read_bytes()))["shapes"]
ABSENT_SPECS = {"SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"}
ABSENT_ALGORITHMS = {"SM2PKE", "SM2DSA", "ML_DSA_SHAKE_256", "ED25519_PH_SHA_512"}
SHAPE_OF_USAGE = {
    KeyUsage.ENCRYPT_DECRYPT: "EncryptionAlgorithmSpec",
    KeyUsage.SIGN_VERIFY: "SigningAlgorithmSpec",
    KeyUsage.GENERATE_VERIFY_MAC: "MacAlgorithmSpec",
    KeyUsage.KEY_AGREEMENT: "KeyAgreementAlgorithmSpec",
}


def reason_of(call: object, *arguments: object) -> tuple[int, str]:
    assert callable(call)
    with pytest.raises(DomainError) as caught:
        call(*arguments)
    return caught.value.reason, caught.value.message


def test_specs_are_those_of_aws_but_for_the_ones_that_are_refused() -> None:
    assert {each.value for each in KeySpec} == set(SHAPES["KeySpec"]["enum"]) - ABSENT_SPECS
    pairs = {each.value for each in KeySpec if each.data_key_pair}
    assert pairs == set(SHAPES["DataKeyPairSpec"]["enum"]) - ABSENT_SPECS
    assert {each.value for each in KeyUsage} == set(SHAPES["KeyUsageType"]["enum"]) - {
        "ENCAPSULATE_DECAPSULATE"
    }


@pytest.mark.parametrize("usage", KeyUsage)
def test_algorithms_are_those_of_aws_but_for_the_ones_that_are_refused(usage: KeyUsage) -> None:
    names = {each.value for spec in KeySpec for each in spec.algorithms(usage)}
    assert names == set(SHAPES[SHAPE_OF_USAGE[usage]]["enum"]) - ABSENT_ALGORITHMS


def test_usages_of_specs() -> None:
    """AWS: CreateKey, KeyUsage."""
    encrypt, sign, mac, agree = (
        KeyUsage.ENCRYPT_DECRYPT,
        KeyUsage.SIGN_VERIFY,
        KeyUsage.GENERATE_VERIFY_MAC,
        KeyUsage.KEY_AGREEMENT,
    )
    expected = {"SYMMETRIC_DEFAULT": {encrypt}, "ECC_SECG_P256K1": {sign}, "ECC_NIST_EDWARDS25519": {sign}}
    expected |= {f"RSA_{bits}": {encrypt, sign} for bits in (2048, 3072, 4096)}
    expected |= {f"ECC_NIST_P{bits}": {sign, agree} for bits in (256, 384, 521)}
    expected |= {f"HMAC_{bits}": {mac} for bits in (224, 256, 384, 512)}
    assert {each.value: set(each.usages) for each in KeySpec} == expected
    assert [each for each in KeySpec if each.default_usage] == [KeySpec.SYMMETRIC_DEFAULT]
    assert [each for each in KeySpec if each.rotatable] == [KeySpec.SYMMETRIC_DEFAULT]
    assert all(each.importable for each in KeySpec)


def test_a_wrong_usage_is_refused_in_the_words_of_aws() -> None:
    name = KeyName.parse("accounts/123456789012/regions/us-east-1/keys/1")
    require_usage(name, KeyUsage.SIGN_VERIFY, KeyUsage.SIGN_VERIFY, "Sign")
    assert reason_of(require_usage, name, KeyUsage.SIGN_VERIFY, KeyUsage.ENCRYPT_DECRYPT, "Encrypt") == (
        ErrorReason.ERROR_REASON_INVALID_KEY_USAGE,
        "arn:aws:kms:us-east-1:123456789012:key/1 key usage is SIGN_VERIFY which is not valid for Encrypt.",
    )
    require_permitted(KeySpec.RSA_2048, KeyUsage.ENCRYPT_DECRYPT)
    assert reason_of(require_permitted, KeySpec.HMAC_256, KeyUsage.ENCRYPT_DECRYPT) == (
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec HMAC_256",
    )
    require_pair(KeySpec.RSA_2048)
    assert reason_of(require_pair, KeySpec.HMAC_256)[0] == ErrorReason.ERROR_REASON_INVALID_FIELD


def test_an_algorithm_of_a_request() -> None:
    sign, field = KeyUsage.SIGN_VERIFY, "signing_algorithm"
    found = permitted_algorithm(KeySpec.ECC_NIST_P256, sign, "ECDSA_SHA_256", field)
    assert found is Algorithm.ECDSA_SHA_256
    for unknown in ("", "ECDSA_SHA_1", "RSAES_OAEP_SHA_1", "ED25519_PH_SHA_512", "ecdsa_sha_256"):
        reason, message = reason_of(permitted_algorithm, KeySpec.ECC_NIST_P256, sign, unknown, field)
        assert reason == ErrorReason.ERROR_REASON_INVALID_FIELD
        assert "ECDSA_SHA_384" in message
    assert reason_of(permitted_algorithm, KeySpec.ECC_NIST_P256, sign, "ECDSA_SHA_384", field) == (
        ErrorReason.ERROR_REASON_INVALID_KEY_USAGE,
        "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.",
    )


@pytest.mark.parametrize("spec", KeySpec)
def test_a_spec_permits_its_own_algorithms_alone(spec: KeySpec) -> None:
    for usage in KeyUsage:
        for algorithm in Algorithm:
            if algorithm in spec.algorithms(usage):
                require_algorithm(spec, usage, algorithm)
            else:
                reason, _ = reason_of(require_algorithm, spec, usage, algorithm)
                assert reason == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
