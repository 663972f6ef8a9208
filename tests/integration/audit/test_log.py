"""The log over real mTLS and the real kms: an event elsewhere is proved by the log's public key alone."""

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import grpc
import pytest
from craton.audit.v1 import index_service_pb2, log_service_pb2
from craton.audit.v1 import resources_pb2 as pb

from services.audit.wiring import build
from services.chassis.clock import SystemClock
from services.chassis.rich_status import from_rpc_error
from services.chassis.settings import UpstreamSettings
from services.witness.wiring import build as build_witness
from tests.integration.audit.conftest import audit_config, witness_config
from tests.integration.audit.runtime import Runtime, lookup
from tlog.checkpoint import Trust
from tlog.event_proof import EventProof
from tlog.fsck import check
from tlog.inclusion import InclusionProof
from tlog.note import Note, VerifierKey


async def covered(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until a checkpoint covers the event."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await ask()
            except grpc.aio.AioRpcError as error:
                if from_rpc_error(error, "audit").reason_name != "RESOURCE_STATE":
                    raise
            await asyncio.sleep(0.1)


async def test_a_call_elsewhere_is_proved_by_the_logs_key_alone(tmp_path, workloads, audit, clients):
    runtime = Runtime(tmp_path, workloads.tls("service/runtime"), f"127.0.0.1:{audit.port}")
    await asyncio.gather(*(runtime.serve(number) for number in range(1, 31)))
    await runtime.shipped()
    admin = clients(audit, "operator/admin")
    events = await lookup(admin, event_name="InvokeModel")
    request = log_service_pb2.GetEventProofRequest(event_id=events[0].event_id)
    found = await covered(lambda: admin.log.GetEventProof(request))
    known = await admin.log.GetCheckpoint(log_service_pb2.GetCheckpointRequest())
    trust = Trust(VerifierKey.parse(known.verifier_key))
    proof = EventProof(found.entry, found.event, found.salt, InclusionProof.parse(found.proof))
    proof.verify(trust)
    assert pb.Event.FromString(proof.event) == events[0]
    assert trust.log.name == "audit.example/log"

    async def read(path: str) -> bytes | None:
        return (await admin.log.GetLogFile(log_service_pb2.GetLogFileRequest(path=path))).content

    checked = await check(read, trust)
    assert checked.checkpoint.size >= 60
    hashes = await admin.log.GetConsistencyProof(
        log_service_pb2.GetConsistencyProofRequest(first_size=7, second_size=checked.checkpoint.size)
    )
    assert hashes.hashes
    edge, path = clients(audit, "service/edge").log, log_service_pb2.GetLogFileRequest(path="checkpoint")
    for asking, reason in (
        # Edge is nobody without its customer's token, and gets no files for anybody.
        (edge.GetCheckpoint(log_service_pb2.GetCheckpointRequest()), "MISSING_CREDENTIALS"),
        (edge.GetConsistencyProof(log_service_pb2.GetConsistencyProofRequest()), "MISSING_CREDENTIALS"),
        (edge.GetEventProof(request), "MISSING_CREDENTIALS"),
        (edge.GetLogFile(path), "CALLER_NOT_LISTED"),
        (clients(audit, "service/runtime").log.GetEventProof(request), "CALLER_NOT_LISTED"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await asking
        assert from_rpc_error(refused.value, "audit").reason_name == reason
    await runtime.stop()


async def test_a_database_that_was_altered_is_told_from_its_log(tmp_path, workloads, audit, clients):
    runtime = Runtime(tmp_path, workloads.tls("service/runtime"), f"127.0.0.1:{audit.port}")
    await asyncio.gather(*(runtime.serve(number) for number in range(1, 11)))
    await runtime.shipped()
    await runtime.stop()
    admin = clients(audit, "operator/admin")
    events = await lookup(admin, event_name="InvokeModel")
    await covered(
        lambda: admin.log.GetEventProof(log_service_pb2.GetEventProofRequest(event_id=events[0].event_id))
    )

    async def checked() -> list[Any]:
        return [each async for each in admin.index.CheckIndex(index_service_pb2.CheckIndexRequest())]

    whole = await checked()
    assert (whole[-1].done, whole[-1].found) == (True, 0)
    assert whole[-1].checked == whole[-1].size >= 20
    with contextlib.closing(sqlite3.connect(tmp_path / "audit-state/audit.sqlite")) as database, database:
        key = UUID(events[3].event_id).bytes
        database.execute("UPDATE entries SET event_name = 'Harmless' WHERE event_id = ?", (key,))
        database.execute("DELETE FROM resources WHERE sequence = 0")
    (named, bare) = sorted(
        (each for report in await checked() for each in report.findings), key=lambda each: each.table
    )
    assert (named.table, list(named.columns), named.event_id) == (
        "entries", ["event_name"], events[3].event_id,
    )  # fmt: skip
    assert (bare.table, list(bare.columns), bare.index) == ("resources", ["missing"], 0)
    # What is found under the forged name is no answer; under its own it is found no more.
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await lookup(admin, event_name="Harmless")
    error = from_rpc_error(refused.value, "audit")
    assert (error.reason_name, error.metadata["event_id"]) == ("INTERNAL", events[3].event_id)
    with pytest.raises(grpc.aio.AioRpcError) as stranger:
        async for _ in clients(audit, "service/edge").index.CheckIndex(index_service_pb2.CheckIndexRequest()):
            pass
    assert from_rpc_error(stranger.value, "audit").reason_name == "CALLER_NOT_LISTED"


async def cosigned(admin: Any, size: int) -> int:
    """Wait for a checkpoint of at least this size that the witness has cosigned, and return its size."""
    async with asyncio.timeout(20):
        while True:
            found = await covered(lambda: admin.log.GetCheckpoint(log_service_pb2.GetCheckpointRequest()))
            witnesses = tuple(map(VerifierKey.parse, found.witness_keys))
            trust = Trust(VerifierKey.parse(found.verifier_key), witnesses, quorum=1)
            reached = trust.checkpoint(Note.parse(found.checkpoint)).size
            if reached >= size:
                return reached
            await asyncio.sleep(0.1)


async def test_a_witness_cosigns_what_continues_what_it_saw(tmp_path, workloads, auth, kms, clients):
    witness = build_witness(witness_config(tmp_path, workloads), SystemClock())
    await witness.start()
    upstream = UpstreamSettings(f"127.0.0.1:{witness.port}", "one", "witness")
    config = audit_config(tmp_path, workloads, auth.server.port, f"127.0.0.1:{kms.port}")
    config = dataclasses.replace(config, witnesses=(upstream,))
    size = 0
    for life in range(2):
        server = build(config, SystemClock())
        await server.start()
        runtime = Runtime(tmp_path / str(life), workloads.tls("service/runtime"), f"127.0.0.1:{server.port}")
        await asyncio.gather(*(runtime.serve(number) for number in range(1, 11)))
        await runtime.shipped()
        size = await cosigned(clients(server, "operator/admin"), size + 20)
        await runtime.stop()
        await server.stop()
    await witness.stop()
