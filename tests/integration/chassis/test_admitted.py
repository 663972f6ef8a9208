"""Methods whose callers prove themselves to the handler: what the log gets to know of whom."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc

from services.chassis.audit.ports import Recording
from services.chassis.context import current_call
from services.chassis.errors import DomainError
from services.chassis.principal import FederatedUser, PrincipalClaims
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running

REQUEST = pb.InvokeModelRequest(model_id="m", body=b"x")
CLAIMS = PrincipalClaims(
    "1" * 12, "i", "", "p", "", False, 0, "", "", "", 0, 0, federated=FederatedUser("arn", "alice")
)


@pytest.fixture
async def admitting(tmp_path: Path) -> AsyncIterator[Running]:
    workloads = Workloads(tmp_path / "pki")
    one = Running(workloads, tmp_path, "grpc", recording=Recording.ADMITTED)
    await one.server.start()
    yield one
    await one.server.stop()


async def ask(running: Running) -> Any:
    return await pb_grpc.InferenceServiceStub(running.channel("service/edge")).InvokeModel(REQUEST)


def refuse() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no")


async def test_who_is_let_in_has_an_intent_before_the_effect(admitting: Running) -> None:
    rows: list[Any] = []

    async def work() -> None:
        assert admitting.recorder.rows == []
        await current_call().admit(CLAIMS)
        rows.extend(admitting.recorder.rows)

    admitting.servicer.behaviour = work
    await ask(admitting)
    assert rows == [("intent", "InvokeModel")]
    assert [row[0] for row in admitting.recorder.rows] == ["intent", "outcome"]


async def test_strangers_are_counted_unless_they_are_notable(admitting: Running) -> None:
    async def counted() -> None:
        raise refuse()

    async def notable() -> None:
        current_call().notable = True
        raise refuse()

    admitting.servicer.behaviour = counted
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(admitting)
    admitting.servicer.behaviour = notable
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(admitting)
    refused = ("InvokeModel", "PERMISSION_DENIED", "ACCESS_DENIED")
    assert admitting.recorder.summaries == [refused]
    assert admitting.recorder.rows == [("note", *refused)]
    # What strangers may fill is full: the refusal stands, and is counted.
    admitting.recorder.room = False
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(admitting)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert admitting.recorder.summaries == [refused, refused]


async def test_no_intent_no_effect(admitting: Running) -> None:
    admitting.recorder.broken = True
    done: list[str] = []

    async def work() -> None:
        await current_call().admit(CLAIMS)
        done.append("effect")

    admitting.servicer.behaviour = work
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(admitting)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert done == []
