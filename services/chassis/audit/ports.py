"""What the server factory needs of audit, and how a service describes its methods."""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.chassis.context import CallContext


class Recording(enum.Enum):
    """How calls of a method are recorded."""

    EFFECT = "effect"
    """Intent durable before the handler runs, outcome durable before the final status leaves."""
    READ = "read"
    """Outcome durable before the final status leaves; nothing changes, so no intent is needed."""
    SUMMARY = "summary"
    """Counted, one event a minute per caller, method and outcome; must stand in summarised.toml."""


def no_resources(_request: Any, _call: CallContext) -> Sequence[str]:
    """Describe a call that acts on no named resource."""
    return ()


@dataclass(frozen=True, slots=True)
class AuditedMethod:
    """How one method appears in the audit log. Each service lists all of its methods in events.py."""

    event_source: str
    """AWS event source, for example "bedrock.amazonaws.com"; "<service>.craton" where AWS has none."""
    event_name: str
    """AWS operation name, for example "InvokeModel"; the RPC's name where AWS has none."""
    recording: Recording
    resources: Callable[[Any, CallContext], Sequence[str]] = no_resources
    """Names the resources of a request from its message, before the handler runs."""


class AuditRecorder(Protocol):
    """Records calls durably.

    `intent` and `outcome` MUST return only after the event is durable on this machine, and MUST raise
    DomainError(AUDIT_UNAVAILABLE) when it cannot be made durable within 250 ms or the spool is at its
    cap. They MUST NOT be retried after an fsync error. `summarise` MUST return at once and MUST NOT
    grow without bound whatever strangers send.
    """

    async def intent(self, call: CallContext, method: AuditedMethod) -> None:
        """Make the intent of `call` durable."""

    async def outcome(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        """Make the outcome durable. `status` is a gRPC status name, `reason` an ErrorReason or ""."""

    def summarise(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        """Count a call for this minute's summary."""
