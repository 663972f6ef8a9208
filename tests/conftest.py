"""What every test shares."""

import contextlib
import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Tests fork while channels of others are open: what gRPC does at a fork waits for their threads, at times for
# ever. A child that was forked uses no gRPC.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import services  # noqa: F401 - before anything imports gRPC: see services/__init__.py
from services.chassis import garbage
from services.chassis.audit.budget import SpoolLimits
from tests import groups
from tests.fakes import databases
from tests.fakes.otlp_collector import Collector
from tests.running_stack import RunningStack, running_stack

# Two workers and a slow host: how long an example takes says nothing of what is tested.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_report_header() -> str:
    """Say what is not collected on this machine."""
    return databases.header()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a server that this machine has not; arrange the rest in groups."""
    if databases.POSTGRESQL not in databases.KINDS:
        items[:] = [item for item in items if item.get_closest_marker("postgresql") is None]
    groups.arrange(items)


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: the collector looks at what tests make, and at that seldom."""
    garbage.settle()
    gc.set_threshold(20_000)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> groups.Scheduling:
    """Say how tests are handed out when there are several workers."""
    return groups.Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def patient_spools() -> Iterator[None]:
    """Services in this process wait longer for their disk than the 250 ms that they give it elsewhere.

    The machine's disk is shared and stands still for that long now and then, so that a call is refused in a
    test that is about something else. Tests of hung devices say how long they wait.
    """
    of = SpoolLimits.of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpoolLimits, "of", lambda most, _: of(most, 5.0))
        yield


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """An OTLP collector that keeps what it receives."""
    one = Collector()
    yield one
    one.stop()


_stacks = contextlib.ExitStack()


@pytest.fixture(scope="session")
def stack(collector: Collector) -> Iterator[RunningStack]:
    """One whole stack for all tests that use it."""
    with _stacks:
        yield _stacks.enter_context(running_stack(collector.endpoint))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """End the stack after the last test that uses it, when its module has undone what it did.

    Services that wait for work still renew leases and sign checkpoints, to the end of the session.
    """
    yield
    if nextitem is not None and not groups.uses_stack(nextitem.nodeid):
        _stacks.close()
