"""HMAC: another library agrees, and nothing but the whole code is taken."""

from collections.abc import Callable

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from Crypto.Hash import HMAC, SHA224, SHA256, SHA384, SHA512

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain.macs import generate_mac, verify_mac
from services.kms.domain.material import Material
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage

HASHES = {
    KeySpec.HMAC_224: SHA224,
    KeySpec.HMAC_256: SHA256,
    KeySpec.HMAC_384: SHA384,
    KeySpec.HMAC_512: SHA512,
}
MaterialOf = Callable[[KeySpec], Material]


@pytest.mark.parametrize("spec", HASHES)
def test_another_library_agrees(spec: KeySpec, material_of: MaterialOf) -> None:
    (algorithm,) = spec.algorithms(KeyUsage.GENERATE_VERIFY_MAC)
    secret = material_of(spec).secret
    for message in (b"", b"x", b"a message" * 400):
        theirs = HMAC.new(secret.reveal(), message, HASHES[spec]).digest()
        assert generate_mac(spec, secret, algorithm, message) == theirs
        verify_mac(spec, secret, algorithm, message, theirs)


@pytest.mark.parametrize("spec", HASHES)
def test_changed_shortened_and_foreign_codes_are_refused(spec: KeySpec, material_of: MaterialOf) -> None:
    (algorithm,) = spec.algorithms(KeyUsage.GENERATE_VERIFY_MAC)
    secret = material_of(spec).secret
    mac = generate_mac(spec, secret, algorithm, b"m")
    changed = [mac[:length] for length in range(len(mac))] + [mac + b"\0"]
    changed += [
        bytes(byte ^ (1 << bit % 8 if at == bit // 8 else 0) for at, byte in enumerate(mac))
        for bit in range(len(mac) * 8)
    ]
    changed.append(generate_mac(spec, SecretBytes(bytes(spec.material_size)), algorithm, b"m"))
    changed.append(generate_mac(spec, secret, algorithm, b"n"))
    words = set()
    for each in changed:
        with pytest.raises(DomainError) as caught:
            verify_mac(spec, secret, algorithm, b"m", each)
        assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_MAC
        assert caught.value.__cause__ is None
        words.add(caught.value.message)
    assert len(words) == 1


@pytest.mark.parametrize("spec", [*HASHES, KeySpec.SYMMETRIC_DEFAULT])
def test_algorithms_of_other_specs_are_refused(spec: KeySpec, material_of: MaterialOf) -> None:
    secret = material_of(spec).secret
    for algorithm in set(Algorithm) - set(spec.algorithms(KeyUsage.GENERATE_VERIFY_MAC)):
        for call, more in ((generate_mac, ()), (verify_mac, (b"c",))):
            with pytest.raises(DomainError) as caught:
                call(spec, secret, algorithm, b"m", *more)
            assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
