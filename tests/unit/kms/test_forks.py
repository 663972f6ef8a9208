"""Forked processes: no salt and IV come twice, and no key either. A generator with shared state is caught."""

import pytest

from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.envelope import encrypt
from services.kms.domain.material import generate
from services.kms.domain.specs import KeySpec
from tests.fakes.forks import SharedStateRandomness, in_forks

NAME = "accounts/123456789012/regions/us-east-1/keys/1b9c6ef0-0000-4000-8000-000000000001"
CHILDREN = 2
ENCRYPTIONS = 500
PAIR = 44


def pairs(randomness: Randomness) -> list[bytes]:
    """Return the salts and IVs of encryptions in children that live at the same time."""

    def encrypt_some() -> bytes:
        found = b""
        for _ in range(ENCRYPTIONS):
            header = Ciphertext.parse(
                encrypt(SecretBytes(bytes(32)), NAME, 1, SecretBytes(b"x"), {}, randomness)
            ).header
            found += header.salt + header.iv
        return found

    joined = b"".join(in_forks(CHILDREN, encrypt_some))
    return [joined[at : at + PAIR] for at in range(0, len(joined), PAIR)]


def test_children_never_repeat_a_salt_and_iv() -> None:
    found = pairs(SystemRandomness())
    assert len(found) == len(set(found)) == CHILDREN * ENCRYPTIONS


def test_children_that_share_a_generators_state_are_caught() -> None:
    found = pairs(SharedStateRandomness(1))
    assert len(set(found)) == len(found) // CHILDREN


@pytest.mark.parametrize(
    "spec", [KeySpec.SYMMETRIC_DEFAULT, KeySpec.ECC_NIST_P256, KeySpec.ECC_NIST_EDWARDS25519]
)
def test_children_never_make_the_same_key(spec: KeySpec) -> None:
    """Pairs come from OpenSSL's own generator, which has a state: it was used before the fork."""
    generate(spec, SystemRandomness())
    made = in_forks(4, lambda: generate(spec, SystemRandomness()).secret.reveal())
    assert len(set(made)) == 4
