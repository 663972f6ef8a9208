"""CloudTrail's trails, answered by audit.

Names of trails are names or ARNs at CloudTrail, resource names here.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from craton.audit.v1 import trail_service_pb2 as pb
from craton.audit.v1 import trail_service_pb2_grpc as rpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.arn import arn_of
from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.edge.adapters.trail_selectors import selectors_of, told
from services.edge.adapters.upstream import ask
from services.edge.domain.json_faults import unsupported
from services.edge.domain.kms_names import InvalidArnError, KmsNames
from services.edge.domain.trail_faults import TrailProblem, invalid_arn, invalid_time_range, trail_fault
from services.edge.ports import Caller, Operation

_ARN = re.compile(r"arn:([a-z-]+):cloudtrail:([a-z0-9-]+):([0-9]{12}):trail/(.+)", re.DOTALL)
_LACKING = (
    "SnsTopicName",
    "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn",
    "RecursiveLogging",
)
"""Members of AWS's that nothing here does: no topics, no log groups. Ignoring one would promise it."""
_UPDATES = {
    "S3BucketName": "bucket",
    "S3KeyPrefix": "prefix",
    "IsMultiRegionTrail": "multi_region",
    "IncludeGlobalServiceEvents": "global_events",
    "EnableLogFileValidation": "validation",
}


def trails(channel: Channel, partition: str) -> Mapping[str, Operation]:
    """Return the operations of trails; `channel` leads to audit, ARNs are of `partition`."""
    served = Trails(channel, partition)
    return {
        "CreateTrail": served.create,
        "UpdateTrail": served.update,
        "DeleteTrail": served.delete,
        "DescribeTrails": served.describe,
        "GetTrail": served.get,
        "ListTrails": served.list,
        "StartLogging": served.start,
        "StopLogging": served.stop,
        "GetTrailStatus": served.status,
        "PutEventSelectors": served.put_selectors,
        "GetEventSelectors": served.get_selectors,
        "AddTags": served.add_tags,
        "RemoveTags": served.remove_tags,
        "ListTags": served.list_tags,
        "ListPublicKeys": served.list_public_keys,
    }


class Trails:
    """The operations, each one or a few calls to audit."""

    def __init__(self, channel: Channel, partition: str) -> None:
        """Use `channel`."""
        self._stub = rpc.TrailServiceStub(channel)
        self._partition = partition

    async def create(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """CreateTrail."""
        _refuse_lacking(values)
        if _ARN.match(values["Name"]):
            raise TrailProblem.NAME.fault("A new trail is named by its name, not by an ARN.")
        request = pb.CreateTrailRequest(
            name=self._name(values["Name"], caller),
            tags=_tags(values.get("TagsList", ())),
            **_settings(values),
            **self._key(values, caller),
        )
        answer = await self._ask(self._stub.CreateTrail, request, caller)
        return self._trail(answer.trail)

    async def update(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """UpdateTrail."""
        _refuse_lacking(values)
        named = self._name(values["Name"], caller)
        request = pb.UpdateTrailRequest(name=named, **_settings(values), **self._key(values, caller))
        answer = await self._ask(self._stub.UpdateTrail, request, caller)
        return self._trail(answer.trail)

    async def delete(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """DeleteTrail."""
        request = pb.DeleteTrailRequest(name=self._name(values["Name"], caller))
        await self._ask(self._stub.DeleteTrail, request, caller)
        return {}

    async def describe(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """DescribeTrails: without names those that record in this region, shadows of others included."""
        answer = await self._ask(self._stub.ListTrails, pb.ListTrailsRequest(described=True), caller)
        region, shadows = caller.claims.region, values.get("includeShadowTrails", True)
        named = [self._name(each, caller) for each in values.get("trailNameList", ())]
        found = [
            each
            for each in answer.trails
            if (each.name in named if named else _home(each) == region or (shadows and each.multi_region))
        ]
        return {"trailList": [self._described(each) for each in found]}

    async def get(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """GetTrail."""
        request = pb.GetTrailRequest(name=self._name(values["Name"], caller))
        answer = await self._ask(self._stub.GetTrail, request, caller)
        return {"Trail": self._described(answer.trail)}

    async def list(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """ListTrails, of every region. There are few: one page holds them."""
        if values.get("NextToken"):
            raise TrailProblem.MARKER.fault("NextToken is not one of an earlier answer.")
        answer = await self._ask(self._stub.ListTrails, pb.ListTrailsRequest(), caller)
        return {
            "Trails": [
                {"TrailARN": self._arn(each), "Name": _short(each), "HomeRegion": _home(each)}
                for each in answer.trails
            ]
        }

    async def start(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """StartLogging."""
        request = pb.StartLoggingRequest(name=self._name(values["Name"], caller))
        await self._ask(self._stub.StartLogging, request, caller)
        return {}

    async def stop(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """StopLogging."""
        request = pb.StopLoggingRequest(name=self._name(values["Name"], caller))
        await self._ask(self._stub.StopLogging, request, caller)
        return {}

    async def status(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """GetTrailStatus."""
        request = pb.GetTrailStatusRequest(name=self._name(values["Name"], caller))
        answer = await self._ask(self._stub.GetTrailStatus, request, caller)
        attempt = _moment(answer, "attempt_time")
        return {
            "IsLogging": answer.logging,
            "StartLoggingTime": _moment(answer, "start_time"),
            "StopLoggingTime": _moment(answer, "stop_time"),
            "LatestDeliveryTime": _moment(answer, "delivery_time"),
            "LatestDeliveryError": answer.delivery_error or None,
            "LatestDigestDeliveryTime": _moment(answer, "digest_time"),
            "LatestDigestDeliveryError": answer.digest_error or None,
            "LatestDeliveryAttemptTime": _text(attempt),
            "LatestDeliveryAttemptSucceeded": "" if answer.delivery_error else _text(attempt),
            "TimeLoggingStarted": _text(_moment(answer, "start_time")),
            "TimeLoggingStopped": _text(_moment(answer, "stop_time")),
        }

    async def put_selectors(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """PutEventSelectors."""
        name = self._name(values["TrailName"], caller)
        request = pb.PutEventSelectorsRequest(name=name, selectors=selectors_of(values))
        answer = await self._ask(self._stub.PutEventSelectors, request, caller)
        return {"TrailARN": arn_of(name, self._partition), **told(answer.selectors)}

    async def get_selectors(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """GetEventSelectors."""
        name = self._name(values["TrailName"], caller)
        request = pb.GetEventSelectorsRequest(name=name)
        answer = await self._ask(self._stub.GetEventSelectors, request, caller)
        return {"TrailARN": arn_of(name, self._partition), **told(answer.selectors)}

    async def add_tags(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """AddTags."""
        name = self._resource(values["ResourceId"])
        request = pb.TagTrailRequest(name=name, tags=_tags(values["TagsList"]))
        await self._ask(self._stub.TagTrail, request, caller, of_tags=True)
        return {}

    async def remove_tags(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """RemoveTags; a value beside a key means nothing, as at AWS."""
        name = self._resource(values["ResourceId"])
        request = pb.UntagTrailRequest(name=name, keys=[each["Key"] for each in values["TagsList"]])
        await self._ask(self._stub.UntagTrail, request, caller, of_tags=True)
        return {}

    async def list_tags(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """ListTags, of up to 20 trails."""
        if values.get("NextToken"):
            raise TrailProblem.TAG_MARKER.fault("NextToken is not one of an earlier answer.")
        found = []
        for arn in values["ResourceIdList"]:
            request = pb.ListTrailTagsRequest(name=self._resource(arn))
            answer = await self._ask(self._stub.ListTrailTags, request, caller, of_tags=True)
            tags = [{"Key": each.key, "Value": each.value} for each in answer.tags]
            found.append({"ResourceId": arn, "TagsList": tags})
        return {"ResourceTagList": found}

    async def list_public_keys(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """ListPublicKeys."""
        start, end = values.get("StartTime"), values.get("EndTime")
        if start is not None and end is not None and start > end:
            raise invalid_time_range()
        if values.get("NextToken"):
            raise TrailProblem.TAG_MARKER.fault("NextToken is not one of an earlier answer.")
        request = pb.ListDigestPublicKeysRequest(start_time=_timestamp(start), end_time=_timestamp(end))
        answer = await self._ask(self._stub.ListDigestPublicKeys, request, caller)
        return {
            "PublicKeyList": [
                {
                    "Value": each.value,
                    "ValidityStartTime": _moment(each, "start_time"),
                    "ValidityEndTime": _moment(each, "end_time"),
                    "Fingerprint": each.fingerprint,
                }
                for each in answer.keys
            ]
        }

    async def _ask(self, call: Any, request: Any, caller: Caller, *, of_tags: bool = False) -> Any:
        try:
            return await ask(call(request, metadata=caller.metadata), "audit")
        except DomainError as error:
            raise trail_fault(error, of_tags=of_tags) or error from error

    def _key(self, values: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the field of the key that is named in any of its forms; an empty one takes it away."""
        text = values.get("KmsKeyId")
        if not text:
            return {} if text is None else {"key_name": ""}
        names = KmsNames(caller.claims.account_id, caller.claims.region, self._partition)
        try:
            return {"key_name": names.key_or_alias(text)}
        except InvalidArnError as error:
            raise TrailProblem.KEY_ID.fault(f"KmsKeyId: {error}.") from error
        except DomainError as error:
            # An ARN that could be a key's is of another region; what else is refused is no name of a key.
            problem = TrailProblem.NO_KEY if text.startswith("arn:") else TrailProblem.KEY_ID
            raise problem.fault(f"KmsKeyId: {error.message}.") from error

    def _name(self, text: str, caller: Caller) -> str:
        """Return the resource name of a trail that a client named by its name or its ARN. Raises Fault."""
        if text.startswith("arn:"):
            return self._resource(text)
        return f"accounts/{caller.claims.account_id}/regions/{caller.claims.region}/trails/{text}"

    def _resource(self, arn: str) -> str:
        match = _ARN.fullmatch(arn)
        if match is None or match[1] != self._partition:
            raise invalid_arn()
        return f"accounts/{match[3]}/regions/{match[2]}/trails/{match[4]}"

    def _arn(self, trail: Any) -> str:
        return arn_of(trail.name, self._partition)

    def _trail(self, trail: Any) -> dict[str, Any]:
        return {
            "Name": _short(trail),
            "S3BucketName": trail.bucket,
            "S3KeyPrefix": trail.prefix or None,
            "IncludeGlobalServiceEvents": trail.global_events,
            "IsMultiRegionTrail": trail.multi_region,
            "TrailARN": self._arn(trail),
            "LogFileValidationEnabled": trail.validation,
            "KmsKeyId": arn_of(trail.key_name, self._partition) if trail.key_name else None,
            "IsOrganizationTrail": False,
        }

    def _described(self, trail: Any) -> dict[str, Any]:
        return {
            **self._trail(trail),
            "HomeRegion": _home(trail),
            "HasCustomEventSelectors": trail.has_selectors,
            "HasInsightSelectors": False,
        }


def _settings(values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: values[member] for member, field in _UPDATES.items() if member in values}


def _refuse_lacking(values: Mapping[str, Any]) -> None:
    for member in _LACKING:
        if values.get(member):
            raise unsupported(f"This installation does not support {member} here.")
    if values.get("IsOrganizationTrail"):
        raise unsupported("This installation does not support IsOrganizationTrail with this value here.")


def _tags(tags: Sequence[Mapping[str, str]]) -> list[Any]:
    keys = [each["Key"] for each in tags]
    if len(set(keys)) < len(keys):
        raise TrailProblem.TAG.fault("A key stands twice among the tags.")
    return [pb.TrailTag(key=each["Key"], value=each.get("Value", "")) for each in tags]


def _short(trail: Any) -> str:
    return str(trail.name).rpartition("/")[2]


def _home(trail: Any) -> str:
    return str(trail.name).split("/")[3]


def _moment(message: Any, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    moment: datetime = getattr(message, field).ToDatetime(UTC)
    return moment


def _text(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _timestamp(moment: datetime | None) -> Timestamp | None:
    return None if moment is None else Timestamp(seconds=int(moment.timestamp()))
