"""CloudTrail's event history, answered by audit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from craton.audit.v1 import lookup_service_pb2 as pb
from craton.audit.v1 import lookup_service_pb2_grpc as rpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.edge.adapters.upstream import ask
from services.edge.domain.trail_faults import invalid_attributes, invalid_next_token, invalid_time_range
from services.edge.ports import Caller

_PAGE = 50
_FIELDS: Mapping[str, str] = {
    "AccessKeyId": "access_key_id",
    "EventId": "event_id",
    "EventName": "event_name",
    "EventSource": "event_source",
    "ReadOnly": "read_only",
    "ResourceName": "resource",
    "ResourceType": "resource_type",
    "Username": "user_name",
}
_FLAGS = {"true": True, "false": False}


class EventHistory:
    """LookupEvents."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to audit."""
        self._stub = rpc.LookupServiceStub(channel)

    async def lookup_events(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Find records of the caller's account, newest first. Raises DomainError, Fault."""
        if values.get("EventCategory") == "insight":
            # Nothing is analysed here: there are none.
            return {"Events": []}
        request = _request(values)
        try:
            answer = await ask(self._stub.LookupEvents(request, metadata=caller.metadata), "audit")
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_INVALID_FIELD:
                raise
            if error.field == "page_token":
                raise invalid_next_token() from error
            raise invalid_attributes("The value of the lookup attribute is not one of its kind.") from error
        return {
            "Events": [_event(*each) for each in zip(answer.events, answer.records, strict=True)],
            "NextToken": answer.next_page_token or None,
        }


def _request(values: Mapping[str, Any]) -> pb.LookupEventsRequest:
    start, end = values.get("StartTime"), values.get("EndTime")
    if start is not None and end is not None and start > end:
        raise invalid_time_range()
    return pb.LookupEventsRequest(
        # CloudTrail's times are seconds, and the last one belongs to what is asked for.
        start_time=None if start is None else _timestamp(start, 0),
        end_time=None if end is None else _timestamp(end, 1),
        page_size=values.get("MaxResults", _PAGE),
        page_token=values.get("NextToken", ""),
        records_only=True,
        **_attribute(values.get("LookupAttributes", ())),
    )


def _attribute(attributes: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the field of the one attribute that may be asked for."""
    if not attributes:
        return {}
    if len(attributes) > 1:
        raise invalid_attributes("You can specify only one lookup attribute.")
    key, value = attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]
    convert = _CONVERTERS.get(key)
    return {_FIELDS[key]: value if convert is None else convert(value)}


def _flag(value: str) -> bool:
    flag = _FLAGS.get(value.lower())
    if flag is None:
        raise invalid_attributes("The value of ReadOnly must be true or false.")
    return flag


_CONVERTERS: Mapping[str, Callable[[str], Any]] = {"EventId": str.lower, "ReadOnly": _flag}


def _event(event: Any, record: Any) -> Mapping[str, Any]:
    return {
        "EventId": event.event_id,
        "EventName": event.event_name,
        "ReadOnly": "true" if event.read_only else "false",
        "AccessKeyId": record.access_key_id or None,
        "EventTime": datetime.fromtimestamp(event.event_time.seconds, UTC),
        "EventSource": event.event_source,
        "Username": record.user_name or None,
        "Resources": [
            {"ResourceType": each.type or None, "ResourceName": each.name} for each in record.resources
        ],
        "CloudTrailEvent": record.cloud_trail_event,
    }


def _timestamp(moment: datetime, later_s: int) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()) + later_s)
