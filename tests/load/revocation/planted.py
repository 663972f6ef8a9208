"""Services with a fault, to see that trials find it: a real process in the place of a sound one.

python -m tests.load.revocation.planted FAULT SERVICE --config FILE
"""

import services  # noqa: F401, I001 - before gRPC, whose TLS versions it sets

import contextlib
import runpy
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.session import Session
from deploy.local.programs import privileges
from deploy.local.stack import Stack
from deploy.local.supervisor import Supervisor
from deploy.local.view import inside
from services.auth.operations.revocation import Revocation
from services.chassis.leases import Leases

KEEPS_LEASES = "keeps-leases"
"""An enforcement point that confirms what it heard, and goes on with the leases that it has."""
ACKNOWLEDGES_AT_ONCE = "acknowledges-at-once"
"""An auth that announces a change, and waits for nobody."""

_SERVING_S = 60.0


def _keep_leases() -> None:
    def revoke(self: Any, account_id: str, epoch: int) -> None:
        """Forget nothing; whoever calls confirms."""

    Leases.revoke = revoke  # type: ignore[method-assign]


def _acknowledge_at_once() -> None:
    async def publish_all(self: Any, epochs: Mapping[str, int]) -> None:
        await self._announcer.publish_all(epochs)

    Revocation.publish_all = publish_all  # type: ignore[method-assign]


_FAULTS = {KEEPS_LEASES: _keep_leases, ACKNOWLEDGES_AT_ONCE: _acknowledge_at_once}


@contextlib.contextmanager
def planted(stack: Stack, service: str, fault: str) -> Iterator[None]:
    """Run a service of the stack with a fault until the context ends."""
    supervisor = Supervisor(stack)
    pid = next(each["pid"] for each in supervisor.programs() if each["name"] == service)
    sound = psutil.Process(pid)
    environment, folder, words = sound.environ(), sound.cwd(), sound.cmdline()
    config = words[words.index("--config") + 1]
    uid = next(each.uid for each in stack.definition.services if each.name == service)
    command = [
        *_view(stack),
        *privileges(stack, uid),
        *(words[0], "-m", "tests.load.revocation.planted", fault, service, "--config", config),
    ]
    supervisor.stop_program(service)
    try:
        with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL) as broken:
            try:
                _await(stack, service)
                yield
            finally:
                broken.terminate()
                broken.wait(30)
    finally:
        supervisor.start_program(service)
        _await(stack, service)


def _await(stack: Stack, service: str) -> None:
    """Return when the service serves. Raises TimeoutError."""
    session = Session(stack)
    health = health_pb2_grpc.HealthStub(session.channel(service))
    deadline = time.monotonic() + _SERVING_S
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(grpc.RpcError):
                answer = health.Check(health_pb2.HealthCheckRequest(), timeout=2)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            time.sleep(0.1)
    finally:
        session.close()
    raise TimeoutError(f"{service} does not serve within {_SERVING_S:.0f} s")


def _view(stack: Stack) -> list[str]:
    """Where the services see the clone elsewhere, they do so in the supervisor's mount namespace."""
    if inside(stack) == stack:
        return []
    pid = (stack.home / "run/supervisord.pid").read_text().strip()
    return ["/usr/bin/nsenter", "--mount", "--target", pid, "--"]


def main() -> None:
    """Become the service, with the fault."""
    fault, service = sys.argv[1:3]
    _FAULTS[fault]()
    sys.argv[1:3] = []
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
