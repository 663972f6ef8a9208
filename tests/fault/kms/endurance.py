"""kms killed again and again while keys are made, renewed and deleted: what it said stays true."""

import asyncio
import contextlib
import shutil
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import grpc
from craton.kms.v1 import (
    custody_service_pb2,
    custody_service_pb2_grpc,
    key_admin_service_pb2,
    key_admin_service_pb2_grpc,
    key_material_service_pb2,
    key_material_service_pb2_grpc,
    model_key_service_pb2,
    model_key_service_pb2_grpc,
)

from services.kms.adapters.first_boot import mark_first_boot
from tests.fakes.audit_server import FakeAudit
from tests.fakes.workloads import Workloads
from tests.fault.kms.leaping_kms import LAST_WORDS
from tests.fault.kms.store_by_hand import look
from tests.fault.kms.test_kill import CONTEXT, PROVIDER, ROOT, Kms

KINDS_OF_DEATH = ("time", "changes", "deletions")
_LONGEST_LIFE_S = 4.0
_CALLS_IN_A_CHANGE, _CALLS_IN_A_DELETION = 3000, 1500
"""Of kms's functions: a life that is to end at a call ends at one of so many."""
_WAITING_DAYS = 7
_ON_DEMAND = 25
_SAMPLE = 30
_GRACE_S = 30.0
_SCHEDULED_S = 0.15
"""By when a deletion that was asked for is scheduled, though not acknowledged."""


class EnduranceError(Exception):
    """Something that kms has acknowledged is not so, or something is half-made."""


@dataclass(eq=False)
class Tracked:
    """A key, and what kms has said of it."""

    name: str
    ending: bool = False
    """Whether its deletion was asked for."""
    gone: bool = False
    """Whether kms has said that there is no such key any more."""
    version: int = 1
    asked_renewals: int = 0
    sealed: list[tuple[bytes, bytes]] = field(default_factory=list)


class LeapingKms(Kms):
    """kms as a process of its own under a clock of ours: see leaping_kms."""

    def __init__(self, home: Path, workloads: Workloads, audit: FakeAudit) -> None:
        super().__init__(home, workloads, audit)
        self.days = home / "days"
        self.days.write_text("0")
        self.arguments: list[str] = []

    async def spawn(self, file_limit: int = 0) -> Process:
        """Start the process."""
        own = ("--config", str(self.config), "--days", str(self.days), *self.arguments)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fault.kms.leaping_kms", *own),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )

    def leap(self, days: int) -> None:
        """Move its wall clock ahead."""
        draft = self.days.with_suffix(".new")
        draft.write_text(str(int(self.days.read_text()) + days))
        draft.rename(self.days)


class Endurance:
    """One installation, its deaths, and what must survive them."""

    def __init__(self, kms: LeapingKms, random: Random, *, fault: bool = False) -> None:
        self._kms = kms
        self._random = random
        self._fault = fault
        self._keys: list[Tracked] = []
        self.counted: Counter[str] = Counter()
        self.starts_s: list[float] = []
        """From the start of the process until it serves."""

    async def life(self, death: str) -> None:
        """Start, check what was before, work, die. Raises EnduranceError."""
        self._arm(death)
        started = time.monotonic()
        try:
            async with self._kms.running() as (process, port):
                if death == "time":
                    # Counting calls makes the others slower than kms is.
                    self.starts_s.append(time.monotonic() - started)
                working = asyncio.create_task(self._work(port))
                limit_s = self._random.uniform(0.02, 1.0) if death == "time" else _LONGEST_LIFE_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(process.wait()), limit_s)
                by_itself = process.returncode is not None
                if not by_itself:
                    process.kill()
                await process.wait()
                await working
        except AssertionError as error:
            # One that is to die at a call may come to it before it serves: it begins with a change.
            if LAST_WORDS not in str(error):
                raise EnduranceError(f"kms does not start again: {error}") from error
            by_itself = True
        self.counted["kills"] += 1
        self.counted[f"kills in {death}" if by_itself else "kills at a random time"] += 1
        self.look()

    async def end(self) -> None:
        """Start for the last time, wait until nothing is due any more, and check everything."""
        self._kms.arguments = []
        started = time.monotonic()
        try:
            async with self._kms.running() as (_, port):
                self.starts_s.append(time.monotonic() - started)
                await self._until_deleted(port)
                await self._check(port, len(self._keys))
        except AssertionError as error:
            raise EnduranceError(f"kms does not start again: {error}") from error
        generations = self.look()
        if generations != {"root": 1, "shred": 1}:
            raise EnduranceError(f"custody keeps {generations} generations when nothing is left to be done")

    def look(self) -> dict[str, int]:
        """Look through what the death has left, by hand. Returns how many keys custody has."""
        store = look(self._kms.home / "state" / "kms.sqlite", self._kms.home / "custody" / "kms-root.key")
        problems = list(store.problems)
        for each in self._keys:
            if each.gone and each.name in store.mentioned:
                problems.append(f"{each.name} was said to be deleted, and is there")
            if each.gone and each.name.rpartition("/")[2] not in store.certificates:
                problems.append(f"{each.name} was deleted without a certificate")
            if not each.ending and store.versions.get(each.name, 0) < each.version:
                problems.append(f"{each.name} has lost material: it had {each.version} versions")
        if problems:
            raise EnduranceError("; ".join(problems[:3]))
        return store.generations

    def _arm(self, death: str) -> None:
        self._kms.arguments = ["--fault"] if self._fault else []
        most = {"changes": _CALLS_IN_A_CHANGE, "deletions": _CALLS_IN_A_DELETION}.get(death)
        if most:
            calls = self._random.randint(1, most)
            self._kms.arguments += ["--die-after", str(calls), "--in", death]

    async def _work(self, port: int) -> None:
        """Use the keys there are, then make, renew and delete them, until the process is gone."""
        async with self._clients(port) as clients:
            try:
                await self._check(port, _SAMPLE)
                await asyncio.gather(
                    self._create(clients),
                    self._renew(clients),
                    self._delete(clients),
                    self._change_root(clients),
                )
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    raise EnduranceError(f"{error.code().name}: {error.details()}") from error

    async def _create(self, clients: "_Clients") -> None:
        while True:
            request = key_admin_service_pb2.CreateKeyRequest(parent=PROVIDER)
            made = Tracked((await clients.admin.CreateKey(request)).key.name)
            self._keys.append(made)
            self.counted["keys made"] += 1
            await self._seal(clients, made)
            await asyncio.sleep(self._random.random() * 0.1)

    async def _renew(self, clients: "_Clients") -> None:
        while True:
            each = self._living(lambda each: each.asked_renewals < _ON_DEMAND)
            if each is not None:
                each.asked_renewals += 1
                request = key_material_service_pb2.RotateKeyRequest(name=each.name)
                with self._unless_ending(each):
                    answer = await clients.material.RotateKey(request)
                    each.version = max(each.version, answer.key.primary_version)
                    self.counted["keys renewed"] += 1
                    await self._seal(clients, each)
            await asyncio.sleep(self._random.random() * 0.02)

    async def _delete(self, clients: "_Clients") -> None:
        while True:
            await asyncio.sleep(self._random.random() * 0.1)
            some = {self._living(lambda _: True) for _ in range(self._random.choice((1, 1, 3)))}
            dying = [each for each in some if each is not None and len(self._keys) > 3]
            for each in dying:
                each.ending = True
            # Acknowledged when no lease can be left from before the last kill: deletion does not wait for it.
            schedules = [asyncio.create_task(self._schedule(clients, each)) for each in dying]
            try:
                await asyncio.sleep(_SCHEDULED_S)
                self._kms.leap(_WAITING_DAYS + 1)
                for each in dying:
                    await self._wait_gone(clients, each)
                await asyncio.gather(*schedules)
            finally:
                for schedule in schedules:
                    schedule.cancel()

    async def _schedule(self, clients: "_Clients", each: Tracked) -> None:
        request = key_admin_service_pb2.ScheduleKeyDeletionRequest(name=each.name, pending_days=_WAITING_DAYS)
        try:
            await clients.admin.ScheduleKeyDeletion(request)
        except grpc.aio.AioRpcError as error:
            # One that was asked for before a kill may have been made.
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise

    async def _change_root(self, clients: "_Clients") -> None:
        while True:
            await asyncio.sleep(self._random.random() * 1.5)
            await clients.custody.RotateRootKey(custody_service_pb2.RotateRootKeyRequest())
            self.counted["changes of the root key"] += 1

    async def _wait_gone(self, clients: "_Clients", each: Tracked) -> None:
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline:
            try:
                await clients.admin.GetKey(key_admin_service_pb2.GetKeyRequest(name=each.name))
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                each.gone = True
                self.counted["keys deleted"] += 1
                return
            await asyncio.sleep(0.02)
        raise EnduranceError(f"{each.name} is due, and still there after {_GRACE_S:.0f} s")

    async def _until_deleted(self, port: int) -> None:
        """See every deletion through that was asked for and heard of; others may have come to nothing."""
        async with self._clients(port) as clients:
            self._kms.leap(_WAITING_DAYS + 1)
            await asyncio.gather(
                *(self._schedule(clients, each) for each in self._keys if each.ending and not each.gone)
            )
            self._kms.leap(_WAITING_DAYS + 1)
            for each in self._keys:
                if each.ending and not each.gone:
                    await self._wait_gone(clients, each)

    async def _seal(self, clients: "_Clients", each: Tracked) -> None:
        request = model_key_service_pb2.GenerateModelDataKeyRequest(key_name=each.name, context=CONTEXT)
        with self._unless_ending(each):
            made = await clients.models.GenerateModelDataKey(request)
            each.sealed.append((made.ciphertext, made.plaintext))
            self.counted["ciphertexts"] += 1

    async def _check(self, port: int, count: int) -> None:
        """Open what was made before, of some keys, and be refused where a key is gone."""
        async with self._clients(port) as clients:
            for each in self._random.sample(self._keys, min(count, len(self._keys))):
                for blob, plaintext in each.sealed:
                    request = model_key_service_pb2.OpenModelDataKeyRequest(ciphertext=blob, context=CONTEXT)
                    try:
                        opened = (await clients.opener.OpenModelDataKey(request)).plaintext
                    except grpc.aio.AioRpcError as error:
                        if error.code() is grpc.StatusCode.UNAVAILABLE:
                            raise
                        if not each.ending:
                            raise EnduranceError(
                                f"a data key under {each.name}: {error.details()}"
                            ) from error
                        continue
                    if each.gone:
                        raise EnduranceError(f"{each.name} is deleted and opens a data key")
                    if opened != plaintext:
                        raise EnduranceError(f"a data key under {each.name} opened to something else")
                    self.counted["data keys opened after a kill"] += 1

    def _living(self, able: Any) -> Tracked | None:
        found = [each for each in self._keys if not each.ending and able(each)]
        return self._random.choice(found) if found else None

    @contextlib.contextmanager
    def _unless_ending(self, each: Tracked) -> Any:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            if not each.ending or error.code() is grpc.StatusCode.UNAVAILABLE:
                raise

    @asynccontextmanager
    async def _clients(self, port: int) -> AsyncIterator["_Clients"]:
        workloads = ("provider/craton", "pool/craton", "operator/admin")
        provider, pool, operator = (self._kms.channel(port, each) for each in workloads)
        try:
            yield _Clients(
                key_admin_service_pb2_grpc.KeyAdminServiceStub(provider),
                key_material_service_pb2_grpc.KeyMaterialServiceStub(provider),
                model_key_service_pb2_grpc.ModelKeyServiceStub(provider),
                model_key_service_pb2_grpc.ModelKeyServiceStub(pool),
                custody_service_pb2_grpc.CustodyServiceStub(operator),
            )
        finally:
            for channel in (provider, pool, operator):
                await channel.close()


@dataclass(frozen=True)
class _Clients:
    admin: Any
    material: Any
    models: Any
    opener: Any
    custody: Any


async def endure(
    home: Path, random: Random, deaths: list[str], *, fault: bool = False
) -> tuple[Counter[str], list[float]]:
    """Run an installation below `home` through these deaths. Returns what happened, and the times of starts.

    Raises EnduranceError.
    """
    workloads = Workloads(home / "pki")
    audit = FakeAudit(home, workloads)
    await audit.server.start()
    try:
        kms = LeapingKms(home, workloads, audit)
        mark_first_boot(home / "custody" / "kms-root.key")
        endurance = Endurance(kms, random, fault=fault)
        for death in deaths:
            await endurance.life(death)
        await endurance.end()
    finally:
        await audit.server.stop()
        shutil.rmtree(home / "state", ignore_errors=True)
    return endurance.counted, endurance.starts_s
