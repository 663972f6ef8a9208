"""How the methods of training appear in the audit log."""

from collections.abc import Mapping

from services.chassis.account_purge import purger_events
from services.chassis.audit.ports import AuditedMethod, Recording

EVENTS: Mapping[str, AuditedMethod] = {
    "/craton.training.v1.CustomizationJobService/ListModelCustomizationJobs": AuditedMethod(
        "bedrock.amazonaws.com", "ListModelCustomizationJobs", Recording.READ
    ),
    **purger_events("training"),
}
