"""Audit over real mTLS: from a call at another service to its event in a lookup."""

import asyncio
import dataclasses

import grpc
import pytest
from craton.audit.v1 import ingest_service_pb2
from craton.audit.v1 import resources_pb2 as pb
from grpc_health.v1 import health_pb2

from services.audit.wiring import build
from services.chassis.clock import SystemClock
from services.chassis.rich_status import from_rpc_error
from services.chassis.settings import UpstreamSettings
from tests.fakes.auth_server import ALLOW_ALL
from tests.fakes.principals import ALICE
from tests.integration.audit.conftest import NOBODY, audit_config
from tests.integration.audit.runtime import MODEL, Runtime, lookup


def event(recorder: str, number: int = 1) -> pb.Event:
    return pb.Event(
        event_id=f"00000000-0000-4000-8000-{number:012d}", phase=pb.EVENT_PHASE_OUTCOME, recorder=recorder
    )


async def test_a_call_elsewhere_is_found_here(tmp_path, workloads, auth, audit, clients):
    runtime = Runtime(tmp_path, workloads.tls("service/runtime"), f"127.0.0.1:{audit.port}")
    await asyncio.gather(*(runtime.serve(number) for number in range(1, 51)))
    await runtime.shipped()
    auth.policies[ALICE.arn] = [ALLOW_ALL]
    token = auth.token("alice", audience="audit")
    edge = clients(audit, "service/edge")
    events = await lookup(edge, token, event_name="InvokeModel")
    assert len(events) == 100
    assert {event.phase for event in events} == {pb.EVENT_PHASE_INTENT, pb.EVENT_PHASE_OUTCOME}
    (intent, outcome) = sorted(await lookup(edge, token, request_id="request-7"), key=lambda e: e.phase)
    assert outcome.usage.output_tokens == 7
    assert outcome.status_code == "OK"
    assert outcome.audit_context.source_ip == "192.0.2.7"
    assert list(intent.resources) == [MODEL]
    assert intent.event_time.ToNanoseconds() <= outcome.event_time.ToNanoseconds()
    assert len(await lookup(edge, token, resource=MODEL)) == 100
    assert await lookup(edge, auth.token("root", account="210987654321", root=True, audience="audit")) == []
    await runtime.stop()


async def test_lookups_are_recorded_and_audit_takes_in_its_own_spool(auth, audit, clients):
    auth.policies[ALICE.arn] = [ALLOW_ALL]
    edge, admin = clients(audit, "service/edge"), clients(audit, "operator/admin")
    await lookup(edge, auth.token("alice", audience="audit"))
    async with asyncio.timeout(10):
        while not (found := await lookup(admin, event_name="LookupEvents", account_id="123456789012")):
            await asyncio.sleep(0.05)
    assert found[0].principal.arn == ALICE.arn
    assert found[0].caller == "spiffe://craton.local/service/edge"
    assert list(found[0].resources) == ["accounts/123456789012"]
    assert found[0].status_code == "OK"


async def test_denied_lookups_are_recorded_too(auth, audit, clients):
    edge, admin = clients(audit, "service/edge"), clients(audit, "operator/admin")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await lookup(edge, auth.token("alice", audience="audit"))
    error = from_rpc_error(refusal.value, "audit")
    assert error.reason_name == "ACCESS_DENIED"
    assert error.message.startswith(
        f"User: {ALICE.arn} is not authorized to perform: cloudtrail:LookupEvents on resource: *"
    )
    async with asyncio.timeout(10):
        while not (found := await lookup(admin, principal_arn=ALICE.arn)):
            await asyncio.sleep(0.05)
    assert (found[0].status_code, found[0].error_reason) == ("PERMISSION_DENIED", "ACCESS_DENIED")


@pytest.mark.parametrize("workload", ["operator/admin", "provider/craton", "witness/two", "service/console"])
async def test_strangers_to_the_list_cannot_append(audit, clients, workload):
    request = ingest_service_pb2.AppendEventsRequest(spool_id="ab" * 16, events=[event("auth")])
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await clients(audit, workload).ingest.AppendEvents(request)
    assert from_rpc_error(refusal.value, "audit").reason_name == "CALLER_NOT_LISTED"


async def test_a_service_speaks_for_itself_alone(audit, clients):
    """Neither another's name nor another's spool can be used."""
    runtime = clients(audit, "service/runtime").ingest
    request = ingest_service_pb2.AppendEventsRequest(spool_id="ab" * 16, events=[event("auth")])
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await runtime.AppendEvents(request)
    assert from_rpc_error(refusal.value, "audit").reason_name == "INVALID_FIELD"
    request = ingest_service_pb2.AppendEventsRequest(spool_id="ab" * 16, events=[event("runtime")])
    assert (await runtime.AppendEvents(request)).next_position == 1
    request = ingest_service_pb2.AppendEventsRequest(
        spool_id="ab" * 16, first_position=1, events=[event("auth", 2)]
    )
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await clients(audit, "service/auth").ingest.AppendEvents(request)
    assert from_rpc_error(refusal.value, "audit").reason_name == "ACCESS_DENIED"


async def test_a_gap_is_refused_with_the_position_wanted(audit, clients):
    request = ingest_service_pb2.AppendEventsRequest(
        spool_id="ab" * 16, first_position=5, events=[event("runtime")]
    )
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await clients(audit, "service/runtime").ingest.AppendEvents(request)
    assert from_rpc_error(refusal.value, "audit").metadata == {"expected_position": "0"}


async def test_without_kms_events_wait_in_their_spool_and_arrive_later(
    tmp_path, workloads, auth, kms, clients
):
    """audit starts and serves without kms; nothing is answered that is not sealed."""
    server = build(audit_config(tmp_path, workloads, auth.server.port, NOBODY), SystemClock())
    await server.start()
    runtime = Runtime(tmp_path, workloads.tls("service/runtime"), f"127.0.0.1:{server.port}")
    await runtime.serve(1)
    await asyncio.sleep(1.0)
    assert runtime.audit.shipper.backlog == 2
    await runtime.stop()
    await server.stop()

    server = build(
        audit_config(tmp_path, workloads, auth.server.port, f"127.0.0.1:{kms.port}"), SystemClock()
    )
    await server.start()
    runtime = Runtime(tmp_path, workloads.tls("service/runtime"), f"127.0.0.1:{server.port}")
    await runtime.shipped()
    found = await lookup(clients(server, "operator/admin"), request_id="request-1")
    assert len(found) == 2
    await runtime.stop()
    await server.stop()


async def test_nothing_of_an_event_body_is_readable_in_the_database(tmp_path, workloads, audit):
    runtime = Runtime(tmp_path, workloads.tls("service/runtime"), f"127.0.0.1:{audit.port}")
    await runtime.serve(1)
    await runtime.shipped()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "audit-state").glob("audit.sqlite*"))
    # Names stand in clear, so the search itself works; the address and the key stand in the body only.
    assert ALICE.arn.encode() in stored
    for secret in (b"192.0.2.7", b"AKIAALICE", b"TLS_AES_128_GCM_SHA256"):
        assert secret not in stored
    await runtime.stop()


async def until_refused(clients) -> tuple[int, grpc.aio.AioRpcError]:
    """Look up until it is refused; return how often it was answered, and the refusal."""
    for answered in range(1_000):
        try:
            await lookup(clients)
        except grpc.aio.AioRpcError as error:
            return answered, error
    raise AssertionError("a spool without shipping never filled")


async def test_a_full_spool_closes_and_shipping_opens_again(
    tmp_path, workloads, auth, kms, clients, monkeypatch
):
    """Nothing is shipped while kms is away: the spool fills, calls are refused, health still answers."""
    # A spool this small has 64 segments of three records each, and every one is shipped after a pause.
    monkeypatch.setattr("services.chassis.audit.shipper._PACE_S", 0.01)
    config = audit_config(tmp_path, workloads, auth.server.port, NOBODY)
    config = dataclasses.replace(config, audit=dataclasses.replace(config.audit, max_bytes=64 * 1024))
    server = build(config, SystemClock())
    await server.start()
    admin = clients(server, "operator/admin")
    answered, refusal = await until_refused(admin)
    assert 50 < answered < 500
    assert from_rpc_error(refusal, "audit").reason_name == "AUDIT_UNAVAILABLE"
    assert refusal.code() is grpc.StatusCode.UNAVAILABLE
    health = await admin.health.Check(health_pb2.HealthCheckRequest())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    await server.stop()

    config = dataclasses.replace(config, kms=UpstreamSettings(f"127.0.0.1:{kms.port}", "kms"))
    server = build(config, SystemClock())
    await server.start()
    admin = clients(server, "operator/admin")
    async with asyncio.timeout(20):
        while True:
            try:
                found = await lookup(admin, event_name="LookupEvents")
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)
                continue
            if len(found) >= answered:
                break
    assert sum(event.status_code == "OK" for event in found) >= answered
    await server.stop()
