"""The listener of revocations while a real Redis dies, hangs and returns."""

import asyncio
import contextlib
import dataclasses
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.chassis.context import CallContext
from services.chassis.leases import LeaseAnswer, Leases
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.principal import PrincipalClaims
from services.chassis.revocation import RedisRevocations, RevocationListener
from tests.fakes.clock import ManualClock
from tests.fakes.redis_server import RedisServer
from tests.fakes.tcp import serving
from tests.fakes.workloads import Workloads

ACCOUNT = "123456789012"
QUIET_S = 0.2
"""How soon a silent subscription is probed here, instead of the 15 s of a service."""
SOON_S = 8.0
"""Far above what any of this takes, on a machine that does other things too."""


class Heard:
    """What a listener called, and a way to wait for it."""

    def __init__(self, redis: RedisServer) -> None:
        self.epochs: list[int] = []
        self.resets = 0
        self.publisher = RedisRevocations(redis.settings)
        self._changed = asyncio.Event()

    def revoke(self, account_id: str, epoch: int) -> None:
        assert account_id == ACCOUNT
        self.epochs.append(epoch)
        self._changed.set()

    def revoke_all(self) -> None:
        self.resets += 1
        self._changed.set()

    async def reset(self, times: int) -> None:
        """Wait until `revoke_all` was called so often."""
        async with asyncio.timeout(SOON_S):
            while self.resets < times:
                self._changed.clear()
                await self._changed.wait()

    async def hears(self, epoch: int) -> bool:
        """Announce once, and say whether it was heard."""
        await self.publisher.publish(ACCOUNT, epoch)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while epoch not in self.epochs:
                    self._changed.clear()
                    await self._changed.wait()
        return epoch in self.epochs


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, Workloads(tmp_path / "pki"), role="publisher")
    server.start()
    yield server
    server.kill()


@contextlib.asynccontextmanager
async def running(listener: RevocationListener) -> AsyncIterator[None]:
    task = asyncio.create_task(listener.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def heard(redis: RedisServer) -> AsyncIterator[Heard]:
    """A listener that is subscribed, and what it heard."""
    made = Heard(redis)
    async with running(RevocationListener(redis.settings, made.revoke, made.revoke_all, quiet_s=QUIET_S)):
        await made.reset(1)
        assert await made.hears(1)
        yield made
    await made.publisher.close()


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.message == "revocations_not_heard" for record in caplog.records)


async def test_redis_dies_and_returns(
    redis: RedisServer, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for loss in (1, 2):
            redis.kill()
            # This waits for two seconds, in which the listener tries several times: a loss is told once.
            assert not await heard.hears(10 * loss)
            redis.start()
            await heard.reset(loss + 1)
            assert await heard.hears(10 * loss + 1)
            assert warnings(caplog) == loss
    assert heard.resets == 3
    assert heard.epochs == [1, 11, 21]


async def test_a_redis_that_hangs_is_noticed_and_taken_back(
    redis: RedisServer, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        redis.hang()
        async with asyncio.timeout(SOON_S):
            while not warnings(caplog):
                await asyncio.sleep(0.02)
        assert heard.resets == 1
        started = asyncio.get_running_loop().time()
        await heard.publisher.publish(ACCOUNT, 2)
        # The change that is announced is durable already: its caller does not wait for Redis.
        assert asyncio.get_running_loop().time() - started < 2
        redis.recover()
        await heard.reset(2)
        assert await heard.hears(3)
    assert warnings(caplog) == 1


async def test_silence_alone_changes_nothing(
    redis: RedisServer, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await asyncio.sleep(10 * QUIET_S)
        assert await heard.hears(2)
    assert heard.resets == 1
    assert not warnings(caplog)


async def test_a_server_that_lets_nobody_in_is_not_waited_for(tmp_path: Path, redis: RedisServer) -> None:
    """It completes the handshake and then says nothing: no answer to AUTH, no end either."""
    tls = Workloads(tmp_path / "other").tls("service/redis")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.private_key)
    greeted: list[bytes] = []
    again = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(await reader.read(65536))
        if len(greeted) > 1:
            again.set()
        while await reader.read(65536):
            pass

    heard = Heard(redis)
    async with serving(silent, ssl=context) as port:
        settings = dataclasses.replace(redis.settings, port=port, ca=tls.ca)
        async with running(RevocationListener(settings, heard.revoke, heard.revoke_all, quiet_s=QUIET_S)):
            async with asyncio.timeout(SOON_S):
                await again.wait()
    assert all(greeted)
    assert heard.resets == 0
    await heard.publisher.close()


class Auth:
    """A LeaseSource whose answer tests change."""

    def __init__(self) -> None:
        self.epoch = 1
        self.asked = 0

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        self.asked += 1
        return LeaseAnswer(PolicyBundle(), frozenset(), self.epoch, f"digest {self.epoch}", 5.0)


async def test_leases_from_before_a_loss_are_not_used_after_it(redis: RedisServer) -> None:
    # The clock stands still: no lease ends or is renewed by itself.
    auth = Auth()
    leases = Leases(auth, ManualClock())
    claims = PrincipalClaims(
        ACCOUNT, "i", "arn", "AIDA", "AKIA", False, 1, "us-east-1", "runtime", "t", 0, 60
    )
    call = CallContext("/m", "r", "c", None, principal=claims, principal_token="token")
    heard = Heard(redis)

    def revoke_all() -> None:
        leases.revoke_all()
        heard.revoke_all()

    async with running(RevocationListener(redis.settings, leases.revoke, revoke_all, quiet_s=QUIET_S)):
        await heard.reset(1)
        assert (await leases.get(call)).epoch == 1
        redis.kill()
        auth.epoch = 2
        await heard.publisher.publish(ACCOUNT, 2)
        assert (await leases.get(call)).epoch == 1
        assert auth.asked == 1
        redis.start()
        await heard.reset(2)
        assert (await leases.get(call)).epoch == 2
        assert auth.asked == 2
    await heard.publisher.close()
