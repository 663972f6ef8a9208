"""Services' keys and the leases on them, over real mTLS and a real Redis; and services that hold data keys.

The operations are kms's own, over records in memory: what begins anew with a process is what is tested here.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from craton.kms.v1 import key_lease_service_pb2_grpc, service_key_service_pb2_grpc

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.data_keys.service_keys import ServiceKeys as OwnKeys
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.revocation import KEYS, RedisRevocations
from services.chassis.server import Server
from services.chassis.settings import RedisSettings, ServerSettings, TelemetrySettings, UpstreamSettings
from services.kms.domain.names import KeyName
from services.kms.events import EVENTS
from services.kms.operations.key_leases import KeyLeases
from services.kms.operations.key_uses import KeyUses, PoolsOpenTheirProviders
from services.kms.operations.service_keys import ServiceKeys
from services.kms.operations.workload_keys import WorkloadKeys
from services.kms.servicer.key_lease import KeyLeaseServicer
from services.kms.servicer.service_key import ServiceKeyServicer
from tests.fakes.auth_server import UnrecordedCalls
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.unit.kms.world import World, call

ACCOUNTS = {"kms": "key-publisher", "audit": "subscriber", "auth": "publisher"}
"""Of Redis, with their roles."""
_SERVED = ("ServiceKeyService", "KeyLeaseService")


class LeasingKms:
    """Start it, stop it, start another process of it."""

    def __init__(self, home: Path, workloads: Workloads, redis: RedisSettings) -> None:
        self.world = World(home)
        self._home, self._workloads, self._redis = home, workloads, redis
        self._listen = "127.0.0.1:0"
        self.server: Server | None = None

    async def start(self, *, first_boot: bool) -> None:
        """Begin a process of kms, of which nothing but the records is left from another."""
        world, clock, random = self.world, SystemClock(), SystemRandomness()
        uses = KeyUses(world.records, PoolsOpenTheirProviders())
        announcer = RedisRevocations(self._redis, KEYS)
        self.leases = KeyLeases(uses, announcer, clock, random, first_boot=first_boot)
        world.revocations = self.leases  # type: ignore[assignment]
        world.build()
        await world.pages.open()
        events = {name: each for name, each in EVENTS.items() if name.split("/")[1].split(".")[-1] in _SERVED}
        file = self._home / "kms-callers.toml"
        callers = json.dumps(["service/audit", "service/auth"])
        listed = (*events, "/grpc.health.v1.Health/Check")
        file.write_text("".join(f"{json.dumps(name)} = {callers}\n" for name in listed))
        server = Server(
            ServerSettings("kms", self._listen, "", drain_s=0.1),
            self._workloads.tls("service/kms"),
            callers=file,
            events=events,
            clock=clock,
            randomness=random,
            recorder=UnrecordedCalls(),
            tokens=None,
            telemetry=TelemetrySettings(),
        )
        own = WorkloadKeys(world.records, world.material, world.clock, random)
        server.add(
            service_key_service_pb2_grpc.add_ServiceKeyServiceServicer_to_server,
            ServiceKeyServicer(ServiceKeys(own)),
        )
        server.add(
            key_lease_service_pb2_grpc.add_KeyLeaseServiceServicer_to_server,
            KeyLeaseServicer(self.leases, uses),
        )
        server.add_closer(announcer.close)
        await server.start()
        self._listen = f"127.0.0.1:{server.port}"
        self.server = server

    @property
    def target(self) -> str:
        """Where it listens."""
        return self._listen

    async def stop(self) -> None:
        """End the process."""
        if self.server is not None:
            await self.server.stop()
            self.server = None

    async def disable(self, service: str) -> float:
        """Disable the key of a service; return how long it took until that was acknowledged."""
        began = time.monotonic()
        await self.world.admin.disable(call(), KeyName.parse(f"services/{service}/keys/default"))
        return time.monotonic() - began

    async def enable(self, service: str) -> None:
        """Enable it again."""
        await self.world.admin.enable(call(), KeyName.parse(f"services/{service}/keys/default"))


class DataKeyHolder:
    """A service that keeps opened data keys."""

    def __init__(self, service: str, target: str, workloads: Workloads, redis: RedisSettings | None) -> None:
        clock = SystemClock()
        upstream = UpstreamSettings(target, "kms")
        self.channel = Channel(upstream, workloads.tls(f"service/{service}"), TRUST_DOMAIN, clock)
        self.keys = OwnKeys(self.channel, redis, clock, SystemRandomness())
        self.tasks: list[asyncio.Task[None]] = []
        self.keys.attach(self)

    def add_task(self, _name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Stand in for the server, of which only this is used."""
        self.tasks.append(asyncio.ensure_future(run()))  # type: ignore[arg-type]

    async def opens(self, ciphertext: bytes) -> bool:
        """Open a data key, from memory or not."""
        try:
            await self.keys.cache.open(ciphertext, {})
        except DomainError as error:
            if error.reason_name not in ("KEY_DISABLED", "DEPENDENCY_UNAVAILABLE"):
                raise
            return False
        return True

    async def freeze(self) -> None:
        """Hear nothing and renew nothing from now on."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def close(self) -> None:
        """End."""
        await self.freeze()
        with contextlib.suppress(Exception):
            await self.channel.close()
