"""How the methods of audit appear in the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.context import CallContext


def _account(request: Any, call: CallContext) -> Sequence[str]:
    """The account whose events are asked for: a lookup is itself of interest to that account."""
    account = request.account_id or (call.principal.account_id if call.principal is not None else "")
    return (f"accounts/{account}",) if account else ()


EVENTS: Mapping[str, AuditedMethod] = {
    "/craton.audit.v1.IngestService/AppendEvents": AuditedMethod(
        "audit.craton", "AppendEvents", Recording.SUMMARY
    ),
    "/craton.audit.v1.LookupService/LookupEvents": AuditedMethod(
        "cloudtrail.amazonaws.com", "LookupEvents", Recording.READ, _account
    ),
}
