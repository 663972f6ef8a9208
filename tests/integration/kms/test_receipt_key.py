"""Certificates of receipt keys over real mTLS, as runtime asks for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from craton.kms.v1 import receipt_key_service_pb2 as pb

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.rich_status import from_rpc_error
from services.chassis.server import Server
from services.chassis.settings import UpstreamSettings
from services.runtime.adapters.kms_receipt_certifier import KmsReceiptCertifier
from services.runtime.operations.receipt_keys import ReceiptKeys
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.kms.conftest import UNUSED_PORT
from tlog.note import Note, VerifierKey
from tlog.receipt_key import ReceiptKey
from tlog.statement import signed_text


@pytest.fixture
async def certifier_at(workloads: Workloads) -> AsyncIterator[Callable[[str], KmsReceiptCertifier]]:
    channels: list[Channel] = []

    def connect(target: str) -> KmsReceiptCertifier:
        upstream = UpstreamSettings(target, "kms")
        channels.append(Channel(upstream, workloads.tls("service/runtime"), TRUST_DOMAIN, SystemClock()))
        return KmsReceiptCertifier(channels[-1])

    yield connect
    for channel in channels:
        await channel.close()


async def test_runtime_has_its_keys_certified(
    kms: Server, clients: Any, certifier_at: Callable[[str], KmsReceiptCertifier]
) -> None:
    keys = ReceiptKeys(certifier_at(f"127.0.0.1:{kms.port}"), SystemClock())
    with pytest.raises(DomainError) as refused:
        keys.current()
    assert refused.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    await keys.renew_if_due()
    found = keys.current()
    answer = await clients(kms, "operator/admin").receipt_keys.GetReceiptAuthority(
        pb.GetReceiptAuthorityRequest()
    )
    authority = VerifierKey.parse(answer.verifier_key)
    certificate = ReceiptKey.parse(signed_text(Note.parse(found.note), authority, "the certificate"))
    assert certificate == found.certificate
    assert signed_text(Note.parse(found.sign("text\n")), certificate.key, "it") == "text\n"


async def test_a_key_service_that_is_away(certifier_at: Callable[[str], KmsReceiptCertifier]) -> None:
    keys = ReceiptKeys(certifier_at(UNUSED_PORT), SystemClock())
    with pytest.raises(DomainError) as refused:
        await keys.renew_if_due()
    assert refused.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    running = asyncio.create_task(keys.run())
    await asyncio.sleep(0.2)
    # It goes on trying: a task that ended would end the process.
    assert not running.done()
    running.cancel()


@pytest.mark.parametrize("workload", ["service/auth", "service/edge", "operator/admin", "pool/craton"])
async def test_nobody_else_is_let_in(kms: Server, clients: Any, workload: str) -> None:
    stub = clients(kms, workload).receipt_keys
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CertifyReceiptKey(pb.CertifyReceiptKeyRequest(public_key=bytes(32)))
    assert from_rpc_error(refused.value, "kms").reason_name == "CALLER_NOT_LISTED"


async def test_keys_of_other_lengths_are_refused_by_the_contract(kms: Server, clients: Any) -> None:
    stub = clients(kms, "service/runtime").receipt_keys
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CertifyReceiptKey(pb.CertifyReceiptKeyRequest(public_key=bytes(31)))
    assert from_rpc_error(refused.value, "kms").reason_name == "INVALID_FIELD"
