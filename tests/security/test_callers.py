"""Every method as every workload: allowed exactly as the callers files say.

The methods are found in the compiled services' own descriptors, so that a new one is tried without
being named here. A call with an empty message is enough: who is listed gets past the caller check and
meets the validation, who is not gets PERMISSION_DENIED before anything is parsed.
"""

import itertools
from typing import Any

import grpc
import pytest

from services.chassis.rich_status import from_rpc_error
from tests.stack_callers import SERVERS, Workloads

WORKLOADS = (
    *(f"service/{name}" for name in ("auth", "runtime", "training", "kms", "audit", "edge", "console")),
    "pool/craton",
    "pool/sbert",
    "provider/craton",
    "provider/sbert",
    "operator/admin",
    "operator/stranger",
    "witness/one",
)
_UNSEAL = "/craton.kms.v1.CustodyService/Unseal"
_STREAMED = {"/craton.runtime.v1.InferenceService/InvokeModelWithResponseStream"}


@pytest.fixture(scope="module")
def workloads(stack: Any) -> Workloads:
    return Workloads(stack)


@pytest.mark.parametrize(("server", "workload"), list(itertools.product(SERVERS, WORKLOADS)))
def test_allowed_exactly_as_listed(workloads: Workloads, server: str, workload: str) -> None:
    methods = SERVERS[server].callers()
    with workloads.channel(SERVERS[server], workload) as channel:
        for method, callers in methods.items():
            refused = _refused_as_caller(channel, method)
            assert refused is (workload not in callers), method
        if workload in methods.get(_UNSEAL, ()):
            # Sealing needs nothing but the right to do it: whoever has it has just sealed the key service.
            channel.unary_unary(_UNSEAL)(b"", timeout=30)


def _refused_as_caller(channel: grpc.Channel, method: str) -> bool:
    try:
        if method in _STREAMED:
            for _ in channel.unary_stream(method)(b"", timeout=10):
                break
        else:
            channel.unary_unary(method)(b"", timeout=10)
    except grpc.RpcError as error:
        reason = from_rpc_error(error, "the server").reason_name  # type: ignore[arg-type]
        return reason == "CALLER_NOT_LISTED"
    return False


def test_methods_that_nobody_lists_are_not_served(workloads: Workloads) -> None:
    for server in SERVERS.values():
        with workloads.channel(server, "operator/admin") as channel:
            for method in (
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                "/grpc.channelz.v1.Channelz/GetTopChannels",
                "/grpc.health.v1.Health/Watch",
            ):
                with pytest.raises(grpc.RpcError) as caught:
                    channel.unary_unary(method)(b"", timeout=10)
                assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED, (server, method)
