"""Triton: its control calls, and the watchdog's sealed inferences."""

from typing import Any

import grpc
from craton.pool.v1 import model_exchange_pb2
from triton_wire import inference_pb2

from services.chassis import triton
from services.chassis.manifest import ModelManifest
from services.chassis.randomness import Randomness
from services.chassis.sealing.session import ClientSession, SessionError
from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials
from services.pool.errors import ModelServerError
from services.pool.ports import Instance, RunningCage

_READY_TIMEOUT_S = 3.0
_ADMIN_HEADER = "triton-grpc-protocol-x-admin"
_WORD = "."
"""What the watchdog asks about: it must cost next to nothing and mean nothing."""

_Message = inference_pb2.RepositoryModelLoadRequest | inference_pb2.RepositoryModelUnloadRequest


class TritonServer:
    """A ModelServer over mTLS through the folder of its socket."""

    def __init__(self, cage: RunningCage, tls: TlsSettings, name: str, randomness: Randomness) -> None:
        """Connect to the server of `cage`, which must show a certificate for `name`."""
        self._secret = cage.secret
        self._randomness = randomness
        self._channel = grpc.aio.secure_channel(
            f"unix:/proc/self/fd/{cage.directory}/{triton.SOCKET_NAME}",
            channel_credentials(tls),
            options=[
                ("grpc.ssl_target_name_override", name),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 500),
                ("grpc.enable_retries", 0),
            ],
        )
        self._infer = self._channel.unary_stream(triton.MODEL_STREAM_INFER, None, None)
        self._sessions: dict[str, tuple[str, ClientSession]] = {}

    async def ready(self) -> bool:
        """Ask ServerReady."""
        call = self._channel.unary_unary(
            triton.SERVER_READY,
            inference_pb2.ServerReadyRequest.SerializeToString,
            inference_pb2.ServerReadyResponse.FromString,
        )
        try:
            answer = await call(inference_pb2.ServerReadyRequest(), timeout=_READY_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.ready)

    async def load(self, server_model: str, timeout_s: float) -> None:
        """Ask RepositoryModelLoad; Triton starts the model's process and waits until it has loaded."""
        request = inference_pb2.RepositoryModelLoadRequest(model_name=server_model)
        await self._control(triton.REPOSITORY_MODEL_LOAD, request, timeout_s, "load")

    async def unload(self, server_model: str, timeout_s: float) -> None:
        """Ask RepositoryModelUnload."""
        request = inference_pb2.RepositoryModelUnloadRequest(model_name=server_model)
        await self._control(triton.REPOSITORY_MODEL_UNLOAD, request, timeout_s, "unload")
        self._sessions.pop(server_model, None)

    async def _control(self, method: str, request: _Message, timeout_s: float, what: str) -> None:
        call = self._channel.unary_unary(method, type(request).SerializeToString, None)
        metadata = ((_ADMIN_HEADER, self._secret.reveal().decode()),)
        try:
            await call(request, timeout=timeout_s, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            # The text may quote the model's own words: only the status is kept.
            raise ModelServerError(f"{what}_{error.code().name.lower()}") from None

    async def infer(self, manifest: ModelManifest, instance: Instance, timeout_s: float) -> None:
        """Ask for one token or one vector through a sealed session, as the runtime does."""
        session = self._session(instance)
        frame, exchange = session.request(_question(manifest.task).SerializeToString())
        request = triton.sealed_request(instance.server_model, session.encapsulated, frame)
        call: Any = self._infer(request, timeout=timeout_s)
        try:
            # To the very end of the stream, also after the last frame: Triton never unloads a model of
            # which one stream was broken off.
            async for raw in call:
                answer = inference_pb2.ModelStreamInferResponse.FromString(raw)
                if answer.error_message:
                    raise _failed("infer_refused")
                for content in answer.infer_response.raw_output_contents:
                    _check(model_exchange_pb2.ModelResponse.FromString(exchange.open(content)))
            if not exchange.complete:
                raise _failed("infer_incomplete")
        except grpc.aio.AioRpcError as error:
            raise ModelServerError(f"infer_{error.code().name.lower()}") from None
        except SessionError as error:
            raise ModelServerError("infer_unsealed") from error

    def _session(self, instance: Instance) -> ClientSession:
        known = self._sessions.get(instance.server_model)
        if known is not None and known[0] == instance.instance_id:
            return known[1]
        session = ClientSession(
            instance.public_key, instance.model_id, instance.instance_id, self._randomness
        )
        self._sessions[instance.server_model] = (instance.instance_id, session)
        return session

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close(None)


def _question(task: str) -> model_exchange_pb2.ModelRequest:
    if task == "embeddings":
        return model_exchange_pb2.ModelRequest(embed=model_exchange_pb2.EmbedRequest(texts=[_WORD]))
    return model_exchange_pb2.ModelRequest(
        generate=model_exchange_pb2.GenerateRequest(prompt=_WORD, max_tokens=1)
    )


def _failed(reason: str) -> ModelServerError:
    return ModelServerError(reason)


def _check(response: model_exchange_pb2.ModelResponse) -> None:
    if response.HasField("failure"):
        raise ModelServerError("infer_failed")
