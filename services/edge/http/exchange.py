"""One request and its answer: sending, and what the audit log and the metrics get to know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.api_keys import invalid_api_key
from services.chassis.audit.ports import AuditedMethod, AuditRecorder
from services.chassis.context import CallContext
from services.chassis.errors import STATUS_OF_REASON, DomainError
from services.edge.domain.dialect import Dialect
from services.edge.domain.faults import Fault
from services.edge.domain.model import Operation
from services.edge.domain.response import HttpResponse
from services.edge.domain.route import Route
from services.edge.ports import Caller, Proof, SeenSignatures

Send = Callable[[Any], Awaitable[None]]
_REASONS = {
    name.removeprefix("ERROR_REASON_"): STATUS_OF_REASON[number].name for name, number in ErrorReason.items()
}
_SAID_BY_MODELS = frozenset({"INVALID_MODEL_BODY", "MODEL_ERROR", "MODEL_STREAM_ERROR"})
"""Reasons of errors whose message may come out of a provider's process, which has read the prompt."""


def status_name(reason: str) -> str:
    """Return the gRPC status name of a reason, "OK" for none."""
    return _REASONS.get(reason, grpc.StatusCode.UNKNOWN.name) if reason else "OK"


@dataclass(slots=True)
class Request:
    """One request, as far as it is understood by now."""

    scope: Any
    fields: Mapping[bytes, bytes]
    """Headers: lower-case names, each once."""
    dialect: Dialect
    route: Route | None
    """Of rest-json; in the query protocol there is one path for everything."""
    operation: Operation | None
    """None while nothing says which one it is."""


class Record:
    """The audit record of one request: intent before an effect, outcome before the last byte leaves."""

    __slots__ = ("_recorder", "audited", "call", "closed", "intended")

    def __init__(self, recorder: AuditRecorder, call: CallContext, audited: AuditedMethod) -> None:
        """Record `call` as `audited`."""
        self._recorder = recorder
        self.call = call
        self.audited = audited
        self.intended = False
        self.closed = False

    def name(self, method: str, audited: AuditedMethod) -> None:
        """Say which operation it is, once that is known: before anything is done for it."""
        self.call.method, self.call.event_name, self.audited = method, audited.event_name, audited

    def failed(self, fault: Fault) -> None:
        """Say which error the client gets."""
        self.call.error_code = fault.code
        self.call.error_message = "" if fault.reason in _SAID_BY_MODELS else fault.message

    async def admit(self, seen: SeenSignatures, proof: Proof | None) -> None:
        """Note the signature, if there is one, while the intent is made durable. Raises DomainError."""
        if proof is None:
            if self.audited.has_effect:
                self.intended = True
                await self._recorder.intent(self.call, self.audited)
            return
        verdict = seen.check(proof)
        try:
            if self.audited.has_effect:
                self.intended = True
                await self._recorder.intent(self.call, self.audited)
            await verdict
        except BaseException:
            if verdict.done() and not verdict.cancelled():
                verdict.exception()
            verdict.cancel()
            raise

    async def close(self, reason: str) -> None:
        """Make the outcome durable, once. Raises DomainError(AUDIT_UNAVAILABLE)."""
        if self.closed:
            return
        self.closed = True
        status = status_name(reason)
        if self.intended or self.call.principal is not None:
            await self._recorder.outcome(self.call, self.audited, status, reason)
        else:
            self._recorder.summarise(self.call, self.audited, status, reason)

    async def cancelled(self) -> None:
        """Record that the client went away; the record is written even if this task is cancelled again."""
        await asyncio.shield(asyncio.ensure_future(self.close("CANCELLED")))


async def respond(send: Send, response: HttpResponse, request_id: bytes, date: bytes) -> None:
    """Send a whole response."""
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                *response.headers,
                (b"x-amzn-requestid", request_id),
                (b"date", date),
                (b"content-length", b"%d" % len(response.body)),
            ],
        }
    )
    await send({"type": "http.response.body", "body": response.body})


def refusal(error: DomainError, request: Request, record: Record) -> tuple[str, HttpResponse]:
    """Return a refusal's reason, for the audit log, and how the request's protocol says it."""
    fault = request.dialect.fault_of(error.reason, error.message, request.operation)
    record.failed(fault)
    return fault.reason, request.dialect.encode_fault(fault, record.call.request_id)


def told(error: DomainError, caller: Caller) -> DomainError:
    """Return what a caller is told of a service's refusal.

    auth made the caller's token moments ago. When a service finds it ended, the credentials were revoked
    meanwhile: temporary ones are told to have expired, as at AWS; an access key is not known any more, and an
    API key not valid.
    """
    if error.reason != ErrorReason.ERROR_REASON_INVALID_TOKEN or caller.temporary:
        return error
    if caller.claims.bearer is not None:
        return invalid_api_key()
    return DomainError(ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY, error.message)
