"""The pairs of transports that keep one contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.transport_pair import Pair


@pytest.fixture(params=["grpc-grpc", "grpc-http2", "http2-grpc", "http2-http2"])
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    """A started server of the first kind, for clients of the second."""
    monkeypatch.setattr("services.chassis.http2.listener._LOOK_S", 0.1)
    one = Pair(tmp_path, *request.param.split("-"))
    await one.server.start()
    yield one
    one.answers.release.set()
    for channel in one.channels:
        await channel.close()
    await one.server.stop()
