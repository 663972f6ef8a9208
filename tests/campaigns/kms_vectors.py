"""Known-answer vectors: what is right is accepted, what is wrong refused, by keys that were imported."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import padding

from services.chassis.errors import DomainError
from services.kms.domain import signing
from services.kms.domain.material import Material
from services.kms.domain.specs import Algorithm
from tests.campaigns.campaign import Campaign, Finding
from tests.fakes.material_owner import MaterialOwner, wrapping_algorithms
from tests.known_answers.asking import WrongAnswerError, accepts, key_of
from tests.known_answers.vector import KEY, SECRET, KnownAnswer
from tests.known_answers.vectors import known_answers

_CHANGES = 4
_OWNER = MaterialOwner()


class KmsVectorsCampaign(Campaign):
    """One case is one vector, and changes of a bit to it when it is a right one."""

    name = "kms-vectors"
    summary = (
        "Keys of known-answer vectors (NIST CAVP, RSA Laboratories, RFC 4231, RFC 6979, pyca) are imported, "
        "each time by a wrapping algorithm that is drawn, or loaded where the vector has the public half "
        "alone; kms accepts the right vectors of ECDSA, Ed25519, RSASSA-PKCS1-v1_5, RSASSA-PSS, RSAES-OAEP, "
        "HMAC and ECDH, refuses the wrong ones, and the right ones with a bit changed, "
        f"{_CHANGES} times a case."
    )
    fault = "a verifier of RSASSA-PSS that takes salts of any length."
    sources = (
        "services/kms/domain/agreement.py",
        "services/kms/domain/asymmetric_encryption.py",
        "services/kms/domain/ciphertext.py",
        "services/kms/domain/envelope.py",
        "services/kms/domain/imports.py",
        "services/kms/domain/macs.py",
        "services/kms/domain/material.py",
        "services/kms/domain/signing.py",
        "services/kms/domain/specs.py",
        "services/kms/domain/usage.py",
        "tests/campaigns/kms_vectors.py",
        "tests/known_answers",
        "tests/fakes/material_owner.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Bring the key in, ask, change, ask."""
        random = self.random(seed, index)
        known = known_answers()[_order(seed)[index % len(known_answers())]]
        wrapping = random.choice(wrapping_algorithms(known.spec))
        material = key_of(known, _OWNER, wrapping)
        try:
            accepted = material is not None and accepts(known, material)
        except WrongAnswerError as error:
            raise Finding(str(error)) from None
        if accepted is not known.valid:
            raise Finding(f"{known.source} is {'accepted' if accepted else 'refused'}, by {wrapping.value}")
        if material is None or not known.valid or known.asks == KEY:
            return
        for _ in range(_CHANGES):
            changed = _changed(random, known)
            if _accepts_changed(changed, material):
                raise Finding(f"{known.source} is accepted with a bit changed: {changed}")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let the length of the salt be whatever the signature says."""
        real = signing._padding

        def any_salt(algorithm: Algorithm) -> padding.PSS | padding.PKCS1v15:
            found = real(algorithm)
            return padding.PSS(found.mgf, padding.PSS.AUTO) if isinstance(found, padding.PSS) else found

        with patch.object(signing, "_padding", any_salt):
            yield


@functools.lru_cache(maxsize=4)
def _order(seed: int) -> tuple[int, ...]:
    """Every vector once, in an order of the seed's own: all of them are run after as many cases."""
    order = list(range(len(known_answers())))
    Random(seed).shuffle(order)
    return tuple(order)


def _changed(random: Random, known: KnownAnswer) -> KnownAnswer:
    fields = [name for name in ("given", "answer") if getattr(known, name)]
    # A shared secret is what kms says: another one expected would differ, whatever kms does.
    field = "given" if known.asks == SECRET else random.choice(fields)
    value = bytearray(getattr(known, field))
    value[random.randrange(len(value))] ^= 1 << random.randrange(8)
    return replace(known, **{field: bytes(value)})


def _accepts_changed(changed: KnownAnswer, material: Material) -> bool:
    try:
        return accepts(changed, material)
    except (DomainError, WrongAnswerError) as error:
        raise Finding(f"{changed.source} with a bit changed: {error}") from error
