"""The edge is granted no method that it never calls: whoever takes it gets no more than it uses."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.chassis.clock import SystemClock
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.sigv4 import Credential
from services.edge.adapters.authentication import GrpcAuthentication
from services.edge.adapters.health import UpstreamHealth
from services.edge.adapters.inference import GrpcInference
from services.edge.adapters.web_identity import WebIdentity
from services.edge.domain.model import ServiceModel
from services.edge.ports import Caller, Invocation, Presented
from services.edge.wiring import operations
from tests.boto_clients import botocore_session
from tests.fakes.service_inputs import example_input

MODELS = {name: ServiceModel.load(name) for name in ("kms",)}
ROOT = Path(__file__).parents[3]
ANSWERED_BY = ("audit", "auth", "kms", "runtime", "training")
"""The services that edge has a channel to."""
SHARED = {
    # The ear of every enforcement point, which is the chassis' and tested there.
    "/craton.auth.v1.AuthorizationService/ConfirmRevocations",
    # The recorder's shipper, likewise.
    "/craton.audit.v1.IngestService/AppendEvents",
}
CALLER = Caller(
    PrincipalClaims(
        "123456789012", "i", "arn:aws:iam::123456789012:user/a", "AIDA", "AKIA", False, 1, "us-east-1",
        "auth", "t", 0, 60,
    ),
    (),
)  # fmt: skip


class AskedError(Exception):
    """A method was called: what it would answer does not matter."""


class Recorder:
    """A channel that writes down which methods are called on it."""

    def __init__(self) -> None:
        self.called: set[str] = set()

    def _method(self, path: str, *_: Any, **__: Any) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            self.called.add(path)
            raise AskedError

        return call

    unary_unary = _method
    unary_stream = _method


def granted() -> Iterator[str]:
    for name in ANSWERED_BY:
        callers: Mapping[str, list[str]] = tomllib.loads(
            (ROOT / "services" / name / "callers.toml").read_text()
        )
        yield from (method for method, who in callers.items() if "service/edge" in who)


async def _run(recorder: Recorder) -> None:
    channels: Any = dict.fromkeys(ANSWERED_BY, recorder)
    channel: Any = recorder
    web_identity, session = WebIdentity(channel, "us-east-1"), botocore_session()
    for (service, name), run in operations(channels, MODELS, web_identity, "aws").items():
        shape = session.get_service_model(service).operation_model(name).input_shape
        with pytest.raises(AskedError):
            await run({} if shape is None else example_input(shape), CALLER)
    presented = Presented(Credential("AKIA", "20260101", "us-east-1", "iam"), b"", b"")
    inference = GrpcInference(channel)
    invocation = Invocation("craton.m", b"{}", "", "")
    with pytest.raises(AskedError):
        await GrpcAuthentication(channel, SystemClock(), "1" * 32).authenticate(
            presented, ClientContext(), "auth"
        )
    authentication = GrpcAuthentication(channel, SystemClock(), "1" * 32)
    with pytest.raises(AskedError):
        await authentication.authenticate_bearer("key", "us-east-1", ClientContext(), "runtime")
    with pytest.raises(AskedError):
        await authentication.recall([b"s" * 32])
    with pytest.raises(AskedError):
        await inference.invoke(invocation, CALLER)
    with pytest.raises(AskedError):
        await anext(inference.stream(invocation, CALLER))
    with pytest.raises(AskedError):
        await UpstreamHealth(channel).serving()


async def test_edge_is_granted_what_it_calls_and_nothing_else() -> None:
    recorder = Recorder()
    await _run(recorder)
    assert recorder.called == set(granted()) - SHARED
