"""Leases and a cache over a kms that does as it is told."""

import pytest

from services.chassis.data_keys.cache import DataKeyCache
from services.chassis.data_keys.leases import KeyLeases
from tests.fakes.clock import ManualClock
from tests.unit.chassis.data_keys.kms import Kms


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def kms(clock: ManualClock) -> Kms:
    return Kms(clock)


@pytest.fixture
def leases(kms: Kms, clock: ManualClock) -> KeyLeases:
    return KeyLeases(kms, clock)


@pytest.fixture
def cache(kms: Kms, leases: KeyLeases, clock: ManualClock) -> DataKeyCache:
    return DataKeyCache(kms, leases, clock)
