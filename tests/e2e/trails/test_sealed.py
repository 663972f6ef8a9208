"""Trails with a customer's key: opened by who may, and checked by the unmodified AWS command line."""

import gzip
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, allowing, cleared, keys_of, refused
from tests.e2e.trails.buckets import BUCKET, REGION, Buckets, policy
from tests.e2e.trails.test_delivery import Delivered, validate
from tests.eventually import eventually

ROOT = Path(__file__).resolve().parents[3]
NAME = "sealed"
PREFIX = "under-a-key"
LOGS, DIGESTS = (f"{PREFIX}/AWSLogs/{ACCOUNT}/{kind}/" for kind in ("CloudTrail", "CloudTrail-Digest"))
KEY_POLICY = (ROOT / "docs/examples/trail_key_policy.json").read_text()
"""What the documentation tells people to write."""
ALIAS = "alias/of-the-logs"
MESSAGE = b"\x02\x04\x78"
"""How messages of version 2 begin in the algorithm suite that commits to its key and has no signature."""


@dataclass
class Sealed:
    """A trail that was plain, then had a key, and was stopped; and what became of its files."""

    trail: Delivered
    key: str
    plain: list[str]
    sealed: list[str]
    statuses: dict[str, Any]
    idle: tuple[int, int]
    """Files before and after a while in which nobody called."""


def _call(stack: Any, trail: Delivered) -> str:
    request: str = stack.client("kms").list_keys()["ResponseMetadata"]["RequestId"]
    trail.requests.add(request)
    return request


def _came(buckets: Buckets, known: int) -> int:
    eventually(lambda: len(buckets.keys(LOGS)) > known, "no file came")
    return len(buckets.keys(LOGS))


@pytest.fixture(scope="module")
def sealed(stack: Any, buckets: Buckets, cloudtrail: Any) -> Iterator[Sealed]:
    kms = stack.client("kms")
    key = kms.create_key(Policy=KEY_POLICY)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    buckets.policy(BUCKET, policy(NAME, prefix=f"{PREFIX}/"))
    began = datetime.now(UTC) - timedelta(seconds=2)
    where = {"S3BucketName": BUCKET, "S3KeyPrefix": PREFIX}
    arn = cloudtrail.create_trail(Name=NAME, EnableLogFileValidation=True, **where)["TrailARN"]
    trail, statuses = Delivered(NAME, arn, began, set()), {}
    cloudtrail.start_logging(Name=NAME)
    _call(stack, trail)
    _came(buckets, 0)
    assert cloudtrail.update_trail(Name=NAME, KmsKeyId=ALIAS)["KmsKeyId"] == key
    # A file that was on its way as the key was named may be plain; that call itself is in a sealed one.
    time.sleep(1)
    plain = [each for each in buckets.keys(LOGS) if not _message(buckets, each)]
    for _ in range(2):
        count = len(buckets.keys(LOGS))
        _call(stack, trail)
        _came(buckets, count)
    time.sleep(1)
    before = len(buckets.keys(LOGS))
    time.sleep(2)
    idle = before, len(buckets.keys(LOGS))
    for state, leave, back in (
        ("disabled", lambda: kms.disable_key(KeyId=key), lambda: kms.enable_key(KeyId=key)),
        (
            "withdrawn",
            lambda: kms.put_key_policy(KeyId=key, Policy=json.dumps(_without_cloudtrail())),
            lambda: kms.put_key_policy(KeyId=key, Policy=KEY_POLICY),
        ),
    ):
        leave()
        # A file that was sealed before may be on its way.
        time.sleep(1)
        count = len(buckets.keys(LOGS))

        def status() -> Any:
            return cloudtrail.get_trail_status(Name=NAME).get("LatestDeliveryError")

        _call(stack, trail)
        eventually(status, "the status says nothing")
        statuses[state] = status(), len(buckets.keys(LOGS)) - count
        back()
        _came(buckets, count)
        eventually(lambda: not status(), "the status stays")
    cloudtrail.stop_logging(Name=NAME)
    eventually(lambda: set(buckets.keys(LOGS)) <= _digested(buckets), "no last digest came")
    found = [each for each in buckets.keys(LOGS) if each not in plain]
    yield Sealed(trail, key, plain, found, statuses, idle)
    cloudtrail.delete_trail(Name=NAME)
    kms.delete_alias(AliasName=ALIAS)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _message(buckets: Buckets, key: str) -> bool:
    return gzip.decompress(_body(buckets, key)).startswith(MESSAGE)


def _without_cloudtrail() -> Any:
    whole = json.loads(KEY_POLICY)
    return {**whole, "Statement": whole["Statement"][:1]}


def _digested(buckets: Buckets) -> set[str]:
    return {each["s3Object"] for key in buckets.keys(DIGESTS) for each in buckets.read(key)["logFiles"]}


def _body(buckets: Buckets, key: str) -> bytes:
    body: bytes = buckets.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


@pytest.fixture(scope="module")
def copies(buckets: Buckets, sealed: Sealed, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("copies")
    files = []
    for key in (*sealed.plain, *sealed.sealed):
        files.append(folder / key.rpartition("/")[2])
        files[-1].write_bytes(_body(buckets, key))
    return files


def opened(
    stack: Any, arn: str, key: str, files: Sequence[Path], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the documented program: Amazon's library, and whose credentials the environment has."""
    return subprocess.run(
        [
            str(ROOT / ".venv/clients/bin/python"),
            *(str(ROOT / "docs/examples/open_log_files.py"), arn, key, *map(str, files)),
        ],
        env={**stack.environment, **environment},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_files_open_with_amazons_library(stack: Any, sealed: Sealed, copies: list[Path]) -> None:
    done = opened(stack, sealed.trail.arn, sealed.key, copies)
    assert done.returncode == 0, done.stderr[-2000:]
    records = [json.loads(line) for line in done.stdout.splitlines()]
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    found = [record["requestID"] for record in records if record["requestID"] in sealed.trail.requests]
    assert sorted(found) == sorted(sealed.trail.requests), "every call once, whatever was in the way"
    uses = [record for record in records if record["eventName"] == "GenerateDataKey"]
    assert {record["userIdentity"].get("invokedBy") for record in uses} == {"cloudtrail.amazonaws.com"}
    assert {record["resources"][0]["ARN"] for record in uses} == {sealed.key}
    wrong = opened(stack, f"{sealed.trail.arn}2", sealed.key, copies[-1:])
    assert wrong.returncode != 0


def test_nothing_is_plain_after_a_key_was_named(buckets: Buckets, sealed: Sealed) -> None:
    assert sealed.plain
    assert len(sealed.sealed) >= 4
    for key in sealed.sealed:
        assert _message(buckets, key)
        assert ACCOUNT.encode() + b'"' not in gzip.decompress(_body(buckets, key))
    for key in sealed.plain:
        assert buckets.read(key)["Records"]


def test_delivery_waits_for_the_key(sealed: Sealed) -> None:
    assert sealed.statuses == {
        "disabled": ("KMS.DisabledException", 0),
        "withdrawn": ("KMS.AccessDeniedException", 0),
    }


def test_sealing_makes_no_files_by_itself(sealed: Sealed) -> None:
    before, after = sealed.idle
    assert after == before


def test_the_owner_sees_who_uses_the_key(stack: Any, cloudtrail: Any, sealed: Sealed) -> None:
    asked = [{"AttributeKey": "ResourceName", "AttributeValue": sealed.key}]
    events = cloudtrail.lookup_events(LookupAttributes=asked)["Events"]
    # The trail's key was named by its alias, then.
    assert "DescribeKey" in {each["EventName"] for each in events}
    made = [json.loads(each["CloudTrailEvent"]) for each in events if each["EventName"] == "GenerateDataKey"]
    assert {each["userIdentity"]["type"] for each in made} == {"AWSService"}
    assert {each.get("errorCode") for each in made} == {None, "KeyDisabled", "AccessDenied"}


def test_who_may_not_decrypt_opens_nothing(stack: Any, sealed: Sealed, copies: list[Path]) -> None:
    iam, name = stack.client("iam"), f"reader-{time.time_ns()}"
    iam.create_user(UserName=name)
    try:
        user = keys_of(iam, name)
        own = {
            "AWS_ACCESS_KEY_ID": user["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": user["aws_secret_access_key"],
        }
        done = opened(stack, sealed.trail.arn, sealed.key, copies[-1:], **own)
        assert done.returncode != 0
        assert not done.stdout
        condition = {"StringEquals": {"kms:EncryptionContext:aws:cloudtrail:arn": sealed.trail.arn}}
        document = allowing("kms:Decrypt", resource=sealed.key, Condition=condition)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        done = opened(stack, sealed.trail.arn, sealed.key, copies[-1:], **own)
        assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr[-2000:]
    finally:
        cleared(iam, "User", name)


def test_the_command_line_opens_them(stack: Any, sealed: Sealed, copies: list[Path], tmp_path: Path) -> None:
    files = [str(each) for each in (copies[0], copies[-1])]
    plain, last = stack.craton_json("trails", "open", *files)
    assert (plain["sealed"], plain["trail"]) == (False, "")
    assert (last["sealed"], last["trail"]) == (True, sealed.trail.arn)
    assert last["object"] == f"arn:aws:s3:::{BUCKET}/{sealed.sealed[-1]}"
    shown = stack.craton("trails", "open", *files).stdout
    assert plain["records"][0]["eventID"] in shown
    assert last["records"][0]["eventID"] in shown
    only = ("trails", "open", "--trail", sealed.trail.arn)
    assert stack.craton_json(*only, files[1])[0]["records"] == last["records"]
    assert stack.craton(*only, *files, check=False).returncode == 3, "the first one is plain"
    assert (
        stack.craton_json("trails", "open", "--key", last["key"], files[1])[0]["records"] == last["records"]
    )
    # Under another's name; altered; no log file at all.
    renamed, altered = tmp_path / copies[-2].name, tmp_path / copies[-1].name
    renamed.write_bytes(copies[-1].read_bytes())
    content = gzip.decompress(copies[-1].read_bytes())
    altered.write_bytes(gzip.compress(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]))
    (tmp_path / "nothing").write_bytes(b"nothing")
    for file, code in ((renamed, 3), (altered, 1), (tmp_path / "nothing", 1), (tmp_path / "none", 2)):
        done = stack.craton("trails", "open", str(file), check=False)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert "Traceback" not in done.stderr
    iam, name = stack.client("iam"), f"opener-{time.time_ns()}"
    iam.create_user(UserName=name)
    try:
        user = keys_of(iam, name)
        credentials = tmp_path / "credentials"
        credentials.write_text("[craton]\n" + "".join(f"{key} = {value}\n" for key, value in user.items()))
        done = stack.craton(
            "trails", "open", files[1], check=False, AWS_SHARED_CREDENTIALS_FILE=str(credentials)
        )
        assert (done.returncode, done.stdout) == (3, "")
    finally:
        cleared(iam, "User", name)


def test_validate_logs_needs_no_key_and_finds_tampering(stack: Any, buckets: Buckets, sealed: Sealed) -> None:
    printed = validate(stack, buckets, sealed.trail)
    digests, files = len(buckets.keys(DIGESTS)), len(buckets.keys(LOGS))
    assert f"{digests}/{digests} digest files valid" in printed
    assert f"{files}/{files} log files valid" in printed
    assert "INVALID" not in printed
    altered, removed, one, other = sealed.sealed[:4]
    first, second = buckets.keys(DIGESTS)[:2]
    held = {
        key: buckets.client.get_object(Bucket=BUCKET, Key=key)
        for key in (altered, removed, one, other, first, second)
    }
    before = {key: (answer["Body"].read(), answer["Metadata"]) for key, answer in held.items()}

    def put(key: str, body: bytes) -> None:
        buckets.client.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=before[key][1])

    try:
        content = gzip.decompress(before[altered][0])
        put(altered, gzip.compress(content[:-1] + bytes([content[-1] ^ 1])))
        buckets.client.delete_object(Bucket=BUCKET, Key=removed)
        put(one, before[other][0])
        put(other, before[one][0])
        found = validate(stack, buckets, sealed.trail)
        for key in (altered, removed, one, other):
            assert [line for line in found.splitlines() if key in line and "INVALID" in line], key
        put(first, gzip.compress(json.dumps({**buckets.read(first), "logFiles": []}).encode()))
        buckets.client.delete_object(Bucket=BUCKET, Key=second)
        found = validate(stack, buckets, sealed.trail)
        for key in (first, second):
            assert [line for line in found.splitlines() if key in line and "INVALID" in line], key
    finally:
        for key, (body, _) in before.items():
            put(key, body)
    assert "INVALID" not in validate(stack, buckets, sealed.trail)


@pytest.fixture
def named(stack: Any, buckets: Buckets, cloudtrail: Any) -> Iterator[tuple[str, str]]:
    """The name of a trail to come that its bucket expects, and a key that its policy lets it use."""
    name, kms = f"trail-{time.time_ns()}", stack.client("kms")
    buckets.policy(BUCKET, policy(name))
    key = kms.create_key(Policy=KEY_POLICY.replace("trail/sealed", f"trail/{name}"))["KeyMetadata"]["Arn"]
    yield name, key
    if any(each["Name"] == name for each in cloudtrail.list_trails()["Trails"]):
        cloudtrail.delete_trail(Name=name)
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def test_a_key_is_named_in_any_of_its_forms(stack: Any, cloudtrail: Any, named: tuple[str, str]) -> None:
    name, key = named
    kms, alias = stack.client("kms"), f"alias/{name}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    try:
        made = cloudtrail.create_trail(Name=name, S3BucketName=BUCKET, KmsKeyId=alias)
        assert made["KmsKeyId"] == key
        assert cloudtrail.get_trail(Name=name)["Trail"]["KmsKeyId"] == key
        assert cloudtrail.describe_trails(trailNameList=[name])["trailList"][0]["KmsKeyId"] == key
        account = f"arn:aws:kms:{REGION}:{ACCOUNT}:{alias}"
        for text in (key.rpartition("/")[2], key, alias, account):
            assert "KmsKeyId" not in cloudtrail.update_trail(Name=name, KmsKeyId="")
            assert cloudtrail.update_trail(Name=name, KmsKeyId=text)["KmsKeyId"] == key, text
        # What is not named stays.
        assert cloudtrail.update_trail(Name=name, IncludeGlobalServiceEvents=False)["KmsKeyId"] == key
    finally:
        kms.delete_alias(AliasName=alias)


def test_keys_that_are_refused(stack: Any, cloudtrail: Any, named: tuple[str, str]) -> None:
    name, key = named
    kms = stack.client("kms")
    silent = kms.create_key()["KeyMetadata"]["Arn"]
    pair = kms.create_key(
        KeySpec="RSA_2048",
        KeyUsage="ENCRYPT_DECRYPT",
        Policy=KEY_POLICY.replace("trail/sealed", f"trail/{name}"),
    )["KeyMetadata"]["Arn"]
    cases = (
        ("KmsKeyNotFoundException", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("KmsKeyNotFoundException", "alias/not-there"),
        ("KmsKeyNotFoundException", key.replace(REGION, "eu-west-1")),
        ("InvalidKmsKeyIdException", "arn:aws:s3:::bucket"),
        ("InvalidKmsKeyIdException", "no key at all"),
        ("InsufficientEncryptionPolicyException", silent),
        ("InsufficientEncryptionPolicyException", key.replace(ACCOUNT, "210987654321")),
        ("KmsException", pair),
    )
    where = {"Name": name, "S3BucketName": BUCKET}
    for code, text in cases:
        assert refused(cloudtrail.create_trail, **where, KmsKeyId=text)[0] == code, text
    kms.disable_key(KeyId=key)
    assert refused(cloudtrail.create_trail, **where, KmsKeyId=key)[0] == "KmsException"
    cloudtrail.create_trail(**where)
    for code, text in (*cases, ("KmsException", key)):
        assert refused(cloudtrail.update_trail, Name=name, KmsKeyId=text)[0] == code, text
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refused(cloudtrail.update_trail, Name=name, KmsKeyId=key)[0] == "KmsException"
    assert "KmsKeyId" not in cloudtrail.get_trail(Name=name)["Trail"]
    for each in (silent, pair):
        kms.schedule_key_deletion(KeyId=each, PendingWindowInDays=7)
