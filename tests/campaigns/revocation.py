"""Access is taken away under load: nothing is permitted that began after the acknowledgement."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import psutil

from tests.campaigns.campaign import Campaign, Finding
from tests.load.revocation.kinds import Kind
from tests.load.revocation.planted import ACKNOWLEDGES_AT_ONCE, KEEPS_LEASES, planted
from tests.load.revocation.stage import SERVED_BY, Stage
from tests.load.revocation.trials import TrialError
from tests.running_stack import running_stack
from tests.stack_processes import processes

_RATE = 500.0
_HEALTHY = 25
_STOPPED = 5
_UNITS = _HEALTHY + 1 + _STOPPED
_ACCOUNTS = 3
_FOUND_S = 60.0
"""A planted fault must be found within so long; a process counts as alive for half a minute after its end."""
_SEED_OF_LOAD = 20261121


class RevocationCampaign(Campaign):
    """One case is 25 revocations one after the other, one during a stream, and 5 at once while a service
    stands still."""

    name = "revocation"
    summary = (
        f"{_RATE:.0f} calls a second of GetFoundationModel (gRPC, HTTPS) and kms Decrypt; "
        f"{_UNITS} of their principals are revoked, each kind by its own operation, one during a stream, "
        f"{_STOPPED} while runtime or kms is stopped (SIGSTOP): no call is permitted that began "
        "after the acknowledgement, and no stream goes on for 5 s. With a stopped service the "
        "acknowledgement takes 5.2 s at most."
    )
    fault = "a kms that confirms and keeps its leases, and an auth that acknowledges at once: both."
    sources = ("services", "deploy", "tests/campaigns/revocation.py", "tests/load/revocation")
    units = (_UNITS, "revocations")
    from_disk = True
    planted_bound = 1
    niceness = 0

    def __init__(self) -> None:
        """Start without a stack."""
        self._stage: Stage
        self._planted = False
        self._seconds = 0.0
        self._calls = 0
        self._cpu: dict[str, float] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a stack of the campaign's own, and a load upon it."""
        with running_stack() as running:
            self._stage = Stage(running, _RATE, _SEED_OF_LOAD)
            with self._stage.open(_ACCOUNTS):
                yield

    def case(self, seed: int, index: int) -> None:
        """Revoke, and compare."""
        random = self.random(seed, index)
        if self._planted:
            self._find_both(random)
            return
        service = sorted(SERVED_BY)[index % len(SERVED_BY)]
        try:
            with self._watched():
                for kind in self._drawn(random, _HEALTHY):
                    self._stage.healthy(kind)
            self._stage.healthy(self._drawn(random, 1, "runtime")[0], stream=True)
            self._stage.stopped(self._drawn(random, _STOPPED), service)
        except TrialError as error:
            raise Finding(str(error)) from error

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let cases run with faulty services."""
        self._planted = True
        try:
            yield
        finally:
            self._planted = False
            self._stage.settle()

    def measured(self) -> tuple[str, ...]:
        """Return latencies, the rate that was reached, and what the processes used meanwhile."""
        measured, load = self._stage.measured, self._stage.load
        lines = []
        if measured.healthy:
            lines.append(f"{len(measured.healthy)} acknowledged, all healthy: " + _told(measured.healthy))
            lines.append(f"{len(measured.given)} given back: " + _told(measured.given))
        if measured.streaming:
            told = _told(measured.streaming)
            lines.append(f"{len(measured.streaming)} acknowledged, all healthy, during a stream: {told}")
        if measured.stopped:
            lines.append(f"{len(measured.stopped)} acknowledged, one stopped: " + _told(measured.stopped))
        if measured.streams:
            lines.append(f"{len(measured.streams)} streams ended afterwards: " + _told(measured.streams))
        if self._seconds:
            lines.append(
                f"{self._calls / self._seconds:.0f} calls a second while all were healthy; {load.calls} "
                f"in all, {load.after} of them began after an acknowledgement and were refused; "
                f"{load.failed} unanswered, {load.skipped} left out because 48 were in flight"
            )
            used = sorted(self._cpu.items(), key=lambda each: -each[1])
            shares = (f"{name} {seconds / self._seconds:.0%}" for name, seconds in used)
            lines.append("Cores used meanwhile: " + ", ".join(shares))
        return tuple(lines)

    def _find_both(self, random: Random) -> None:
        """Raise Finding when each fault is found; return when one is not.

        While the process before a faulty one still counts as alive, acknowledgements wait for its leases, and
        hide the fault.
        """
        stage = self._stage
        with planted(stage.stack, "kms", KEEPS_LEASES):
            if not self._found(lambda: stage.healthy(self._drawn(random, 1, "kms")[0])):
                return
        with planted(stage.stack, "auth", ACKNOWLEDGES_AT_ONCE):
            if not self._found(lambda: stage.stopped(self._drawn(random, _STOPPED, "kms"), "kms")):
                return
        raise Finding("both faults")

    def _found(self, trial: Callable[[], None]) -> bool:
        deadline = time.monotonic() + _FOUND_S
        while time.monotonic() < deadline:
            try:
                trial()
            except TrialError:
                return True
        return False

    def _drawn(self, random: Random, count: int, way: str = "") -> list[Kind]:
        """Draw kinds, and one principal of each; none comes twice before all have come."""
        by_name: dict[str, list[Kind]] = {}
        for kind in self._stage.kinds:
            if not way or way in kind.principal.ways:
                by_name.setdefault(kind.name, []).append(kind)
        drawn: list[Kind] = []
        while len(drawn) < count:
            names = random.sample(sorted(by_name), min(count - len(drawn), len(by_name)))
            drawn += [random.choice(by_name[name]) for name in names]
        return drawn

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Add up calls, seconds and what processes use."""
        calls, used, began = self._stage.load.calls, self._used(), time.monotonic()
        try:
            yield
        finally:
            self._seconds += time.monotonic() - began
            self._calls += self._stage.load.calls - calls
            for name, seconds in self._used().items():
                more = max(0.0, seconds - used.get(name, 0.0))
                self._cpu[name] = self._cpu.get(name, 0.0) + more

    def _used(self) -> dict[str, float]:
        """Return seconds of CPU by service, of the load, and of the whole machine."""
        own = psutil.Process().cpu_times()
        used = {"the load": own.user + own.system}
        for process in processes(self._stage.stack.home):
            try:
                line, times = " ".join(process.cmdline()), process.cpu_times()
            except psutil.Error:
                continue
            named = [word.split(".")[1] for word in line.split() if word.startswith("services.")]
            name = named[0] if named else "redis" if "redis-server" in line else "the rest"
            used[name] = used.get(name, 0.0) + times.user + times.system
        whole = psutil.cpu_times()
        used["the whole machine"] = whole.user + whole.system + whole.nice + whole.softirq
        return used


def _told(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return (
        f"p50 {statistics.median(ordered) * 1000:.0f} ms, p99 {high * 1000:.0f} ms, "
        f"longest {ordered[-1] * 1000:.0f} ms"
    )
