"""Certificates are replaced while everything runs: servers at the next handshake, clients as channels age."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc
from cryptography import x509

from deploy.pki.authority import LeafRequest
from services.chassis import channels
from services.chassis.settings import TlsSettings, UpstreamSettings
from tests.fakes.clock import ManualClock
from tests.fakes.workloads import TRUST_DOMAIN
from tests.integration.chassis.conftest import Running

REQUEST = pb.InvokeModelRequest(model_id="m", body=b"hello")


def _presented(running: Running) -> int:
    """Serial number of the certificate that the server presents to a new connection."""
    pem = ssl.get_server_certificate(("127.0.0.1", running.server.public_port), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def _renew(running: Running, tls: TlsSettings, path: str) -> int:
    kind, name = path.split("/")
    request = LeafRequest(
        path,
        [f"{name}.craton.internal"],
        timedelta(hours=1),
        uri=f"spiffe://{TRUST_DOMAIN}/{kind}/{name}",
    )
    issued = running.workloads.authority.issue(request, datetime.now(UTC))
    tls.certificate.write_bytes(issued.certificate)
    tls.private_key.write_bytes(issued.private_key)
    return x509.load_pem_x509_certificate(issued.certificate).serial_number


async def test_a_server_presents_new_files_at_the_next_handshake(running: Running) -> None:
    before = await asyncio.to_thread(_presented, running)
    serial = _renew(running, running.tls, "service/runtime")
    assert serial != before
    # The handshake that notices may still be answered with the old pair.
    await asyncio.to_thread(_presented, running)
    assert await asyncio.to_thread(_presented, running) == serial


async def test_files_that_do_not_fit_together_are_not_taken(running: Running) -> None:
    before = await asyncio.to_thread(_presented, running)
    key = running.tls.private_key.read_bytes()
    _renew(running, running.tls, "service/runtime")
    running.tls.private_key.write_bytes(key)  # the new certificate with the old key
    for _ in range(2):
        assert await asyncio.to_thread(_presented, running) == before


async def test_a_channel_that_is_old_is_replaced(running: Running, tmp_path: Path) -> None:
    clock = ManualClock()
    upstream = UpstreamSettings(f"127.0.0.1:{running.server.port}", "runtime")
    channel = channels.Channel(upstream, running.workloads.tls("service/edge"), TRUST_DOMAIN, clock)
    stub = pb_grpc.InferenceServiceStub(channel)
    await stub.InvokeModel(REQUEST)
    generation, first = channel.current()
    clock.advance(channels.MAX_AGE_S - 1)
    assert channel.current() == (generation, first)
    clock.advance(2)
    await stub.InvokeModel(REQUEST)
    assert channel.current()[0] == generation + 1
    await channel.close()
