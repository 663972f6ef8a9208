"""KeyLeaseService: protobuf to domain and back."""

from collections.abc import Iterable
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import key_lease_service_pb2 as pb
from craton.kms.v1 import key_lease_service_pb2_grpc
from google.protobuf.duration_pb2 import Duration

from services.chassis.context import current_call
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.kms.errors import caller_refused
from services.kms.operations.key_leases import LEASE_S, Holder, KeyLease, KeyLeases
from services.kms.operations.key_uses import KeyUse, KeyUses, is_refusal
from services.kms.operations.keys import parse_key_name

_LEASE = Duration()
_LEASE.FromMilliseconds(int(LEASE_S * 1000))


class KeyLeaseServicer(key_lease_service_pb2_grpc.KeyLeaseServiceServicer):
    """Leases on keys, by the caller's certificate."""

    def __init__(self, leases: KeyLeases, uses: KeyUses) -> None:
        """Serve `leases`, and what `uses` says without one."""
        self._leases = leases
        self._uses = uses

    async def GetKeyLeases(self, request: Any, context: Any) -> Any:
        """See the contract."""
        holder = Holder(_caller(), request.instance_id)
        answers = await self._leases.lease(holder, list(_uses(request.uses)))
        return pb.GetKeyLeasesResponse(leases=map(_lease, answers))

    async def ConfirmKeyRevocations(self, request: Any, context: Any) -> Any:
        """See the contract."""
        holder = Holder(_caller(), request.instance_id)
        self._leases.confirm(holder, [(each.key_name, each.epoch) for each in request.revocations])
        return pb.ConfirmKeyRevocationsResponse()

    async def CheckKeyUses(self, request: Any, context: Any) -> Any:
        """See the contract."""
        caller = _caller()
        refusals = [await self._refusal(caller, use) for use in _uses(request.uses)]
        return pb.CheckKeyUsesResponse(refusals=refusals)

    async def _refusal(self, caller: WorkloadId, use: KeyUse) -> Any:
        try:
            await self._uses.permit(caller, use)
        except DomainError as error:
            if is_refusal(error):
                return error.reason
            raise
        return ErrorReason.ERROR_REASON_UNSPECIFIED


def _lease(answer: KeyLease) -> Any:
    if answer.refusal:
        refusal: Any = answer.refusal
        return pb.KeyLease(refusal=refusal)
    return pb.KeyLease(epoch=answer.epoch, lease=_LEASE)


def _caller() -> WorkloadId:
    caller = current_call().caller
    if caller is None:
        raise caller_refused("Keys are leased to workloads.")
    return caller


def _uses(messages: Iterable[Any]) -> Iterable[KeyUse]:
    for each in messages:
        yield KeyUse(parse_key_name(each.key_name), each.operation, dict(each.encryption_context))
