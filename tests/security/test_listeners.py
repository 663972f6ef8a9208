"""What an internal listener refuses at the handshake, or right after it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.pki.authority import Authority, Issued, LeafRequest
from tests.fakes.workloads import Workloads
from tests.integration.chassis.conftest import Running

EDGE = "spiffe://craton.local/service/edge"
HOUR = timedelta(hours=1)


@pytest.fixture(params=["grpc", "http2"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    one = Running(Workloads(tmp_path / "pki"), tmp_path, request.param)
    await one.server.start()
    yield one
    await one.server.stop()


def _credentials(ca: bytes, issued: Issued | None) -> grpc.ChannelCredentials:
    if issued is None:
        return grpc.ssl_channel_credentials(ca)
    return grpc.ssl_channel_credentials(ca, issued.private_key, issued.certificate)


def _request(uri: str = EDGE) -> LeafRequest:
    return LeafRequest("edge", ["edge.craton.internal"], HOUR, uri=uri)


async def _call(running: Running, issued: Issued | None) -> grpc.StatusCode:
    credentials = _credentials(running.tls.ca.read_bytes(), issued)
    options = [("grpc.ssl_target_name_override", "runtime.craton.internal")]
    target = f"127.0.0.1:{running.server.port}"
    async with grpc.aio.secure_channel(target, credentials, options=options) as channel:
        try:
            await pb_grpc.InferenceServiceStub(channel).InvokeModel(
                pb.InvokeModelRequest(model_id="m"), timeout=3
            )
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_control_a_good_certificate_passes(running: Running) -> None:
    issued = running.workloads.authority.issue(_request(), datetime.now(UTC))
    assert await _call(running, issued) is grpc.StatusCode.OK


async def test_no_certificate(running: Running) -> None:
    assert await _call(running, None) is grpc.StatusCode.UNAVAILABLE


async def test_foreign_authority(running: Running) -> None:
    foreign = Authority.create("CA of a test", datetime.now(UTC), HOUR)
    assert await _call(running, foreign.issue(_request(), datetime.now(UTC))) is grpc.StatusCode.UNAVAILABLE


async def test_expired(running: Running) -> None:
    issued = running.workloads.authority.issue(_request(), datetime.now(UTC) - timedelta(hours=2))
    assert await _call(running, issued) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "uris",
    [
        (),
        (EDGE, "spiffe://craton.local/service/kms"),
        (EDGE, "https://example.com/"),
        ("spiffe://elsewhere.local/service/edge",),
        ("https://craton.local/service/edge",),
    ],
)
async def test_anything_but_one_spiffe_id_of_this_trust_domain(
    running: Running, uris: tuple[str, ...]
) -> None:
    issued = _leaf_with(running.workloads.authority, uris)
    code = await _call(running, issued)
    if not uris:
        # A certificate without any identity is a caller without one.
        assert code is not grpc.StatusCode.OK
    else:
        assert code is grpc.StatusCode.PERMISSION_DENIED


def _leaf_with(authority: Authority, uris: tuple[str, ...]) -> Issued:
    ca = x509.load_pem_x509_certificate(authority.export().certificate)
    signer = serialization.load_pem_private_key(authority.export().private_key, password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    names = [x509.DNSName("edge.craton.internal"), *map(x509.UniformResourceIdentifier, uris)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + HOUR)
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(certificate.public_bytes(serialization.Encoding.PEM), private)


@pytest.mark.parametrize(
    ("version", "accepted"), [(ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_3, True)]
)
async def test_tls_1_3_alone(
    running: Running, tmp_path: Path, version: ssl.TLSVersion, accepted: bool
) -> None:
    issued = running.workloads.authority.issue(_request(), datetime.now(UTC))
    (tmp_path / "c.pem").write_bytes(issued.certificate)
    (tmp_path / "k.pem").write_bytes(issued.private_key)
    context = ssl.create_default_context(cafile=str(running.tls.ca))
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    connect = asyncio.open_connection(
        "127.0.0.1", running.server.port, ssl=context, server_hostname="runtime.craton.internal"
    )
    if accepted:
        _, writer = await connect
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.transport.abort()
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect


@pytest.mark.parametrize(
    "method",
    [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers",
    ],
)
async def test_nobody_is_told_what_is_served_or_who_is_connected(running: Running, method: str) -> None:
    operator = running.workloads.tls("operator/admin")
    issued = (operator.private_key.read_bytes(), operator.certificate.read_bytes())
    ca = running.tls.ca.read_bytes()
    options = [("grpc.ssl_target_name_override", "runtime.craton.internal")]
    for port, credentials in (
        (running.server.port, grpc.ssl_channel_credentials(ca, *issued)),
        (running.server.public_port, grpc.ssl_channel_credentials(ca)),
    ):
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(method)(b"", timeout=3)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
            # Before anything is sent.
            asked = channel.stream_stream(method)(timeout=3)
            assert await asked.code() is grpc.StatusCode.UNIMPLEMENTED
    assert running.recorder.summaries == 4 * [("UnknownMethod", "UNIMPLEMENTED", "")]
