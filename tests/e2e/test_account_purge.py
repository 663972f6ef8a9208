"""An account is purged by the command line, and by unmodified clients nothing of it is left."""

import base64
import json
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.output import Exit

REGIONS = ("us-east-1", "eu-central-1")
MODEL = "craton.tiny-text-v1"
DEADLINE_S = 10.0
"""Ten times what is promised of a small account on a machine that does nothing else."""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    }
)
ALL = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


@dataclass
class Small:
    """An account with some of everything."""

    account_id: str
    boss: dict[str, str]
    keys: list[dict[str, str]] = field(default_factory=list)
    ciphertexts: list[bytes] = field(default_factory=list)
    event: dict[str, Any] = field(default_factory=dict)


def credentials(made: dict[str, Any]) -> dict[str, str]:
    names = {"aws_access_key_id": ("access_key_id", "AccessKeyId")}
    names |= {"aws_secret_access_key": ("secret_access_key", "SecretAccessKey")}
    found = {
        name: next(made[each] for each in each_name if each in made) for name, each_name in names.items()
    }
    return found | ({"aws_session_token": made["SessionToken"]} if "SessionToken" in made else {})


def refused(call: Any, *codes: str) -> None:
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] in codes, error.value.response["Error"]


def assert_without_keys(stack: Any, small: Small, who: dict[str, str]) -> None:
    for region, blob in zip(REGIONS, small.ciphertexts, strict=True):
        kms = stack.client("kms", region_name=region, **who)
        assert kms.list_keys()["Keys"] == kms.list_aliases()["Aliases"] == []
        for each in (kms, stack.client("kms", region_name=region)):
            refused(partial(each.decrypt, CiphertextBlob=blob), "AccessDeniedException", "NotFoundException")


def own_event(stack: Any, account_id: str, name: str = "CreateRole") -> dict[str, Any]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = stack.craton_json("audit", "lookup", "--account-id", account_id, "--event-name", name)
        if found:
            return dict(found[0])
        time.sleep(0.2)
    pytest.fail("the event is not in the log")


def filled(stack: Any) -> Small:
    """Make an account: users, keys of both kinds, a role with a session, a group, model access, events."""
    account_id = f"4{uuid.uuid4().int % 10**11:011d}"
    made = stack.craton_json(
        "accounts", "create", "small", "--account-id", account_id, "--administrator", "boss"
    )
    small = Small(account_id, credentials(made))
    iam = stack.client("iam", **small.boss)
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "red"}])
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=ALL)
    small.keys.append(credentials(iam.create_access_key(UserName="alice")["AccessKey"]))
    policy = iam.create_policy(PolicyName="managed", PolicyDocument=ALL)["Policy"]["Arn"]
    iam.create_group(GroupName="team")
    iam.attach_group_policy(GroupName="team", PolicyArn=policy)
    iam.add_user_to_group(GroupName="team", UserName="alice")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=ALL)
    given = stack.client("sts", **small.boss).assume_role(RoleArn=role, RoleSessionName="session")[
        "Credentials"
    ]
    small.keys += [small.boss, credentials(given)]
    for region in REGIONS:
        kms = stack.client("kms", region_name=region, **small.boss)
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/mine", TargetKeyId=key_id)
        kms.create_grant(KeyId=key_id, GranteePrincipal=role, Operations=["Decrypt"])
        small.ciphertexts.append(kms.encrypt(KeyId=key_id, Plaintext=b"secret")["CiphertextBlob"])
    bedrock = stack.client("bedrock", **small.boss)
    offer = bedrock.list_foundation_model_agreement_offers(modelId=MODEL)["offers"][0]["offerToken"]
    bedrock.create_foundation_model_agreement(modelId=MODEL, offerToken=offer)
    body = json.dumps({"inputText": "Once", "textGenerationConfig": {"maxTokenCount": 4}})
    stack.client("bedrock-runtime", **small.boss).invoke_model(modelId=MODEL, body=body)["body"].read()
    small.event = own_event(stack, account_id)
    return small


def purged(stack: Any, small: Small, folder: Path, *words: str) -> tuple[dict[str, Any], Path]:
    certificate = folder / f"{small.account_id}.json"
    shown = stack.craton_json(
        "accounts", "purge", small.account_id, "--yes", "--certificate", str(certificate), *words
    )
    began, ended = (shown[each].rstrip("Z")[:26] for each in ("request_time", "complete_time"))
    took = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    assert took.total_seconds() < DEADLINE_S
    assert shown["state"] == "done"
    return shown, certificate


@pytest.fixture(scope="module")
def small(stack: Any) -> Small:
    return filled(stack)


@pytest.fixture(scope="module")
def proof(stack: Any, small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proof of an event of the account, taken while there was one."""
    file, until = tmp_path_factory.mktemp("proof") / "event.json", time.monotonic() + 30
    while stack.craton("audit", "prove", small.event["event_id"], "-o", str(file), check=False).returncode:
        assert time.monotonic() < until
    return file


def test_a_small_account_is_gone(stack: Any, small: Small, proof: Path, tmp_path: Path) -> None:
    key = str(stack.craton_json("audit", "key")["verifier_key"])
    ours = stack.client("kms")
    bystander = ours.create_key()["KeyMetadata"]["KeyId"]
    kept = ours.encrypt(KeyId=bystander, Plaintext=b"ours")["CiphertextBlob"]

    shown, certificate = purged(stack, small, tmp_path)

    # Old credentials of every kind are nobody's.
    for old in small.keys:
        refused(stack.client("sts", **old).get_caller_identity, "InvalidClientTokenId")
        refused(stack.client("kms", **old).list_keys, "UnrecognizedClientException")
    # What begins anew under the id is empty, and opens nothing of what was.
    root = credentials(shown)
    iam = stack.client("iam", **root)
    assert iam.list_users()["Users"] == iam.list_roles()["Roles"] == []
    assert iam.list_groups()["Groups"] == iam.list_policies(Scope="Local")["Policies"] == []
    assert_without_keys(stack, small, root)
    availability = stack.client("bedrock", **root).get_foundation_model_availability(modelId=MODEL)
    assert availability["agreementAvailability"]["status"] == "NOT_AVAILABLE"
    # Its log begins after the purge; the log as a whole is unharmed.
    events = stack.client("cloudtrail", **root).lookup_events()["Events"]
    assert not [each for each in events if each["EventId"] == small.event["event_id"]]
    assert "CreateRole" not in {each["EventName"] for each in events}
    assert stack.craton_json("audit", "verify", str(proof), "--key", key)["event"] == small.event
    asked = stack.craton("audit", "prove", small.event["event_id"], "-o", str(tmp_path / "p"), check=False)
    assert asked.returncode == Exit.FAILED
    assert "purged with its account" in asked.stderr
    assert stack.craton("audit", "fsck", "--key", key).returncode == 0
    # Others are untouched.
    assert ours.decrypt(CiphertextBlob=kept)["Plaintext"] == b"ours"
    ours.schedule_key_deletion(KeyId=bystander, PendingWindowInDays=7)

    said = stack.craton_json("accounts", "purges", "check", str(certificate), "--key", shown["public_key"])
    assert (said["account"], said["principals"], said["approved"]) == (small.account_id, "closed", None)
    assert said["removed"]["kms"] == {"keys": 2, "aliases": 2, "grants": 2, "keys of services": 1}
    assert (said["removed"]["auth"]["users"], said["removed"]["auth"]["roles"]) == (2, 1)
    assert said["removed"]["audit"]["events"] > 10
    # The entries that it names are there, and say what it says.
    assert [each["about"] for each in said["logEntries"]] == ["requested", "completed"]
    for entry in said["logEntries"]:
        file, until = tmp_path / entry["eventId"], time.monotonic() + 30
        while stack.craton("audit", "prove", entry["eventId"], "-o", str(file), check=False).returncode:
            assert time.monotonic() < until
        verified = stack.craton_json("audit", "verify", str(file), "--key", key)
        assert verified["index"] == entry["index"]
        assert f"accounts/{small.account_id}" in str(verified["event"]["resources"]).replace(
            f"arn:aws:iam::{small.account_id}:root", f"accounts/{small.account_id}"
        )


def test_a_certificate_of_another_key_is_none(stack: Any, tmp_path: Path) -> None:
    small = Small(f"5{uuid.uuid4().int % 10**11:011d}", {})
    stack.craton("accounts", "create", "empty", "--account-id", small.account_id)
    shown, certificate = purged(stack, small, tmp_path)
    # Its key was printed: it is not made twice.
    again = stack.craton("accounts", "purges", "key", shown["purge_id"], check=False)
    assert (again.returncode, "has a user or a key already" in again.stderr) == (Exit.REFUSED, True)
    other = base64.b64encode(bytes(range(32))).decode()
    done = stack.craton("accounts", "purges", "check", str(certificate), "--key", other, check=False)
    assert done.returncode == Exit.REFUSED
    envelope = json.loads(certificate.read_bytes())
    payload = base64.b64decode(envelope["payload"]).replace(b'"closed"', b'"kept"')
    envelope["payload"] = base64.b64encode(payload).decode()
    certificate.write_text(json.dumps(envelope))
    done = stack.craton(
        "accounts", "purges", "check", str(certificate), "--key", shown["public_key"], check=False
    )
    assert done.returncode == Exit.REFUSED
    assert small.account_id in {
        each["account_id"] for each in stack.craton_json("accounts", "purges", "list")
    }


def test_principals_that_are_kept_go_on_without_what_they_had(stack: Any, tmp_path: Path) -> None:
    small = filled(stack)
    alice, boss, session = small.keys
    shown, _ = purged(stack, small, tmp_path, "--keep-principals")
    assert "secret_access_key" not in shown
    for kept in (alice, boss):
        assert stack.client("sts", **kept).get_caller_identity()["Account"] == small.account_id
    refused(stack.client("sts", **session).get_caller_identity, "InvalidClientTokenId")
    assert {each["UserName"] for each in stack.client("iam", **boss).list_users()["Users"]} == {
        "alice",
        "boss",
    }
    assert_without_keys(stack, small, boss)
    kms = stack.client("kms", **boss)
    fresh = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=fresh, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"new"
    # Its log goes on, too.
    assert own_event(stack, small.account_id, "CreateKey")["event_id"] != small.event["event_id"]


def test_it_asks_first_and_refuses_what_cannot_be_purged(stack: Any, tmp_path: Path) -> None:
    asked: subprocess.CompletedProcess[str] = stack.craton("accounts", "purge", "210000000000", check=False)
    assert asked.returncode == Exit.FAILED
    assert "cannot be undone" in asked.stderr
    file = str(tmp_path / "c")
    for account, code in (("210000000000", Exit.NOT_FOUND), ("123456789012", Exit.REFUSED)):
        done = stack.craton("accounts", "purge", account, "--yes", "--certificate", file, check=False)
        assert done.returncode == code, done.stderr
