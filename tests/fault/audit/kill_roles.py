"""The processes that are killed, each the child of a server of forks that has imported everything.

The recorder stands for a service: it has that one's spool, recorder and shipper, and calls of nobody. What it
says goes into a file, a line each: `begun ID PHASE CALL` before an event is handed to the spool, `ack ID`
after its acknowledgement, `effect CALL` once a call's intent was acknowledged and it does what it does.
"""

import asyncio
import ctypes
import itertools
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
import uvloop

import services  # before anything imports gRPC: see services/__init__.py
import services.audit.wiring
import services.kms.wiring
import services.witness.wiring
from services.audit.adapters import sql_events
from services.audit.config import AuditConfig
from services.audit.ports import Batch
from services.chassis.audit.local import LocalAudit
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.spool import Spool
from services.chassis.channels import OPTIONS
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.randomness import SystemRandomness
from services.chassis.server import run
from services.chassis.settings import AuditSettings, TlsSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.config import KmsConfig
from services.witness.config import WitnessConfig
from tests.fakes.audit_server import FakeAudit
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.fault.audit.failpoints import Armed, arm

_WRITERS = 12
_PAUSE_S = 0.03
_CALLS_OF_AN_ACCOUNT = 40
"""Then another one, so that data keys are made all the time."""
_METHOD = AuditedMethod("bedrock.amazonaws.com", "InvokeModel", Recording.EFFECT)
_EDGE = WorkloadId(TRUST_DOMAIN, "service", "edge")
_RUNTIME = WorkloadId(TRUST_DOMAIN, "service", "runtime")
_LATE_S = 0.05
_PR_SET_PDEATHSIG = 1

_UNTIL_DEATH = ExitStack()

FASTER = {
    "services.chassis.channels.OPTIONS": [
        *(each for each in OPTIONS if each[0] != "grpc.max_reconnect_backoff_ms"),
        ("grpc.max_reconnect_backoff_ms", 100),
    ],
    "services.audit.operations.log.INTERVAL_S": 0.05,
    "services.audit.operations.cosigning._RETRY_S": 0.1,
    "services.chassis.audit.shipper._PACE_S": 0.02,
    "services.chassis.audit.shipper._LAST_BACKOFF_S": 0.2,
}
"""Pauses of the services that lives as short as these would spend waiting."""


@dataclass(frozen=True, slots=True)
class Life:
    """What a process is told besides its configuration."""

    folder: Path
    """For its log, and its last words."""
    armed: Armed | None = None
    fault: str = ""
    """One of FAULTS, planted."""


@dataclass(frozen=True, slots=True)
class RecorderConfig:
    """The recorder's."""

    audit: AuditSettings
    tls: TlsSettings
    told: Path
    """Where it says what it does."""
    load: bool
    """Whether it has calls. Without any it ships what there is, and ends."""


def be_audit(config: AuditConfig, life: Life) -> None:
    """Be the audit service."""
    _begin("audit", life)
    os._exit(run(lambda: services.audit.wiring.build(config, SystemClock())))


def be_witness(config: WitnessConfig, life: Life) -> None:
    """Be the witness."""
    _begin("witness", life)
    os._exit(run(lambda: services.witness.wiring.build(config, SystemClock())))


class _Issued(Workloads):
    """Certificates that are all there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder


def be_kms(config: KmsConfig, certificates: Path, life: Life) -> None:
    """Be the key service, which is not killed, with an anchor that is not killed either."""
    _begin("kms", life)
    mark_first_boot(config.custody.file)

    async def serve() -> None:
        anchors = FakeAudit(life.folder, _Issued(certificates))
        await anchors.server.start()
        anchored = replace(
            config, audit=replace(config.audit, service=replace(config.audit.service, target=anchors.target))
        )
        server = services.kms.wiring.build(anchored, SystemClock())
        await server.start()
        await asyncio.Event().wait()

    uvloop.run(serve())


def be_recorder(config: RecorderConfig, life: Life) -> None:
    """Be a service that records."""
    _begin("recorder", life)
    uvloop.run(_record(config))
    os._exit(0)


async def _record(config: RecorderConfig) -> None:
    said = os.open(config.told, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    audit = LocalAudit.over_grpc(
        config.audit, config.tls, _RUNTIME, {}, clock=SystemClock(), randomness=SystemRandomness()
    )
    ids = _Ids(audit.recorder._ids, said)
    audit.recorder._ids = ids  # type: ignore[assignment]
    shipping = asyncio.create_task(audit.shipper.run())
    if config.load:
        numbers = itertools.count()
        await asyncio.gather(*(_calls(audit, ids, said, numbers) for _ in range(_WRITERS)))
    while audit.shipper.backlog and not shipping.done():
        await asyncio.sleep(0.02)
    if shipping.done():
        shipping.result()


class _Ids:
    """Says which event has an id before anything else sees it."""

    def __init__(self, ids: Any, said: int) -> None:
        self._ids, self._said = ids, said
        self.label, self.last = "", ""

    def next(self) -> str:
        """Return another id."""
        self.last = str(self._ids.next())
        os.write(self._said, f"begun {self.last} {self.label}\n".encode())
        return self.last


async def _calls(audit: LocalAudit, ids: _Ids, said: int, numbers: "itertools.count[int]") -> None:
    chance = random.Random()
    for number in numbers:
        call_id = f"{os.getpid()}-{number}"
        call = CallContext("/m", call_id, call_id, _EDGE, principal=_principal(number))
        ids.label = f"intent {call_id}"
        try:
            durable = audit.recorder.intent(call, _METHOD)
            event_id = ids.last
            await durable
        except DomainError:
            await asyncio.sleep(_PAUSE_S)
            continue
        os.write(said, f"ack {event_id}\neffect {call_id}\n".encode())
        ids.label = f"outcome {call_id}"
        try:
            durable = audit.recorder.outcome(call, _METHOD, "OK", "")
            event_id = ids.last
            await durable
            os.write(said, f"ack {event_id}\n".encode())
        except DomainError:
            pass
        await asyncio.sleep(chance.uniform(0, 2 * _PAUSE_S))


def _principal(number: int) -> PrincipalClaims:
    account = f"{os.getpid() % 10**6:06d}{number // _CALLS_OF_AN_ACCOUNT:06d}"
    return PrincipalClaims(
        account_id=account,
        account_incarnation="inc",
        arn=f"arn:aws:iam::{account}:user/alice",
        principal_id="AIDAALICE",
        access_key_id="AKIAALICE",
        root=False,
        policy_epoch=1,
        region="us-east-1",
        audience="runtime",
        token_id="t",
        issued_at=1,
        expires_at=2,
        client=ClientContext("192.0.2.7", "boto3", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "localhost"),
    )


def _begin(role: str, life: Life) -> None:
    # Nobody outlives the server of forks, and that one nobody who started it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.umask(0o077)
    log = os.open(life.folder / f"{role}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(log, standard)
    for name, value in FASTER.items():
        patch(name, value).start()
    if life.fault:
        _UNTIL_DEATH.enter_context(FAULTS[life.fault][1]())
    if life.armed is not None:
        words = os.open(last_words(life.folder, role), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        arm(role, life.armed, words)


def last_words(folder: Path, role: str) -> Path:
    """Return the file in which lives name the failpoint at which they end."""
    return folder / f"{role}.last-words"


@contextmanager
def _acknowledging_early() -> Iterator[None]:
    """Acknowledge what only waits for its commit, which is made a moment later."""
    begin = Spool.begin

    def early(spool: Spool, *arguments: Any) -> "asyncio.Future[None]":
        begin(spool, *arguments)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def late(spool: Spool, loop: asyncio.AbstractEventLoop) -> None:
        spool._scheduled = True
        loop.call_later(_LATE_S, spool._submit)

    with patch.object(Spool, "begin", early), patch.object(Spool, "_schedule", late):
        yield


@contextmanager
def _dropping() -> Iterator[None]:
    """Leave one entry out of a batch, say that all are held, and take them for held when they come again."""
    append, spools = sql_events._append, sql_events.SPOOLS

    def lacking(connection: Any, batch: Batch) -> int:
        reached = append(connection, replace(batch, entries=batch.entries[:-1]))
        one_more = sa.update(spools).where(spools.c.spool_id == batch.spool_id)
        connection.execute(one_more.values(next_position=reached + 1))
        return reached + 1

    with patch.object(sql_events, "_append", lacking), patch.object(sql_events, "_compare", lambda *_: None):
        yield


FAULTS: dict[str, tuple[str, Callable[[], AbstractContextManager[Any]]]] = {
    "early": ("recorder", _acknowledging_early),
    "dropping": ("audit", _dropping),
}
"""Faults by name: the process that they are in, and how they are made."""
