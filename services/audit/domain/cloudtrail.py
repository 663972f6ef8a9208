"""Events as CloudTrail's records, and back.

Names and places are those of eventVersion 1.11. What CloudTrail has no member for stands in
`additionalEventData`. An event that its record would not bring back (one with a reason that is no name, say)
stands there as a whole, serialised, as `exactly`: no event is lost in its record.
AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from craton.audit.v1 import resources_pb2 as pb
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from services.audit.domain.resource_types import resource_type
from services.audit.domain.user_identity import read_identity, user_identity
from services.chassis.audit.parameters import canonical

EVENT_VERSION = "1.11"
_EXACTLY = "exactly"
_REASON = re.compile(r"[A-Z]+(_[A-Z]+)*")
_ACCOUNT = re.compile(r"[0-9]{12}")
_CODE = re.compile(r"([A-Z][a-z]*)+")
_DEPTH = 64
"""Levels of objects and lists in what is recorded of a request or an answer."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_PHASES = {
    "INTENT": pb.EVENT_PHASE_INTENT,
    "OUTCOME": pb.EVENT_PHASE_OUTCOME,
    "SUMMARY": pb.EVENT_PHASE_SUMMARY,
}

Record = dict[str, Any]


def emit(event: pb.Event) -> Record:
    """Return the record of an event: JSON values, in CloudTrail's order."""
    record = _public(event)
    if _read(record) != event:
        record["additionalEventData"][_EXACTLY] = base64.b64encode(event.SerializeToString()).decode()
    return record


def parse(record: Mapping[str, Any]) -> pb.Event:
    """Return the event of a record that `emit` made. Raises ValueError for others."""
    try:
        exactly = record["additionalEventData"].get(_EXACTLY)
        if exactly is not None:
            return pb.Event.FromString(base64.b64decode(exactly, validate=True))
        return _read(record)
    except (
        AttributeError,
        KeyError,
        TypeError,
        binascii.Error,
        DecodeError,
        json_format.ParseError,
    ) as error:
        raise ValueError("not the record of an event") from error


def _public(event: pb.Event) -> Record:
    seen = event.audit_context
    record: Record = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": user_identity(event),
        "eventTime": _time(event),
        "eventSource": event.event_source,
        "eventName": event.event_name,
        "awsRegion": seen.region,
        "sourceIPAddress": seen.source_ip or event.invoked_by or event.caller,
        "userAgent": seen.user_agent,
        "requestParameters": _object(event.request_parameters_json),
        "responseElements": _object(event.response_elements_json),
        "additionalEventData": _additional(event),
        "requestID": event.request_id,
        "eventID": event.event_id,
        "readOnly": event.read_only,
        "resources": [_resource(name) for name in event.resources],
        # A call without a principal is the installation's own.
        "eventType": "AwsApiCall" if event.HasField("principal") else "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": event.account_id,
        "eventCategory": "Management",
    }
    if event.error_code:
        record["errorCode"], record["errorMessage"] = event.error_code, event.error_message
    elif event.error_reason:
        record["errorCode"] = _code(event.error_reason)
        record["errorMessage"] = event.status_code
    optional = {
        "sharedEventID": event.shared_event_id,
        "vpcEndpointId": seen.vpc_endpoint_id,
        "vpcEndpointAccountId": seen.vpc_endpoint_account_id,
    }
    record |= {name: value for name, value in optional.items() if value}
    if seen.tls_version or seen.tls_cipher or seen.endpoint:
        record["tlsDetails"] = {
            "tlsVersion": seen.tls_version,
            "cipherSuite": seen.tls_cipher,
            "clientProvidedHostHeader": seen.endpoint,
        }
    return record


def _resource(name: str) -> Record:
    if not name.startswith("arn:"):
        return {"name": name}
    found, kind = {"ARN": name}, resource_type(name)
    account = name.split(":")[4:5]
    if account and _ACCOUNT.fullmatch(account[0]):
        found["accountId"] = account[0]
    return found | {"type": kind} if kind else found


def _key(resource: Mapping[str, str]) -> str:
    return "ARN" if "ARN" in resource else "name"


def _additional(event: pb.Event) -> Record:
    found: Record = {
        "callId": event.call_id,
        "phase": _phase(event.phase),
        "recordedBy": event.recorder,
        "count": event.count,
        "durationMicroseconds": event.duration_us,
    }
    if event.HasField("usage"):
        found |= {"inputTokens": event.usage.input_tokens, "outputTokens": event.usage.output_tokens}
    if event.HasField("issued_credentials"):
        found["issuedCredentials"] = _issued(event.issued_credentials)
    if event.error_code:
        # Where AWS's own code stands in the record, ours has no other place.
        found["reason"] = event.error_reason
    optional = {
        "workload": event.caller,
        "status": event.status_code,
        "callWithBearerToken": event.call_with_bearer_token,
        "omittedResources": event.omitted_resources,
        "nanoseconds": event.event_time.nanos,
        "statementSha256": event.statement_sha256.hex(),
    }
    return found | {name: value for name, value in optional.items() if value}


def _read(record: Mapping[str, Any]) -> pb.Event:
    """Return what the record's own members say."""
    added = record["additionalEventData"]
    event = pb.Event(
        event_id=record["eventID"],
        call_id=added["callId"],
        request_id=record["requestID"],
        phase=_PHASES.get(added["phase"], pb.EVENT_PHASE_UNSPECIFIED),
        recorder=added["recordedBy"],
        event_source=record["eventSource"],
        event_name=record["eventName"],
        caller=added.get("workload", ""),
        resources=[each[_key(each)] for each in record["resources"]],
        status_code=added.get("status", ""),
        error_reason=added["reason"] if "reason" in added else _reason(record.get("errorCode", "")),
        count=added["count"],
        account_id=record["recipientAccountId"],
        read_only=record["readOnly"],
        duration_us=added["durationMicroseconds"],
        shared_event_id=record.get("sharedEventID", ""),
        call_with_bearer_token=added.get("callWithBearerToken", False),
        omitted_resources=added.get("omittedResources", 0),
        statement_sha256=bytes.fromhex(added.get("statementSha256", "")),
        request_parameters_json=_text(record["requestParameters"]),
        response_elements_json=_text(record["responseElements"]),
    )
    if "reason" in added:
        event.error_code, event.error_message = record["errorCode"], record["errorMessage"]
    event.event_time.seconds = int(_datetime(record["eventTime"]).timestamp())
    event.event_time.nanos = added.get("nanoseconds", 0)
    if "inputTokens" in added:
        event.usage.input_tokens, event.usage.output_tokens = added["inputTokens"], added["outputTokens"]
    if "issuedCredentials" in added:
        json_format.ParseDict(added["issuedCredentials"], event.issued_credentials)
    if record["eventType"] == "AwsApiCall":
        _read_client(record, event)
    read_identity(record["userIdentity"], event)
    return event


def _read_client(record: Mapping[str, Any], event: pb.Event) -> None:
    tls = record.get("tlsDetails", {})
    seen = event.audit_context
    seen.region, seen.source_ip, seen.user_agent = (
        record[name] for name in ("awsRegion", "sourceIPAddress", "userAgent")
    )
    seen.tls_version, seen.tls_cipher = tls.get("tlsVersion", ""), tls.get("cipherSuite", "")
    seen.endpoint = tls.get("clientProvidedHostHeader", "")
    seen.vpc_endpoint_id = record.get("vpcEndpointId", "")
    seen.vpc_endpoint_account_id = record.get("vpcEndpointAccountId", "")


def _object(text: str) -> Record | None:
    """Return the object that an event has as canonical JSON; None for none, and for any other text.

    No record is nested so deeply that who reads it, or writes it into a file, could fail over that.
    """
    if not text.startswith("{"):
        return None
    try:
        found: Record = json.loads(text)
        return found if _shallow(found, _DEPTH) and canonical(found) == text else None
    except (ValueError, RecursionError):
        return None


def _shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inside = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_shallow(each, levels - 1) for each in inside)


def _text(value: Record | None) -> str:
    return "" if value is None else canonical(value)


def _issued(credentials: pb.IssuedCredentials) -> Record:
    """Return what was given out; without what no date can say, which `exactly` then has."""
    try:
        return json_format.MessageToDict(credentials)
    except json_format.Error:
        return {}


def _phase(phase: int) -> str:
    return next((name for name, value in _PHASES.items() if value == phase), "")


def _time(event: pb.Event) -> str:
    """Return the second, in UTC; the nearest that a date can have."""
    seconds = min(max(event.event_time.seconds, 0), 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC).strftime(_TIME)


def _datetime(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _code(reason: str) -> str:
    """Return a reason as AWS writes error codes: "AccessDenied" for ACCESS_DENIED."""
    if not _REASON.fullmatch(reason):
        return "InternalFailure"
    return "".join(word.capitalize() for word in reason.split("_"))


def _reason(code: str) -> str:
    """Return the reason of an error code."""
    if not _CODE.fullmatch(code):
        return ""
    return "_".join(re.findall(r"[A-Z][a-z]*", code)).upper()
