"""The requests that are measured: how each is asked, and what tells that its answer is one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from craton.kms.v1 import crypto_service_pb2 as pb

from services.kms.domain.specs import KeySpec
from tests.load.kms.population import MadeKey, Sample

SAMPLE = Sample(b"p" * 1024, {"tenant": "acme", "purpose": "orders"})
"""A KiB, as in the table of invocations, under a context of two pairs."""
MESSAGE = b"m" * 256
DATA_KEY_SIZE = 32
_SHORTEST_SIGNATURE = 60
"""Bytes: Ed25519 has 64, ECDSA in DER at most four times in 2^32 less than 66."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One operation as the load asks it."""

    method: str
    spec: KeySpec
    request: Callable[[MadeKey], Any]
    answered: Callable[[Any], bool]
    barred: bool = True
    """Whether its rate has a bar."""


def _signing(spec: KeySpec, algorithm: str, *, barred: bool = True) -> Asking:
    return Asking(
        "Sign",
        spec,
        lambda key: pb.SignRequest(key_name=key.name, message=MESSAGE, signing_algorithm=algorithm),
        lambda answer: len(answer.signature) >= _SHORTEST_SIGNATURE,
        barred,
    )


ASKINGS: Mapping[str, Asking] = {
    "GenerateDataKey": Asking(
        "GenerateDataKey",
        KeySpec.SYMMETRIC_DEFAULT,
        lambda key: pb.GenerateDataKeyRequest(
            key_name=key.name, encryption_context=SAMPLE.context, number_of_bytes=DATA_KEY_SIZE
        ),
        lambda answer: len(answer.plaintext) == DATA_KEY_SIZE and len(answer.ciphertext) > DATA_KEY_SIZE,
    ),
    "Encrypt 1 KiB": Asking(
        "Encrypt",
        KeySpec.SYMMETRIC_DEFAULT,
        lambda key: pb.EncryptRequest(
            key_name=key.name, plaintext=SAMPLE.plaintext, encryption_context=SAMPLE.context
        ),
        lambda answer: len(answer.ciphertext) > len(SAMPLE.plaintext),
    ),
    "Decrypt 1 KiB": Asking(
        "Decrypt",
        KeySpec.SYMMETRIC_DEFAULT,
        lambda key: pb.DecryptRequest(ciphertext=key.ciphertext, encryption_context=SAMPLE.context),
        lambda answer: bytes(answer.plaintext) == SAMPLE.plaintext,
    ),
    "Sign Ed25519": _signing(KeySpec.ECC_NIST_EDWARDS25519, "ED25519_SHA_512"),
    "Sign P-256": _signing(KeySpec.ECC_NIST_P256, "ECDSA_SHA_256"),
    "Sign RSA-2048": _signing(KeySpec.RSA_2048, "RSASSA_PSS_SHA_256", barred=False),
    "Sign RSA-4096": _signing(KeySpec.RSA_4096, "RSASSA_PSS_SHA_256", barred=False),
}
"""By the names of the table."""
