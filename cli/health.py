"""How the programs of the stack are: what the supervisor sees, and what they say themselves."""

import http.client
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import psutil
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.session import Session
from deploy.local.redis import connect
from deploy.local.stack import Stack
from deploy.local.supervisor import Supervisor

_TIMEOUT_S = 1.0
SERVING = "serving"


@dataclass(frozen=True, slots=True)
class ProgramHealth:
    """One supervised program."""

    name: str
    state: str
    """supervisord's word, for example RUNNING or BACKOFF."""
    pid: int
    health: str
    """"serving", or why not."""
    memory_bytes: int
    """Of the program and all its children: proportional set size, which counts shared pages once."""
    processes: int

    @property
    def healthy(self) -> bool:
        """Whether it runs and says that it serves."""
        return self.state == "RUNNING" and self.health == SERVING


def health(
    stack: Stack, supervisor: Supervisor, session: Session, *, memory: bool = False
) -> list[ProgramHealth]:
    """Ask every program at once; `memory` also adds up what each uses (slower, and root's right)."""
    programs = supervisor.programs()
    probes = dict(_probes(stack, session))
    with ThreadPoolExecutor(len(programs)) as executor:
        answers = {name: executor.submit(probe) for name, probe in probes.items()}
    return [_describe(info, answers, memory) for info in programs]


def unhealthy(programs: list[ProgramHealth]) -> list[str]:
    """Say who is not healthy yet, and why."""
    return [
        f"{each.name} ({each.health if each.state == 'RUNNING' else each.state.lower()})"
        for each in programs
        if not each.healthy
    ]


def _probes(stack: Stack, session: Session) -> Iterator[tuple[str, Any]]:
    for kind, name, _ in stack.grpc_targets():
        program = name if kind == "service" else f"pool-{name}"
        yield program, lambda kind=kind, name=name: _probe_grpc(session, kind, name)
    yield "edge", lambda: _probe_edge(stack)
    yield "redis", lambda: _probe_redis(stack)


def _probe_grpc(session: Session, kind: str, name: str) -> str:
    stub = health_pb2_grpc.HealthStub(session.channel(name, kind))
    try:
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S, wait_for_ready=True)
    except grpc.RpcError as error:
        return str(error.code().name).lower().replace("_", " ")
    serving = answer.status == health_pb2.HealthCheckResponse.ServingStatus.SERVING
    return SERVING if serving else "not serving yet"


def _probe_edge(stack: Stack) -> str:
    connection = http.client.HTTPConnection(
        stack.address, stack.definition.edge.metrics_port, timeout=_TIMEOUT_S
    )
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()
    return SERVING if status == http.client.OK else f"answers {status}"


def _probe_redis(stack: Stack) -> str:
    try:
        with connect(stack, "operator", _TIMEOUT_S) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return type(error).__name__
    return SERVING


def _describe(info: Mapping[str, Any], answers: Mapping[str, Any], memory: bool) -> ProgramHealth:
    name, state, pid = str(info["name"]), str(info["statename"]), int(info["pid"])
    answer = answers[name].result() if name in answers else SERVING
    size, count = _memory(pid) if memory and pid else (0, 0)
    return ProgramHealth(name, state, pid, answer if state == "RUNNING" else "", size, count)


def _memory(pid: int) -> tuple[int, int]:
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0, 0
    total = 0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            # Another user's process, seen by someone who is not root: its resident size is public.
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
    return total, len(family)
