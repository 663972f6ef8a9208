"""kms without its neighbours, its audit trail, and where secrets are not."""

import asyncio
import base64
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.audit.v1 import resources_pb2
from craton.kms.v1 import crypto_service_pb2, key_admin_service_pb2, service_key_service_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.audit.segment import HEADER_BYTES, read_records
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.rich_status import from_rpc_error
from services.chassis.settings import UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.wiring import build
from tests.fakes.auth_server import ALLOW_ALL, FakeAuth
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.kms.conftest import UNUSED_PORT, kms_config

ALICE = "arn:aws:iam::123456789012:user/alice"
PARENT = "accounts/123456789012/regions/us-east-1"


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


async def reason(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, "kms").reason_name


async def test_without_auth_services_are_served_and_customers_are_not(
    home: Path, workloads: Workloads, clients, audit
) -> None:
    elsewhere = FakeAuth(home, workloads, ["service/kms"])
    config = kms_config(home, workloads, UNUSED_PORT, audit.target)
    mark_first_boot(config.custody.file)
    server = build(config, SystemClock())
    await server.start()
    try:
        upstream = UpstreamSettings(f"127.0.0.1:{server.port}", "kms")
        channel = Channel(upstream, workloads.tls("operator/admin"), TRUST_DOMAIN, SystemClock())
        serving = health_pb2.HealthCheckResponse.SERVING
        async with asyncio.timeout(5):
            while True:
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
                if answer.status == serving:
                    break
                await asyncio.sleep(0.01)
        await channel.close()

        service = clients(server, "service/auth").service_keys
        key = await service.GenerateServiceDataKey(service_key_service_pb2.GenerateServiceDataKeyRequest())
        assert len(key.plaintext) == 32
        edge = clients(server, "service/edge").admin
        creating = edge.CreateKey(
            key_admin_service_pb2.CreateKeyRequest(parent=PARENT), metadata=bearer(elsewhere.token("alice"))
        )
        assert await reason(creating) == "DEPENDENCY_UNAVAILABLE"
    finally:
        await server.stop()


def events(home: Path) -> Iterator[resources_pb2.Event]:
    for segment in sorted((home / "state" / "audit-spool").glob("*.seg")):
        for record in read_records(segment.read_bytes()[HEADER_BYTES:], 0):
            yield resources_pb2.Event.FromString(record.payload)


async def test_every_use_of_a_key_is_on_record(kms, clients, auth, home: Path) -> None:
    auth.policies[ALICE] = [ALLOW_ALL]
    edge, alice = clients(kms, "service/edge"), bearer(auth.token("alice"))
    key = (
        await edge.admin.CreateKey(key_admin_service_pb2.CreateKeyRequest(parent=PARENT), metadata=alice)
    ).key
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{key.name.rsplit('/', 1)[1]}"
    data_key = await edge.crypto.GenerateDataKey(
        crypto_service_pb2.GenerateDataKeyRequest(key_name=key.name), metadata=alice
    )
    wrong = crypto_service_pb2.DecryptRequest(
        ciphertext=data_key.ciphertext, encryption_context={"not": "so"}
    )
    assert await reason(edge.crypto.Decrypt(wrong, metadata=alice)) == "INVALID_CIPHERTEXT"

    recorded = [
        (event.event_name, event.phase, event.error_reason, arn in event.resources, event.principal.arn)
        for event in events(home)
    ]
    intent, outcome = resources_pb2.EVENT_PHASE_INTENT, resources_pb2.EVENT_PHASE_OUTCOME
    assert recorded == [
        # Should kms end in between, there may be a key that no outcome names.
        ("CreateKey", intent, "", True, ALICE),
        ("CreateKey", outcome, "", True, ALICE),
        ("GenerateDataKey", intent, "", True, ALICE),
        ("GenerateDataKey", outcome, "", True, ALICE),
        ("Decrypt", intent, "", True, ALICE),
        ("Decrypt", outcome, "INVALID_CIPHERTEXT", True, ALICE),
    ]


def spellings(secret: bytes) -> list[bytes]:
    encoded = base64.b64encode(secret).rstrip(b"=")
    return [secret, secret.hex().encode(), encoded, base64.urlsafe_b64encode(secret).rstrip(b"=")]


def found_in(folder: Path, secret: bytes) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(each in path.read_bytes() for each in spellings(secret))
    }


async def test_no_secret_reaches_a_file_or_a_log(
    kms, clients, auth, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    auth.policies[ALICE] = [ALLOW_ALL]
    canary = secrets.token_bytes(24)
    context_canary, services_canary = secrets.token_hex(16), secrets.token_hex(16)
    edge, alice = clients(kms, "service/edge"), bearer(auth.token("alice"))
    key = (
        await edge.admin.CreateKey(key_admin_service_pb2.CreateKeyRequest(parent=PARENT), metadata=alice)
    ).key
    context = {"field": context_canary}
    sealed = await edge.crypto.Encrypt(
        crypto_service_pb2.EncryptRequest(key_name=key.name, plaintext=canary, encryption_context=context),
        metadata=alice,
    )
    service = clients(kms, "service/auth").service_keys
    await service.EncryptWithServiceKey(
        service_key_service_pb2.EncryptWithServiceKeyRequest(
            plaintext=canary, encryption_context={"field": services_canary}
        )
    )
    data_key = await service.GenerateServiceDataKey(service_key_service_pb2.GenerateServiceDataKeyRequest())
    # Every way to fail with the secret at hand.
    refusals = [
        edge.crypto.Encrypt(
            crypto_service_pb2.EncryptRequest(key_name="no such key", plaintext=canary), metadata=alice
        ),
        edge.crypto.Encrypt(
            crypto_service_pb2.EncryptRequest(key_name=key.name, plaintext=canary * 200), metadata=alice
        ),
        edge.crypto.Encrypt(
            crypto_service_pb2.EncryptRequest(
                key_name=key.name, plaintext=canary, encryption_context={context_canary: "x" * 9000}
            ),
            metadata=alice,
        ),
        edge.crypto.Decrypt(
            crypto_service_pb2.DecryptRequest(ciphertext=sealed.ciphertext[:-1] + canary), metadata=alice
        ),
        edge.crypto.Decrypt(crypto_service_pb2.DecryptRequest(ciphertext=canary), metadata=alice),
        service.DecryptWithServiceKey(
            service_key_service_pb2.DecryptWithServiceKeyRequest(ciphertext=sealed.ciphertext)
        ),
    ]
    messages = []
    for refusal in refusals:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await refusal
        messages.append(str(caught.value).encode())

    lines = (home / "custody" / "kms-root.key").read_text().splitlines()
    root_key = next(line.split()[-1] for line in lines if line.startswith("root ")).encode()
    logs = caplog.text.encode()
    for secret in (canary, data_key.plaintext, context_canary.encode(), services_canary.encode(), root_key):
        where = found_in(home, secret)
        if secret == context_canary.encode():
            # What a principal's key was used for is recorded, as at AWS, and stands nowhere else.
            assert {place.rpartition("/")[0] for place in where} == {"state/audit-spool"}
        else:
            assert where == ({"custody/kms-root.key"} if secret == root_key else set())
        for text in (*messages, logs):
            assert not any(spelling in text for spelling in spellings(secret))
    # The same search finds what is there.
    (home / "state" / "planted").write_bytes(b"x" + base64.b64encode(canary))
    assert found_in(home, canary) == {"state/planted"}
