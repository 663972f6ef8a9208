"""Triton's side of a sealed exchange: tensors in, tensors out, and FINAL on every path.

Inputs SESSION and REQUEST and output RESPONSE are uint8 tensors of ciphertext: numpy and the model server
keep freed buffers for long, and may. Plaintext exists only in this process's ordinary heap, where freed
memory is overwritten: see `allocator`.
"""

import json
import logging
import uuid
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from craton.pool.v1.model_exchange_pb2 import FailureReason, ModelFailure, ModelRequest, ModelResponse
from google.protobuf.message import DecodeError

from services.chassis.garbage import leave_modules_out
from services.chassis.randomness import SystemRandomness
from services.chassis.sealing.session import (
    REFUSED_FRAME,
    ModelExchange,
    ModelIdentity,
    ModelSessions,
    SessionError,
)
from services.pool import handover
from services.pool.backends.allocator import forget_freed_memory
from services.pool.backends.failures import log_failure
from services.pool.backends.generation import RequestRefused
from services.pool.backends.sweeper import Sweeper

OVERLOADED = "craton: overloaded"
"""Error text of a request that was refused because too many wait: the caller may try again later."""

logger = logging.getLogger("craton.backend")


class TritonReply:
    """Seals the responses of one request and hands them to the model server."""

    def __init__(self, sender: Any, exchange: ModelExchange) -> None:
        """`sender` is the request's response sender."""
        self._sender = sender
        self._exchange = exchange

    def send(self, response: ModelResponse, *, final: bool) -> None:
        """Seal and send; with `final` the request is over. Raises when the model server refuses."""
        frame = self._exchange.seal(response.SerializeToString(), final=final)
        tensor = pb_utils.Tensor("RESPONSE", np.frombuffer(frame, dtype=np.uint8))
        flags = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL if final else 0
        try:
            self._sender.send(pb_utils.InferenceResponse(output_tensors=[tensor]), flags=flags)
        except Exception:
            # A request that never gets its FINAL would keep its caller waiting for minutes.
            self._sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
            raise

    def cancelled(self) -> bool:
        """Whether the caller gave up; costs a message to the model server."""
        return bool(self._sender.is_cancelled())

    def fail(self, reason: FailureReason, message: str, *, input_tokens: int = 0) -> None:
        """End the request with a typed failure; the message never carries content."""
        failure = ModelFailure(reason=reason, message=message, input_tokens=input_tokens)
        self.send(ModelResponse(failure=failure, final=True), final=True)


class SealedModel(ABC):
    """What every backend does the same way. Subclasses become a module's TritonPythonModel."""

    def initialize(self, args: dict[str, str]) -> None:
        """Called by the model server once: obtain the weights, load them, announce the session key."""
        forget_freed_memory()
        leave_modules_out()
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        parameters = json.loads(args["model_config"]).get("parameters", {})
        self.parameters = {name: str(value["string_value"]) for name, value in parameters.items()}
        socket_path = self.parameters.get(handover.SOCKET_PARAMETER, handover.SOCKET_IN_SANDBOX)
        self._handover = handover.obtain(socket_path, args["model_name"])
        try:
            self.load(self._handover)
        finally:
            self._handover.close_files()
        identity = ModelIdentity(self._handover.model_id, str(uuid.uuid4()))
        self._sessions = ModelSessions(identity, SystemRandomness())
        self._sweeper = Sweeper()
        self._handover.announce(identity.public_key, identity.instance_id)

    @abstractmethod
    def load(self, material: handover.Handover) -> None:
        """Open the weights and get ready to serve."""

    @abstractmethod
    def serve(self, request: ModelRequest, reply: TritonReply) -> None:
        """Start answering; may return before the answer is complete.

        Raises RequestRefused for the caller's mistakes, BusyError when too many requests wait.
        """

    @abstractmethod
    def close(self) -> None:
        """End every request and stop."""

    def execute(self, requests: list[Any]) -> None:
        """Called by the model server with new requests; answers come through their response senders."""
        for request in requests:
            sender = request.get_response_sender()
            try:
                self._open(request, sender)
            except SessionError as error:
                logger.warning("a request was refused: %s", error)
                _refuse(sender, error.text)
            except BusyError:
                _refuse(sender, OVERLOADED, unavailable=True)
            except Exception as error:
                # One request's failure must not end the process.
                log_failure(error)
                _refuse(sender, "craton: internal error")
        self._sweeper.request_served()

    def finalize(self) -> None:
        """Called by the model server before it ends this process."""
        self.close()
        self._sweeper.close()
        self._handover.close()

    def _open(self, request: Any, sender: Any) -> None:
        tensors = [pb_utils.get_input_tensor_by_name(request, name) for name in ("SESSION", "REQUEST")]
        if any(tensor is None for tensor in tensors):
            raise SessionError(REFUSED_FRAME, "a tensor is missing")
        session, frame = (tensor.as_numpy().tobytes() for tensor in tensors)
        plaintext, exchange = self._sessions.open_request(session, frame)
        reply = TritonReply(sender, exchange)
        try:
            self.serve(ModelRequest.FromString(plaintext), reply)
        except RequestRefused as refusal:
            reply.fail(refusal.reason, str(refusal), input_tokens=refusal.input_tokens)
        except DecodeError:
            reply.fail(FailureReason.FAILURE_REASON_INVALID_PARAMETER, "the request is malformed")


class BusyError(Exception):
    """Too many requests wait."""


def _refuse(sender: Any, text: str, *, unavailable: bool = False) -> None:
    code = pb_utils.TritonError.UNAVAILABLE if unavailable else pb_utils.TritonError.INVALID_ARG
    response = pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(text, code))
    sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
