"""CloudTrail's LookupEvents by boto3, over calls that were made a moment ago."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import allowing, cleared, keys_of, refused

WAIT_S = 30.0


@pytest.fixture(scope="module")
def trail(stack: Any) -> Any:
    """The administrator's client of CloudTrail."""
    return stack.client("cloudtrail")


@pytest.fixture(scope="module")
def actor(stack: Any) -> Iterator[dict[str, Any]]:
    """A user that has just made one call of each kind that tests look for."""
    iam, name = stack.client("iam"), f"history-{time.time_ns()}"
    iam.create_user(UserName=name)
    actions = ("kms:CreateKey", "kms:DescribeKey", "kms:ScheduleKeyDeletion", "cloudtrail:LookupEvents")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allowing(*actions))
    keys = keys_of(iam, name)
    kms = stack.client("kms", **keys)
    key = kms.create_key()["KeyMetadata"]
    described = kms.describe_key(KeyId=key["KeyId"])
    with pytest.raises(ClientError) as refusal:
        kms.enable_key(KeyId=key["KeyId"])
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    yield {
        "name": name,
        "access_key": keys["aws_access_key_id"],
        "key": key["Arn"],
        "refusal": refusal.value.response["Error"],
        "request": described["ResponseMetadata"]["RequestId"],
        "trail": stack.client("cloudtrail", **keys),
    }
    cleared(iam, "User", name)


@pytest.fixture(scope="module")
def lookup(trail: Any) -> Callable[..., list[dict[str, Any]]]:
    """Asks until at least so many events are found: they are shipped moments after the call."""

    def ask(wanted: int = 1, **attributes: str) -> list[dict[str, Any]]:
        named = [{"AttributeKey": key, "AttributeValue": value} for key, value in attributes.items()]
        until = time.monotonic() + WAIT_S
        while True:
            found = list(
                trail.get_paginator("lookup_events").paginate(LookupAttributes=named).search("Events[]")
            )
            if len(found) >= wanted or time.monotonic() > until:
                return found
            time.sleep(0.5)

    return ask


def names(events: list[dict[str, Any]]) -> list[str]:
    return [each["EventName"] for each in events]


def test_a_user_by_its_name_and_its_key(lookup: Any, actor: Any) -> None:
    expected = ["ScheduleKeyDeletion", "EnableKey", "DescribeKey", "CreateKey"]
    assert names(lookup(4, Username=actor["name"])) == expected
    assert names(lookup(4, AccessKeyId=actor["access_key"])) == expected


def test_what_an_event_says(lookup: Any, actor: Any) -> None:
    (event,) = (each for each in lookup(4, Username=actor["name"]) if each["EventName"] == "DescribeKey")
    assert (event["EventSource"], event["ReadOnly"]) == ("kms.amazonaws.com", "true")
    assert (event["Username"], event["AccessKeyId"]) == (actor["name"], actor["access_key"])
    assert event["Resources"] == [{"ResourceType": "AWS::KMS::Key", "ResourceName": actor["key"]}]
    assert abs(event["EventTime"] - datetime.now(UTC)) < timedelta(minutes=10)
    record = json.loads(event["CloudTrailEvent"])
    assert record["eventID"] == event["EventId"]
    assert record["requestID"] == actor["request"]
    assert record["userIdentity"]["userName"] == actor["name"]
    assert record["eventVersion"] == "1.11"


def test_a_refused_call_is_an_event_too(lookup: Any, actor: Any) -> None:
    (event,) = (each for each in lookup(4, Username=actor["name"]) if each["EventName"] == "EnableKey")
    record = json.loads(event["CloudTrailEvent"])
    told = actor["refusal"]
    assert (record["errorCode"], record["errorMessage"]) == (told["Code"], told["Message"])
    assert told["Code"] == "AccessDeniedException"
    assert "is not authorized to perform: kms:EnableKey" in told["Message"]
    assert record["requestParameters"] == {"keyId": actor["key"].rpartition("/")[2]}
    assert record["responseElements"] is None


def test_what_was_asked_for_and_what_was_answered(lookup: Any, actor: Any) -> None:
    records = {
        each["EventName"]: json.loads(each["CloudTrailEvent"]) for each in lookup(4, Username=actor["name"])
    }
    key_id = actor["key"].rpartition("/")[2]
    assert records["CreateKey"]["requestParameters"] is None
    assert records["CreateKey"]["responseElements"]["keyMetadata"]["arn"] == actor["key"]
    asked = {"keyId": key_id, "pendingWindowInDays": 7}
    assert records["ScheduleKeyDeletion"]["requestParameters"] == asked
    assert records["DescribeKey"]["requestParameters"] == {"keyId": key_id}
    assert records["DescribeKey"]["responseElements"] is None


def test_a_use_of_a_key_says_what_for_and_shows_nothing(stack: Any, lookup: Any) -> None:
    kms, context = stack.client("kms"), {"tenant": f"blue-{time.time_ns()}", "purpose": "π"}
    secret = b"canary-of-a-plaintext"
    key = kms.create_key()["KeyMetadata"]
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=secret, EncryptionContext=context)["CiphertextBlob"]
    with pytest.raises(ClientError) as refusal:
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"tenant": "red"})
    kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    found = {each["EventName"]: each for each in lookup(4, ResourceName=key["Arn"])}
    for name, asked in (
        ("Encrypt", {"keyId": key["KeyId"], "encryptionContext": context}),
        ("Decrypt", {"encryptionContext": context}),
    ):
        record = json.loads(found[name]["CloudTrailEvent"])
        assert record["requestParameters"] == asked
        assert record["responseElements"] is None
        assert [each["ARN"] for each in record["resources"]] == [key["Arn"]]
        for form in (secret.decode(), base64.b64encode(secret).decode(), base64.b64encode(sealed).decode()):
            assert form not in found[name]["CloudTrailEvent"]
    request_id = refusal.value.response["ResponseMetadata"]["RequestId"]
    (refused_,) = (
        record
        for record in map(json.loads, (each["CloudTrailEvent"] for each in lookup(2, EventName="Decrypt")))
        if record["requestID"] == request_id
    )
    assert refused_["errorCode"] == "InvalidCiphertextException"
    assert refused_["requestParameters"] == {"encryptionContext": {"tenant": "red"}}
    assert refused_["resources"] == []


def test_keys_are_given_out_and_their_secrets_stand_nowhere(stack: Any, lookup: Any) -> None:
    iam, name = stack.client("iam"), f"given-{time.time_ns()}"
    iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    policy = allowing("kms:ListKeys")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    cleared(iam, "User", name)
    found = lookup(5, ResourceName=iam.get_user()["User"]["Arn"].rpartition("/")[0] + f"/{name}")
    records = {each["EventName"]: json.loads(each["CloudTrailEvent"]) for each in found}
    assert records["CreateUser"]["requestParameters"] == {
        "userName": name,
        "tags": [{"key": "team", "value": "red"}],
    }
    assert records["CreateUser"]["responseElements"]["user"]["userName"] == name
    made = records["CreateAccessKey"]["responseElements"]["accessKey"]
    assert (made["accessKeyId"], made["status"]) == (key["AccessKeyId"], "Active")
    assert records["PutUserPolicy"]["requestParameters"] == {
        "userName": name,
        "policyName": "p",
        "policyDocument": policy,
    }
    assert records["PutUserPolicy"]["responseElements"] is None
    assert not [each for each in found if key["SecretAccessKey"] in each["CloudTrailEvent"]]


def test_a_resource_by_its_name(lookup: Any, actor: Any) -> None:
    found = lookup(4, ResourceName=actor["key"])
    assert names(found) == ["ScheduleKeyDeletion", "EnableKey", "DescribeKey", "CreateKey"]


def test_a_key_that_only_the_answer_names(stack: Any, lookup: Any) -> None:
    kms, alias = stack.client("kms"), f"alias/history-{time.time_ns()}"
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    sealed = kms.encrypt(KeyId=alias, Plaintext=b"a secret")["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=sealed)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    found = lookup(5, ResourceName=key)
    assert names(found) == ["ScheduleKeyDeletion", "Decrypt", "Encrypt", "CreateAlias", "CreateKey"]
    named = next(each for each in found if each["EventName"] == "Encrypt")["Resources"]
    assert key.partition(":key/")[0] + f":{alias}" in {each["ResourceName"] for each in named}


def test_an_event_by_its_id(lookup: Any, actor: Any) -> None:
    event = lookup(4, Username=actor["name"])[0]
    assert lookup(EventId=event["EventId"]) == [event]
    assert lookup(EventId=event["EventId"].upper()) == [event]
    assert lookup(0, EventId="00000000-0000-4000-8000-000000000000") == []


@pytest.mark.parametrize(
    ("key", "value", "member"),
    [
        ("EventName", "ScheduleKeyDeletion", "EventName"),
        ("EventSource", "kms.amazonaws.com", "EventSource"),
        ("ReadOnly", "false", "ReadOnly"),
        ("ReadOnly", "true", "ReadOnly"),
    ],
)
def test_other_attributes(lookup: Any, actor: Any, key: str, value: str, member: str) -> None:
    lookup(4, Username=actor["name"])
    found = lookup(1, **{key: value})
    assert found
    assert {each[member] for each in found} == {value}


def test_a_type_of_resources(lookup: Any, actor: Any) -> None:
    found = lookup(1, ResourceType="AWS::KMS::Key")
    assert found
    for event in found:
        assert "AWS::KMS::Key" in {each.get("ResourceType") for each in event["Resources"]}


def test_times_and_pages(trail: Any, lookup: Any, actor: Any) -> None:
    events = lookup(4, Username=actor["name"])
    named = [{"AttributeKey": "Username", "AttributeValue": actor["name"]}]
    first = trail.lookup_events(LookupAttributes=named, MaxResults=3)
    second = trail.lookup_events(LookupAttributes=named, MaxResults=3, NextToken=first["NextToken"])
    assert first["Events"] + second["Events"] == events
    assert "NextToken" not in second
    # The second in which an event lies belongs to the range, from both sides.
    latest = events[0]["EventTime"]
    at = trail.lookup_events(LookupAttributes=named, StartTime=latest, EndTime=latest)["Events"]
    assert events[0] in at
    before = trail.lookup_events(
        LookupAttributes=named, EndTime=events[-1]["EventTime"] - timedelta(seconds=1)
    )
    assert before["Events"] == []
    code, _ = refused(trail.lookup_events, LookupAttributes=named[:0], NextToken=first["NextToken"])
    assert code == "InvalidNextTokenException"


def test_refusals(trail: Any) -> None:
    one = {"AttributeKey": "EventName", "AttributeValue": "CreateKey"}
    now = datetime.now(UTC)
    for code, arguments in (
        ("InvalidLookupAttributesException", {"LookupAttributes": [one, one]}),
        ("InvalidLookupAttributesException", {"LookupAttributes": [{**one, "AttributeKey": "Colour"}]}),
        (
            "InvalidLookupAttributesException",
            {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "perhaps"}]},
        ),
        (
            "InvalidLookupAttributesException",
            {"LookupAttributes": [{"AttributeKey": "EventId", "AttributeValue": "1"}]},
        ),
        ("InvalidTimeRangeException", {"StartTime": now, "EndTime": now - timedelta(hours=1)}),
        ("InvalidMaxResultsException", {"MaxResults": 51}),
        ("InvalidNextTokenException", {"NextToken": "nobody's"}),
        ("InvalidEventCategoryException", {"EventCategory": "dreams"}),
    ):
        assert refused(trail.lookup_events, **arguments)[0] == code, arguments
    assert trail.lookup_events(EventCategory="insight")["Events"] == []
    assert refused(trail.describe_query, QueryId="1" * 36)[0] == "UnsupportedOperationException"


def test_nobody_sees_what_no_policy_allows(stack: Any, actor: Any) -> None:
    iam, name = stack.client("iam"), f"blind-{time.time_ns()}"
    iam.create_user(UserName=name)
    try:
        client = stack.client("cloudtrail", **keys_of(iam, name))
        assert refused(client.lookup_events)[0] == "AccessDeniedException"
        assert actor["trail"].lookup_events(MaxResults=1)["Events"]
    finally:
        cleared(iam, "User", name)
