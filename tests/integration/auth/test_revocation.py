"""Revocation over a real Redis, with the accounts that the local stack gives its services."""

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable

import pytest
from craton.auth.v1 import access_key_service_pb2, resources_pb2
from redis.exceptions import NoPermissionError

from services.chassis.revocation import ACCOUNTS, RedisRevocations, RevocationListener, connect
from services.chassis.settings import RedisSettings
from tests.eventually import until
from tests.fakes.auth_client import ACCOUNT, bearer
from tests.fakes.tcp import hang_up, serving


@contextlib.asynccontextmanager
async def listening(listener: RevocationListener) -> AsyncIterator[None]:
    """Listen until the end of the block."""
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def publishing(settings: RedisSettings) -> AsyncIterator[RedisRevocations]:
    """Announce until the end of the block."""
    publisher = RedisRevocations(settings)
    try:
        yield publisher
    finally:
        await publisher.close()


async def publish_until(
    publisher: RedisRevocations, account: str, epoch: int, condition: Callable[[], bool]
) -> None:
    """Announce again and again: one that subscribes late hears nothing of what came before."""
    async with asyncio.timeout(5):
        while not condition():
            await publisher.publish(account, epoch)
            await asyncio.sleep(0.02)


async def test_a_change_reaches_a_listener_and_redis_may_come_and_go(redis, operator, admin) -> None:
    heard: list[tuple[str, int]] = []
    listener = RevocationListener(
        redis("runtime"), lambda account, epoch: heard.append((account, epoch)), lambda: None
    )
    async with listening(listener), publishing(redis("auth")) as publisher:
        await publish_until(publisher, "000000000000", 7, lambda: bool(heard))
        assert heard[0] == ("000000000000", 7)
        metadata = bearer(await operator.token(admin))
        await operator.keys.UpdateAccessKey(
            access_key_service_pb2.UpdateAccessKeyRequest(
                user_name="admin",
                access_key_id=admin.access_key_id,
                status=resources_pb2.ACCESS_KEY_STATUS_INACTIVE,
            ),
            metadata=metadata,
        )
        await until(lambda: any(account == ACCOUNT for account, _epoch in heard), limit_s=1)


async def test_a_quiet_subscription_stays_and_a_dead_one_is_replaced(redis, caplog) -> None:
    settings = redis("runtime")
    gate = asyncio.Event()
    gate.set()
    connections = 0

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await gate.wait()
                target.write(data)
                await target.drain()
        target.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        upstream_reader, upstream_writer = await asyncio.open_connection(settings.host, settings.port)
        try:
            await asyncio.gather(carry(reader, upstream_writer), carry(upstream_reader, writer))
        finally:
            await hang_up(upstream_writer)

    heard: list[tuple[str, int]] = []
    # A path to Redis that can fall silent without closing anything.
    async with serving(relay) as port:
        listener = RevocationListener(
            dataclasses.replace(settings, port=port),
            lambda account, epoch: heard.append((account, epoch)),
            lambda: None,
            quiet_s=0.2,
        )
        async with listening(listener), publishing(redis("auth")) as publisher:
            await publish_until(publisher, ACCOUNT, 1, lambda: bool(heard))
            before = connections
            await asyncio.sleep(1.0)
            assert connections == before
            gate.clear()
            await until(lambda: connections > before)
            gate.set()
            assert "revocations_not_heard" in caplog.text
            await publish_until(publisher, ACCOUNT, 2, lambda: heard[-1] == (ACCOUNT, 2))


async def test_a_subscriber_cannot_revoke(redis) -> None:
    client = connect(redis("runtime"))
    try:
        with pytest.raises(NoPermissionError):
            await client.publish(ACCOUNTS.channel, ACCOUNTS.encode(ACCOUNT, 1))
    finally:
        await client.aclose()


async def test_nobody_is_trusted_but_our_own_authority(redis, tmp_path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_bytes(redis("auth").ca.read_bytes())
    client = connect(dataclasses.replace(redis("auth"), ca=authority))
    try:
        await client.publish(ACCOUNTS.channel, ACCOUNTS.encode(ACCOUNT, 1))
        connection = client.connection_pool.make_connection()
        first = connection._trust.context()
        assert first.cert_store_stats()["x509_ca"] == 1, "those that the system trusts are not among them"
        assert client.connection_pool.make_connection()._trust.context() is first
        replaced = tmp_path / "replaced.pem"
        replaced.write_bytes(authority.read_bytes())
        replaced.rename(authority)
        assert connection._trust.context() is not first
    finally:
        await client.aclose()


async def test_many_changes_at_once_are_all_announced(redis, caplog) -> None:
    heard: set[int] = set()
    listener = RevocationListener(redis("runtime"), lambda _account, epoch: heard.add(epoch), lambda: None)
    async with listening(listener), publishing(redis("auth")) as publisher:
        await publish_until(publisher, ACCOUNT, 1, lambda: bool(heard))
        await asyncio.gather(*(publisher.publish(ACCOUNT, epoch) for epoch in range(2, 102)))
        await until(lambda: len(heard) == 101)
        assert "revocation_not_announced" not in caplog.text


async def test_without_redis_a_change_is_acknowledged_all_the_same(redis, caplog) -> None:
    settings = redis("auth")
    publisher = RedisRevocations(
        type(settings)(settings.host, 1, "auth", settings.password_file, settings.ca)
    )
    started = asyncio.get_running_loop().time()
    with caplog.at_level(logging.WARNING):
        await publisher.publish(ACCOUNT, 1)
    assert asyncio.get_running_loop().time() - started < 1
    assert "revocation_not_announced" in caplog.text
    await publisher.close()


async def test_a_server_with_another_name_is_refused(redis) -> None:
    settings = redis("auth")
    wrong = type(settings)(
        settings.host,
        settings.port,
        settings.username,
        settings.password_file,
        settings.ca,
        server_name="other.craton.internal",
    )
    client = connect(wrong)
    try:
        with pytest.raises(Exception, match="certificate"):
            await client.publish(ACCOUNTS.channel, ACCOUNTS.encode(ACCOUNT, 1))
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    "message", ["", "123456789012", "123456789012 -1", "12 1", "123456789012 1\n", b"x", None]
)
def test_what_is_no_announcement_is_ignored(message: object) -> None:
    assert ACCOUNTS.decode(message) is None
