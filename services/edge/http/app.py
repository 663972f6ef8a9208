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
from services.chassis.randomness import OrderedUuids, Randomness
from services.chassis.telemetry import Metrics, Tracing
from services.edge.config import LimitSettings
from services.edge.domain import model as models
from services.edge.domain.aws_json import decode_input, encode_output, find_target
from services.edge.domain.dialect import ROUTED, Dialects
from services.edge.domain.faults import Fault, unknown_operation
from services.edge.domain.json_faults import unknown_target, unsupported_operation
from services.edge.domain.model import JSON_SERVICES, OWN_SERVICES, SERVICES, ServiceModel
from services.edge.domain.query import decode_query, encode_result, find_operation, parse_parameters
from services.edge.domain.query_faults import unsupported_action
from services.edge.domain.recorded import issued_credentials, request_parameters, response_elements
from services.edge.domain.resources import answered_resources, request_resources
from services.edge.domain.response import HttpResponse
from services.edge.domain.rest_json import decode_request, encode_response
from services.edge.domain.route import Route, Router
from services.edge.events import Key, audited_method, method_name, unknown_method
from services.edge.http.authenticate import Authenticated, Authenticator
from services.edge.http.body import ClientGoneError, Receive
from services.edge.http.exchange import Record, Request, Send, refusal, respond, status_name, told
from services.edge.http.invoke import Invoker
from services.edge.http.unsigned import UnsignedCalls
from services.edge.operations.bearers import Bearers
from services.edge.operations.sessions import Sessions
from services.edge.ports import Operation, SeenSignatures, UnsignedOperation

_ROUTED = {*SERVICES, *OWN_SERVICES}
"""Services whose operations have paths of their own."""
_INVOCATIONS = {"InvokeModel": False, "InvokeModelWithResponseStream": True}

_log = Log("application")


@dataclass(frozen=True, slots=True)
class Around:
    """What the application is given."""

    models: Mapping[str, ServiceModel]
    operations: Mapping[Key, Operation]
    web_identity: UnsignedOperation
    invoker: Invoker
    sessions: Sessions
    bearers: Bearers
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
    """Serves AWS's API for bedrock, bedrock-runtime, cloudtrail, iam, kms and sts."""

    def __init__(self, around: Around) -> None:
        """Build the routes of every operation of the service models."""
        self._around = around
        routed = (model for name, model in around.models.items() if name in _ROUTED)
        self._router = Router(op for model in routed for op in model.operations.values())
        self._dialects = Dialects(around.models)
        self._authenticator = Authenticator(
            around.sessions, around.bearers, around.clock, around.regions, around.limits.unauthenticated_bytes
        )
        self._unsigned = UnsignedCalls(
            around.models["sts"],
            self._dialects.of("sts"),
            around.web_identity,
            self._authenticator,
            around.limits.control_timeout_s,
            around.partition,
        )
        self._ids = OrderedUuids(around.clock, around.randomness)
        self._date = (0, b"")

    @property
    def unverified_bytes(self) -> int:
        """Body bytes in memory whose signature is not verified yet."""
        return self._authenticator.unverified_bytes

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        around = self._around
        started = around.clock.boottime()
        request = self._read_head(scope)
        operation = request.operation
        if operation is None:
            audited = unknown_method(request.dialect.service)
            method = method_name(request.dialect.service, audited.event_name)
        else:
            audited, method = audited_method(operation), method_name(operation.service, operation.name)
        span = around.tracing.start(method, "")
        connection = scope["craton.connection"]
        call = CallContext(
            method=method,
            request_id=self._ids.next(),
            call_id=self._ids.next(),
            caller=None,
            peer=scope["client"][0] if scope["client"] else "",
            started=started,
            event_name=audited.event_name,
            traceparent="" if span is None else span.traceparent,
        )
        enter_call(call)
        record = Record(around.recorder, call, audited)
        connection.serving = asyncio.current_task()
        reason = "CANCELLED"
        try:
            reason = await self._serve(request, receive, send, record)
        except (ClientGoneError, asyncio.CancelledError):
            # Nobody is left to be told when even this cannot be recorded; the recorder itself has said so.
            with contextlib.suppress(DomainError):
                await record.cancelled()
        finally:
            connection.serving = None
            status = status_name(reason)
            around.metrics.observe_call(call.method, status, around.clock.boottime() - started)
            if span is not None:
                span.end(status, call.request_id)

    def _read_head(self, scope: Any) -> Request:
        """Say what request line and headers tell. Nothing of it is verified yet."""
        fields = sigv4.header_fields(scope["headers"])
        dialect = self._dialects.choose(scope["method"], scope["raw_path"], scope["query_string"], fields)
        if dialect.service in JSON_SERVICES:
            posted = scope["method"] == "POST"
            named = find_target(self._around.models[dialect.service], fields) if posted else None
            return Request(scope, fields, dialect, None, named)
        route = self._router.find(scope["method"], scope["raw_path"])
        return Request(scope, fields, dialect, route, None if route is None else route.operation)

    async def _serve(self, request: Request, receive: Receive, send: Send, record: Record) -> str:
        """Answer, and return the reason of a failure or ""."""
        reason = ""
        try:
            response = await self._answer(request, receive, send, record)
            if isinstance(response, str):
                return response
        except Fault as fault:
            record.failed(fault)
            reason, response = fault.reason, request.dialect.encode_fault(fault, record.call.request_id)
        except DomainError as error:
            reason, response = refusal(error, request, record)
        except (ClientGoneError, asyncio.CancelledError):
            raise
        except Exception as error:
            call = record.call
            _log.error("unhandled_error", error=error, method=call.method, request_id=call.request_id)
            unexpected = DomainError(ErrorReason.ERROR_REASON_INTERNAL, "")
            reason, response = refusal(unexpected, request, record)
        try:
            await record.close(reason)
        except DomainError as error:
            # No audit means no answer, whatever the services said.
            reason, response = refusal(error, request, record)
        request.scope["craton.connection"].answering()
        await respond(send, response, record.call.request_id.encode(), self._now())
        return reason

    async def _answer(
        self, request: Request, receive: Receive, send: Send, record: Record
    ) -> HttpResponse | str:
        """Return the answer, or the reason under which a stream that was sent has ended."""
        if request.route is None and request.dialect in ROUTED:
            raise unknown_operation()
        if self._unsigned.takes(request):
            return await self._unsigned.answer(request, receive, record)
        sender = await self._authenticator.authenticate(request, receive, record.call)
        try:
            return await self._operate(request, sender, send, record)
        except DomainError as error:
            raise told(error, sender.caller) from error

    async def _operate(
        self, request: Request, sender: Authenticated, send: Send, record: Record
    ) -> HttpResponse | str:
        around, route, caller = self._around, request.route, sender.caller
        if route is None:
            answer = self._json if request.dialect.service in JSON_SERVICES else self._query
            return await answer(around.models[request.dialect.service], request, sender, record)
        streamed = _INVOCATIONS.get(route.operation.name)
        if streamed is None:
            return await self._rest(route, request, sender, record)
        around.invoker.describe(route, record.call, caller.claims.region)
        await record.admit(around.seen, sender.proof)
        fields, content = sender.fields, sender.content
        if streamed:
            return await around.invoker.stream(route, fields, content, caller, record, send, self._now())
        return await around.invoker.invoke(route, fields, content, caller, record.call)

    async def _rest(
        self, route: Route, request: Request, sender: Authenticated, record: Record
    ) -> HttpResponse:
        """Run an operation whose input and output are JSON."""
        operation = route.operation
        model = self._around.models[operation.service]
        run = self._around.operations.get((operation.service, operation.name))
        if run is None:
            raise unknown_operation()
        values = decode_request(model, route, request.scope["query_string"], sender.fields, sender.content)
        output = await self._run(run, operation, values, sender, record)
        return encode_response(model, operation, output)

    async def _query(
        self, model: ServiceModel, request: Request, sender: Authenticated, record: Record
    ) -> HttpResponse:
        """Run an operation whose input is a form and whose output is XML."""
        parameters = parse_parameters(request.scope["method"], request.scope["query_string"], sender.content)
        operation = request.operation = find_operation(model, parameters)
        record.name(method_name(operation.service, operation.name), audited_method(operation))
        run = self._around.operations.get((operation.service, operation.name))
        if run is None:
            raise unsupported_action(operation)
        values = decode_query(model, operation, parameters)
        output = await self._run(run, operation, values, sender, record)
        return encode_result(model, operation, output, record.call.request_id)

    async def _json(
        self, model: ServiceModel, request: Request, sender: Authenticated, record: Record
    ) -> HttpResponse:
        """Run an operation that a header names."""
        operation = request.operation
        if operation is None:
            raise unknown_target()
        run = self._around.operations.get((operation.service, operation.name))
        if run is None:
            raise unsupported_operation(operation)
        values = decode_input(model, operation, request.fields, sender.content)
        output = await self._run(run, operation, values, sender, record)
        return encode_output(model, operation, output)

    async def _run(
        self,
        run: Operation,
        operation: models.Operation,
        values: Mapping[str, Any],
        sender: Authenticated,
        record: Record,
    ) -> Mapping[str, Any]:
        """Run an operation once its intent is durable and its signature is known to be new."""
        around, call, claims = self._around, record.call, sender.caller.claims
        model = around.models[operation.service]
        call.resources.extend(
            request_resources(operation, values, claims.account_id, claims.region, around.partition)
        )
        call.request_parameters = request_parameters(model, operation, values)
        call.deadline = call.started + around.limits.control_timeout_s
        await record.admit(around.seen, sender.proof)
        output = await run(values, sender.caller)
        if not record.audited.read_only:
            call.response_elements = response_elements(model, operation, output)
            call.issued = issued_credentials(output, claims)
        call.resources.extend(
            name for name in answered_resources(operation, output) if name not in call.resources
        )
        return output

    def _now(self) -> bytes:
        """Return the Date header, formatted once a second."""
        second = int(self._around.clock.now().timestamp())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]
