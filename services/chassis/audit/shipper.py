"""Ships the local spool to the audit service, at least once, and forgets what arrived."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import grpc
from craton.audit.v1 import ingest_service_pb2 as pb
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.spool import Spool
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.rich_status import from_rpc_error

EXPECTED_POSITION = "expected_position"
"""Metadata key of a refusal for a gap: the position that the audit service wants next."""

_APPEND = "/craton.audit.v1.IngestService/AppendEvents"
_EVENTS = 1024
_TIMEOUT_S = 10.0
_PACE_S = 0.2
"""Records are collected this long before they are shipped: a batch costs less than its events one by one."""
_KEPT_S = 60.0
"""Events lie in the spool in clear: about this long after they were shipped they are deleted."""
_FIRST_BACKOFF_S = 0.1
_LAST_BACKOFF_S = 10.0

_log = Log("audit")


class Ingest(Protocol):
    """Where events are shipped to."""

    async def append(self, spool_id: str, first_position: int, events: Sequence[bytes]) -> int:
        """Hand over serialised events and return the position after the last one that is durable there.

        MUST be idempotent by spool and position. Raises DomainError; for a gap its metadata carries
        EXPECTED_POSITION.
        """


class GrpcIngest:
    """The audit service over gRPC. Events travel as the bytes that the spool holds: nothing is parsed."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which reaches the audit service."""
        self._append: Any = channel.unary_unary(
            _APPEND, request_serializer=None, response_deserializer=pb.AppendEventsResponse.FromString
        )

    async def append(self, spool_id: str, first_position: int, events: Sequence[bytes]) -> int:
        """Call AppendEvents."""
        try:
            response = await self._append(request_bytes(spool_id, first_position, events), timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "audit") from error
        return int(response.next_position)


class Shipper:
    """Ships for the life of the process; the place is kept by the audit service, not by us."""

    def __init__(
        self,
        spool: Spool,
        ingest: Ingest,
        clock: Clock,
        randomness: Randomness,
        needed_from: Callable[[], int] | None = None,
    ) -> None:
        """Ship `spool` to `ingest`; what stands at `needed_from` and after it is kept also when it was."""
        self._spool = spool
        self._ingest = ingest
        self._clock = clock
        self._randomness = randomness
        self._rotate_at = clock.boottime() + _KEPT_S
        self._needed_from = needed_from
        self._reader = SpoolReader()
        self._position = spool.first_position
        self.delayed = False
        """Whether the audit service has not taken in the last batch."""

    @property
    def backlog(self) -> int:
        """Durable records that the audit service has not acknowledged."""
        return self._spool.durable_position - self._position

    async def run(self) -> None:
        """Ship until cancelled. Raises SpoolCorruptError or OSError when the spool cannot be read."""
        backoff = 0.0
        while True:
            self._let_go()
            if self.backlog <= 0:
                if not await self._more():
                    continue
            elif self.backlog < _EVENTS:
                # Under a steady load there is always something to ship: without a pause every few events
                # would travel, be sealed and be committed as a batch of their own.
                await asyncio.sleep(_PACE_S)
            try:
                await self.ship_once()
                backoff, self.delayed = 0.0, False
            except DomainError as error:
                self.delayed = True
                backoff = min(max(backoff * 2, _FIRST_BACKOFF_S), _LAST_BACKOFF_S)
                _log.warning("audit_shipping_delayed", reason=error.reason_name, count=self.backlog)
                await asyncio.sleep(backoff * (0.5 + self._randomness.token_bytes(1)[0] / 512))

    async def _more(self) -> bool:
        """Wait for records for a while and say whether there may be some."""
        self._spool.growth.clear()
        try:
            async with asyncio.timeout(_KEPT_S):
                await self._spool.growth.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(_PACE_S)
        return True

    def _let_go(self) -> None:
        """Delete what the audit service holds, also from the newest segment, which must first be followed."""
        self._trim()
        now = self._clock.boottime()
        if self.backlog <= 0 and now >= self._rotate_at:
            self._rotate_at = now + _KEPT_S
            self._spool.rotate()

    def _trim(self) -> None:
        needed = self._position if self._needed_from is None else self._needed_from()
        self._spool.trim(min(self._position, needed))

    async def ship_once(self) -> None:
        """Ship one batch. Raises DomainError when it was not accepted."""
        spool = self._spool
        if self.backlog <= 0:
            return
        events = await asyncio.to_thread(self._reader.read, spool.segments(), self._position, _EVENTS)
        try:
            reached = await self._ingest.append(spool.spool_id, self._position, events)
        except DomainError as error:
            expected = int(error.metadata.get(EXPECTED_POSITION, "-1"))
            if not spool.first_position <= expected <= spool.durable_position:
                raise
            # The audit service holds less than we thought, and we still have the rest.
            reached = expected
        if reached > spool.durable_position:
            # An old copy of this spool was restored: its positions were given to other events already.
            raise DomainError(
                ErrorReason.ERROR_REASON_RESOURCE_STATE,
                "the audit service holds more than this spool ever had",
            )
        self._position = reached
        self._trim()


def request_bytes(spool_id: str, first_position: int, events: Sequence[bytes]) -> bytes:
    """Serialise an AppendEventsRequest around events that are serialised already."""
    parts = [pb.AppendEventsRequest(spool_id=spool_id, first_position=first_position).SerializeToString()]
    for event in events:
        parts.append(b"\x1a" + _varint(len(event)))  # field 3, length-delimited
        parts.append(event)
    return b"".join(parts)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
