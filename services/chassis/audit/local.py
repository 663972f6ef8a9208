"""A service's own part of the audit log, put together: spool, recorder, shipper and their tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.ports import AuditedMethod
from services.chassis.audit.recorder import SpoolRecorder
from services.chassis.audit.segment import SpoolCorruptError
from services.chassis.audit.shipper import GrpcIngest, Ingest, Shipper
from services.chassis.audit.spool import Spool
from services.chassis.audit.summarised import check_summarised, load_summarised
from services.chassis.audit.unfinished import unfinished
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.config import ConfigError
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.settings import AuditSettings, TlsSettings
from services.chassis.telemetry import Metrics

_SUMMARY_PERIOD_S = 60.0
_RETRY_S = 1.0

_log = Log("audit")


class Host(Protocol):
    """What runs the tasks: the server factory's Server, or edge's."""

    @property
    def metrics(self) -> Metrics:
        """Where the spool's gauges are published."""

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()` for the life of the process, which ends with it."""

    def add_closer(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call `close()` after the drain."""


class LocalAudit:
    """Records durably on this machine and ships in the background.

    Opening checks and repairs the spool, and refuses a service whose summarised methods are not listed.
    """

    def __init__(
        self,
        settings: AuditSettings,
        workload: WorkloadId,
        events: Mapping[str, AuditedMethod],
        *,
        clock: Clock,
        randomness: Randomness,
        ingest: Ingest,
    ) -> None:
        """Open the spool of `workload`.

        Raises SummarisedError, SpoolInUseError, OSError, or ConfigError for a spool that is damaged.
        """
        check_summarised(events, load_summarised())
        limits = SpoolLimits.of(settings.max_bytes, settings.commit_timeout_s)
        try:
            self.spool = Spool(settings.spool_dir, randomness=randomness, limits=limits)
            self._unfinished = unfinished(self.spool.segments())
        except SpoolCorruptError as error:
            raise ConfigError(
                f"the audit spool {settings.spool_dir} is damaged: {error}. Events that were not shipped are "
                "in it alone, and it is evidence: move the folder aside, keep it, and start with a new one"
            ) from error
        if self.spool.torn_bytes:
            _log.warning("audit_spool_torn_end_removed", bytes=self.spool.torn_bytes)
        self.recorder = SpoolRecorder(self.spool, recorder_name(workload), clock, randomness)
        self.shipper = Shipper(self.spool, ingest, clock, randomness, self._needed_from)
        self._channel: Channel | None = None

    @classmethod
    def over_grpc(
        cls,
        settings: AuditSettings,
        tls: TlsSettings,
        workload: WorkloadId,
        events: Mapping[str, AuditedMethod],
        *,
        clock: Clock,
        randomness: Randomness,
    ) -> "LocalAudit":
        """Ship to the audit service that `settings` names."""
        channel = Channel(settings.service, tls, workload.trust_domain, clock)
        return cls(settings, workload, events, clock=clock, randomness=randomness, ingest=GrpcIngest(channel))

    def attach(self, host: Host) -> None:
        """Run with `host`: ship, summarise, stop it when the device fails, close after its drain."""
        host.add_task("audit-spool", self.spool.failed)
        host.add_task("audit-unfinished", self.close_unfinished)
        host.add_task("audit-shipper", self.shipper.run)
        host.add_task("audit-summaries", self.summarise)
        host.add_closer(self.close)
        host.metrics.gauge(
            "craton_audit_spool_bytes", "Bytes of the local audit spool.", lambda: self.spool.used_bytes
        )
        host.metrics.gauge(
            "craton_audit_backlog_events", "Durable events not yet shipped.", lambda: self.shipper.backlog
        )
        host.metrics.gauge(
            "craton_audit_shipping_delayed",
            "1 while the audit service does not take in what is shipped.",
            lambda: self.shipper.delayed,
        )

    async def close_unfinished(self) -> None:
        """Say of every call that an earlier life began and did not end that nobody knows how it ended."""
        if self._unfinished:
            _log.warning("audit_outcomes_unknown", count=len(self._unfinished))
        while self._unfinished:
            try:
                await self.recorder.close_unfinished(self._unfinished[:1])
                del self._unfinished[0]
            except DomainError:
                # The spool is full, or its device hangs: calls are refused meanwhile for the same reason.
                await asyncio.sleep(_RETRY_S)
        # A task that returns would end the process.
        await asyncio.Event().wait()

    def _needed_from(self) -> int:
        """Return the position from which on records are kept although they were shipped.

        A spool that is half full keeps none of them: calls that can be recorded come first.
        """
        if self.spool.used_bytes > self.spool.limits.max_bytes // 2:
            return self.spool.durable_position
        # Until their outcomes are written, what the last life began is looked for in all that there is.
        needed = self.spool.first_position if self._unfinished else self.recorder.needed_from
        return self.spool.durable_position if needed is None else needed

    async def summarise(self) -> None:
        """Write the summaries of every minute."""
        while True:
            await asyncio.sleep(_SUMMARY_PERIOD_S)
            await self.recorder.flush_summaries(_SUMMARY_PERIOD_S)

    async def close(self) -> None:
        """Write what was counted since the last minute, then close the spool."""
        await self.recorder.flush_summaries(_SUMMARY_PERIOD_S)
        await self.spool.close()
        if self._channel is not None:
            await self._channel.close()


def recorder_name(workload: WorkloadId) -> str:
    """Return the name under which a workload's events stand, for example "runtime" or "pool-craton"."""
    return workload.name if workload.kind == "service" else f"{workload.kind}-{workload.name}"
