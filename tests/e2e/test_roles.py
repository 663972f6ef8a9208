"""A role between two accounts by the command line, and what each account's log says of it."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ACCOUNT = "123456789012"
MEMBER = f"3{uuid.uuid4().int % 10**11:011d}"
"""Another one with every run: accounts stay."""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/e2e-reader"
MODEL = "craton.tiny-text-v1"


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    file = tmp_path / "trust.json"
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    file.write_text(document(Principal={"AWS": MEMBER}, Action=actions))
    return file


@pytest.fixture
def role(stack: Any, trust: Path, tmp_path: Path) -> Iterator[str]:
    """A role of the first account that principals of another may assume."""
    created = stack.craton_json("roles", "create", "e2e-reader", str(trust), "--description", "reads models")
    assert created["arn"] == ROLE
    policy = tmp_path / "policy.json"
    policy.write_text(document(Action=["bedrock:Get*", "bedrock:List*"], Resource="*"))
    stack.craton("roles", "policies", "put", "e2e-reader", "read", str(policy))
    stack.craton("roles", "tag", "e2e-reader", "team=red")
    yield ROLE
    stack.craton("roles", "policies", "delete", "e2e-reader", "read")
    stack.craton("roles", "delete", "e2e-reader")


@pytest.fixture(scope="module")
def member(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The credentials file of another account's administrator."""
    made = stack.craton_json(
        "accounts", "create", "member", "--account-id", MEMBER, "--administrator", "boss"
    )
    file = tmp_path_factory.mktemp("member") / "credentials"
    file.write_text(
        f"[craton]\naws_access_key_id={made['access_key_id']}\n"
        f"aws_secret_access_key={made['secret_access_key']}\n"
    )
    return file


@pytest.fixture(scope="module")
def member_keys(member: Path) -> dict[str, str]:
    """The same credentials, as boto3's keyword arguments."""
    return dict(line.split("=", 1) for line in member.read_text().splitlines()[1:])


def as_member(stack: Any, member: Path, *words: str) -> Any:
    """Run the command line as the other account's administrator."""
    return stack.craton(*words, check=False, AWS_SHARED_CREDENTIALS_FILE=str(member))


def assumed(stack: Any, account_id: str, wanted: str) -> dict[str, Any]:
    """Return the event in an account's log in which a key was given out."""
    until = time.monotonic() + 30
    while True:
        events = stack.craton_json(
            "audit", "lookup", "--event-name", "AssumeRole", "--account-id", account_id
        )
        for event in events:
            if event.get("issued_credentials", {}).get("access_key_id") == wanted:
                return dict(event)
        assert time.monotonic() < until, "the event is not in the log"
        time.sleep(0.2)


def test_a_role_between_accounts(stack: Any, member: Path, role: str) -> None:
    answer = as_member(stack, member, "--role", role, "whoami", "--json")
    assert answer.returncode == 0, answer.stderr
    who = json.loads(answer.stdout)
    assert who["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/e2e-reader/craton-cli"
    listed = as_member(stack, member, "--role", role, "roles", "list")
    assert listed.returncode == 3, "the role may read models alone"
    assert "is not authorized to perform: iam:ListRoles" in listed.stderr
    invoked = as_member(stack, member, "--role", role, "invoke", MODEL, "hi")
    assert invoked.returncode == 3
    assert "no identity-based policy allows the bedrock:InvokeModel" in invoked.stderr


def test_both_accounts_see_who_assumed_a_role(stack: Any, member: Path, role: str) -> None:
    words = ("--source-identity", "carol", "--session-name", "shared")
    answer = as_member(stack, member, "roles", "assume", role, *words, "--json")
    assert answer.returncode == 0, answer.stderr
    given = json.loads(answer.stdout)
    assert given["access_key_id"].startswith("ASIA")
    own = assumed(stack, MEMBER, given["access_key_id"])
    copy = assumed(stack, ACCOUNT, given["access_key_id"])
    assert own["shared_event_id"] == copy["shared_event_id"] != ""
    assert own["event_id"] != copy["event_id"]
    assert own["principal"]["arn"] == f"arn:aws:iam::{MEMBER}:user/boss"
    assert copy["principal"]["account_id"] == MEMBER
    assert copy["principal"]["arn"] == ""
    for event in (own, copy):
        assert event["resources"] == [ROLE]
        assert event["issued_credentials"]["principal_arn"] == given["assumed_role_arn"]
        assert given["secret_access_key"] not in json.dumps(event)
        assert given["session_token"] not in json.dumps(event)
    # What is done with the credentials says for whom.
    credentials = stack.client(
        "sts",
        aws_access_key_id=given["access_key_id"],
        aws_secret_access_key=given["secret_access_key"],
        aws_session_token=given["session_token"],
    )
    request_id = credentials.get_caller_identity()["ResponseMetadata"]["RequestId"]
    until = time.monotonic() + 30
    found: dict[str, dict[str, Any]] = {}
    while not {"auth", "edge"} <= found.keys():
        events = stack.craton_json("audit", "lookup", "--request-id", request_id)
        found = {event["recorder"]: event for event in events}
        assert time.monotonic() < until
        time.sleep(0.2)
    for recorder in ("auth", "edge"):
        assert found[recorder]["session_context"]["source_identity"] == "carol"


def test_the_callers_own_record_at_the_entrance_is_joined_with_the_copy(
    stack: Any, member_keys: dict[str, str], role: str
) -> None:
    sts = stack.client("sts", **member_keys)
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="by-boto3", ExternalId="their-number")
    key_id = given["Credentials"]["AccessKeyId"]
    copy = assumed(stack, ACCOUNT, key_id)
    until, own = time.monotonic() + 30, None
    while own is None:
        found = stack.client("cloudtrail", **member_keys).lookup_events(
            LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": ROLE}]
        )["Events"]
        records = [json.loads(each["CloudTrailEvent"]) for each in found]
        request_id = given["ResponseMetadata"]["RequestId"]
        own = next((each for each in records if each["requestID"] == request_id), None)
        assert time.monotonic() < until
        time.sleep(0.2)
    assert own["additionalEventData"]["recordedBy"] == "edge"
    assert own["sharedEventID"] == copy["shared_event_id"] != ""
    assert own["additionalEventData"]["issuedCredentials"]["accessKeyId"] == key_id
    assert set(own["responseElements"]["credentials"]) == {"accessKeyId", "expiration"}
    asked = {"roleArn": ROLE, "roleSessionName": "by-boto3", "externalId": "their-number"}
    assert own["requestParameters"] == asked
    assert json.loads(copy["request_parameters_json"]) == asked
    for secret in ("SecretAccessKey", "SessionToken"):
        assert given["Credentials"][secret] not in json.dumps([own, copy])


def test_a_shell_takes_the_environment_of_a_role(stack: Any, member: Path, role: str) -> None:
    answer = as_member(stack, member, "roles", "assume", role, "--export")
    names = [line.partition("=")[0] for line in answer.stdout.splitlines()]
    assert names == [f"export AWS_{name}" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]


def test_who_is_not_trusted_is_refused(stack: Any, role: str) -> None:
    answer = stack.craton("--role", role, "whoami", check=False)
    assert answer.returncode == 3
    assert "is not authorized to perform: sts:AssumeRole" in answer.stderr
