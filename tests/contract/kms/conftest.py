"""Custodies of every kind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.kms.adapters import passphrase_custody
from services.kms.adapters.passphrase_custody import Argon2Costs
from services.kms.ports import RootCustody
from tests.fakes.custodies import CHEAP, KINDS, SOFTHSM, Place


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A marked custody.

    What a key costs to derive, also after a change, is seen in tests/unit/kms/test_file_custody.py.
    """
    monkeypatch.setattr(
        passphrase_custody, "Argon2Costs", lambda *costs: Argon2Costs(*costs) if costs else CHEAP
    )
    made = Place(request.param, tmp_path)
    made.mark()
    if made.kind == "pkcs11":
        import pkcs11

        monkeypatch.setenv("SOFTHSM2_CONF", made.environment()["SOFTHSM2_CONF"])
        # The library reads its configuration when it is initialised, once a process.
        pkcs11.lib(str(SOFTHSM)).reinitialize()
        yield made
        pkcs11.lib(str(SOFTHSM)).finalize()
    else:
        yield made


@pytest.fixture
def reopened(place: Place) -> Iterator[Callable[[], RootCustody]]:
    """Open the custody as a process that was started again does: what was open before is gone."""
    opened: list[RootCustody] = []

    def again() -> RootCustody:
        for each in opened:
            each.seal()
        opened.append(place.open())
        return opened[-1]

    yield again
    for each in opened:
        each.seal()


@pytest.fixture
def custody(reopened: Callable[[], RootCustody]) -> RootCustody:
    """A custody after its first boot."""
    made = reopened()
    made.complete_first_boot()
    return made
