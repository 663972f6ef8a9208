"""What kms is compared with: the same server and the same decision, and an answer at once.

    python -m tests.load.kms.anchor --config kms.toml

Serves the measured methods of CryptoService behind everything that the server factory puts around a
handler: mutual TLS, caller check, validation, the principal's token, intent and outcome in a durable spool.
The handler decides about the same action as kms, on a fixed key, by the principal's lease and a key policy of
the same text, and returns an answer that was made beforehand. It reads no key and encrypts nothing.
"""

import argparse
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from craton.kms.v1 import crypto_service_pb2 as pb
from craton.kms.v1 import crypto_service_pb2_grpc

import services.kms
from services.chassis.arn import arn_of
from services.chassis.authorization import refuse
from services.chassis.clock import SystemClock
from services.chassis.config import load
from services.chassis.context import current_call
from services.chassis.pipeline import require_principal
from services.chassis.policy.keys import Conditions
from services.chassis.policy.layers import ResourceLayers
from services.chassis.randomness import SystemRandomness
from services.chassis.server import Server, run
from services.kms.adapters.enforcement import KeyEnforcement
from services.kms.config import KmsConfig
from services.kms.domain.key_policies import CompiledKeyPolicies
from services.kms.events import EVENTS
from tests.load.answering_server import build_server
from tests.load.kms.estate import KEY_POLICY, OWNER
from tests.load.kms.requests import ASKINGS, DATA_KEY_SIZE, SAMPLE

_METHODS = frozenset(each.method for each in ASKINGS.values())
_CRYPTO = "/craton.kms.v1.CryptoService/"
_HEALTH = "/grpc.health.v1.Health/Check"
_CALLERS = Path(services.kms.__file__).parent / "callers.toml"
_OVERHEAD = 64
"""Bytes that a ciphertext is longer than its plaintext, about."""


class AnsweringAtOnce(crypto_service_pb2_grpc.CryptoServiceServicer):
    """Decides, and answers what it has ready."""

    def __init__(self, enforcement: KeyEnforcement) -> None:
        self._policies = enforcement.policies
        name = str(OWNER.parent.key("00000000-0000-4000-8000-000000000000"))
        self._arn = arn_of(name)
        policy = CompiledKeyPolicies("aws").compiled(KEY_POLICY, OWNER.parent.owner)
        self._target = ResourceLayers(OWNER.parent.owner, policy, required=True)
        ciphertext, key = b"c" * (len(SAMPLE.plaintext) + _OVERHEAD), b"k" * DATA_KEY_SIZE
        self._answers: Mapping[str, Any] = {
            "GenerateDataKey": pb.GenerateDataKeyResponse(
                plaintext=key, ciphertext=b"c" * (DATA_KEY_SIZE + _OVERHEAD), key_name=name
            ),
            "Encrypt": pb.EncryptResponse(ciphertext=ciphertext, key_name=name),
            "Decrypt": pb.DecryptResponse(plaintext=SAMPLE.plaintext, key_name=name),
            "Sign": pb.SignResponse(signature=b"s" * 72, key_name=name),
        }

    async def GenerateDataKey(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer at once."""
        return await self._answer("GenerateDataKey", request.encryption_context)

    async def Encrypt(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer at once."""
        return await self._answer("Encrypt", request.encryption_context)

    async def Decrypt(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer at once."""
        return await self._answer("Decrypt", request.encryption_context)

    async def Sign(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer at once."""
        return await self._answer("Sign", {})

    async def _answer(self, method: str, pairs: Mapping[str, str]) -> Any:
        call = current_call()
        principal = require_principal(call)
        action = f"kms:{method}"

        async def said() -> Conditions:
            conditions = {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
            return {**conditions, "kms:CallerAccount": principal.account_id}

        decision = await self._policies.decide(call, action, self._arn, said, self._target, OWNER.incarnation)
        if not decision.allowed:
            raise refuse(principal, action, self._arn, decision)
        await call.intended()
        call.conclude()
        return self._answers[method]


def build(config: KmsConfig, folder: Path) -> Server:
    """Build the server, in kms's place."""
    clock, random = SystemClock(), SystemRandomness()
    methods = {f"{_CRYPTO}{name}" for name in _METHODS} | {_HEALTH}
    callers = folder / "callers.toml"
    listed = tomllib.loads(_CALLERS.read_text())
    callers.write_text("".join(f"{json.dumps(name)} = {json.dumps(listed[name])}\n" for name in methods))
    events = {name: EVENTS[name] for name in methods - {_HEALTH}}
    server, auth = build_server(config, callers, events, clock=clock, randomness=random)
    enforcement = KeyEnforcement(auth, config.redis, clock, random)
    server.add(
        crypto_service_pb2_grpc.add_CryptoServiceServicer_to_server,
        AnsweringAtOnce(enforcement),
        only=_METHODS,
    )
    enforcement.attach(server)
    return server


def main() -> int:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.kms.anchor", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    config = load(arguments.config, KmsConfig)
    return run(lambda: build(config, arguments.config.parent))


if __name__ == "__main__":
    raise SystemExit(main())
