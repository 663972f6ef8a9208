"""A small real OTLP collector: keeps the spans it receives, as bytes and by name."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


class Collector(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc]
    """Listens on a loopback port of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: list[bytes] = []
        self._names: list[str] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Take in one batch."""
        with self._lock:
            self._received.append(request.SerializeToString())
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self._names += [span.name for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def received(self) -> bytes:
        """Everything so far."""
        with self._lock:
            return b"".join(self._received)

    def names(self) -> list[str]:
        """Names of the spans so far."""
        with self._lock:
            return list(self._names)

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop(None)
