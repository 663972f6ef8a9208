"""The ASGI application: from a request to an answer, in the order that the threat model asks for.

Headers, key id, date, region; then the body; then the signature; then the input; then the record of the
intent together with the check that the signature is new; then the operation; then the record of the outcome;
then the answer.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.audit.ports import AuditRecorder
from services.chassis.clock import Clock
from services.chassis.context import CallContext, enter_call
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.principal import ClientContext
from services.chassis.randomness import Randomness
from services.chassis.telemetry import Metrics, Tracing
from services.edge.config import LimitSettings
from services.edge.domain.admission import Admitted, admit, signed_fields, string_to_sign
from services.edge.domain.faults import Fault, fault_of, unknown_operation, validation
from services.edge.domain.invocation import model_resources
from services.edge.domain.model import ServiceModel
from services.edge.domain.rest_json import HttpResponse, decode_request, encode_fault, encode_response
from services.edge.domain.route import Route, Router
from services.edge.events import PREFIX, SERVED, UNKNOWN, UNSERVED_AUDIENCE, audited_method
from services.edge.http.body import MAX_BODY_BYTES, BodyBudget, ClientGoneError, Receive, read_body
from services.edge.http.exchange import Record, Send, respond, status_name
from services.edge.http.invoke import Invoker
from services.edge.operations.sessions import Sessions
from services.edge.ports import Caller, Operation, Presented, SeenSignatures

_USER_AGENT = 256
_HOST = 255
_TOO_LARGE = (
    "1 validation error detected: Value at 'body' failed to satisfy constraint: "
    f"Member must have length less than or equal to {MAX_BODY_BYTES}"
)
_INVOCATIONS = {"InvokeModel": False, "InvokeModelWithResponseStream": True}

_log = Log("application")


@dataclass(frozen=True, slots=True)
class Around:
    """What the application is given."""

    models: Mapping[str, ServiceModel]
    operations: Mapping[str, Operation]
    invoker: Invoker
    sessions: Sessions
    seen: SeenSignatures
    recorder: AuditRecorder
    clock: Clock
    randomness: Randomness
    metrics: Metrics
    tracing: Tracing
    regions: frozenset[str]
    partition: str
    limits: LimitSettings


class Application:
    """Serves AWS's API for bedrock and bedrock-runtime."""

    def __init__(self, around: Around) -> None:
        """Build the routes of every operation of the service models."""
        self._around = around
        self._router = Router(op for model in around.models.values() for op in model.operations.values())
        self._budget = BodyBudget(around.limits.unauthenticated_bytes)
        self._entropy = b""
        self._date = (0, b"")

    @property
    def unverified_bytes(self) -> int:
        """Body bytes in memory whose signature is not verified yet."""
        return self._budget.used

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        around = self._around
        started = around.clock.boottime()
        route = self._router.find(scope["method"], scope["raw_path"])
        name = UNKNOWN.event_name if route is None else route.operation.name
        method = PREFIX + name
        span = around.tracing.start(method, "")
        connection = scope["craton.connection"]
        call = CallContext(
            method=method,
            request_id=self._uuid(),
            call_id=self._uuid(),
            caller=None,
            peer=scope["client"][0] if scope["client"] else "",
            started=started,
            event_name=name,
            traceparent="" if span is None else span.traceparent,
        )
        enter_call(call)
        record = Record(around.recorder, call, UNKNOWN if route is None else audited_method(name))
        connection.serving = asyncio.current_task()
        reason = "CANCELLED"
        try:
            reason = await self._serve(scope, receive, send, route, record)
        except (ClientGoneError, asyncio.CancelledError):
            # Nobody is left to be told when even this cannot be recorded; the recorder itself has said so.
            with contextlib.suppress(DomainError):
                await record.cancelled()
        finally:
            connection.serving = None
            status = status_name(reason)
            around.metrics.observe_call(method, status, around.clock.boottime() - started)
            if span is not None:
                span.end(status, call.request_id)

    async def _serve(
        self, scope: Any, receive: Receive, send: Send, route: Route | None, record: Record
    ) -> str:
        """Answer, and return the reason of a failure or ""."""
        reason = ""
        try:
            response = await self._answer(scope, receive, send, route, record)
            if isinstance(response, str):
                return response
        except Fault as fault:
            reason, response = fault.reason, encode_fault(fault)
        except DomainError as error:
            reason, response = _refusal(error, route)
        except (ClientGoneError, asyncio.CancelledError):
            raise
        except Exception as error:
            call = record.call
            _log.error("unhandled_error", error=error, method=call.method, request_id=call.request_id)
            reason, response = _refusal(DomainError(ErrorReason.ERROR_REASON_INTERNAL, ""), route)
        try:
            await record.close(reason)
        except DomainError as error:
            # No audit means no answer, whatever the services said.
            reason, response = _refusal(error, route)
        scope["craton.connection"].answering()
        await respond(send, response, record.call.request_id.encode(), self._now())
        return reason

    async def _answer(
        self, scope: Any, receive: Receive, send: Send, route: Route | None, record: Record
    ) -> HttpResponse | str:
        """Return the answer, or the reason under which a stream that was sent has ended."""
        if route is None:
            raise unknown_operation()
        around = self._around
        fields = sigv4.header_fields(scope["headers"])
        caller, admitted, content = await self._authenticate(scope, receive, route, fields, record.call)
        readable = signed_fields(admitted, fields)
        streamed = _INVOCATIONS.get(route.operation.name)
        if streamed is None:
            return await self._run(route, scope["query_string"], readable, content, caller, admitted, record)
        around.invoker.describe(route, record.call, caller.claims.region)
        await record.admit(around.seen, admitted.signature, admitted.signed_at.timestamp())
        if streamed:
            return await around.invoker.stream(route, readable, content, caller, record, send, self._now())
        return await around.invoker.invoke(route, readable, content, caller, record.call)

    async def _authenticate(
        self, scope: Any, receive: Receive, route: Route, fields: Mapping[bytes, bytes], call: CallContext
    ) -> tuple[Caller, Admitted, bytes]:
        around = self._around
        admitted = admit(fields, around.regions, around.clock.now())
        credential = admitted.authorization.credential
        known = around.sessions.known(credential, call.peer)
        body = await read_body(receive, _declared(fields), self._budget, known=known)
        try:
            to_sign = string_to_sign(
                admitted, scope["method"], scope["raw_path"], scope["query_string"], fields, body.sha256_hex
            )
            tls = scope["craton.connection"].tls
            client = ClientContext(
                source_ip=call.peer,
                user_agent=fields.get(b"user-agent", b"").decode("latin-1")[:_USER_AGENT],
                tls_version=tls[0],
                tls_cipher=tls[1],
                endpoint=fields.get(b"host", b"").decode("latin-1")[:_HOST],
            )
            served = SERVED.get(route.operation.name)
            audience = UNSERVED_AUDIENCE if served is None else served.audience
            presented = Presented(credential, to_sign, admitted.signature)
            caller = await around.sessions.open(presented, client, audience)
            call.principal = caller.claims
            if body.too_large:
                raise validation(_TOO_LARGE)
            return caller, admitted, body.content()
        finally:
            body.close()

    async def _run(
        self,
        route: Route,
        raw_query: bytes,
        fields: Mapping[bytes, bytes],
        body: bytes,
        caller: Caller,
        admitted: Admitted,
        record: Record,
    ) -> HttpResponse:
        """Run an operation whose input and output are JSON."""
        around, operation, call = self._around, route.operation, record.call
        model, run = around.models[operation.service], around.operations.get(operation.name)
        if run is None:
            raise unknown_operation()
        values = decode_request(model, route, raw_query, fields, body)
        call.resources.extend(model_resources(values, caller.claims.region, around.partition))
        call.deadline = call.started + around.limits.control_timeout_s
        await record.admit(around.seen, admitted.signature, admitted.signed_at.timestamp())
        return encode_response(model, operation, await run(values, caller))

    def _uuid(self) -> str:
        """Return a random version 4 UUID; entropy is drawn for many at a time."""
        if len(self._entropy) < 16:
            self._entropy = self._around.randomness.token_bytes(4096)
        digits, self._entropy = self._entropy[:16].hex(), self._entropy[16:]
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def _now(self) -> bytes:
        """Return the Date header, formatted once a second."""
        second = int(self._around.clock.now().timestamp())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]


def _refusal(error: DomainError, route: Route | None) -> tuple[str, HttpResponse]:
    fault = fault_of(error.reason, error.message, None if route is None else route.operation)
    return fault.reason, encode_fault(fault)


def _declared(fields: Mapping[bytes, bytes]) -> int | None:
    text = fields.get(b"content-length", b"")
    return int(text) if text.isdigit() else None
