"""Asks kms what a known-answer vector asks, with the vector's key brought in as its owner would."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain import asymmetric_encryption
from services.kms.domain.agreement import derive_shared_secret
from services.kms.domain.imports import WrappingAlgorithm
from services.kms.domain.macs import generate_mac, verify_mac
from services.kms.domain.material import (
    Material,
    MaterialError,
    load_private_key,
    load_public_key,
)
from services.kms.domain.signing import MessageType, sign, verify
from services.kms.domain.specs import Algorithm
from tests.fakes.material_owner import MaterialOwner
from tests.known_answers.vector import CODE, KEY, PLAINTEXT, SECRET, SIGNATURE, KnownAnswer

_REFUSALS = {
    SIGNATURE: ErrorReason.ERROR_REASON_INVALID_SIGNATURE,
    PLAINTEXT: ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT,
    CODE: ErrorReason.ERROR_REASON_INVALID_MAC,
    SECRET: ErrorReason.ERROR_REASON_INVALID_FIELD,
}
_RANDOM = ("ECDSA_", "RSASSA_PSS_")
"""Signatures by these differ every time."""


class WrongAnswerError(Exception):
    """kms gave an answer of its own that is not the vector's, or does not take it back."""


def key_of(known: KnownAnswer, owner: MaterialOwner, wrapping: WrappingAlgorithm) -> Material | None:
    """Bring the key in; None when it is refused. Of public keys the material has that half alone."""
    try:
        if known.private:
            return owner.bring(known.spec, known.key, wrapping)
        load_public_key(known.spec, known.key)
    except MaterialError:
        return None
    except DomainError as error:
        if error.reason != ErrorReason.ERROR_REASON_INCORRECT_KEY_MATERIAL:
            raise
        return None
    return Material(SecretBytes(b""), known.key)


def accepts(known: KnownAnswer, material: Material) -> bool:
    """Say whether kms gives or takes the vector's answer.

    Raises WrongAnswerError, and DomainError for a refusal with another reason than it should have.
    """
    try:
        return _answered(known, material)
    except DomainError as error:
        if error.reason != _REFUSALS.get(known.asks):
            raise
        return False


def _answered(known: KnownAnswer, material: Material) -> bool:
    if known.asks == KEY:
        return True
    assert isinstance(known.algorithm, Algorithm)
    spec, algorithm = known.spec, known.algorithm
    if known.asks == CODE:
        verify_mac(spec, material.secret, algorithm, known.given, known.answer)
        return generate_mac(spec, material.secret, algorithm, known.given) == known.answer
    if known.asks == SIGNATURE:
        _signature(known, material)
        return True
    private = load_private_key(spec, material.secret)
    if known.asks == PLAINTEXT:
        opened = asymmetric_encryption.decrypt(spec, private, algorithm, known.given)
        return opened.equals(known.answer)
    return derive_shared_secret(spec, private, algorithm, known.given).equals(known.answer)


def _signature(known: KnownAnswer, material: Material) -> None:
    assert isinstance(known.algorithm, Algorithm)
    spec, algorithm, raw = known.spec, known.algorithm, MessageType.RAW
    public = load_public_key(spec, material.public_key)
    verify(spec, public, algorithm, known.given, raw, known.answer)
    if not known.private:
        return
    own = sign(spec, load_private_key(spec, material.secret), algorithm, known.given, raw)
    verify(spec, public, algorithm, known.given, raw, own)
    if not algorithm.value.startswith(_RANDOM) and own != known.answer:
        raise WrongAnswerError(f"{known.source}: another signature of the same message")
