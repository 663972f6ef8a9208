"""The end of an account: the port that every service has which keeps something of accounts.

What the purge of an account is, and in which order services do their part: docs/account-purge.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from craton.purge.v1 import purger_service_pb2, purger_service_pb2_grpc, resources_pb2

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.context import CallContext, current_call

METHOD = "/craton.purge.v1.PurgerService/PurgeAccount"


@dataclass(frozen=True, slots=True)
class Purge:
    """Which account is purged."""

    purge_id: str
    account_id: str
    incarnation: str
    """What belongs to this one is removed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a service is."""

    removed: Mapping[str, int]
    """Counts by kinds, of all calls of the purge together."""
    finished: bool
    named: Sequence[str] = ()
    """What the event of the call names besides, as resources."""


class AccountPurger(Protocol):
    """Removes what a service keeps of an account. Called when nobody acts for the account any more.

    `purge` MUST be idempotent by account and incarnation: a repeated call goes on where the one before ended,
    wherever a crash ended it, and its counts go on as well. MUST return only after what it counts is durable,
    within some seconds; a large account takes several calls. MUST see to it that what was on its way from the
    incarnation, and comes later, is not kept. MUST NOT touch another incarnation. Raises DomainError.
    """

    async def purge(self, purge: Purge) -> Progress:
        """Remove what can be removed in about a second."""


def _accounts(request: Any, _call: CallContext) -> Sequence[str]:
    account = f"accounts/{request.account_id}"
    return account, f"{account}/incarnations/{request.incarnation}", f"purges/{request.purge_id}"


def purger_events(service: str) -> Mapping[str, AuditedMethod]:
    """Describe the method for the events.py of a service."""
    return {METHOD: AuditedMethod(f"{service}.craton", "PurgeAccount", Recording.EFFECT, _accounts)}


class PurgerServicer(purger_service_pb2_grpc.PurgerServiceServicer):
    """PurgerService of every service."""

    def __init__(self, purger: AccountPurger) -> None:
        """Serve `purger`."""
        self._purger = purger

    async def PurgeAccount(self, request: Any, context: Any) -> Any:
        """See the contract."""
        purge = Purge(request.purge_id, request.account_id, request.incarnation)
        progress = await self._purger.purge(purge)
        current_call().resources.extend(progress.named)
        return purger_service_pb2.PurgeAccountResponse(
            finished=progress.finished, removed=items_of(progress.removed)
        )


def items_of(removed: Mapping[str, int]) -> list[resources_pb2.RemovedItems]:
    """Return counts as messages, in the order of their kinds."""
    return [resources_pb2.RemovedItems(kind=kind, count=removed[kind]) for kind in sorted(removed)]
