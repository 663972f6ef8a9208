"""What happens around every RPC, in this order: trace, request id, caller check, deadline, validation,
audit, error map.

Handlers are wrapped when they are registered rather than by gRPC interceptors, because asyncio
interceptors see neither the peer nor the message, and cost a lookup per call. Messages arrive as
bytes, so that a caller is checked before anything of its request is parsed.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import grpc
import protovalidate
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit.ports import AuditedMethod, AuditRecorder, Recording
from services.chassis.callers import PUBLIC
from services.chassis.clock import Clock
from services.chassis.context import CallContext, enter_call
from services.chassis.errors import STATUS_OF_REASON, DomainError
from services.chassis.identity import WorkloadId
from services.chassis.in_progress import InProgress
from services.chassis.logs import Log
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import OrderedUuids
from services.chassis.rich_status import sendable, status_details
from services.chassis.telemetry import Metrics, Span, Tracing

MINIMUM_REMAINING_S = 0.02
"""A call with less time left than this is refused: it could only fail later and at a higher cost."""

SHARED_EVENT_ID = "x-craton-shared-event-id"
"""In trailing metadata: the id that joins the copies of the call's event in the logs of several accounts."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_UNKNOWN = AuditedMethod("grpc.craton", "UnknownMethod", Recording.SUMMARY)
_TOKEN_BEARERS = frozenset({"service", "operator"})
"""Kinds of workloads that may carry a principal token; pools, providers and witnesses have no principal."""

_log = Log("server")


class PrincipalVerifier(Protocol):
    """Verifies principal tokens; raises DomainError(INVALID_TOKEN)."""

    async def verify(self, token: str) -> PrincipalClaims:
        """Return the claims of a valid token."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pipeline of every method of one server shares."""

    trust_domain: str
    clock: Clock
    ids: OrderedUuids
    recorder: AuditRecorder
    tokens: PrincipalVerifier | None
    metrics: Metrics
    tracing: Tracing
    identities: dict[tuple[bytes, ...], WorkloadId | None]
    in_progress: InProgress


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC method as it was registered, with its callers and its place in the audit log."""

    name: str
    handler: Any
    callers: frozenset[str]
    audited: AuditedMethod


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How a call ends that failed."""

    code: grpc.StatusCode
    text: str
    trailing: tuple[tuple[str, str | bytes], ...]


def require_principal(call: CallContext) -> PrincipalClaims:
    """Return the call's principal. Raises DomainError(MISSING_CREDENTIALS) when it carries no token."""
    if call.principal is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_MISSING_CREDENTIALS,
            "this method needs a principal token in the metadata key 'authorization'",
        )
    return call.principal


def wrap(method: Method, around: Surroundings) -> Any:
    """Return the handler that serves `method` with everything around it."""
    handler = method.handler
    if handler.request_streaming:
        raise ValueError(f"{method.name}: client streaming is not supported by the server factory")
    if handler.response_streaming:

        async def stream(request: bytes, context: Any) -> None:
            async def respond(message: Any, call: CallContext) -> None:
                async with aclosing(handler.unary_stream(message, context)) as responses:
                    async for response in responses:
                        _check_gate(call)
                        await context.write(handler.response_serializer(response))

            with around.in_progress:
                refusal, _ = await _serve(method, around, request, context, respond)
            del request
            if refusal is not None:
                await _refuse(refusal, context)

        return grpc.unary_stream_rpc_method_handler(stream)

    async def unary(request: bytes, context: Any) -> bytes:
        async def respond(message: Any, _call: CallContext) -> bytes:
            serialized: bytes = handler.response_serializer(await handler.unary_unary(message, context))
            return serialized

        with around.in_progress:
            refusal, result = await _serve(method, around, request, context, respond)
        # gRPC's context keeps the exception that ends a call, whose traceback leads back to the frames that
        # it passes. Those hold nothing of the request, which else would stay until the collector comes by.
        del request
        if refusal is not None:
            await _refuse(refusal, context)
        serialized: bytes = result
        return serialized

    return grpc.unary_unary_rpc_method_handler(unary)


def count_unknown(around: Surroundings, context: Any) -> None:
    """Count a call of a method that the server does not have, by its caller: no more of it is looked at."""
    try:
        caller = _identity(around, context)
    except DomainError:
        caller = None
    call = CallContext(_UNKNOWN.event_name, around.ids.next(), around.ids.next(), caller)
    status = grpc.StatusCode.UNIMPLEMENTED.name
    around.recorder.summarise(call, _UNKNOWN, status, "")
    around.metrics.observe_call(call.method, status, 0.0)


async def _serve(
    method: Method,
    around: Surroundings,
    request: bytes,
    context: Any,
    respond: Callable[[Any, CallContext], Awaitable[Any]],
) -> tuple[_Refusal | None, Any]:
    started = around.clock.boottime()
    metadata = _metadata(context)
    span = around.tracing.start(method.name, metadata.get("traceparent", ""))
    call = CallContext(
        method=method.name,
        request_id=_request_id(metadata, around.ids),
        call_id=around.ids.next(),
        caller=None,
        started=started,
        traceparent=metadata.get("traceparent", "") if span is None else span.traceparent,
    )
    enter_call(call)
    status, reason = "OK", ""
    failure: DomainError | None = None
    entered = False
    result: Any = None
    try:
        await _admit(method, around, call, context, metadata, started)
        message = _parse(method, request)
        call.resources.extend(method.audited.resources(message, call))
        call.request_parameters = method.audited.parameters(message, call)
        if method.audited.has_effect:
            entered = True
            call.intent = around.recorder.intent(call, method.audited)
            if method.audited.recording is Recording.GATED:
                call.concluder = partial(around.recorder.outcome, call, method.audited, "OK", "")
            else:
                await call.intended()
        elif method.audited.recording is Recording.ADMITTED:
            call.admitter = partial(around.recorder.intent, call, method.audited)
        result = await respond(message, call)
        _check_gate(call)
    except DomainError as error:
        failure = error
    except asyncio.CancelledError:
        status, reason = "CANCELLED", "CANCELLED"
        # The record of a cancelled call is written too, and only then is the cancellation passed on.
        await asyncio.shield(_record(method, around, call, status, reason, entered))
        _finish(method, around, call, span, status, started)
        raise
    except Exception as error:
        _log.error("unhandled_error", error=error, method=method.name, request_id=call.request_id)
        failure = DomainError(ErrorReason.ERROR_REASON_INTERNAL, "internal error")
    if failure is not None:
        status, reason = STATUS_OF_REASON[failure.reason].name, failure.reason_name
    try:
        await _record(method, around, call, status, reason, entered)
    except DomainError as error:
        # No audit means no answer, whatever the handler said.
        failure = error
        status = STATUS_OF_REASON[failure.reason].name
    _finish(method, around, call, span, status, started)
    # Who called records the call too, and its record is one of those that have this id.
    shared = ((SHARED_EVENT_ID, call.shared_event_id),) if call.shared_event_id else ()
    if failure is not None:
        code, text = STATUS_OF_REASON[failure.reason], sendable(failure.message)
        details = status_details(failure)
        # Its traceback leads back to this frame: the two would keep each other and the request, however
        # large, until the collector comes by.
        failure = None
        trailing = (("x-request-id", call.request_id), ("grpc-status-details-bin", details), *shared)
        return _Refusal(code, text, trailing), None
    if shared:
        context.set_trailing_metadata(shared)
    return None, result


def _check_gate(call: CallContext) -> None:
    """Let nothing leave of a gated method that did not wait for its intent."""
    if call.intent is not None:
        raise RuntimeError(f"{call.method} answers before its intent is durable")


async def _refuse(refusal: _Refusal, context: Any) -> None:
    context.set_trailing_metadata(refusal.trailing)
    await context.abort(refusal.code, refusal.text)


def _finish(
    method: Method, around: Surroundings, call: CallContext, span: Span | None, status: str, started: float
) -> None:
    around.metrics.observe_call(method.name, status, around.clock.boottime() - started)
    if span is not None:
        span.end(status, call.request_id)


def _metadata(context: Any) -> dict[str, Any]:
    fields = context.invocation_metadata() or ()
    metadata = dict(fields)
    if len(metadata) != len(fields) and sum(name == "authorization" for name, _ in fields) > 1:
        # Which of two tokens counts is nothing to leave to the order in which they came: neither does.
        metadata["authorization"] = ""
    return metadata


def _request_id(metadata: Mapping[str, Any], ids: OrderedUuids) -> str:
    given = metadata.get("x-request-id")
    if isinstance(given, str) and _REQUEST_ID.fullmatch(given):
        return given
    return ids.next()


async def _admit(
    method: Method,
    around: Surroundings,
    call: CallContext,
    context: Any,
    metadata: Mapping[str, Any],
    started: float,
) -> None:
    call.caller = _identity(around, context)
    caller = PUBLIC if call.caller is None else call.caller.path
    if caller not in method.callers:
        raise DomainError(
            ErrorReason.ERROR_REASON_CALLER_NOT_LISTED,
            f"workload {caller} is not listed as a caller of {method.name}",
        )
    call.peer = context.peer()
    remaining = context.time_remaining()
    if remaining is not None:
        if remaining < MINIMUM_REMAINING_S:
            raise DomainError(
                ErrorReason.ERROR_REASON_DEADLINE_TOO_SHORT,
                f"less than {MINIMUM_REMAINING_S * 1000:.0f} ms are left until the call's deadline",
            )
        call.deadline = started + remaining
    authorization = metadata.get("authorization")
    if around.tokens is None:
        return
    if authorization is None:
        if call.caller is None and method.audited.recording is not Recording.SUMMARY:
            # A stranger: refused before anything of the request is parsed or written down.
            require_principal(call)
        return
    if call.caller is not None and call.caller.kind not in _TOKEN_BEARERS:
        raise DomainError(
            ErrorReason.ERROR_REASON_CALLER_NOT_LISTED, f"workload {caller} may not carry a principal token"
        )
    scheme, _, token = str(authorization).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_TOKEN,
            "the metadata key 'authorization' must be 'Bearer <token>'",
        )
    call.principal = await around.tokens.verify(token)
    call.principal_token = token


def _identity(around: Surroundings, context: Any) -> WorkloadId | None:
    # The subject alternative names of a verified client certificate. Reading them is cheap, reading the
    # whole authentication context is not; a cache by connection would have to be keyed by an address
    # that another process can take over.
    names = context.peer_identities()
    if not names:
        return None
    key = tuple(names)
    if key in around.identities:
        identity = around.identities[key]
    else:
        identity = _parse_identity(key, around.trust_domain)
        if len(around.identities) < 1024:
            around.identities[key] = identity
    if identity is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_CALLER_NOT_LISTED,
            "the client certificate must carry exactly one URI SAN, a SPIFFE id of this trust domain",
        )
    return identity


def _parse_identity(names: tuple[bytes, ...], trust_domain: str) -> WorkloadId | None:
    uris = [name.decode("utf-8", "replace") for name in names if b"://" in name]
    if len(uris) != 1:
        return None
    try:
        identity = WorkloadId.parse(uris[0])
    except ValueError:
        return None
    return identity if identity.trust_domain == trust_domain else None


def _parse(method: Method, request: bytes) -> Any:
    try:
        message = method.handler.request_deserializer(request)
    except Exception as error:  # protobuf raises its own DecodeError, or ValueError
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_FIELD, f"the request is not a valid message of {method.name}"
        ) from error
    try:
        protovalidate.validate(message)
    except protovalidate.ValidationError as error:
        violation = error.violations[0].proto
        elements = () if violation.field is None else violation.field.elements
        path = ".".join(element.field_name for element in elements)
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_FIELD, f"{path}: {violation.message}", field=path
        ) from error
    return message


async def _record(
    method: Method, around: Surroundings, call: CallContext, status: str, reason: str, entered: bool
) -> None:
    """Write the outcome. An intent, once written, always gets one, whatever became of the call."""
    # A call that was refused before its gate has not waited for it yet.
    await call.intended()
    if call.conclusion is not None:
        await call.conclusion
        if status == "OK":
            return
    authenticated = call.caller is not None or call.principal is not None
    if method.audited.recording is Recording.ADMITTED:
        await _record_admission(method, around, call, status, reason)
    elif entered or (authenticated and method.audited.recording is not Recording.SUMMARY):
        await around.recorder.outcome(call, method.audited, status, reason)
    else:
        around.recorder.summarise(call, method.audited, status, reason)


async def _record_admission(
    method: Method, around: Surroundings, call: CallContext, status: str, reason: str
) -> None:
    """Write the outcome of a call whose caller proves itself to the handler.

    Who was not let in is a stranger, whichever workload passed the call on.
    """
    if call.admitted:
        await around.recorder.outcome(call, method.audited, status, reason)
    elif not call.notable or not await around.recorder.note(call, method.audited, status, reason):
        around.recorder.summarise(call, method.audited, status, reason)
