"""A pool's Triton server, reached through its door and spoken to in sealed frames.

The agent says which model instances run and under which public keys; its door hands over a descriptor
of the directory with Triton's socket, which lies in the sandbox and has no path on the host. A session
is agreed once per instance; a call is one request and a stream of responses on one channel.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.pool.v1 import pool_service_pb2, pool_service_pb2_grpc
from craton.pool.v1.model_exchange_pb2 import ModelResponse
from triton_wire import inference_pb2

from services.chassis.errors import DomainError
from services.chassis.http2.call import Call
from services.chassis.http2.channel import Http2Channel
from services.chassis.http2.status import RpcError
from services.chassis.logs import Log
from services.chassis.pool_door import receive_directory
from services.chassis.randomness import Randomness
from services.chassis.sealing.session import UNKNOWN_SESSION, ClientExchange, ClientSession, SessionError
from services.chassis.settings import TlsSettings
from services.chassis.tls import client_context
from services.chassis.triton import MODEL_STREAM_INFER, SOCKET_NAME, sealed_request
from services.runtime.adapters import model_messages
from services.runtime.domain.generation import Embedding, Generation, TextPiece, Vectors
from services.runtime.ports import Admission

_POLL_S = 1.0
_POLL_WAITING_S = 0.2
"""While no model is ready the agent is asked more often, so that a pool is used as soon as it is back."""

_MESSAGE_BYTES = 64 * 1024 * 1024
_log = Log("pool")


@dataclass(slots=True)
class _Instance:
    """One loaded model: where it is and our session with it."""

    instance_id: str
    server_model: str
    session: ClientSession


class TritonPool:
    """A Pool over one provider's Triton server."""

    def __init__(self, name: str, agent: Any, door: Path, tls: TlsSettings, randomness: Randomness) -> None:
        """Reach pool `name`: over a channel to its agent and the socket that hands over the directory."""
        self.name = name
        self._agent = pool_service_pb2_grpc.PoolServiceStub(agent)
        self._door = door
        self._tls = tls
        self._randomness = randomness
        self._generation = ""
        self._instances: dict[str, _Instance] = {}
        self._channel: Http2Channel | None = None
        self._directory = -1

    async def run(self) -> None:
        """Follow what the pool runs, for as long as the server lives."""
        while True:
            try:
                await self._follow()
            except (grpc.aio.AioRpcError, OSError) as error:
                if self._instances:
                    _log.warning("pool_unreachable", pool=self.name, error_type=type(error).__name__)
                self._instances = {}
            await asyncio.sleep(_POLL_S if self._instances else _POLL_WAITING_S)

    async def close(self) -> None:
        """Close the channel and the door's descriptor."""
        if self._channel is not None:
            await self._channel.close()
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    async def generate(
        self, model_id: str, request: Generation, timeout_s: float, admitted: Admission
    ) -> AsyncGenerator[TextPiece, None]:
        """Stream a generation."""
        plaintext = model_messages.generate_request(request, whole_answer=False)
        async for response in self._stream(model_id, plaintext, timeout_s, admitted):
            yield model_messages.text_piece(response)

    async def complete(
        self, model_id: str, request: Generation, timeout_s: float, admitted: Admission
    ) -> TextPiece:
        """Generate and return the whole text."""
        plaintext = model_messages.generate_request(request, whole_answer=True)
        return model_messages.text_piece(await self._ask(model_id, plaintext, timeout_s, admitted))

    async def embed(
        self, model_id: str, request: Embedding, timeout_s: float, admitted: Admission
    ) -> Vectors:
        """Embed texts."""
        plaintext = model_messages.embed_request(request)
        return model_messages.vectors(await self._ask(model_id, plaintext, timeout_s, admitted))

    async def _ask(
        self, model_id: str, plaintext: bytes, timeout_s: float, admitted: Admission
    ) -> ModelResponse:
        """Ask for an answer of one response."""
        whole: ModelResponse | None = None
        async with aclosing(self._stream(model_id, plaintext, timeout_s, admitted)) as responses:
            async for response in responses:
                if whole is not None:
                    raise _broken()
                whole = response
        if whole is None:
            raise _broken()
        return whole

    async def _stream(
        self, model_id: str, plaintext: bytes, timeout_s: float, admitted: Admission
    ) -> AsyncGenerator[ModelResponse, None]:
        for attempt in (1, 2):
            instance, channel, request, exchange = self._sealed(model_id, plaintext)
            call: Call | None = None
            await admitted()
            try:
                call = await channel.call(MODEL_STREAM_INFER, request, timeout_s)
                while (raw := await call.read()) is not None:
                    response = _open(exchange, raw)
                    if response is None:
                        continue
                    yield response
                    if exchange.complete:
                        return
                raise _broken()
            except RpcError as error:
                raise _rpc_error(error) from error
            except SessionError as error:
                raise _broken() from error
            except _ForgottenSessionError:
                # Triton says so instead of an answer: nothing was generated, so asking again is safe.
                if attempt == 2:
                    break
                await self._renew(model_id, instance)
            finally:
                # After the last frame the call is left to end by itself, without waiting for that: Triton
                # never unloads a model of which a stream was broken off. Before it, the caller went away or
                # the answer is of no use, and the model's work stops.
                if call is not None and not exchange.complete:
                    call.cancel()
        raise _not_ready()

    def _sealed(
        self, model_id: str, plaintext: bytes
    ) -> tuple[_Instance, Http2Channel, bytes, ClientExchange]:
        instance, channel = self._instances.get(model_id), self._channel
        if instance is None or channel is None:
            raise _not_ready()
        frame, exchange = instance.session.request(plaintext)
        request = sealed_request(instance.server_model, instance.session.encapsulated, frame)
        return instance, channel, request, exchange

    async def _renew(self, model_id: str, stale: _Instance) -> None:
        """Agree a new session: the model process no longer knows the old one."""
        await self._follow()
        instance = self._instances.get(model_id)
        if instance is stale:
            self._instances.pop(model_id, None)
            await self._follow()

    async def _follow(self) -> None:
        answer = await self._agent.ListModelInstances(
            pool_service_pb2.ListModelInstancesRequest(), timeout=2.0
        )
        if answer.generation != self._generation or self._channel is None:
            await self._connect()
            self._generation = answer.generation
            self._instances = {}
        instances: dict[str, _Instance] = {}
        for each in answer.instances:
            if not each.ready:
                continue
            known = self._instances.get(each.model_id)
            if known is None or known.instance_id != each.instance_id:
                session = ClientSession(each.public_key, each.model_id, each.instance_id, self._randomness)
                known = _Instance(each.instance_id, each.server_model_name, session)
                _log.info("model_ready", pool=self.name, model_id=each.model_id, instance_id=each.instance_id)
            instances[each.model_id] = known
        self._instances = instances

    async def _connect(self) -> None:
        directory = await asyncio.to_thread(receive_directory, str(self._door))
        await self.close()
        self._directory = directory
        self._channel = Http2Channel(
            f"unix:/proc/self/fd/{directory}/{SOCKET_NAME}",
            client_context(self._tls),
            f"triton-{self.name}.craton.internal",
            largest_message=_MESSAGE_BYTES,
        )


class _ForgottenSessionError(Exception):
    """The model process no longer knows the session."""


def _open(exchange: ClientExchange, raw: bytes) -> ModelResponse | None:
    """Read one of Triton's responses: None for its own end marker.

    Raises DomainError for Triton's refusals, SessionError, _ForgottenSessionError.
    """
    answer = inference_pb2.ModelStreamInferResponse.FromString(raw)
    if answer.error_message:
        if answer.error_message.endswith(UNKNOWN_SESSION):
            raise _ForgottenSessionError
        raise _server_error(answer.error_message)
    if not answer.infer_response.raw_output_contents:
        return None
    return ModelResponse.FromString(exchange.open(answer.infer_response.raw_output_contents[0]))


def _not_ready() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_MODEL_NOT_READY,
        "The model is not ready for inference. Please try again.",
        retry_after_s=1.0,
    )


def _broken() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_MODEL_ERROR, "the model's answer broke off")


def _server_error(text: str) -> DomainError:
    """Map what Triton says of a request that it did not hand to the model, or that the model refused."""
    lowered = text.lower()
    if "exceeds maximum queue size" in lowered or "overloaded" in lowered:
        return DomainError(
            ErrorReason.ERROR_REASON_THROTTLED,
            "Too many requests, please wait before trying again.",
            retry_after_s=1.0,
        )
    if "timeout" in lowered:
        return DomainError(ErrorReason.ERROR_REASON_MODEL_TIMEOUT, "the model did not answer in time")
    if "is not ready" in lowered or "unknown model" in lowered or "not found" in lowered:
        return _not_ready()
    return DomainError(
        ErrorReason.ERROR_REASON_MODEL_ERROR, "the model failed while it worked on the request"
    )


def _rpc_error(error: RpcError) -> DomainError:
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DomainError(ErrorReason.ERROR_REASON_MODEL_TIMEOUT, "the model did not answer in time")
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return _server_error(error.details) if "queue" in error.details else _not_ready()
    if error.code is grpc.StatusCode.CANCELLED:
        return DomainError(ErrorReason.ERROR_REASON_CANCELLED, "the call was cancelled")
    return DomainError(
        ErrorReason.ERROR_REASON_MODEL_ERROR, "the model failed while it worked on the request"
    )
