"""InvokeModel and InvokeModelWithResponseStream: bodies as they come, headers in AWS's form."""

from collections.abc import Mapping
from contextlib import aclosing

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit.parameters import model_parameters
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.edge.config import LimitSettings
from services.edge.domain import eventstream
from services.edge.domain.faults import Fault, fault_of, stream_exceptions
from services.edge.domain.invocation import (
    InvocationRules,
    mime_type,
    model_arn,
    receipt_headers,
    receipt_salt,
)
from services.edge.domain.model import Operation, ServiceModel
from services.edge.domain.response import HttpResponse
from services.edge.domain.route import Route
from services.edge.http.exchange import Record, Send, told
from services.edge.ports import Caller, Inference, Invocation, Part

_PADDING_POOL = 1024

_log = Log("invoke")


class Invoker:
    """The two raw operations of bedrock-runtime."""

    def __init__(
        self,
        model: ServiceModel,
        inference: Inference,
        limits: LimitSettings,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Serve `model`, which is bedrock-runtime's, through `inference`."""
        self._rules = InvocationRules(model)
        self._inference = inference
        self._limits = limits
        self._randomness = randomness
        self._partition = partition
        self._declared = stream_exceptions(model, "ResponseStream")
        self._padding = b""

    def describe(self, route: Route, call: CallContext, region: str) -> None:
        """Name the model in the audit record, before anything is done with it."""
        identifier = route.labels[0][1]
        call.resources.append(model_arn(identifier, region, self._partition))
        call.request_parameters = model_parameters(identifier)

    async def invoke(
        self, route: Route, fields: Mapping[bytes, bytes], body: bytes, caller: Caller, call: CallContext
    ) -> HttpResponse:
        """Invoke a model and render its whole answer. Raises Fault, DomainError."""
        invocation = self._invocation(route, fields, body, b"accept")
        call.deadline = call.started + self._limits.invoke_timeout_s
        try:
            answer = await self._inference.invoke(invocation, caller)
        except DomainError as error:
            raise _model_fault(told(error, caller), route) from error
        call.input_tokens, call.output_tokens = answer.input_tokens, answer.output_tokens
        receipt = answer.receipt
        return HttpResponse(
            200,
            (
                (b"content-type", answer.content_type.encode()),
                (b"x-amzn-bedrock-input-token-count", b"%d" % answer.input_tokens),
                (b"x-amzn-bedrock-output-token-count", b"%d" % answer.output_tokens),
                (b"x-amzn-bedrock-invocation-latency", b"%d" % answer.latency_ms),
                *(() if receipt is None else receipt_headers(receipt.receipt, receipt.certificate)),
            ),
            answer.body,
        )

    async def stream(
        self,
        route: Route,
        fields: Mapping[bytes, bytes],
        body: bytes,
        caller: Caller,
        record: Record,
        send: Send,
        date: bytes,
    ) -> str:
        """Invoke a model and send its answer as it comes.

        Until the first part every failure is raised and becomes an HTTP error. After that the status is
        sent: a failure ends the stream with an exception frame, and its reason is returned.
        """
        invocation = self._invocation(route, fields, body, b"x-amzn-bedrock-accept")
        record.call.deadline = record.call.started + self._limits.stream_timeout_s
        reason = ""
        async with aclosing(self._inference.stream(invocation, caller)) as parts:
            try:
                first = await anext(parts, None)
            except DomainError as error:
                raise _model_fault(told(error, caller), route) from error
            await send(_stream_start(invocation.accept, record.call.request_id, date))
            last = b""
            try:
                if first is not None:
                    await self._send(send, first, record.call)
                    async for part in parts:
                        await self._send(send, part, record.call)
            except DomainError as error:
                reason, last = self._terminal(error, route.operation, record)
            except Exception as error:
                _log.error("stream_failed", error=error, request_id=record.call.request_id)
                failure = DomainError(ErrorReason.ERROR_REASON_INTERNAL, "")
                reason, last = self._terminal(failure, route.operation, record)
        try:
            await record.close(reason)
        except DomainError as error:
            # The record of what was delivered could not be made durable: the stream must not look complete.
            reason, last = self._terminal(error, route.operation, record)
        await send({"type": "http.response.body", "body": last})
        return reason

    def _invocation(
        self, route: Route, fields: Mapping[bytes, bytes], body: bytes, accept: bytes
    ) -> Invocation:
        identifier = route.labels[0][1]
        self._rules.check_model_id(identifier)
        self._rules.check_headers(fields)
        return Invocation(
            identifier,
            body,
            mime_type(fields, b"content-type"),
            mime_type(fields, accept),
            receipt_salt(fields),
        )

    async def _send(self, send: Send, part: Part, call: CallContext) -> None:
        if part.usage is not None:
            call.input_tokens, call.output_tokens = part.usage
        if part.chunks:
            frames = b"".join([eventstream.chunk(chunk, self._pad()) for chunk in part.chunks])
            await send({"type": "http.response.body", "body": frames, "more_body": True})

    def _pad(self) -> int:
        if not self._padding:
            self._padding = self._randomness.token_bytes(_PADDING_POOL)
        padding, self._padding = self._padding[0], self._padding[1:]
        return padding

    def _terminal(self, error: DomainError, operation: Operation, record: Record) -> tuple[str, bytes]:
        fault = fault_of(error.reason, error.message, operation)
        record.failed(fault)
        return fault.reason, eventstream.exception(fault, self._declared)


def _stream_start(accept: str, request_id: str, date: bytes) -> Mapping[str, object]:
    return {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", eventstream.CONTENT_TYPE),
            (b"x-amzn-bedrock-content-type", accept.encode()),
            (b"x-amzn-requestid", request_id.encode()),
            (b"date", date),
        ],
    }


def _model_fault(error: DomainError, route: Route) -> Fault:
    fault = fault_of(error.reason, error.message, route.operation)
    if fault.code == "ModelErrorException":
        fault.members = {"originalStatusCode": 500, "resourceName": route.labels[0][1]}
    elif fault.code == "ModelStreamErrorException":
        fault.members = {"originalStatusCode": 500, "originalMessage": error.message}
    return fault
