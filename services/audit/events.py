"""How the methods of audit appear in the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.audit.domain.anchor import state_name
from services.chassis.account_purge import purger_events
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.context import CallContext


def _account(request: Any, call: CallContext) -> Sequence[str]:
    """The account whose events are asked for: a lookup is itself of interest to that account."""
    account = request.account_id or (call.principal.account_id if call.principal is not None else "")
    return (f"accounts/{account}",) if account else ()


def _anchored_state(request: Any, _call: CallContext) -> Sequence[str]:
    """The state: the log says by itself which epochs a store has come through, and which were refused."""
    return (state_name(request.anchor.store_id, request.anchor.epoch),)


def _event(request: Any, _call: CallContext) -> Sequence[str]:
    return (f"events/{request.event_id}",)


def _purged(request: Any, _call: CallContext) -> Sequence[str]:
    account = f"accounts/{request.account_id}"
    return account, f"{account}/incarnations/{request.incarnation}"


def _trail(request: Any, _call: CallContext) -> Sequence[str]:
    return (request.name,)


def _trails(recording: Recording, names: Mapping[str, str]) -> Mapping[str, AuditedMethod]:
    """Methods of TrailService, by their names here and at AWS."""
    return {
        f"/craton.audit.v1.TrailService/{method}": AuditedMethod(
            "cloudtrail.amazonaws.com", name, recording, _trail
        )
        for method, name in names.items()
    }


EVENTS: Mapping[str, AuditedMethod] = {
    "/craton.audit.v1.IngestService/AppendEvents": AuditedMethod(
        "audit.craton", "AppendEvents", Recording.SUMMARY
    ),
    # One by one: counted, a refused state would be one of a number, and a fork could hide among them.
    "/craton.audit.v1.AnchorService/AppendAnchor": AuditedMethod(
        "audit.craton", "AppendAnchor", Recording.EFFECT, _anchored_state
    ),
    # Answered without the spool: when that is full because kms was away, kms must be able to come back.
    "/craton.audit.v1.AnchorService/GetAnchor": AuditedMethod("audit.craton", "GetAnchor", Recording.SUMMARY),
    "/craton.audit.v1.LogService/GetCheckpoint": AuditedMethod(
        "audit.craton", "GetCheckpoint", Recording.READ
    ),
    "/craton.audit.v1.LogService/GetEventProof": AuditedMethod(
        "audit.craton", "GetEventProof", Recording.READ, _event
    ),
    "/craton.audit.v1.LogService/GetConsistencyProof": AuditedMethod(
        "audit.craton", "GetConsistencyProof", Recording.READ
    ),
    "/craton.audit.v1.LogService/GetLogFile": AuditedMethod("audit.craton", "GetLogFile", Recording.SUMMARY),
    "/craton.audit.v1.IndexService/CheckIndex": AuditedMethod("audit.craton", "CheckIndex", Recording.READ),
    **purger_events("audit"),
    "/craton.audit.v1.PurgeLogService/ContinueAccount": AuditedMethod(
        "audit.craton", "ContinueAccount", Recording.EFFECT, _purged
    ),
    # Asked again and again until an event has come: no id of an event is a secret.
    "/craton.audit.v1.PurgeLogService/GetEntryIndexes": AuditedMethod(
        "audit.craton", "GetEntryIndexes", Recording.SUMMARY
    ),
    "/craton.audit.v1.LookupService/LookupEvents": AuditedMethod(
        "cloudtrail.amazonaws.com", "LookupEvents", Recording.READ, _account
    ),
    **_trails(
        Recording.EFFECT,
        {
            "CreateTrail": "CreateTrail",
            "UpdateTrail": "UpdateTrail",
            "DeleteTrail": "DeleteTrail",
            "StartLogging": "StartLogging",
            "StopLogging": "StopLogging",
            "PutEventSelectors": "PutEventSelectors",
            "TagTrail": "AddTags",
            "UntagTrail": "RemoveTags",
        },
    ),
    **_trails(
        Recording.READ,
        {
            "GetTrail": "GetTrail",
            "GetTrailStatus": "GetTrailStatus",
            "GetEventSelectors": "GetEventSelectors",
            "ListTrailTags": "ListTags",
        },
    ),
    "/craton.audit.v1.TrailService/ListTrails": AuditedMethod(
        "cloudtrail.amazonaws.com", "ListTrails", Recording.READ
    ),
    "/craton.audit.v1.TrailService/ListDigestPublicKeys": AuditedMethod(
        "cloudtrail.amazonaws.com", "ListPublicKeys", Recording.READ
    ),
}
