"""PurgeCertificateService: certificates of purged accounts."""

from datetime import UTC, datetime
from typing import Any

from craton.kms.v1 import purge_certificate_service_pb2, purge_certificate_service_pb2_grpc

from services.kms.operations.purge_certificates import PurgeCertificates, PurgeStatement


class PurgeCertificateServicer(purge_certificate_service_pb2_grpc.PurgeCertificateServiceServicer):
    """Certificates of purges that kms has done its part of."""

    def __init__(self, certificates: PurgeCertificates) -> None:
        """Serve `certificates`."""
        self._certificates = certificates

    async def SignPurgeCertificate(self, request: Any, context: Any) -> Any:
        """See the contract."""
        statement = PurgeStatement(
            purge_id=request.purge_id,
            account_id=request.account_id,
            incarnation=request.incarnation,
            profile=request.profile,
            principals_kept=request.principals_kept,
            continues=request.continues,
            requested=(request.requested_by, _moment(request.request_time)),
            approved=(request.approved_by, _moment(request.approve_time)) if request.approved_by else None,
            completed=_moment(request.complete_time),
            removed={
                each.service: {items.kind: items.count for items in each.removed} for each in request.services
            },
            entries=[(each.about, each.event_id, each.index) for each in request.entries],
        )
        certificate, public_key = await self._certificates.sign(statement)
        return purge_certificate_service_pb2.SignPurgeCertificateResponse(
            certificate=certificate, public_key=public_key
        )


def _moment(message: Any) -> datetime:
    moment: datetime = message.ToDatetime(UTC)
    return moment
