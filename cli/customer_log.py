"""The audit log over HTTPS, for customers: botocore, unmodified, with a service model of our own."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from cli.bedrock import client
from cli.invoke import aws_error
from cli.log_client import LogWord, NoProofError, proof_of
from cli.output import CommandError, Exit
from deploy.local.stack import Stack
from tlog.event_proof import EventProof

_NO_PROOF = {"ResourceNotFoundException": Exit.NOT_FOUND, "ConflictException": Exit.FAILED}
"""What edge says of an event that was not shipped yet, and of one that no checkpoint covers yet."""


class CustomerLog:
    """Asks edge, over HTTPS, as the AWS profile: about events of its own account."""

    def __init__(self, stack: Stack) -> None:
        """Nothing is asked yet. Raises CommandError without credentials."""
        self._client = client(stack, "craton-audit")

    def checkpoint(self) -> LogWord:
        """Ask GetCheckpoint."""
        answer = ask_edge(self._client.get_checkpoint)
        return LogWord(answer["verifierKey"], tuple(answer["witnessKeys"]), answer["checkpoint"].encode())

    def event(self, event_id: UUID) -> EventProof:
        """Ask GetEventProof."""
        answer = ask_edge(self._client.get_event_proof, eventId=str(event_id))
        return proof_of(answer["entry"], answer["event"], answer["salt"], answer["proof"].encode())

    def consistency(self, first: int, second: int) -> Sequence[bytes]:
        """Ask GetConsistencyProof."""
        answer = ask_edge(self._client.get_consistency_proof, firstSize=first, secondSize=second)
        return tuple(answer["hashes"])


def ask_edge(operation: Callable[..., Any], **arguments: Any) -> Any:
    """Call an operation of a botocore client. Raises CommandError, NoProofError."""
    try:
        return operation(**arguments)
    except ClientError as error:
        refusal = aws_error(error)
        code = error.response.get("Error", {}).get("Code", "")
        if code in _NO_PROOF:
            raise NoProofError(refusal.message, _NO_PROOF[code]) from error
        raise refusal from error
    except BotoCoreError as error:
        raise CommandError(str(error), Exit.UNAVAILABLE) from error


def receipt_authority(stack: Stack) -> str:
    """Ask for the verifier key of the authority of receipts. Raises CommandError."""
    return str(ask_edge(client(stack, "craton-runtime").get_receipt_authority)["verifierKey"])
