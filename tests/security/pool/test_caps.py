"""Code loaded as a model backend takes what it can: memory and processes end at their caps."""

import dataclasses
import os
from collections.abc import Iterator

import pytest

from services.pool.errors import ModelServerError
from tests.fakes import bare_sandbox, pool_home
from tests.fakes.pool_home import PoolHome

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="control groups are made by root")
MIB = 1 << 20

HOARDER = """
class TritonPythonModel:
    def initialize(self, args):
        kept = []
        for _ in range(2048):
            kept.append(b"x" * (1 << 20))

    def execute(self, requests):
        pass
"""

BREEDER = """
import json, os, signal, time
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        pass

    def execute(self, requests):
        children, error = [], ""
        while len(children) < 5000:
            try:
                child = os.fork()
            except OSError as refused:
                error = refused.strerror
                break
            if child == 0:
                signal.pause()
            children.append(child)
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        answer = json.dumps({"children": len(children), "error": error}).encode()
        for request in requests:
            tensor = pb_utils.Tensor("RESPONSE", np.frombuffer(answer, dtype=np.uint8))
            request.get_response_sender().send(
                pb_utils.InferenceResponse([tensor]), flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
            )
"""


@pytest.fixture
def home() -> Iterator[PoolHome]:
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        caps = dataclasses.replace(home.config.sandbox, memory_bytes=512 * MIB, processes=256)
        home.config = dataclasses.replace(home.config, sandbox=caps)
        yield home


async def test_memory_ends_at_the_cap_and_only_the_sandbox_feels_it(home: PoolHome) -> None:
    bare_sandbox.put_model(home, "hoarder", HOARDER, {})
    with bare_sandbox.running(home) as (_, found):
        server = bare_sandbox.server(home, found)
        try:
            await bare_sandbox.until_ready(server)
            with pytest.raises(ModelServerError):
                await server.load("hoarder", 60)
        finally:
            await server.close()


async def test_processes_end_at_the_cap(home: PoolHome) -> None:
    bare_sandbox.put_model(home, "breeder", BREEDER, {})
    with bare_sandbox.running(home) as (_, found):
        server = bare_sandbox.server(home, found)
        try:
            await bare_sandbox.until_ready(server)
            await server.load("breeder", 60)
            answer = await bare_sandbox.raw_call(server._channel, "breeder")
        finally:
            await server.close()
    assert b"Resource temporarily unavailable" in answer
    assert int(answer.split(b":")[1].split(b",")[0]) < 256
