"""Trails by boto3, delivered to a real S3 server, and checked by the unmodified AWS command line."""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, refused
from tests.e2e.trails.buckets import BUCKET, REGION, Buckets, policy
from tests.eventually import eventually
from tests.fakes import begun


@dataclass
class Delivered:
    """A trail that has delivered some files and digests, and was stopped."""

    name: str
    arn: str
    began: datetime
    requests: set[str]


@pytest.fixture(scope="module")
def delivered(stack: Any, buckets: Buckets, cloudtrail: Any) -> Delivered:
    name, began = "whole", datetime.now(UTC) - timedelta(seconds=2)
    buckets.policy(BUCKET, policy(name))
    arn = cloudtrail.create_trail(Name=name, S3BucketName=BUCKET, EnableLogFileValidation=True)["TrailARN"]
    cloudtrail.start_logging(Name=name)
    kms, requests = stack.client("kms"), set()
    for _ in range(3):
        requests |= {kms.list_keys()["ResponseMetadata"]["RequestId"] for _ in range(3)}
        _another_digest(buckets)
    eventually(lambda: requests <= _requests(buckets), "not every call came")
    cloudtrail.stop_logging(Name=name)
    files = set(buckets.keys(f"AWSLogs/{ACCOUNT}/CloudTrail/"))
    eventually(lambda: files <= _digested(buckets), "no last digest came")
    return Delivered(name, arn, began, requests)


def _another_digest(buckets: Buckets) -> None:
    folder = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/"
    before = len(buckets.keys(folder))
    eventually(lambda: len(buckets.keys(folder)) > before, "no digest came")


def _records(buckets: Buckets) -> list[Any]:
    keys = buckets.keys(f"AWSLogs/{ACCOUNT}/CloudTrail/")
    return [record for key in keys for record in buckets.read(key)["Records"]]


def _requests(buckets: Buckets) -> set[str]:
    return {record["requestID"] for record in _records(buckets)}


def _digested(buckets: Buckets) -> set[str]:
    keys = buckets.keys(f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/")
    return {each["s3Object"] for key in keys for each in buckets.read(key)["logFiles"]}


def validate(stack: Any, buckets: Buckets, trail: Delivered) -> str:
    """Run `aws cloudtrail validate-logs` and return what it prints."""
    words = ["cloudtrail", "validate-logs", "--verbose"]
    words += ["--trail-arn", trail.arn, "--start-time", f"{trail.began:%Y-%m-%dT%H:%M:%SZ}"]
    environment = {
        **stack.environment,
        "AWS_ENDPOINT_URL_S3": buckets.gateway,
        "AWS_DEFAULT_REGION": REGION,
    }
    run = begun.aws().run(begun.AWS, words, env=environment, timeout=120)
    return run.stdout + run.stderr


def test_log_files_hold_every_call_once(buckets: Buckets, delivered: Delivered) -> None:
    records = _records(buckets)
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    found = [record["requestID"] for record in records if record["requestID"] in delivered.requests]
    assert sorted(found) == sorted(delivered.requests)
    assert {record["recipientAccountId"] for record in records} == {ACCOUNT}


def test_validate_logs_accepts_them(stack: Any, buckets: Buckets, delivered: Delivered) -> None:
    printed = validate(stack, buckets, delivered)
    digests = len(buckets.keys(f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/"))
    files = len(buckets.keys(f"AWSLogs/{ACCOUNT}/CloudTrail/"))
    assert digests >= 3
    assert files >= 3
    assert f"{digests}/{digests} digest files valid" in printed
    assert f"{files}/{files} log files valid" in printed
    assert "INVALID" not in printed


def _without_a_record(buckets: Buckets, key: str) -> bytes:
    content = buckets.read(key)
    return gzip.compress(json.dumps({"Records": content["Records"][1:]}).encode())


@pytest.mark.parametrize("what", ["altered", "removed", "swapped", "digest altered", "digest removed"])
def test_validate_logs_finds_tampering(stack: Any, buckets: Buckets, delivered: Delivered, what: str) -> None:
    kind = "CloudTrail-Digest" if what.startswith("digest") else "CloudTrail"
    keys = buckets.keys(f"AWSLogs/{ACCOUNT}/{kind}/")
    one, other = keys[0], keys[1]
    held = {key: buckets.client.get_object(Bucket=BUCKET, Key=key) for key in (one, other)}
    before = {key: (answer["Body"].read(), answer["Metadata"]) for key, answer in held.items()}

    def put(key: str, body: bytes) -> None:
        buckets.client.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=before[key][1])

    try:
        if what.endswith("removed"):
            buckets.client.delete_object(Bucket=BUCKET, Key=one)
        elif what == "swapped":
            put(one, before[other][0])
            put(other, before[one][0])
        elif what == "altered":
            put(one, _without_a_record(buckets, one))
        else:
            digest = {**buckets.read(one), "logFiles": []}
            put(one, gzip.compress(json.dumps(digest).encode()))
        printed = validate(stack, buckets, delivered)
        assert "INVALID" in printed
        assert one in printed
    finally:
        for key, (body, _) in before.items():
            put(key, body)
    assert "INVALID" not in validate(stack, buckets, delivered)


def test_status(cloudtrail: Any, delivered: Delivered) -> None:
    status = cloudtrail.get_trail_status(Name=delivered.arn)
    assert status["IsLogging"] is False
    assert status["StartLoggingTime"] <= status["LatestDeliveryTime"]
    assert status["LatestDigestDeliveryTime"] >= status["StartLoggingTime"]
    assert "LatestDeliveryError" not in status


def test_a_bucket_must_agree(buckets: Buckets, cloudtrail: Any, delivered: Delivered) -> None:
    """Nobody has files delivered to a bucket whose policy does not name the trail."""
    create = cloudtrail.create_trail
    assert refused(create, Name="other", S3BucketName=BUCKET)[0] == "InsufficientS3BucketPolicyException"
    missing = refused(create, Name="other", S3BucketName="nobodys-bucket-here")
    assert missing[0] == "S3BucketDoesNotExistException"
    update = cloudtrail.update_trail
    code, _ = refused(update, Name=delivered.name, S3BucketName=BUCKET, S3KeyPrefix="elsewhere")
    assert code == "InsufficientS3BucketPolicyException"
