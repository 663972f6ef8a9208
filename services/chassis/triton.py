"""Triton's gRPC protocol, as far as Craton speaks it: method paths and the one request it sends."""

from triton_wire import inference_pb2

_SERVICE = "/inference.GRPCInferenceService"
MODEL_STREAM_INFER = f"{_SERVICE}/ModelStreamInfer"
SERVER_READY = f"{_SERVICE}/ServerReady"
MODEL_READY = f"{_SERVICE}/ModelReady"
REPOSITORY_MODEL_LOAD = f"{_SERVICE}/RepositoryModelLoad"
REPOSITORY_MODEL_UNLOAD = f"{_SERVICE}/RepositoryModelUnload"

SOCKET_NAME = "t:1"
"""Name of Triton's socket in its directory, for --grpc-address=unix:<directory>/t --grpc-port=1."""


def sealed_request(model: str, session: bytes, frame: bytes) -> bytes:
    """Serialise a ModelInferRequest with the tensors SESSION and REQUEST.

    Sent alone on MODEL_STREAM_INFER and followed by a half-close, which is the same on the wire as a
    call with one request and a stream of responses.
    """
    tensor = inference_pb2.ModelInferRequest.InferInputTensor
    serialized: bytes = inference_pb2.ModelInferRequest(
        model_name=model,
        inputs=[
            tensor(name="SESSION", datatype="UINT8", shape=[len(session)]),
            tensor(name="REQUEST", datatype="UINT8", shape=[len(frame)]),
        ],
        raw_input_contents=[session, frame],
    ).SerializeToString()
    return serialized
