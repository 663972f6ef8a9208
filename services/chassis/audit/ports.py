"""What the server factory needs of audit, and how a service describes its methods."""

import enum
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.chassis.audit.parameters import Parameters
from services.chassis.context import CallContext


class Recording(enum.Enum):
    """How calls of a method are recorded."""

    EFFECT = "effect"
    """Intent durable before the handler runs, outcome durable before the final status leaves."""
    GATED = "gated"
    """An effect whose handler runs while its intent becomes durable, and MUST await `CallContext.intended`
    just before it has any effect. An answer of a handler that did not is thrown away. It may call
    `CallContext.conclude` when nothing but rendering is left. For the hot path."""
    ADMITTED = "admitted"
    """An effect for callers who have no token of ours and prove themselves to the handler: counted like
    SUMMARY until that calls `CallContext.admit`, which makes an effect of it, with its intent. A refusal that
    the handler called notable before has its outcome, as far as the part of the log that strangers can fill
    has room."""
    READ = "read"
    """Outcome durable before the final status leaves; nothing changes, so no intent is needed."""
    SUMMARY = "summary"
    """Counted, one event a minute per caller, method and outcome; must stand in summarised.toml."""


_CHANGE_NOTHING = {
    "bedrock.amazonaws.com": frozenset({"InvokeModel", "InvokeModelWithResponseStream"}),
    "kms.amazonaws.com": frozenset(
        {
            "Decrypt",
            "DeriveSharedSecret",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "GenerateRandom",
            "GetParametersForImport",
            "ReEncrypt",
            "Sign",
            "Verify",
            "VerifyMac",
        }
    ),
}
"""What AWS calls read-only, by source and name, although it answers with what must not be without an intent.
https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html and the pages beside it
https://docs.aws.amazon.com/bedrock/latest/userguide/logging-using-cloudtrail.html"""


def no_resources(_request: Any, _call: CallContext) -> Sequence[str]:
    """Describe a call that acts on no named resource."""
    return ()


def no_parameters(_request: Any, _call: CallContext) -> str:
    """Record nothing of a request."""
    return ""


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
    parameters: Parameters = no_parameters
    """Chooses what is recorded of a request: named fields, and never contents or secrets."""

    @property
    def has_effect(self) -> bool:
        """Say whether a call needs an intent."""
        return self.recording is Recording.EFFECT or self.recording is Recording.GATED

    @property
    def read_only(self) -> bool:
        """Say whether a call can change nothing, as AWS says it."""
        read = self.recording is Recording.READ or self.recording is Recording.SUMMARY
        return read or self.event_name in _CHANGE_NOTHING.get(self.event_source, ())


class AuditRecorder(Protocol):
    """Records calls durably.

    `intent` and `outcome` MUST begin at once. What they return MUST end only after the event is durable on
    this machine, and with DomainError(AUDIT_UNAVAILABLE) when it cannot be made durable within 250 ms or
    the spool is at its cap. They MUST NOT be retried after an fsync error. `summarise` MUST return at once
    and MUST NOT grow without bound whatever strangers send.
    """

    def intent(self, call: CallContext, method: AuditedMethod) -> Awaitable[None]:
        """Make the intent of `call` durable. May raise at once what awaiting would."""

    def outcome(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> Awaitable[None]:
        """Make an outcome durable. `status` is a gRPC status name, `reason` an ErrorReason or "".

        A later outcome of the same call corrects the one before. May raise at once what awaiting would.
        """

    async def note(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> bool:
        """Make the outcome of a stranger's call durable, if what strangers may fill has room for it.

        MUST NOT raise: False says that it was not written, and is to be counted instead.
        """

    def summarise(self, call: CallContext, method: AuditedMethod, status: str, reason: str) -> None:
        """Count a call for this minute's summary."""
