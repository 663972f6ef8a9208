"""The part of other services in a purge, over gRPC."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from craton.audit.v1 import purge_log_service_pb2 as log_pb
from craton.audit.v1 import purge_log_service_pb2_grpc
from craton.kms.v1 import purge_certificate_service_pb2 as certificate_pb
from craton.kms.v1 import purge_certificate_service_pb2_grpc
from craton.purge.v1 import purger_service_pb2, purger_service_pb2_grpc, resources_pb2

from services.auth.domain.purges import AccountPurge, Deed
from services.chassis.account_purge import Progress, Purge, items_of
from services.chassis.audit.ports import AuditedMethod, AuditRecorder, Recording
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, random_uuid
from services.chassis.rich_status import from_rpc_error

_TIMEOUT_S = 30.0
"""A service works for about a second at a time, and an end of keys waits for all who hold leases on them."""
_COMPLETED = AuditedMethod("auth.craton", "AccountPurged", Recording.EFFECT)


async def _called(method: Any, request: Any, service: str) -> Any:
    try:
        return await method(request, timeout=_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, service) from error


class RemotePurger:
    """An AccountPurger over purge.v1.PurgerService."""

    def __init__(self, channel: Any, service: str) -> None:
        """Ask over `channel`, a channel to `service`."""
        stub: Any = purger_service_pb2_grpc.PurgerServiceStub(channel)
        self._purge = stub.PurgeAccount
        self._service = service

    async def purge(self, purge: Purge) -> Progress:
        """Call PurgeAccount."""
        request = purger_service_pb2.PurgeAccountRequest(
            purge_id=purge.purge_id, account_id=purge.account_id, incarnation=purge.incarnation
        )
        answer = await _called(self._purge, request, self._service)
        return Progress({each.kind: each.count for each in answer.removed}, answer.finished)


class RemotePurgeLog:
    """A PurgeLog: records in auth's own spool, and asks audit where its entries are."""

    def __init__(
        self,
        channel: Any,
        recorder: AuditRecorder,
        workload: WorkloadId,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Record by `recorder` as `workload`; ask over `channel`, a channel to audit."""
        stub: Any = purge_log_service_pb2_grpc.PurgeLogServiceStub(channel)
        self._indexes, self._continue = stub.GetEntryIndexes, stub.ContinueAccount
        self._recorder = recorder
        self._workload = workload
        self._clock = clock
        self._randomness = randomness

    async def completed(self, purge: AccountPurge) -> str:
        """Write the intent of the certificate, which says that all is removed; its outcome says the same."""
        call = CallContext(
            method="auth.AccountPurged",
            request_id=random_uuid(self._randomness),
            call_id=random_uuid(self._randomness),
            caller=self._workload,
            started=self._clock.boottime(),
        )
        call.resources += [f"accounts/{purge.account_id}", f"purges/{purge.purge_id}"]
        await self._recorder.intent(call, _COMPLETED)
        await self._recorder.outcome(call, _COMPLETED, "OK", "")
        return call.intent_id

    async def indexes(self, event_ids: Sequence[str]) -> Mapping[str, int]:
        """Call GetEntryIndexes."""
        request = log_pb.GetEntryIndexesRequest(event_ids=event_ids)
        answer = await _called(self._indexes, request, "audit")
        return dict(answer.indexes)

    async def proceed(self, account_id: str, incarnation: str) -> None:
        """Call ContinueAccount."""
        request = log_pb.ContinueAccountRequest(account_id=account_id, incarnation=incarnation)
        await _called(self._continue, request, "audit")


class RemotePurgeSigner:
    """A PurgeSigner over kms.v1.PurgeCertificateService."""

    def __init__(self, channel: Any) -> None:
        """Ask over `channel`, a channel to kms."""
        stub: Any = purge_certificate_service_pb2_grpc.PurgeCertificateServiceStub(channel)
        self._sign = stub.SignPurgeCertificate

    async def sign(
        self, purge: AccountPurge, entries: Sequence[tuple[str, Deed, int]]
    ) -> tuple[bytes, bytes]:
        """Call SignPurgeCertificate. What kms removed it says itself."""
        if purge.completed is None:
            raise ValueError("a purge that is not complete has no certificate")
        request = certificate_pb.SignPurgeCertificateRequest(
            purge_id=purge.purge_id,
            account_id=purge.account_id,
            incarnation=purge.incarnation,
            profile=purge.profile.value,
            principals_kept=purge.keep_principals,
            continues=purge.continues,
            requested_by=purge.requested.by,
            services=[
                resources_pb2.ServiceRemoval(service=service, removed=items_of(counts))
                for service, counts in sorted(purge.removed.items())
                if service != "kms"
            ],
            entries=[
                resources_pb2.LogEntry(about=about, event_id=deed.event_id, index=index)
                for about, deed, index in entries
            ],
        )
        request.request_time.FromDatetime(purge.requested.at)
        request.complete_time.FromDatetime(purge.completed.at)
        if purge.approved is not None:
            request.approved_by = purge.approved.by
            request.approve_time.FromDatetime(purge.approved.at)
        answer = await _called(self._sign, request, "the key service")
        return answer.certificate, answer.public_key
