"""Cosignatures: every checkpoint is shown to the witnesses, with the proof that it continues the last one.

A witness that is away is not waited for long, and the checkpoint goes without its signature. One that has
seen what this log does not have is believed: somebody has put the log back, or has made another one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.audit.errors import LogDamagedError
from services.audit.operations.nodes import Nodes
from services.audit.ports import EventStore, LogSigner, Witness
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log as ServiceLog
from tlog.checkpoint import parse_size
from tlog.errors import TlogError
from tlog.note import Note, Signature, VerifierKey
from tlog.proofs import consistency_ranges
from tlog.witness import SIZE

_TIMEOUT_S = 2.0
_RETRY_S = 5.0
"""A witness that did not answer is left alone for so long: checkpoints must not wait for it each time."""
_ATTEMPTS = 3

_log = ServiceLog("log")


@dataclass(slots=True)
class _Known:
    """What is known of a witness."""

    size: int = 0
    """Of the newest checkpoint that it has cosigned, as far as we know."""
    retry_at: float = 0.0
    away: bool = False


class Cosigning:
    """Asks the witnesses."""

    def __init__(
        self, witnesses: Sequence[Witness], nodes: Nodes, events: EventStore, signer: LogSigner, clock: Clock
    ) -> None:
        """Ask `witnesses`; nobody is asked yet."""
        self._witnesses = [(witness, _Known()) for witness in witnesses]
        self._nodes = nodes
        self._events = events
        self._signer = signer
        self._clock = clock

    async def cosign(self, note: Note, size: int) -> Note:
        """Return the checkpoint of `size`, whose tiles are there, with the signatures of those who answer.

        Raises LogDamagedError when one of them has seen another log, or more of this one.
        """
        asked = [self._ask(witness, known, note, size) for witness, known in self._witnesses]
        found = await asyncio.gather(*asked, return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return note.signed(*(each for each in found if isinstance(each, Signature)))

    async def keys(self) -> Sequence[VerifierKey]:
        """Return the keys of the witnesses that answer."""
        found = []
        for witness, _ in self._witnesses:
            try:
                found.append(await witness.key())
            except (DomainError, TlogError) as error:
                _log.debug("witness_away", name=witness.name, error_type=type(error).__name__)
        return found

    async def _ask(self, witness: Witness, known: _Known, note: Note, size: int) -> Signature | None:
        if self._clock.boottime() < known.retry_at:
            return None
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                signature = await self._cosigned(witness, known, note, size)
        except (DomainError, TlogError, TimeoutError) as error:
            if not known.away:
                reason = error.reason_name if isinstance(error, DomainError) else type(error).__name__
                _log.warning("witness_away", name=witness.name, reason=reason)
            known.away, known.retry_at = True, self._clock.boottime() + _RETRY_S
            return None
        known.away = False
        return signature

    async def _cosigned(self, witness: Witness, known: _Known, note: Note, size: int) -> Signature | None:
        log_key, key = await self._signer.verifier_key(), await witness.key()
        for _ in range(_ATTEMPTS):
            if known.size > size:
                await self._require(known.size)
                return None
            proof = await self._nodes.roots(consistency_ranges(known.size, size), size)
            try:
                signature = await witness.cosign(log_key, known.size, proof, bytes(note))
            except DomainError as error:
                if error.reason == ErrorReason.ERROR_REASON_CONFLICT:
                    raise LogDamagedError(f"the witness {witness.name} has seen another log") from error
                if error.reason != ErrorReason.ERROR_REASON_RESOURCE_STATE or SIZE not in error.metadata:
                    raise
                known.size = parse_size(error.metadata[SIZE])
                continue
            note.signed(signature).verify([key])
            known.size = size
            return signature
        return None

    async def _require(self, size: int) -> None:
        """Refuse a database that ends before what a witness has seen. Behind a crash it does not."""
        if not await self._events.leaves(size - 1, 1):
            raise LogDamagedError(f"a witness has seen entry {size - 1}, and the database has not")
