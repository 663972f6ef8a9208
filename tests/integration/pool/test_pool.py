"""A pool as a whole: launcher, agent, sandbox, real Triton, echo models; reached as the runtime reaches it."""

import json
import os
import time
from collections.abc import Iterator

import grpc
import pytest
from triton_wire import inference_pb2

from services.chassis import triton
from tests.fakes import pool_home
from tests.fakes.pool_home import PoolHome, ask, echo_manifest, echo_request


@pytest.fixture(scope="module")
def pool() -> Iterator[PoolHome]:
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        home.publish(echo_manifest("echo-v1"), echo_manifest("echo-v2"))
        home.start()
        try:
            yield home
        finally:
            home.stop()
            assert home.processes() == {}


async def test_models_answer_through_the_door(pool: PoolHome) -> None:
    began = time.monotonic()
    instances = await pool.until_ready("bench.echo-v1", "bench.echo-v2")
    print(f"ready after {time.monotonic() - began:.1f} s")
    async with pool.model_server() as channel:
        for instance in instances.values():
            responses = await ask(channel, instance, echo_request("hello escrow", pieces=3))
            assert "".join(each.generate.text for each in responses) == "hello escrow"
            assert len(responses) == 3
            assert responses[-1].final
