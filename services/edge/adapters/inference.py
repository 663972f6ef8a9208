"""runtime's inference service over gRPC. Bodies are passed through: nobody here parses JSON."""

from collections.abc import AsyncGenerator
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.chassis.rich_status import from_rpc_error
from services.edge.ports import Answer, Caller, Invocation, Part, Receipt

_SERVICE = "/craton.runtime.v1.InferenceService/"


class GrpcInference:
    """The Inference port over a channel to runtime."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to runtime."""
        self._invoke = channel.unary_unary(
            _SERVICE + "InvokeModel",
            request_serializer=pb.InvokeModelRequest.SerializeToString,
            response_deserializer=pb.InvokeModelResponse.FromString,
        )
        self._stream = channel.unary_stream(
            _SERVICE + "InvokeModelWithResponseStream",
            request_serializer=pb.InvokeModelWithResponseStreamRequest.SerializeToString,
            response_deserializer=pb.InvokeModelWithResponseStreamResponse.FromString,
        )

    async def invoke(self, invocation: Invocation, caller: Caller) -> Answer:
        """Invoke a model; the time-out is what is left of the call's deadline."""
        request = pb.InvokeModelRequest(
            model_id=invocation.model_id,
            body=invocation.body,
            content_type=invocation.content_type,
            accept=invocation.accept,
            receipt_salt=invocation.receipt_salt,
        )
        call = self._invoke(request, metadata=caller.metadata)
        try:
            response: pb.InvokeModelResponse = await call
        except grpc.aio.AioRpcError as error:
            raise _translate(error) from error
        usage, receipt = response.usage, None
        if response.HasField("receipt"):
            receipt = Receipt(response.receipt.receipt, response.receipt.certificate)
        return Answer(
            response.body,
            response.content_type,
            usage.input_tokens,
            usage.output_tokens,
            response.latency_ms,
            receipt,
        )

    async def stream(self, invocation: Invocation, caller: Caller) -> AsyncGenerator[Part, None]:
        """Invoke a model and yield what comes; leaving the generator cancels the call."""
        request = pb.InvokeModelWithResponseStreamRequest(
            model_id=invocation.model_id,
            body=invocation.body,
            content_type=invocation.content_type,
            accept=invocation.accept,
            receipt_salt=invocation.receipt_salt,
        )
        call: Any = self._stream(request, metadata=caller.metadata)
        try:
            # The iteration raises when the call did not end well: a stream that died never looks complete.
            async for message in call:
                usage = message.usage if message.HasField("usage") else None
                yield Part(message.chunks, usage and (usage.input_tokens, usage.output_tokens))
        except grpc.aio.AioRpcError as error:
            raise _translate(error) from error
        finally:
            call.cancel()


def _translate(error: grpc.aio.AioRpcError) -> DomainError:
    translated = from_rpc_error(error, "runtime")
    if (
        error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        and translated.reason == ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE
    ):
        return DomainError(
            ErrorReason.ERROR_REASON_MODEL_TIMEOUT, "Model has timed out in processing the request."
        )
    return translated
