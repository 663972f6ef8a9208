"""An enforcement point for tests of decisions and leases."""

import pytest

from services.chassis.authorization import Authorizer
from services.chassis.leases import Leases
from tests.fakes.clock import ManualClock
from tests.unit.chassis.enforcement_point import Auth


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def auth(clock: ManualClock) -> Auth:
    return Auth(clock)


@pytest.fixture
def leases(auth: Auth, clock: ManualClock) -> Leases:
    return Leases(auth, clock)


@pytest.fixture
def authorizer(leases: Leases, clock: ManualClock) -> Authorizer:
    return Authorizer(leases, clock)
