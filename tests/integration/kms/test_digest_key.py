"""The key of digests over real mTLS, as the audit service asks for it."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from craton.kms.v1 import digest_key_service_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.audit.adapters.kms_digest_key import KmsDigestSigner
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.rich_status import from_rpc_error
from services.chassis.server import Server
from services.chassis.settings import UpstreamSettings
from tests.fakes.digest_texts import digest_text
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.kms.conftest import UNUSED_PORT


@pytest.fixture
async def signer_at(workloads: Workloads) -> AsyncIterator[Callable[[str], KmsDigestSigner]]:
    channels: list[Channel] = []

    def connect(target: str) -> KmsDigestSigner:
        upstream = UpstreamSettings(target, "kms")
        channels.append(Channel(upstream, workloads.tls("service/audit"), TRUST_DOMAIN, SystemClock()))
        return KmsDigestSigner(channels[-1])

    yield connect
    for channel in channels:
        await channel.close()


async def test_audit_has_its_digests_signed_and_nothing_else(
    kms: Server, signer_at: Callable[[str], KmsDigestSigner]
) -> None:
    began = datetime.now(UTC)
    signer = signer_at(f"127.0.0.1:{kms.port}")
    first = digest_text()
    signature = await signer.sign(first)
    key = await signer.public_key()
    assert await signer.public_key() is key
    assert began - timedelta(seconds=1) <= key.created <= datetime.now(UTC)
    public = load_der_public_key(key.der)
    assert isinstance(public, RSAPublicKey)
    for text in (first, digest_text(previous=signature.hex())):
        public.verify(await signer.sign(text), text.encode(), PKCS1v15(), SHA256())
    # The contract refuses what is empty or far too long, the key service every other text.
    for other in ("", "craton", f"{first}\n", first.replace("\n", "\r\n"), f"{first}{'0' * 4096}"):
        with pytest.raises(DomainError) as refused:
            await signer.sign(other)
        assert refused.value.reason_name == "INVALID_FIELD"


async def test_a_key_service_that_is_away(signer_at: Callable[[str], KmsDigestSigner]) -> None:
    signer = signer_at(UNUSED_PORT)
    for asking in (signer.public_key(), signer.sign(digest_text())):
        with pytest.raises(DomainError) as refused:
            await asking
        assert refused.value.reason_name == "DEPENDENCY_UNAVAILABLE"


@pytest.mark.parametrize("workload", ["service/auth", "service/edge", "operator/admin", "pool/craton"])
async def test_nobody_else_is_let_in(kms: Server, clients: Any, workload: str) -> None:
    stub = clients(kms, workload).digest_keys
    for asking in (
        stub.SignDigest(pb.SignDigestRequest(text=digest_text())),
        stub.GetDigestPublicKey(pb.GetDigestPublicKeyRequest()),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await asking
        assert from_rpc_error(refused.value, "kms").reason_name == "CALLER_NOT_LISTED"
