"""The listener that a taken workload, with a valid certificate, attacks."""

import gc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import psutil
import pytest

from tests.fakes.http2_attack import MIB, started
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr("services.chassis.http2.listener._LOOK_S", 0.1)
    one = Running(Workloads(tmp_path / "pki"), tmp_path, "http2")
    await started(one, tmp_path)
    yield one
    await one.server.stop()


@pytest.fixture
def memory() -> Iterable[None]:
    """Fails when the process has grown by much."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    yield
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 96 * MIB
