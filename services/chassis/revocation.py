"""Revocations by Redis: auth announces that an account's policies changed, enforcement points drop leases;
kms announces that a key's use has ended, holders of data keys drop them.

It makes revocation faster, never possible: a lease ends by itself after five seconds, so losing Redis
costs nothing but those seconds. What was announced while nobody listened is lost; whoever begins to
listen, again or for the first time, therefore trusts no lease from before.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import RedisError

from services.chassis.logs import Log
from services.chassis.redis_connection import connection_pool
from services.chassis.settings import RedisSettings

CONFIRMED_CHANNEL = "craton:revocations:confirmed"
"""Among the replicas of auth alone: a confirmation reaches one of them, and any may be waiting for it."""

EVERYBODY = "*"
"""In place of an account or a key: a change that reaches so many that all that is leased is forgotten. What
stands in place of the epoch is a random number, which tells one such announcement from another."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What revocations are about, and where they are announced."""

    channel: str
    subject: str
    """Regular expression of a subject's name, without spaces."""
    newest_says_all: bool
    """True where the epochs of a subject grow for ever, so that confirming one confirms those before."""

    def encode(self, subject: str, epoch: int) -> str:
        """Return the message that announces a subject's epoch."""
        return f"{subject} {epoch}"

    def decode(self, message: object) -> tuple[str, int] | None:
        """Read a message, None when it is not ours."""
        found = isinstance(message, str) and re.fullmatch(
            rf"({self.subject}|\*) ([0-9]{{1,19}})", message, re.ASCII
        )
        return (found[1], int(found[2])) if found else None


ACCOUNTS = Topic("craton:revocations", "[0-9]{12}", newest_says_all=True)
"""Policies, keys and agreements of an account, by auth."""
KEYS = Topic("craton:revocations:keys", "[a-z][A-Za-z0-9/-]{1,255}", newest_says_all=False)
"""Use of a key of kms, by its resource name, by kms."""

_TIMEOUT_S = 0.25
"""An announcement waits no longer for Redis: the change is durable already."""

_QUIET_S = 15.0
"""A subscription that hears nothing for this long is probed, so that a dead connection is noticed."""

_SUBSCRIBE_S = 2.0
"""How long Redis may take to let a subscriber in: one that hangs then would be waited for for ever."""

_RECONNECT_S = 0.5

_log = Log("revocation")


def connect(settings: RedisSettings, timeout_s: float | None = _TIMEOUT_S) -> "redis.asyncio.Redis":
    """Return a client that connects lazily. Raises OSError when the password file cannot be read."""
    pool = connection_pool(
        settings,
        connect_timeout_s=_TIMEOUT_S,
        timeout_s=timeout_s,
        decode_responses=True,
        max_connections=8,
    )
    return redis.asyncio.Redis.from_pool(pool)


class RedisRevocations:
    """Announces revocations."""

    def __init__(self, settings: RedisSettings, topic: Topic = ACCOUNTS) -> None:
        """Connect lazily to Redis, to announce what `topic` is about."""
        self._client = connect(settings)
        self._topic = topic

    async def publish(self, subject: str, epoch: int) -> None:
        """Announce. Never raises for Redis' sake, and returns within the time-out."""
        await self._publish(self._topic.channel, self._topic.encode(subject, epoch))

    async def relay(self, confirmation: str) -> None:
        """Tell all replicas of auth, this one too, what an enforcement point has confirmed."""
        await self._publish(CONFIRMED_CHANNEL, confirmation)

    async def _publish(self, channel: str, message: str) -> None:
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                await self._client.publish(channel, message)
        except (RedisError, OSError, TimeoutError):
            _log.warning("revocation_not_announced")

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        """Announce for several subjects, as `publish` does for one."""
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                pipeline = self._client.pipeline(transaction=False)
                for subject, epoch in epochs.items():
                    pipeline.publish(self._topic.channel, self._topic.encode(subject, epoch))
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError):
            _log.warning("revocation_not_announced")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class ChannelListener:
    """Hears what is said on one channel, for the life of a service."""

    def __init__(
        self,
        settings: RedisSettings,
        channel: str,
        heard: Callable[[object], None],
        subscribed: Callable[[], None],
        *,
        quiet_s: float = _QUIET_S,
    ) -> None:
        """Call `heard(message)` for each message, and `subscribed()` whenever Redis has let us in."""
        self._settings = settings
        self._channel = channel
        self._heard = heard
        self._on_subscribed = subscribed
        self._quiet_s = quiet_s
        self._subscribed = False

    async def run(self) -> None:
        """Listen until cancelled, connecting again whenever Redis went away."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError):
                if self._subscribed:
                    # Once for each loss, not for each attempt that follows.
                    _log.warning("revocations_not_heard")
                    self._subscribed = False
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self) -> None:
        client = connect(self._settings, timeout_s=None)
        try:
            async with client.pubsub() as subscription:
                async with asyncio.timeout(_SUBSCRIBE_S):
                    await subscription.subscribe(self._channel)
                asked = False
                while True:
                    # Answers to our pings must be seen here: ignored ones would look like silence, and be
                    # answered by the next ping at once.
                    message = await subscription.get_message(timeout=self._quiet_s)
                    if message is None:
                        if asked:
                            raise TimeoutError("the subscription's connection is dead")
                        await subscription.ping()
                        asked = True
                        continue
                    asked = False
                    self._subscribed = True
                    if message["type"] == "subscribe":
                        self._on_subscribed()
                    elif message["type"] == "message":
                        self._heard(message["data"])
        finally:
            await client.aclose()


class RevocationListener(ChannelListener):
    """Hears revocations and hands them on, for the life of an enforcement point."""

    def __init__(
        self,
        settings: RedisSettings,
        revoke: Callable[[str, int], None],
        revoke_all: Callable[[], None],
        *,
        topic: Topic = ACCOUNTS,
        quiet_s: float = _QUIET_S,
    ) -> None:
        """Call `revoke(subject, epoch)` for each announcement, for example Leases.revoke.

        `revoke_all()` is called whenever Redis has confirmed a subscription.
        """

        def heard(message: object) -> None:
            announced = topic.decode(message)
            if announced is not None:
                revoke(*announced)

        super().__init__(settings, topic.channel, heard, revoke_all, quiet_s=quiet_s)
