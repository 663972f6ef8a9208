"""How the operations that the edge serves appear in the audit log, and what they need."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.audit.ports import AuditedMethod, Recording

EVENT_SOURCE = "bedrock.amazonaws.com"
PREFIX = "edge:"
"""The edge's methods are named after operations, for example "edge:InvokeModel"."""


@dataclass(frozen=True, slots=True)
class Served:
    """One served operation."""

    audience: str
    """The service that answers it, for which the principal token is made."""
    audited: AuditedMethod


def _served(name: str, audience: str, recording: Recording) -> Served:
    return Served(audience, AuditedMethod(EVENT_SOURCE, name, recording))


SERVED: Mapping[str, Served] = {
    name: _served(name, audience, recording)
    for name, audience, recording in (
        ("ListFoundationModels", "runtime", Recording.READ),
        ("GetFoundationModel", "runtime", Recording.READ),
        ("InvokeModel", "runtime", Recording.EFFECT),
        ("InvokeModelWithResponseStream", "runtime", Recording.EFFECT),
        ("ListFoundationModelAgreementOffers", "auth", Recording.READ),
        ("CreateFoundationModelAgreement", "auth", Recording.EFFECT),
        ("DeleteFoundationModelAgreement", "auth", Recording.EFFECT),
        ("GetFoundationModelAvailability", "auth", Recording.READ),
        ("GetUseCaseForModelAccess", "auth", Recording.READ),
        ("PutUseCaseForModelAccess", "auth", Recording.EFFECT),
        ("ListModelCustomizationJobs", "training", Recording.READ),
    )
}
"""Every operation that is answered; the rest of the service models is known and refused."""

UNSERVED_AUDIENCE = "auth"
"""A caller of an operation that is not served is authenticated all the same, to be recorded."""

UNKNOWN = AuditedMethod(EVENT_SOURCE, "UnknownOperation", Recording.READ)
"""A path that no operation of the service models has."""


def audited_method(operation: str) -> AuditedMethod:
    """Describe any operation of the service models."""
    served = SERVED.get(operation)
    return AuditedMethod(EVENT_SOURCE, operation, Recording.READ) if served is None else served.audited


EVENTS: Mapping[str, AuditedMethod] = {
    **{PREFIX + name: served.audited for name, served in SERVED.items()},
    PREFIX + UNKNOWN.event_name: UNKNOWN,
}
"""The edge's methods for the audit log."""
