"""The private path of a running stack: unmodified boto3 by it, and not by it."""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

ACCOUNT = "123456789012"
MEMBER = f"4{uuid.uuid4().int % 10**11:011d}"
"""Another one with every run: accounts stay."""
TEXT, CHAT = "craton.tiny-text-v1", "craton.tiny-chat-v1"
BODY = json.dumps({"inputText": "Once upon a time", "textGenerationConfig": {"maxTokenCount": 8}})
LONG = json.dumps(
    {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 512,
        "messages": [
            {"role": "user", "content": "Tell me a very long story of a fox and a robot. Do not stop."}
        ],
    }
)
READERS = 8
Ended = tuple[str, float]
"""Why a stream ended, and when."""


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def unless(endpoint: str, operator: str = "StringNotEquals", action: str = "bedrock:*") -> dict[str, Any]:
    """Deny everything that comes by another way."""
    condition = {operator: {"aws:SourceVpce": endpoint}}
    return {"Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition}


ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def endpoint(stack: Any) -> Iterator[str]:
    """An endpoint of the first account on the stack's private listener."""
    stack.craton("endpoints", "assign", "private", "--account", ACCOUNT)
    created = stack.craton_json("endpoints", "create", "private")
    assert created["account_id"] == ACCOUNT
    yield created["vpc_endpoint_id"]
    stack.craton("endpoints", "release", "private")


def private(stack: Any) -> str:
    return f"https://{stack.address}:8444"


def keys_of(stack: Any, iam: Any, name: str) -> dict[str, str]:
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
    }


@pytest.fixture
def user(stack: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """A user who may do everything, with its access key."""
    iam, name = stack.client("iam"), f"private-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document(ALLOW))
    keys = keys_of(stack, iam, name)
    yield name, keys
    iam.delete_access_key(UserName=name, AccessKeyId=keys["aws_access_key_id"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_user(UserName=name)


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] in ("AccessDeniedException", "AccessDenied")
    return str(error["Message"])


def test_nobody_comes_in_before_there_is_an_endpoint(stack: Any) -> None:
    client = stack.client("bedrock-runtime", endpoint_url=private(stack))
    assert "No VPC endpoint is registered" in refusal(client.invoke_model, modelId=TEXT, body=BODY)
    stack.craton("endpoints", "assign", "private", "--account", ACCOUNT)
    assert "No VPC endpoint is registered" in refusal(client.invoke_model, modelId=TEXT, body=BODY)
    stack.craton("endpoints", "release", "private")


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotEqualsIfExists"])
def test_an_identity_policy_denies_all_but_the_private_path(
    stack: Any, endpoint: str, user: tuple[str, dict[str, str]], operator: str
) -> None:
    name, keys = user
    deny = document(unless(endpoint, operator))
    stack.client("iam").put_user_policy(UserName=name, PolicyName="private", PolicyDocument=deny)
    inside = stack.client("bedrock-runtime", endpoint_url=private(stack), **keys)
    outside = stack.client("bedrock-runtime", **keys)
    assert inside.invoke_model(modelId=TEXT, body=BODY)["body"].read()
    message = refusal(outside.invoke_model, modelId=TEXT, body=BODY)
    assert "with an explicit deny in an identity-based policy" in message
    # Names are what clients write: they change nothing.
    for client, host in ((outside, f"{stack.address}:8444"), (inside, f"{stack.address}:8443")):
        client.meta.events.register("before-sign.*.*", _host(host))
    refusal(outside.invoke_model, modelId=TEXT, body=BODY)
    assert inside.invoke_model(modelId=TEXT, body=BODY)["body"].read()


def _host(host: str) -> Any:
    def add(request: Any, **_: Any) -> None:
        request.headers["host"] = host

    return add


def test_a_roles_trust_policy_names_the_private_path(stack: Any, endpoint: str) -> None:
    iam, name = stack.client("iam"), f"private-{uuid.uuid4().hex[:8]}"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceVpce": endpoint}},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    try:
        wanted = {"RoleArn": role, "RoleSessionName": "inside"}
        refusal(stack.client("sts").assume_role, **wanted)
        assumed = stack.client("sts", endpoint_url=private(stack)).assume_role(**wanted)
        assert assumed["Credentials"]["AccessKeyId"].startswith("ASIA")
    finally:
        iam.delete_role(RoleName=name)


def test_the_endpoints_policy_allows_one_model_and_nothing_else(
    stack: Any, endpoint: str, tmp_path: Path
) -> None:
    one = tmp_path / "one.json"
    resource = f"arn:aws:bedrock:*::foundation-model/{TEXT}"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "bedrock:InvokeModel*", "Resource": resource}
    one.write_text(document(allow))
    inside = stack.client("bedrock-runtime", endpoint_url=private(stack))
    inside.invoke_model(modelId=TEXT, body=BODY)["body"].read()
    stack.craton("endpoints", "policy", endpoint, str(one))
    inside.invoke_model(modelId=TEXT, body=BODY)["body"].read()
    message = refusal(inside.invoke_model, modelId=CHAT, body=BODY)
    assert "because no VPC endpoint policy allows the bedrock:InvokeModel action" in message
    refusal(stack.client("sts", endpoint_url=private(stack)).get_caller_identity)
    refusal(stack.client("iam", endpoint_url=private(stack)).list_users)
    refusal(stack.client("bedrock", endpoint_url=private(stack)).list_foundation_models)
    assert stack.client("sts").get_caller_identity()["Account"] == ACCOUNT
    stack.craton("endpoints", "policy", endpoint, "--reset")
    assert stack.client("sts", endpoint_url=private(stack)).get_caller_identity()["Account"] == ACCOUNT
    stack.craton("endpoints", "modify", endpoint, "--remove-service", "iam")
    refusal(stack.client("iam", endpoint_url=private(stack)).list_users)


def test_what_is_deleted_lets_nobody_in_and_a_new_one_does(stack: Any, endpoint: str) -> None:
    client = stack.client("bedrock", endpoint_url=private(stack))
    client.list_foundation_models()
    stack.craton("endpoints", "delete", endpoint)
    refusal(client.list_foundation_models)
    again = stack.craton_json("endpoints", "create", "private")
    assert again["vpc_endpoint_id"] != endpoint
    client.list_foundation_models()


@pytest.fixture(scope="module")
def member(stack: Any) -> dict[str, str]:
    """The access key of another account's administrator."""
    made = stack.craton_json(
        "accounts", "create", "member", "--account-id", MEMBER, "--administrator", "boss"
    )
    return {
        "aws_access_key_id": made["access_key_id"],
        "aws_secret_access_key": made["secret_access_key"],
    }


def test_another_accounts_endpoint_is_closed_until_it_is_opened(
    stack: Any, endpoint: str, member: dict[str, str]
) -> None:
    client = stack.client("bedrock", endpoint_url=private(stack), **member)
    assert "is not open to principals of your account" in refusal(client.list_foundation_models)
    stack.craton("endpoints", "modify", endpoint, "--allow-account", MEMBER)
    client.list_foundation_models()
    stack.craton("endpoints", "modify", endpoint, "--refuse-account", MEMBER)
    refusal(client.list_foundation_models)


def test_a_service_control_policy_denies_all_but_the_private_path(
    stack: Any, endpoint: str, member: dict[str, str], tmp_path: Path
) -> None:
    stack.craton("endpoints", "modify", endpoint, "--allow-account", "*")
    stack.craton("organization", "enable", "scp", check=False)
    file = tmp_path / "scp.json"
    file.write_text(document(unless(endpoint)))
    made = stack.craton_json("organization", "policies", "create", f"private-{MEMBER}", str(file))
    policy = made["policy_id"]
    inside = stack.client("bedrock", endpoint_url=private(stack), **member)
    outside = stack.client("bedrock", **member)
    outside.list_foundation_models()
    stack.craton("organization", "policies", "attach", policy, MEMBER)
    try:
        message = refusal(outside.list_foundation_models)
        assert "with an explicit deny in a service control policy" in message
        inside.list_foundation_models()
    finally:
        stack.craton("organization", "policies", "detach", policy, MEMBER)
        stack.craton("organization", "policies", "delete", policy)


def test_a_stream_ends_when_the_policy_no_longer_allows_it(stack: Any, endpoint: str, tmp_path: Path) -> None:
    closed = tmp_path / "closed.json"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sts:*", "Resource": "*"}
    closed.write_text(document(allow))
    client = stack.client("bedrock-runtime", endpoint_url=private(stack))
    # Which of the two it is depends on the machine: what is short may end before it is asked about again.
    broken, refused = _streams_until(
        client, lambda: stack.craton("endpoints", "policy", endpoint, str(closed))
    )
    assert len(broken) + len(refused) == READERS
    assert all("VPC endpoint policy" in why for why, _ in (*broken, *refused))
    assert all(late < 5 for _, late in (*broken, *refused))


def _streams_until(client: Any, change: Callable[[], object]) -> tuple[list[Ended], list[Ended]]:
    """Read one stream after the other, several at a time so that each takes seconds, until they are refused.

    Returns those that broke off and those that did not begin, with the seconds since `change()` returned.
    """
    begun = threading.Barrier(READERS + 1)
    broken: list[Ended] = []
    refused: list[Ended] = []

    def read() -> None:
        first = True
        while True:
            try:
                stream = client.invoke_model_with_response_stream(modelId=CHAT, body=LONG)
            except ClientError as error:
                refused.append((str(error), time.monotonic()))
                return
            try:
                with contextlib.closing(stream["body"]) as events:
                    for _ in events:
                        if first:
                            begun.wait(30)
                            first = False
            except EventStreamError as error:
                broken.append((str(error), time.monotonic()))
                return

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    begun.wait(30)
    change()
    changed = time.monotonic()
    for reader in readers:
        reader.join(30)
    after = [[(why, at - changed) for why, at in ended] for ended in (broken, refused)]
    return after[0], after[1]


def test_events_name_the_endpoint(stack: Any, endpoint: str) -> None:
    started = time.time()
    inside = stack.client("bedrock-runtime", endpoint_url=private(stack))
    inside.invoke_model(modelId=TEXT, body=BODY)["body"].read()
    deadline = time.monotonic() + 30
    while True:
        events = stack.craton_json("audit", "lookup", "--event-name", "InvokeModel", "--max", "20")
        named = [
            event
            for event in events
            if event.get("audit_context", {}).get("vpc_endpoint_id") == endpoint
            and event["audit_context"]["vpc_endpoint_account_id"] == ACCOUNT
        ]
        if {event["recorder"] for event in named} >= {"edge", "runtime"}:
            return
        assert time.monotonic() < deadline, (started, events[:2])
        time.sleep(0.2)
