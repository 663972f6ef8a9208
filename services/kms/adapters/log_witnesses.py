"""Witnesses of the audit log: how far it has come, by those who can neither write it nor our store."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
from craton.audit.v1 import witness_service_pb2 as pb
from craton.audit.v1 import witness_service_pb2_grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.logs import Log

_TIMEOUT_S = 2.0
_NOTHING = (0, b"")

_log = Log("witnesses")


class LogWitnesses:
    """Asks all witnesses, and believes the one that has seen most."""

    def __init__(self, channels: Sequence[Any], origin: str) -> None:
        """Ask over `channels`, one a witness, about the log `origin`."""
        self._asked = [
            witness_service_pb2_grpc.WitnessServiceStub(channel).GetSeenCheckpoint for channel in channels
        ]
        self._origin = origin

    async def newest(self) -> tuple[int, bytes]:
        """Return size and root of the newest checkpoint that was seen; (0, b"") without any witness.

        Raises DomainError(DEPENDENCY_UNAVAILABLE) when one does not answer and those that do have seen
        nothing: then nobody says whether the log was put back.
        """
        answers = await asyncio.gather(*(self._ask(each) for each in self._asked))
        newest = max((each for each in answers if each is not None), default=_NOTHING)
        if newest == _NOTHING and None in answers:
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "No witness answers that has seen the audit log.",
                retry_after_s=1.0,
            )
        return newest

    async def _ask(self, call: Any) -> tuple[int, bytes] | None:
        request = pb.GetSeenCheckpointRequest(origin=self._origin)
        try:
            answer = await call(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            _log.warning("witness_does_not_answer", reason=error.code().name)
            return None
        return answer.size, answer.root
