"""One installation whose audit service, witness and recorder are killed again and again, and then judged."""

import asyncio
import contextlib
import multiprocessing
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from craton.audit.v1 import log_service_pb2, log_service_pb2_grpc

from services.audit.config import AuditConfig, LogSettings
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.settings import AuditSettings, ServerSettings, UpstreamSettings
from services.kms.config import CustodySettings, KmsConfig
from services.witness.config import WitnessConfig
from tests.fakes.ports import free_ports
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.fault.audit import kill_roles as roles
from tests.fault.audit.failpoints import FIRST, POINTS, Armed
from tests.fault.audit.kill_judge import Installation, Verdict, judge, newest_entry
from tests.fault.audit.kill_roles import Life, RecorderConfig, last_words
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.note import Note, VerifierKey

LONGEST_LIFE_S = 3.0
"""One that has not come to its failpoint by then is killed where it is."""
RANDOM_LIFE_S = 1.0
_END_S = 60.0
_NOBODY = UpstreamSettings("127.0.0.1:1", "auth")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.fault.audit.kill_roles"])


class KillError(Exception):
    """The installation is not as it must be."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a life ends: at a failpoint, or after a time."""

    armed: Armed | None
    after_s: float = 0.0


class Stage:
    """An installation below a folder."""

    def __init__(self, home: Path, fault: str = "") -> None:
        self._fault = fault
        self._workloads = Workloads(home / "pki")
        self._home = home
        audit_port, witness_port, self._kms_port = free_ports(3)
        self._audit = UpstreamSettings(f"127.0.0.1:{audit_port}", "audit")
        self._witness = UpstreamSettings(f"127.0.0.1:{witness_port}", "one", "witness")
        self._kms = UpstreamSettings(f"127.0.0.1:{self._kms_port}", "kms")
        for name in ("audit", "witness", "recorder", "kms", "state"):
            (home / name).mkdir()
        self._living: list[Any] = []
        self._key_service: Any = None
        self.seen: set[bytes] = set()
        """Checkpoints that were published when somebody died."""
        self.deaths: Counter[str] = Counter()
        self.lifetimes_s: list[float] = []

    async def start(self) -> None:
        """Start what is not killed."""
        tls = self._workloads.tls("service/kms")
        for name in ("service/audit", "witness/one", "service/runtime", "operator/admin"):
            self._workloads.tls(name)
        config = KmsConfig(
            server=ServerSettings("kms", self._kms.target, "", drain_s=0.1),
            tls=tls,
            audit=AuditSettings(self._home / "kms" / "spool", self._audit),
            auth=_NOBODY,
            database_url=f"sqlite:///{self._home}/kms/kms.sqlite",
            custody=CustodySettings(self._home / "custody" / "root.key"),
        )
        self._key_service = self._spawn(roles.be_kms, config, self._home / "pki", Life(self._home / "kms"))

    async def lives(self, role: str, deaths: list[Death]) -> None:
        """Start and kill a process of a role, once for each death. Raises KillError."""
        for death in deaths:
            began = time.monotonic()
            process = self._start(role, death.armed, load=True)
            limit_s = LONGEST_LIFE_S if death.armed else death.after_s
            if not await _ended(process, limit_s):
                process.kill()
                assert await _ended(process, _END_S)
            self._gone(role, process)
            self._count(role, death.armed)
            self.lifetimes_s.append(time.monotonic() - began)
        # The others are under load to their last death, for which all three must live.
        self._start(role, None, load=True)

    async def settle(self) -> Trust:
        """Have all begin again, ship what there is and be covered; return whom to trust. Raises KillError."""
        self._end([each for each in self._living if each is not self._key_service])
        self._start("audit", None, load=True)
        self._start("witness", None, load=True)
        recorder = self._start("recorder", None, load=False)
        if not await _ended(recorder, _END_S):
            raise KillError(f"the spool is not shipped {_END_S:g} s after the last kill")
        if recorder.exitcode != 0:
            raise KillError(f"the recorder fails: {self._tail('recorder')}")
        operator = Channel(self._audit, self._workloads.tls("operator/admin"), TRUST_DOMAIN, SystemClock())
        try:
            async with asyncio.timeout(_END_S):
                return await self._covered(operator, newest_entry(self.where.database) + 1)
        except TimeoutError:
            raise KillError(f"the log is not covered {_END_S:g} s after the last kill") from None
        finally:
            await operator.close()

    async def _covered(self, operator: Channel, size: int) -> Trust:
        stub: Any = log_service_pb2_grpc.LogServiceStub(operator)
        while True:
            with contextlib.suppress(Exception):
                answer = await stub.GetCheckpoint(log_service_pb2.GetCheckpointRequest(), timeout=5)
                witnesses = tuple(map(VerifierKey.parse, answer.witness_keys))
                trust = Trust(VerifierKey.parse(answer.verifier_key), witnesses, quorum=1)
                # What is answered stands in the database; who is killed now may not have published it yet.
                published = (self.where.log / "checkpoint").read_bytes()
                with contextlib.suppress(TlogError):
                    if trust.checkpoint(Note.parse(published)).size >= size:
                        return trust
            await asyncio.sleep(0.05)

    def close(self) -> None:
        """Kill everybody."""
        self._end(self._living.copy())

    @property
    def where(self) -> Installation:
        """Where everything lies."""
        spools = [self._home / name / "spool" for name in ("recorder", "audit", "witness")]
        return Installation(
            self._home / "state" / "audit.sqlite",
            self._home / "state" / "log",
            spools,
            self._home / "witness" / "witness.sqlite",
            self._home / "recorder" / "told",
        )

    def _start(self, role: str, armed: Armed | None, *, load: bool) -> Any:
        fault = self._fault if self._fault and roles.FAULTS[self._fault][0] == role else ""
        life = Life(self._home / role, armed, fault)
        if role == "audit":
            return self._spawn(roles.be_audit, self._audit_config(), life)
        if role == "witness":
            return self._spawn(roles.be_witness, self._witness_config(), life)
        spool = AuditSettings(
            self._home / "recorder" / "spool", self._audit, max_bytes=2 * 1024 * 1024, commit_timeout_s=5.0
        )
        config = RecorderConfig(spool, self._workloads.tls("service/runtime"), self.where.told, load)
        return self._spawn(roles.be_recorder, config, life)

    def _spawn(self, what: Callable[..., None], *arguments: Any) -> Any:
        process = _FORKS.Process(target=what, args=arguments)
        process.start()
        self._living.append(process)
        return process

    def _end(self, processes: list[Any]) -> None:
        """Kill processes in the order of their starts: a log must not outlive its witness and go on alone."""
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
            self._living.remove(process)
            process.close()

    def _gone(self, role: str, process: Any) -> None:
        status = process.exitcode
        self._living.remove(process)
        process.close()
        if status != -9:
            raise KillError(f"{role} ended by itself ({status}): {self._tail(role)}")
        with contextlib.suppress(FileNotFoundError):
            self.seen.add((self.where.log / "checkpoint").read_bytes())

    def _count(self, role: str, armed: Armed | None) -> None:
        words = last_words(self._home / role, role)
        said = words.read_text().splitlines() if words.exists() else []
        words.unlink(missing_ok=True)
        assert said in ([], [armed and armed.point]), said
        self.deaths["kills"] += 1
        self.deaths[f"kills of {role}"] += 1
        # It may have come to its failpoint just when it was killed for not coming to it.
        self.deaths[f"{role}: {said[0] if said else 'at a random time'}"] += 1

    def _tail(self, role: str) -> str:
        return (self._home / role / f"{role}.log").read_text()[-800:]

    def _audit_config(self) -> AuditConfig:
        return AuditConfig(
            server=ServerSettings("audit", self._audit.target, "", drain_s=0.1),
            tls=self._workloads.tls("service/audit"),
            audit=AuditSettings(self._home / "audit" / "spool", self._audit),
            auth=_NOBODY,
            kms=self._kms,
            database_url=f"sqlite:///{self._home}/state/audit.sqlite",
            log=LogSettings("audit.example/log", self._home / "state" / "log"),
            witnesses=(self._witness,),
        )

    def _witness_config(self) -> WitnessConfig:
        folder = self._home / "witness"
        return WitnessConfig(
            server=ServerSettings("one", self._witness.target, "", kind="witness", drain_s=0.1),
            tls=self._workloads.tls("witness/one"),
            audit=AuditSettings(folder / "spool", self._audit),
            name="witness.example/one",
            key_file=folder / "witness.key",
            database_url=f"sqlite:///{folder}/witness.sqlite",
        )


def drawn(random_of: Callable[[str], Random], role: str, index: int, kills: int) -> list[Death]:
    """Return the deaths of a role in a case: every failpoint has its turn before one comes again."""
    first = sorted(FIRST[role])
    names = sorted(set(POINTS[role]) - set(first))
    around = len(names) + max(1, len(names) // 4)
    deaths = []
    for number in range(index * kills, (index + 1) * kills):
        turn: list[str | None] = [*names, *[None] * (around - len(names))]
        random_of(f"{role}/{number // around}").shuffle(turn)
        deaths.append(_death(random_of(f"{role}/death/{number}"), role, turn[number % around]))
    if first:
        deaths.insert(0, _death(random_of(f"{role}/first/{index}"), role, first[index % len(first)]))
    return deaths


def _death(random: Random, role: str, point: str | None) -> Death:
    if point is None:
        return Death(None, random.uniform(0.05, RANDOM_LIFE_S))
    return Death(Armed(point, random.randint(1, POINTS[role][point].most), random.random()))


def play(
    home: Path, deaths: Mapping[str, list[Death]], fault: str = ""
) -> tuple[Verdict, Counter[str], list[float]]:
    """Run one installation through its deaths and judge it. Raises KillError when it does not go on."""
    stage = Stage(home, fault)

    async def run() -> Trust:
        await stage.start()
        async with asyncio.TaskGroup() as group:
            for role, each in deaths.items():
                group.create_task(stage.lives(role, each))
        return await stage.settle()

    try:
        trust = asyncio.run(run())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        stage.close()
    return judge(stage.where, trust, stage.seen), stage.deaths, stage.lifetimes_s


@contextlib.contextmanager
def folder(made: Path) -> Iterator[Path]:
    """Yield a folder that is removed afterwards."""
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


async def _ended(process: Any, limit_s: float) -> bool:
    """Wait until a process has ended, and say whether it has."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        async with asyncio.timeout(limit_s):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
    return True
