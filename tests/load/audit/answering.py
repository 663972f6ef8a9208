"""A server whose methods answer at once: what a call through gRPC waits for is its records.

    python -m tests.load.audit.answering --config kms.toml

Everything that the server factory puts around a handler is there: mutual TLS, caller check, validation, the
principal's token, and the records in a durable spool, which is shipped. GetPublicKey is a read, whose outcome
is durable before the answer; Sign has an effect: its intent is durable before the handler runs as well.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from craton.kms.v1 import crypto_service_pb2 as pb
from craton.kms.v1 import crypto_service_pb2_grpc

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.clock import SystemClock
from services.chassis.config import load
from services.chassis.context import CallContext
from services.chassis.randomness import SystemRandomness
from services.chassis.server import Server, run
from services.kms.config import KmsConfig
from tests.load.answering_server import build_server

_SERVICE = "/craton.kms.v1.CryptoService/"
_HEALTH = "/grpc.health.v1.Health/Check"
_CALLER = "operator/admin"
METHODS = frozenset({"GetPublicKey", "Sign"})


def _key(request: Any, _call: CallContext) -> Sequence[str]:
    return (request.key_name,)


EVENTS = {
    f"{_SERVICE}GetPublicKey": AuditedMethod("kms.amazonaws.com", "GetPublicKey", Recording.READ, _key),
    f"{_SERVICE}Sign": AuditedMethod("kms.amazonaws.com", "Sign", Recording.EFFECT, _key),
}


class AnsweringAtOnce(crypto_service_pb2_grpc.CryptoServiceServicer):
    """Has its answers ready."""

    _public_key = pb.GetPublicKeyResponse(public_key=bytes(32))
    _signature = pb.SignResponse(signature=bytes(64))

    async def GetPublicKey(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer a read."""
        return self._public_key

    async def Sign(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer an effect."""
        return self._signature


def build(config: KmsConfig, folder: Path) -> Server:
    """Build the server, in the place of kms."""
    clock, random = SystemClock(), SystemRandomness()
    callers = folder / "callers.toml"
    lines = (f"{json.dumps(name)} = {json.dumps([_CALLER])}\n" for name in (*EVENTS, _HEALTH))
    callers.write_text("".join(lines))
    server, _ = build_server(config, callers, EVENTS, clock=clock, randomness=random)
    server.add(crypto_service_pb2_grpc.add_CryptoServiceServicer_to_server, AnsweringAtOnce(), only=METHODS)
    return server


def main() -> int:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.audit.answering", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    config = load(arguments.config, KmsConfig)
    return run(lambda: build(config, arguments.config.parent))


if __name__ == "__main__":
    raise SystemExit(main())
