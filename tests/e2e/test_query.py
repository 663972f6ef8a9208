"""The query protocol on the wire: what it refuses, and what is recorded of it."""

import json
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3

FORM = "application/x-www-form-urlencoded; charset=utf-8"
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"
USERS = b"Action=ListUsers&Version=2010-05-08"


def signed(
    stack: Any,
    service: str,
    body: bytes = b"",
    *,
    query: str = "",
    method: str = "POST",
    age: timedelta = timedelta(0),
    **keys: str,
) -> botocore.awsrequest.AWSPreparedRequest:
    """Sign as botocore does, what and when we choose."""
    found = stack.credentials() | keys
    credentials = botocore.credentials.Credentials(found["aws_access_key_id"], found["aws_secret_access_key"])
    url = f"{stack.endpoint}/{query}"
    headers = {"Content-Type": FORM} if method == "POST" else {}
    request = botocore.awsrequest.AWSRequest(method, url, headers, body)
    request.context["timestamp"] = (datetime.now(UTC) - age).strftime("%Y%m%dT%H%M%SZ")
    signer = botocore.auth.SigV4Auth(credentials, service, "us-east-1")
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signer._inject_signature_to_request(
        request, signer.signature(signer.string_to_sign(request, canonical), request)
    )
    return request.prepare()


class Answer:
    """An answer in XML."""

    def __init__(self, answer: Any) -> None:
        self.status = answer.status
        self.request_id = answer.headers["x-amzn-requestid"]
        assert answer.headers["content-type"] == "text/xml"
        self.tree = ElementTree.fromstring(answer.data)  # noqa: S314 - written by the edge under test
        assert self.tree.findtext(".//{*}RequestId") == self.request_id
        self.code = self.tree.findtext("{*}Error/{*}Code")
        self.message = self.tree.findtext("{*}Error/{*}Message") or ""


def send(stack: Any, request: botocore.awsrequest.AWSPreparedRequest, **changes: str) -> Answer:
    """Send a request, with headers changed or added after it was signed."""
    headers = {
        name: each if isinstance(each, str) else each.decode() for name, each in request.headers.items()
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    with urllib3.PoolManager(ca_certs=str(stack.home / "pki/ca.pem")) as pool:
        return Answer(
            pool.request(
                request.method, request.url, body=request.body or None, headers=headers, retries=False
            )
        )


def ask(stack: Any, service: str, body: bytes = b"", **options: Any) -> Answer:
    return send(stack, signed(stack, service, body, **options))


def test_get_has_its_parameters_in_the_query_string(stack: Any) -> None:
    answer = ask(stack, "sts", method="GET", query=f"?{WHO.decode()}")
    assert answer.status == 200
    assert answer.tree.findtext(".//{*}Arn") == "arn:aws:iam::123456789012:user/admin"
    assert ask(stack, "sts", WHO, query="?a=b").code == "MalformedQueryString"


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"", "MissingAction", 400),
        (b"Action=GetCallerIdentity", "InvalidAction", 400),
        (b"Action=GetCallerIdentity&Version=2010-05-08", "InvalidAction", 400),
        (b"Action=ListUsers&Version=2011-06-15", "InvalidAction", 400),
        (WHO + b"&Action=GetCallerIdentity", "InvalidQueryParameter", 400),
        (WHO + b"&Unknown=1", "InvalidQueryParameter", 400),
        (WHO + b"&a" * 2000, "InvalidQueryParameter", 400),
        (WHO + b"&%ff=1", "MalformedQueryString", 404),
        (b'{"Action": "GetCallerIdentity"}', "MissingAction", 400),
        (WHO + b"&a=" + b"x" * 2**20, "RequestEntityTooLargeException", 413),
    ],
)
def test_what_cannot_be_read_is_refused(stack: Any, body: bytes, code: str, status: int) -> None:
    answer = ask(stack, "sts", body)
    assert (answer.code, answer.status) == (code, status)
    assert answer.message


def test_without_credentials_and_with_wrong_ones(stack: Any) -> None:
    request = signed(stack, "sts", WHO)
    assert send(stack, request, Authorization="Bearer x").code == "MissingAuthenticationToken"
    assert send(stack, request, Authorization="AWS4-HMAC-SHA256 x").code == "IncompleteSignature"
    answer = ask(stack, "s3", WHO)
    assert (answer.code, answer.status) == ("SignatureDoesNotMatch", 403)
    answer = ask(stack, "sts", WHO, aws_secret_access_key="x" * 40)
    assert (answer.code, answer.status) == ("SignatureDoesNotMatch", 403)
    assert ask(stack, "sts", WHO, age=timedelta(minutes=20)).code == "SignatureDoesNotMatch"
    assert send(stack, request, X_Amz_Target="x").code == "SignatureDoesNotMatch"


def test_presigned_requests_are_refused(stack: Any) -> None:
    url = stack.client("sts").generate_presigned_url("get_caller_identity")
    answer = send(stack, botocore.awsrequest.AWSRequest("GET", url).prepare())
    assert (answer.code, answer.status) == ("IncompleteSignature", 400)


def test_a_signature_is_for_one_service(stack: Any) -> None:
    """A request that was signed for sts means nothing to iam, and one for bedrock nothing to either."""
    assert ask(stack, "sts", USERS).code == "InvalidAction"
    assert ask(stack, "iam", WHO).code == "InvalidAction"
    request = signed(stack, "sts", USERS)
    scope = request.headers["Authorization"]
    moved = (scope if isinstance(scope, str) else scope.decode()).replace("/sts/", "/iam/")
    assert send(stack, request, Authorization=moved).code == "SignatureDoesNotMatch"


def test_a_changed_form_is_refused(stack: Any) -> None:
    request = signed(stack, "iam", b"Action=GetUser&Version=2010-05-08&UserName=admin")
    request.body = b"Action=GetUser&Version=2010-05-08&UserName=other"
    assert send(stack, request).code == "SignatureDoesNotMatch"


def test_the_same_bytes_later_are_a_replay(stack: Any) -> None:
    request = signed(stack, "sts", WHO)
    assert send(stack, request).status == 200
    assert send(stack, request).status == 200
    time.sleep(3)
    answer = send(stack, request)
    assert (answer.code, answer.status) == ("SignatureDoesNotMatch", 403)


def _events(stack: Any, request_id: str, recorder: str) -> list[dict[str, Any]]:
    """Wait for the outcome that `recorder` wrote, and return its events of this request."""
    deadline = time.monotonic() + 30
    while True:
        events = stack.craton_json("audit", "lookup", "--request-id", request_id)
        found = [event for event in events if event["recorder"] == recorder]
        if any(event["phase"] == "EVENT_PHASE_OUTCOME" for event in found):
            return found
        assert time.monotonic() < deadline, events
        time.sleep(0.5)


def test_the_audit_log_names_operation_and_user_and_no_secret(stack: Any) -> None:
    iam = stack.client("iam")
    name = f"recorded-{time.time_ns()}"
    arn = f"arn:aws:iam::123456789012:user/{name}"
    iam.create_user(UserName=name)
    try:
        answer = iam.create_access_key(UserName=name)
        secret = answer["AccessKey"]["SecretAccessKey"]
        for recorder in ("edge", "auth"):
            events = _events(stack, answer["ResponseMetadata"]["RequestId"], recorder)
            assert {event["phase"] for event in events} == {"EVENT_PHASE_INTENT", "EVENT_PHASE_OUTCOME"}
            assert {event["event_source"] for event in events} == {"iam.amazonaws.com"}
            assert {event["event_name"] for event in events} == {"CreateAccessKey"}
            assert {tuple(event["resources"]) for event in events} == {(arn,)}
            written = json.dumps(events)
            assert secret not in written
            assert urllib.parse.quote(secret, safe="") not in written
        iam.delete_access_key(UserName=name, AccessKeyId=answer["AccessKey"]["AccessKeyId"])
    finally:
        iam.delete_user(UserName=name)


def test_what_is_refused_is_recorded_too(stack: Any) -> None:
    answer = ask(stack, "sts", b"Action=DecodeAuthorizationMessage&Version=2011-06-15&EncodedMessage=x")
    assert answer.code == "InvalidAction"
    (event,) = _events(stack, answer.request_id, "edge")
    assert (event["event_source"], event["event_name"]) == ("sts.amazonaws.com", "DecodeAuthorizationMessage")
    assert event["principal"]["arn"].endswith("user/admin")
    answer = ask(stack, "iam", b"Action=Nothing&Version=2010-05-08")
    (event,) = _events(stack, answer.request_id, "edge")
    assert (event["event_source"], event["event_name"]) == ("iam.amazonaws.com", "UnknownOperation")


def _aws(stack: Any, *words: str) -> Any:
    command = ["aws", *words, "--profile", "craton", "--output", "json"]
    done = subprocess.run(
        command, env=stack.environment, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_the_aws_command_line(stack: Any) -> None:
    assert _aws(stack, "sts", "get-caller-identity")["Arn"] == "arn:aws:iam::123456789012:user/admin"
    assert "admin" in {each["UserName"] for each in _aws(stack, "iam", "list-users")["Users"]}
