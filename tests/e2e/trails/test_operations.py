"""CloudTrail's operations of trails by boto3, and how they refuse."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, allowing, cleared, keys_of, refused
from tests.e2e.trails.buckets import BUCKET, REGION, Buckets, policy

OTHERS = f"arn:aws:cloudtrail:{REGION}:210987654321:trail/theirs"


def arn(name: str, region: str = REGION) -> str:
    return f"arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/{name}"


@pytest.fixture
def trail(buckets: Buckets, cloudtrail: Any) -> Iterator[str]:
    """The name of a trail of the test's own, which does not log."""
    name = f"trail-{time.time_ns()}"
    buckets.policy(BUCKET, policy(name))
    cloudtrail.create_trail(Name=name, S3BucketName=BUCKET)
    yield name
    if any(each["Name"] == name for each in cloudtrail.list_trails()["Trails"]):
        cloudtrail.delete_trail(Name=name)


def test_a_trail_from_its_creation_to_its_end(buckets: Buckets, cloudtrail: Any) -> None:
    name = "from-a.to_z"
    buckets.policy(BUCKET, policy(name, prefix="some/where/"))
    made = cloudtrail.create_trail(
        Name=name,
        S3BucketName=BUCKET,
        S3KeyPrefix="some/where",
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        TagsList=[{"Key": "team", "Value": "security"}],
    )
    said = {
        "Name": name,
        "S3BucketName": BUCKET,
        "S3KeyPrefix": "some/where",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True,
        "TrailARN": arn(name),
        "LogFileValidationEnabled": True,
        "IsOrganizationTrail": False,
    }
    assert {key: value for key, value in made.items() if key != "ResponseMetadata"} == said
    more = {"HomeRegion": REGION, "HasCustomEventSelectors": False, "HasInsightSelectors": False}
    assert cloudtrail.get_trail(Name=name)["Trail"] == {**said, **more}
    assert cloudtrail.get_trail(Name=arn(name))["Trail"] == {**said, **more}
    assert cloudtrail.describe_trails(trailNameList=[name])["trailList"] == [{**said, **more}]
    listed = {"TrailARN": arn(name), "Name": name, "HomeRegion": REGION}
    assert listed in cloudtrail.list_trails()["Trails"]
    assert cloudtrail.list_tags(ResourceIdList=[arn(name)])["ResourceTagList"] == [
        {"ResourceId": arn(name), "TagsList": [{"Key": "team", "Value": "security"}]}
    ]
    cloudtrail.delete_trail(Name=name)
    assert refused(cloudtrail.get_trail, Name=name)[0] == "TrailNotFoundException"
    assert refused(cloudtrail.delete_trail, Name=name)[0] == "TrailNotFoundException"
    assert listed not in cloudtrail.list_trails()["Trails"]


def test_the_record_of_a_trails_creation_names_it(cloudtrail: Any, trail: str) -> None:
    named = [{"AttributeKey": "ResourceName", "AttributeValue": arn(trail)}]
    until = time.monotonic() + 30
    while not (found := cloudtrail.lookup_events(LookupAttributes=named)["Events"]):
        assert time.monotonic() < until
        time.sleep(0.3)
    record = json.loads(found[-1]["CloudTrailEvent"])
    assert record["eventName"] == "CreateTrail"
    assert record["requestParameters"] == {"name": trail, "s3BucketName": BUCKET}
    assert record["responseElements"]["trailARN"] == arn(trail)


def test_what_is_not_named_in_an_update_stays(buckets: Buckets, cloudtrail: Any, trail: str) -> None:
    changed = cloudtrail.update_trail(Name=trail, EnableLogFileValidation=True)
    assert (changed["LogFileValidationEnabled"], changed["IsMultiRegionTrail"]) == (True, False)
    changed = cloudtrail.update_trail(Name=arn(trail), IncludeGlobalServiceEvents=False)
    assert (changed["LogFileValidationEnabled"], changed["IncludeGlobalServiceEvents"]) == (True, False)
    assert changed["S3BucketName"] == BUCKET


def test_starting_and_stopping(cloudtrail: Any, trail: str) -> None:
    before = cloudtrail.get_trail_status(Name=trail)
    assert before["IsLogging"] is False
    assert "StartLoggingTime" not in before
    for _ in range(2):
        cloudtrail.start_logging(Name=trail)
    started = cloudtrail.get_trail_status(Name=trail)
    assert started["IsLogging"] is True
    assert started["TimeLoggingStarted"] == f"{started['StartLoggingTime']:%Y-%m-%dT%H:%M:%SZ}"
    for _ in range(2):
        cloudtrail.stop_logging(Name=arn(trail))
    stopped = cloudtrail.get_trail_status(Name=trail)
    assert stopped["IsLogging"] is False
    assert stopped["StopLoggingTime"] >= started["StartLoggingTime"]


def test_selectors(cloudtrail: Any, trail: str) -> None:
    default = [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
    ]
    got = cloudtrail.get_event_selectors(TrailName=trail)
    assert (got["TrailARN"], got["EventSelectors"]) == (arn(trail), default)
    writes = {
        "ReadWriteType": "WriteOnly",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": ["kms.amazonaws.com"],
    }
    assert cloudtrail.put_event_selectors(TrailName=trail, EventSelectors=[writes])["EventSelectors"] == [
        writes
    ]
    assert cloudtrail.get_event_selectors(TrailName=trail)["EventSelectors"] == [writes]
    assert cloudtrail.get_trail(Name=trail)["Trail"]["HasCustomEventSelectors"] is True
    advanced = {
        "Name": "keys",
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Management"]},
            {"Field": "eventSource", "NotEquals": ["iam.amazonaws.com"]},
        ],
    }
    cloudtrail.put_event_selectors(TrailName=arn(trail), AdvancedEventSelectors=[advanced])
    assert cloudtrail.get_event_selectors(TrailName=trail)["AdvancedEventSelectors"] == [advanced]
    for wrong in (
        {"EventSelectors": []},
        {"EventSelectors": [{"ReadWriteType": "All", "DataResources": [{"Type": "AWS::S3::Object"}]}]},
        {"EventSelectors": [{"ReadWriteType": "All", "ExcludeManagementEventSources": ["x.y"]}]},
        {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "readOnly", "Equals": ["true"]}]}]},
        {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "mood", "Equals": ["good"]}]}]},
    ):
        code, _ = refused(cloudtrail.put_event_selectors, TrailName=trail, **wrong)
        assert code == "InvalidEventSelectorsException", wrong
    assert cloudtrail.get_event_selectors(TrailName=trail)["AdvancedEventSelectors"] == [advanced]


def test_tags(cloudtrail: Any, trail: str) -> None:
    cloudtrail.add_tags(
        ResourceId=arn(trail), TagsList=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]
    )
    cloudtrail.add_tags(ResourceId=arn(trail), TagsList=[{"Key": "b", "Value": "3"}])
    cloudtrail.remove_tags(ResourceId=arn(trail), TagsList=[{"Key": "a"}, {"Key": "nothing"}])
    (listed,) = cloudtrail.list_tags(ResourceIdList=[arn(trail)])["ResourceTagList"]
    assert listed["TagsList"] == [{"Key": "b", "Value": "3"}]
    add = cloudtrail.add_tags
    for code, tags in (
        ("InvalidTagParameterException", [{"Key": "aws:mine", "Value": "1"}]),
        ("InvalidTagParameterException", [{"Key": "k", "Value": "<"}]),
        ("InvalidTagParameterException", [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]),
        ("TagsLimitExceededException", [{"Key": f"k{number}", "Value": "1"} for number in range(50)]),
    ):
        assert refused(add, ResourceId=arn(trail), TagsList=tags)[0] == code
    one = [{"Key": "k", "Value": "v"}]
    assert refused(add, ResourceId=arn("not-there"), TagsList=one)[0] == "ResourceNotFoundException"
    assert refused(add, ResourceId=trail, TagsList=one)[0] == "CloudTrailARNInvalidException"


def test_public_keys(cloudtrail: Any, trail: str) -> None:
    (key,) = cloudtrail.list_public_keys()["PublicKeyList"]
    assert len(key["Fingerprint"]) == 64
    assert key["ValidityStartTime"] < key["ValidityEndTime"]
    start = key["ValidityStartTime"]
    assert (
        cloudtrail.list_public_keys(StartTime=start, EndTime=start)["PublicKeyList"][0]["Value"]
        == key["Value"]
    )
    assert cloudtrail.list_public_keys(EndTime=start.replace(year=2020))["PublicKeyList"] == []


def test_names_that_are_refused(buckets: Buckets, cloudtrail: Any, trail: str) -> None:
    create = cloudtrail.create_trail
    for name in ("ab", "-abc", "abc-", "a--b", "a._b", "192.168.5.4", "a b c", "x" * 129):
        code, _ = refused(create, Name=name, S3BucketName=BUCKET)
        assert code == "InvalidTrailNameException", name
    for code, arguments in (
        ("TrailAlreadyExistsException", {}),
        ("InvalidS3BucketNameException", {"S3BucketName": "Not_A_Bucket"}),
        ("InvalidS3PrefixException", {"S3KeyPrefix": "a/../b"}),
        ("S3BucketDoesNotExistException", {"S3BucketName": "nobodys-bucket-here"}),
        ("InsufficientS3BucketPolicyException", {"Name": "another"}),
        ("UnsupportedOperationException", {"SnsTopicName": "t"}),
        ("UnsupportedOperationException", {"IsOrganizationTrail": True}),
    ):
        asked = {"Name": trail, "S3BucketName": BUCKET, **arguments}
        assert refused(create, **asked)[0] == code, arguments
    assert refused(cloudtrail.get_trail, Name=OTHERS)[0] == "AccessDeniedException"
    assert refused(cloudtrail.get_trail, Name="arn:aws:s3:::b")[0] == "CloudTrailARNInvalidException"
    assert refused(cloudtrail.get_trail, Name="not-there")[0] == "TrailNotFoundException"
    elsewhere = arn(trail, "eu-west-1")
    assert refused(cloudtrail.stop_logging, Name=elsewhere)[0] == "InvalidHomeRegionException"


def test_a_policy_that_cannot_be_evaluated_lets_nothing_in(buckets: Buckets, cloudtrail: Any) -> None:
    for text in ("", "{}", "no json", policy("careful").replace("StringEquals", "StringSimilar")):
        buckets.policy(BUCKET, text)
        code, _ = refused(cloudtrail.create_trail, Name="careful", S3BucketName=BUCKET)
        assert code == "InsufficientS3BucketPolicyException", text


def test_a_region_has_five_trails(buckets: Buckets, cloudtrail: Any) -> None:
    made = []
    try:
        there = len(cloudtrail.describe_trails()["trailList"])
        for number in range(6 - there):
            name = f"many-{number}"
            buckets.policy(BUCKET, policy(name))
            if number < 5 - there:
                cloudtrail.create_trail(Name=name, S3BucketName=BUCKET)
                made.append(name)
        code, _ = refused(cloudtrail.create_trail, Name=name, S3BucketName=BUCKET)
        assert code == "MaximumNumberOfTrailsExceededException"
    finally:
        for each in made:
            cloudtrail.delete_trail(Name=each)


def test_policies_decide_about_each_trail(stack: Any, trail: str) -> None:
    iam, name = stack.client("iam"), f"trails-{time.time_ns()}"
    iam.create_user(UserName=name)
    try:
        document = allowing("cloudtrail:GetTrail", resource=arn(trail))
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        client = stack.client("cloudtrail", **keys_of(iam, name))
        assert client.get_trail(Name=trail)["Trail"]["Name"] == trail
        for call, arguments in (
            (client.get_trail, {"Name": "another"}),
            (client.get_trail_status, {"Name": trail}),
            (client.stop_logging, {"Name": trail}),
            (client.delete_trail, {"Name": trail}),
            (client.update_trail, {"Name": trail}),
            (client.create_trail, {"Name": "another", "S3BucketName": BUCKET}),
            (client.get_event_selectors, {"TrailName": trail}),
            (client.list_tags, {"ResourceIdList": [arn(trail)]}),
            (client.list_trails, {}),
            (client.describe_trails, {}),
            (client.list_public_keys, {}),
        ):
            assert refused(call, **arguments)[0] == "AccessDeniedException"
    finally:
        cleared(iam, "User", name)
