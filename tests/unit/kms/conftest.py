"""Keys that cost seconds to make, made once."""

import functools
from collections.abc import Callable

import pytest

from services.chassis.randomness import SystemRandomness
from services.kms.domain.material import Material, generate
from services.kms.domain.specs import KeySpec
from tests.fakes.material_owner import MaterialOwner


@pytest.fixture(scope="session")
def material_of() -> Callable[[KeySpec], Material]:
    """Material of any spec, the same for the whole session."""
    return functools.cache(lambda spec: generate(spec, SystemRandomness()))


@pytest.fixture(scope="session")
def owner() -> MaterialOwner:
    """Somebody who imports material, with wrapping keys for the whole session."""
    return MaterialOwner()
