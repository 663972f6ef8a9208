"""A customer with HTTPS and an access key, and nothing else, proves its events and completes its receipts."""

import base64
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import allowing, cleared, keys_of
from tests.running_stack import ROOT

TEXT = "craton.tiny-text-v1"
MEMBER = "290000000031"
NOWHERE = "00000000-0000-4000-8000-000000000000"
Craton = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the customer keeps."""
    return tmp_path_factory.mktemp("customer")


@pytest.fixture(scope="module")
def craton(stack: Any, folder: Path) -> Craton:
    """The command line where there is neither a stack nor an operator's certificate."""
    nothing = folder / "home"
    nothing.mkdir()
    return lambda *words: stack.craton(*words, check=False, CRATON_HOME=str(nothing))


@pytest.fixture(scope="module")
def keys(craton: Craton, folder: Path) -> Path:
    """The log's keys and its witness', as they were told first; from then on the log is remembered."""
    file, deadline = folder / "log.json", time.monotonic() + 60
    while True:
        printed = craton("audit", "key", "--as-profile", "--json")
        assert printed.returncode == 0, printed.stderr
        file.write_text(printed.stdout)
        done = craton("audit", "checkpoint", "--as-profile", "--keys", str(file))
        # A checkpoint of the first seconds may lack the witness' signature.
        if done.returncode == 0 and json.loads(printed.stdout)["witness_keys"]:
            return file
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


@pytest.fixture(scope="module")
def record(stack: Any) -> dict[str, Any]:
    """The record of an invocation, as LookupEvents shows it."""
    answer = stack.client("bedrock-runtime").invoke_model(
        modelId=TEXT, body=json.dumps({"inputText": "Once"}).encode()
    )
    answer["body"].read()
    wanted = {"AttributeKey": "EventName", "AttributeValue": "InvokeModel"}
    trail, deadline = stack.client("cloudtrail"), time.monotonic() + 60
    while time.monotonic() < deadline:
        for event in trail.lookup_events(LookupAttributes=[wanted])["Events"]:
            found = json.loads(event["CloudTrailEvent"])
            if found["requestID"] == answer["ResponseMetadata"]["RequestId"]:
                return dict(found)
        time.sleep(0.2)
    pytest.fail("the call was not shipped")


@pytest.fixture(scope="module")
def proved(stack: Any, record: dict[str, Any]) -> dict[str, Any]:
    """What GetEventProof answers of it, once a checkpoint covers it."""
    audit, deadline = stack.client("craton-audit"), time.monotonic() + 60
    while True:
        try:
            return dict(audit.get_event_proof(eventId=record["eventID"]))
        except audit.exceptions.ConflictException:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def refusal(client: Any, operation: str, **arguments: Any) -> tuple[Any, ...]:
    """All that a refusal says, but the id of the request and the date."""
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    said = caught.value.response
    metadata = said["ResponseMetadata"]
    headers = {
        name: value
        for name, value in metadata["HTTPHeaders"].items()
        if name not in ("date", "x-amzn-requestid")
    }
    return said["Error"], metadata["HTTPStatusCode"], headers


def test_what_lookup_events_shows_is_proved_offline(
    craton: Craton, keys: Path, record: dict[str, Any], proved: dict[str, Any], folder: Path
) -> None:
    file, shown = folder / "by-boto3.json", folder / "record.json"
    members = {name: base64.b64encode(proved[name]).decode() for name in ("entry", "event", "salt")}
    file.write_text(json.dumps(members | {"proof": proved["proof"]}))
    shown.write_text(json.dumps(record))
    done = craton("audit", "verify", str(file), "--record", str(shown), "--keys", str(keys), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"]["event_id"] == record["eventID"]


def test_the_command_line_needs_no_certificate(
    craton: Craton, keys: Path, record: dict[str, Any], proved: dict[str, Any], folder: Path
) -> None:
    file = folder / "by-craton.json"
    given = ("--as-profile", "--keys", str(keys), "-o", str(file))
    done = craton("audit", "prove", record["eventID"], *given)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text())["event"] == base64.b64encode(proved["event"]).decode()
    # It has grown meanwhile: these reads are recorded themselves.
    grown = craton("audit", "checkpoint", "--as-profile", "--keys", str(keys), "--json")
    assert grown.returncode == 0, grown.stderr
    said = json.loads(grown.stdout)
    assert said["size"] >= said["seen_before"] > 0


def test_a_receipt_is_completed_over_https(stack: Any, craton: Craton, keys: Path, folder: Path) -> None:
    client, file = stack.client("bedrock-runtime"), folder / "receipt.json"
    salt = base64.b64encode(secrets.token_bytes(32)).decode()
    client.meta.events.register(
        "before-call.bedrock-runtime",
        lambda params, **_: params["headers"].update({"x-craton-receipt": salt}),
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = client.invoke_model(modelId=TEXT, body=json.dumps({"inputText": "Twice"}).encode())
            break
        except client.exceptions.ServiceUnavailableException:
            # Runtime has a certified key soon after kms and runtime have both started.
            assert time.monotonic() < deadline
            time.sleep(0.2)
    answered = time.monotonic()
    answer["body"].read()
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    names = {"receipt": "x-craton-receipt", "certificate": "x-craton-receipt-certificate"}
    notes = {name: base64.b64decode(headers[header]).decode() for name, header in names.items()}
    file.write_text(json.dumps(notes | {"salt": salt}))
    done = craton("receipts", "complete", str(file), "--as-profile", "--keys", str(keys), "--json")
    assert done.returncode == 0, done.stderr
    seconds = json.loads(done.stdout)["seconds"]
    print(f"complete {time.monotonic() - answered:.2f} s after the answer, {seconds} s of them its own")
    # Two seconds after the answer, on a machine that does nothing else: the log's next checkpoint.
    assert seconds < 20
    authority = json.loads(craton("receipts", "key", "--as-profile", "--json").stdout)["verifier_key"]
    words = ("receipts", "verify", str(file), "--authority", authority, "--keys", str(keys), "--json")
    verified = craton(*words)
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["request_id"] == answer["ResponseMetadata"]["RequestId"]


def test_the_example_is_verified(stack: Any, craton: Craton, keys: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/examples/event_proof.py")],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    file = folder / "of-the-example.json"
    file.write_text(done.stdout)
    verified = craton("audit", "verify", str(file), "--keys", str(keys))
    assert verified.returncode == 0, verified.stderr


def test_an_event_of_another_account_is_not_there(stack: Any, record: dict[str, Any], proved: Any) -> None:
    words = ("accounts", "create", "proofs-member", "--account-id", MEMBER, "--administrator", "boss")
    boss = stack.craton_json(*words)
    client = stack.client(
        "craton-audit",
        aws_access_key_id=boss["access_key_id"],
        aws_secret_access_key=boss["secret_access_key"],
    )
    nowhere = refusal(client, "get_event_proof", eventId=NOWHERE)
    assert (nowhere[0]["Code"], nowhere[1]) == ("ResourceNotFoundException", 404)
    assert refusal(client, "get_event_proof", eventId=record["eventID"]) == nowhere
    # Nor is one of the installation's own: kms anchors its store from the first second on.
    [own] = stack.craton_json("audit", "lookup", "--event-name", "AppendAnchor", "--max", "1")
    assert not own["account_id"]
    assert refusal(client, "get_event_proof", eventId=own["event_id"]) == nowhere
    assert client.get_checkpoint()["verifierKey"].startswith("craton.local/audit+")


def test_who_may_not_look_events_up_gets_nothing(stack: Any, record: dict[str, Any], proved: Any) -> None:
    iam, name = stack.client("iam"), f"proofs-{time.time_ns()}"
    iam.create_user(UserName=name)
    try:
        client = stack.client("craton-audit", **keys_of(iam, name))
        for operation, arguments in (
            ("get_event_proof", {"eventId": record["eventID"]}),
            ("get_event_proof", {"eventId": NOWHERE}),
            ("get_checkpoint", {}),
            ("get_consistency_proof", {"firstSize": 1, "secondSize": 2}),
        ):
            error, status, _ = refusal(client, operation, **arguments)
            assert (error["Code"], status) == ("AccessDeniedException", 403)
            assert "cloudtrail:LookupEvents" in error["Message"]
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allowing("cloudtrail:LookupEvents"))
        assert client.get_event_proof(eventId=record["eventID"])["event"] == proved["event"]
    finally:
        cleared(iam, "User", name)


def test_reads_are_recorded_one_by_one(stack: Any, record: dict[str, Any]) -> None:
    answer = stack.client("craton-audit").get_event_proof(eventId=record["eventID"])
    request, deadline = answer["ResponseMetadata"]["RequestId"], time.monotonic() + 60
    found: list[dict[str, Any]] = []
    while len(found) < 2:
        assert time.monotonic() < deadline
        found = stack.craton_json("audit", "lookup", "--request-id", request)
    assert {each["recorder"] for each in found} == {"audit", "edge"}
    for each in found:
        assert (each["event_source"], each["event_name"]) == ("audit.craton", "GetEventProof")
        assert each["resources"] == [f"events/{record['eventID']}"]
        assert each["read_only"] is True
