"""Cosigning: judged, remembered, and only then signed."""

from collections.abc import Collection, Sequence

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.witness.ports import Cosigner, KnownLog, KnownLogs
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.note import Note, SignatureType, VerifierKey, cosignature, cosigned_message
from tlog.witness import NOTHING, SIZE, ForkError, Seen, StaleError, judge

_log = Log("witness")


class Witnessing:
    """Follows logs."""

    def __init__(
        self, logs: KnownLogs, cosigner: Cosigner, clock: Clock, trusted: Collection[VerifierKey]
    ) -> None:
        """Follow the logs of the `trusted` keys; without any, those that come, each by its first key."""
        self._logs = logs
        self._cosigner = cosigner
        self._clock = clock
        self._trusted = frozenset(trusted)

    @property
    def key(self) -> VerifierKey:
        """The witness' public key."""
        return self._cosigner.key

    async def seen(self, origin: str) -> Seen:
        """Return what was cosigned last of a log, NOTHING for one that is not known."""
        known = await self._logs.get(origin)
        return NOTHING if known is None else known.seen

    async def add(self, verifier_key: str, old_size: int, proof: Sequence[bytes], checkpoint: bytes) -> str:
        """Return the cosignature of a checkpoint, a line of a note.

        Raises DomainError: INVALID_FIELD for what is no checkpoint of this key; ACCESS_DENIED for a log that
        is not followed, or comes with another key; RESOURCE_STATE, with SIZE, when the proof does not begin
        at what was seen; CONFLICT when the log has forked.
        """
        try:
            key, note = VerifierKey.parse(verifier_key), Note.parse(checkpoint)
        except TlogError as error:
            raise _invalid(str(error)) from error
        known = await self._known(key)
        seen = NOTHING if known is None else known.seen
        try:
            judged = judge(seen, Trust(key), note, old_size, proof)
        except StaleError as error:
            raise _stale(error.size) from error
        except ForkError as error:
            # The log's own signature: whoever reads this has something to explain.
            _log.error("log_forked", reason=str(error), name=key.name)
            raise DomainError(ErrorReason.ERROR_REASON_CONFLICT, f"The log has forked: {error}.") from error
        except TlogError as error:
            raise _invalid(str(error)) from error
        now = KnownLog(key, Seen(judged.size, judged.root))
        if not await self._logs.advance(known, now):
            raise _stale(seen.size)
        time_s = int(self._clock.now().timestamp())
        signature = self._cosigner.sign(cosigned_message(note.text, time_s))
        return str(cosignature(self._cosigner.key, time_s, signature))

    async def _known(self, key: VerifierKey) -> KnownLog | None:
        known = await self._logs.get(key.name)
        trusted = key in self._trusted if self._trusted else known is None or known.key == key
        if not trusted or key.type is not SignatureType.NOTE:
            raise DomainError(
                ErrorReason.ERROR_REASON_ACCESS_DENIED, "This witness does not follow a log of that key."
            )
        return known


def _invalid(why: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"checkpoint: {why}", field="checkpoint")


def _stale(size: int) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_STATE,
        f"The proof must begin at {size}.",
        metadata={SIZE: str(size)},
    )
