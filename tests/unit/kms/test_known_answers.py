"""Known-answer vectors by imported keys: some of each kind. The campaign kms-vectors runs all of them."""

from collections import defaultdict

import pytest

from services.kms.domain.imports import WrappingAlgorithm
from tests.fakes.material_owner import MaterialOwner
from tests.known_answers.asking import accepts, key_of
from tests.known_answers.vector import CODE, KEY, PLAINTEXT, SECRET, SIGNATURE, KnownAnswer
from tests.known_answers.vectors import known_answers

PER_KIND = 1


def drawn() -> list[KnownAnswer]:
    """Return the first one of every file, spec and result; large RSA keys take long to check."""
    kinds: dict[tuple[object, ...], list[KnownAnswer]] = defaultdict(list)
    for each in known_answers():
        if each.spec.rsa_bits <= 2048 or not each.private:
            kind = (each.source.split(" ")[0], each.asks, each.spec, each.private, each.valid)
            kinds[kind].append(each)
    return [each for kind in kinds.values() for each in kind[:PER_KIND]]


@pytest.mark.parametrize("known", drawn(), ids=lambda known: f"{known.source} {known.spec.value}")
def test_right_answers_are_accepted_and_wrong_ones_refused(known: KnownAnswer, owner: MaterialOwner) -> None:
    material = key_of(known, owner, WrappingAlgorithm.RSA_AES_KEY_WRAP_SHA_256)
    assert (material is not None and accepts(known, material)) is known.valid


def test_there_are_right_and_wrong_ones_of_everything() -> None:
    found = {(each.asks, each.valid) for each in known_answers()}
    for asks in (SIGNATURE, PLAINTEXT, SECRET, KEY):
        assert {(asks, True), (asks, False)} <= found
    assert (CODE, True) in found
    assert len(known_answers()) > 2_500
