"""Purges of accounts."""

from typing import Any

from craton.auth.v1 import account_purge_service_pb2 as pb
from craton.auth.v1 import account_purge_service_pb2_grpc
from craton.purge.v1 import resources_pb2

from services.auth.domain.pages import PageRequest
from services.auth.domain.purges import AccountPurge, PurgeState
from services.auth.operations.account_purges import AccountPurges
from services.auth.servicer import messages
from services.chassis.account_purge import items_of
from services.chassis.context import current_call

_STATES = {
    PurgeState.REQUESTED: pb.ACCOUNT_PURGE_STATE_REQUESTED,
    PurgeState.WAITING: pb.ACCOUNT_PURGE_STATE_WAITING,
    PurgeState.PURGING: pb.ACCOUNT_PURGE_STATE_PURGING,
    PurgeState.CERTIFYING: pb.ACCOUNT_PURGE_STATE_CERTIFYING,
    PurgeState.DONE: pb.ACCOUNT_PURGE_STATE_DONE,
    PurgeState.CANCELLED: pb.ACCOUNT_PURGE_STATE_CANCELLED,
}


class AccountPurgeServicer(account_purge_service_pb2_grpc.AccountPurgeServiceServicer):
    """AccountPurgeService."""

    def __init__(self, purges: AccountPurges) -> None:
        """Serve `purges`."""
        self._purges = purges

    async def RequestAccountPurge(self, request: Any, context: Any) -> Any:
        """See the contract."""
        purge = await self._purges.request(current_call(), request.account_id, keep=request.keep_principals)
        return pb.RequestAccountPurgeResponse(purge=_message(purge))

    async def ApproveAccountPurge(self, request: Any, context: Any) -> Any:
        """See the contract."""
        purge = await self._purges.approve(current_call(), request.purge_id)
        return pb.ApproveAccountPurgeResponse(purge=_message(purge))

    async def CancelAccountPurge(self, request: Any, context: Any) -> Any:
        """See the contract."""
        purge = await self._purges.cancel(current_call(), request.purge_id)
        return pb.CancelAccountPurgeResponse(purge=_message(purge))

    async def GetAccountPurge(self, request: Any, context: Any) -> Any:
        """See the contract."""
        purge = await self._purges.get(request.purge_id)
        message = _message(purge)
        message.certificate, message.public_key = purge.certificate, purge.public_key
        return pb.GetAccountPurgeResponse(purge=message)

    async def ListAccountPurges(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._purges.list(request.account_id, wanted)
        return pb.ListAccountPurgesResponse(purges=map(_message, page.items), next_page_token=page.next_token)

    async def CreatePurgedAccountKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        new = await self._purges.create_key(current_call(), request.purge_id)
        return pb.CreatePurgedAccountKeyResponse(
            access_key=messages.access_key(new.key), secret_access_key=new.secret.reveal().decode()
        )


def _message(purge: AccountPurge) -> pb.AccountPurge:
    message = pb.AccountPurge(
        purge_id=purge.purge_id,
        account_id=purge.account_id,
        incarnation=purge.incarnation,
        state=_STATES[purge.state],
        keep_principals=purge.keep_principals,
        continues=purge.continues,
        requested_by=purge.requested.by,
        request_time=messages.timestamp(purge.requested.at),
        removed=[
            resources_pb2.ServiceRemoval(service=service, removed=items_of(counts))
            for service, counts in sorted(purge.removed.items())
        ],
        entries=[
            resources_pb2.LogEntry(
                about=about, event_id=deed.event_id, index=purge.indexes.get(deed.event_id, 0)
            )
            for about, deed in purge.deeds
        ],
    )
    if purge.approved is not None:
        message.approved_by = purge.approved.by
        message.approve_time.CopyFrom(messages.timestamp(purge.approved.at))
    if purge.due is not None:
        message.due_time.CopyFrom(messages.timestamp(purge.due))
    if purge.completed is not None:
        message.complete_time.CopyFrom(messages.timestamp(purge.completed.at))
    return message
