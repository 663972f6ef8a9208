"""Every method as every workload: allowed exactly as the callers files say.

The methods are found in the compiled services' own descriptors, so that a new one is tried without
being named here. A call with an empty message is enough: who is listed gets past the caller check and
meets the validation, who is not gets PERMISSION_DENIED before anything is parsed.
"""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from deploy.pki.authority import Authority, Issued, LeafRequest
from services.chassis.identity import WorkloadId
from services.chassis.rich_status import from_rpc_error

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {
    "auth": ("service", 7101),
    "runtime": ("service", 7102),
    "training": ("service", 7103),
    "kms": ("service", 7104),
    "audit": ("service", 7105),
    "craton": ("pool", 7111),
    "sbert": ("pool", 7112),
    "one": ("witness", 7121),
}
WORKLOADS = (
    *(("service", name) for name in ("auth", "runtime", "training", "kms", "audit", "edge", "console")),
    ("pool", "craton"),
    ("pool", "sbert"),
    ("provider", "craton"),
    ("provider", "sbert"),
    ("operator", "admin"),
    ("operator", "stranger"),
    ("witness", "one"),
)
_UNSEAL = "/craton.kms.v1.CustodyService/Unseal"
_STREAMED = {"/craton.runtime.v1.InferenceService/InvokeModelWithResponseStream"}


def _methods(server: str) -> dict[str, frozenset[str]]:
    kind = SERVERS[server][0]
    folder = server if kind == "service" else kind
    table = tomllib.loads((ROOT / f"services/{folder}/callers.toml").read_text())
    return {method: frozenset(callers) for method, callers in table.items()}


@pytest.fixture(scope="module")
def certificates(stack: Any) -> dict[tuple[str, str], Issued]:
    """A certificate for every workload, by the installation's own CA, also for those that do not run."""
    ca = Authority.load(
        Issued((stack.home / "pki/ca.pem").read_bytes(), (stack.home / "pki/ca.key").read_bytes())
    )
    now = datetime.now(UTC)
    leaves = {}
    for kind, name in WORKLOADS:
        identity = WorkloadId("craton.local", kind, name)
        request = LeafRequest(identity.path, [identity.dns_name], timedelta(hours=1), uri=str(identity))
        leaves[kind, name] = ca.issue(request, now)
    return leaves


def _cases() -> Iterator[tuple[str, str, str]]:
    for server in SERVERS:
        for kind, name in WORKLOADS:
            yield server, kind, name


@pytest.mark.parametrize(("server", "kind", "name"), list(_cases()))
def test_allowed_exactly_as_listed(
    stack: Any, certificates: dict[tuple[str, str], Issued], server: str, kind: str, name: str
) -> None:
    server_kind, port = SERVERS[server]
    ca = (stack.home / "pki/ca.pem").read_bytes()
    leaf = certificates[kind, name]
    target_name = WorkloadId("craton.local", server_kind, server).dns_name
    credentials = grpc.ssl_channel_credentials(ca, leaf.private_key, leaf.certificate)
    options = [("grpc.ssl_target_name_override", target_name)]
    with grpc.secure_channel(f"{stack.address}:{port}", credentials, options=options) as channel:
        for method, callers in _methods(server).items():
            refused = _refused_as_caller(channel, method)
            assert refused is (f"{kind}/{name}" not in callers), method
        if f"{kind}/{name}" in _methods(server).get(_UNSEAL, ()):
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


def test_methods_that_nobody_lists_are_not_served(
    stack: Any, certificates: dict[tuple[str, str], Issued]
) -> None:
    leaf = certificates["operator", "admin"]
    ca = (stack.home / "pki/ca.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(ca, leaf.private_key, leaf.certificate)
    for server, (kind, port) in SERVERS.items():
        options = [("grpc.ssl_target_name_override", WorkloadId("craton.local", kind, server).dns_name)]
        with grpc.secure_channel(f"{stack.address}:{port}", credentials, options=options) as channel:
            for method in (
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                "/grpc.channelz.v1.Channelz/GetTopChannels",
                "/grpc.health.v1.Health/Watch",
            ):
                with pytest.raises(grpc.RpcError) as caught:
                    channel.unary_unary(method)(b"", timeout=10)
                assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED, (server, method)
