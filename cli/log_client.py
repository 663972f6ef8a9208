"""Who answers questions about the audit log: audit, asked by the operator, or edge, asked by a customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import click
import grpc
from craton.audit.v1 import log_service_pb2 as pb
from craton.audit.v1.log_service_pb2_grpc import LogServiceStub

from cli.output import CommandError, Exit, F, raise_command_error
from cli.session import Session
from deploy.local.stack import Stack
from tlog.errors import TlogError
from tlog.event_proof import EventProof
from tlog.inclusion import InclusionProof

_NO_PROOF = {
    grpc.StatusCode.NOT_FOUND: Exit.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.FAILED,
}
"""What is said of an event that was not shipped yet, and of one that no checkpoint covers yet. Of one that is
gone with its account the second is said as well, so that the service's own words are shown in the end."""


@dataclass(frozen=True, slots=True)
class LogWord:
    """What a log says of itself. Nothing of it is verified."""

    verifier_key: str
    witness_keys: tuple[str, ...]
    checkpoint: bytes


class NoProofError(CommandError):
    """The log gives no proof of an event; perhaps it will."""


class LogClient(Protocol):
    """Asks. Every method raises CommandError, or what `grpc_errors` makes one of."""

    def checkpoint(self) -> LogWord:
        """Ask for the newest checkpoint."""

    def event(self, event_id: UUID) -> EventProof:
        """Ask for the proof of an event. Raises NoProofError."""

    def consistency(self, first: int, second: int) -> Sequence[bytes]:
        """Ask for the proof that the tree of `second` leaves begins with that of `first`."""


class OperatorLog:
    """Asks audit, with the operator's certificate, about events of every account."""

    def __init__(self, stack: Stack) -> None:
        """Nothing is asked yet. Raises CommandError without a certificate."""
        self._session = Session(stack)
        self._stub = LogServiceStub(self._session.channel("audit"))

    def checkpoint(self) -> LogWord:
        """Ask GetCheckpoint."""
        answer = self._session.call(self._stub.GetCheckpoint, pb.GetCheckpointRequest())
        return LogWord(answer.verifier_key, tuple(answer.witness_keys), answer.checkpoint)

    def event(self, event_id: UUID) -> EventProof:
        """Ask GetEventProof."""
        try:
            answer = self._session.call(
                self._stub.GetEventProof, pb.GetEventProofRequest(event_id=str(event_id))
            )
        except grpc.RpcError as error:
            if error.code() not in _NO_PROOF:
                raise
            try:
                raise_command_error(error)
            except CommandError as refusal:
                raise NoProofError(refusal.message, _NO_PROOF[error.code()]) from error
        return proof_of(answer.entry, answer.event, answer.salt, answer.proof)

    def consistency(self, first: int, second: int) -> Sequence[bytes]:
        """Ask GetConsistencyProof."""
        request = pb.GetConsistencyProofRequest(first_size=first, second_size=second)
        return tuple(self._session.call(self._stub.GetConsistencyProof, request).hashes)


def profile_option(function: F) -> F:
    """Add --as-profile to a command."""
    return click.option(
        "--as-profile",
        is_flag=True,
        help="Ask over HTTPS as the AWS profile, as any customer can, instead of as the operator.",
    )(function)


def log_client(stack: Stack, *, as_profile: bool) -> LogClient:
    """Return whom to ask. Raises CommandError for a caller without a certificate, or without credentials."""
    if not as_profile:
        return OperatorLog(stack)
    # botocore takes longer to import than the operator waits for an answer.
    from cli.customer_log import CustomerLog

    return CustomerLog(stack)


def proof_of(entry: bytes, event: bytes, salt: bytes, proof: bytes) -> EventProof:
    """Read an answer. Raises CommandError."""
    try:
        return EventProof(entry, event, salt, InclusionProof.parse(proof))
    except TlogError as error:
        raise CommandError(f"The service's answer proves nothing: {error}.", Exit.REFUSED) from error
