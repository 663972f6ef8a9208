"""A kms that leases and opens as a test tells it to."""

import asyncio
from collections.abc import Mapping, Sequence

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.data_keys.cache import DataKey
from services.chassis.data_keys.leases import KeyLeaseAnswer, KeyUse
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from tests.fakes.clock import ManualClock

KEY = "services/audit/keys/default"
USE = KeyUse(KEY, "Decrypt")


class Kms:
    """A KeyLeaseSource and a DataKeySource."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.leased: list[list[KeyUse]] = []
        self.generated = 0
        self.opened = 0
        self.down = False
        self.refusal = 0
        self.epoch = 7
        self.life_s = 4.75
        self.takes_s = 0.0
        """By which the clock goes on between a question and its answer."""
        self.lease_gate: asyncio.Event | None = None
        self.gate: asyncio.Event | None = None

    async def fetch(self, uses: Sequence[KeyUse]) -> Sequence[KeyLeaseAnswer]:
        """Lease."""
        self.leased.append(list(uses))
        answers = [KeyLeaseAnswer(self.refusal, self.epoch, self.life_s) for _ in uses]
        down = self.down
        if self.lease_gate is not None:
            await self.lease_gate.wait()
        self._answer(down)
        return answers

    async def generate(self, key_name: str, context: Mapping[str, str]) -> DataKey:
        """Make a data key."""
        self.generated += 1
        return await self._data_key(b"sealed %d" % self.generated, key_name)

    async def open(self, ciphertext: bytes, context: Mapping[str, str]) -> DataKey:
        """Open one."""
        self.opened += 1
        return await self._data_key(ciphertext, "")

    async def _data_key(self, ciphertext: bytes, key_name: str) -> DataKey:
        refusal, down = self.refusal, self.down
        number = self.generated + self.opened
        if self.gate is not None:
            await self.gate.wait()
        self._answer(down)
        if refusal:
            raise DomainError(refusal, "refused")
        plaintext = SecretBytes(b"plain %d of " % number + ciphertext)
        return DataKey(plaintext, ciphertext, KeyUse(key_name or KEY, "Decrypt"))

    def _answer(self, down: bool) -> None:
        self.clock.advance(self.takes_s)
        if down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "kms did not answer")


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(12):
        await asyncio.sleep(0)
