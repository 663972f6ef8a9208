"""API keys of Amazon Bedrock by an unmodified boto3, against the whole stack."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import urllib3
from aws_bedrock_token_generator.token_generator import _generate_token
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
USER = "contract-api-keys"
ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"
MODEL = "craton.tiny-text-v1"
BEDROCK = "bedrock.amazonaws.com"
BODY = json.dumps({"inputText": "hi", "textGenerationConfig": {"maxTokenCount": 4}})
ALLOWED = {"Effect": "Allow", "Action": ["bedrock:Get*", "bedrock:Invoke*"], "Resource": "*"}
CALL = {"Effect": "Allow", "Action": "bedrock:CallWithBearerToken", "Resource": "*"}


def refused(call: Any, **arguments: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    error = response["Error"]
    return error["Code"], response["ResponseMetadata"]["HTTPStatusCode"], error["Message"]


INVALID = ("AccessDeniedException", 403, "Authentication failed: Please make sure your API Key is valid.")


@pytest.fixture
def with_key(stack: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client that has an API key and no other credentials."""

    def make(service: str, key: str, region: str = "us-east-1") -> Any:
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        return boto3.Session().client(
            service,
            region_name=region,
            endpoint_url=stack.endpoint,
            verify=str(stack.home / "pki/ca.pem"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def allow(iam: Any, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=USER, PolicyName="p", PolicyDocument=document)


@pytest.fixture
def iam(stack: Any) -> Iterator[Any]:
    """IAM with a user that may use models, also by API keys."""
    client = stack.client("iam")
    client.create_user(UserName=USER)
    allow(client, ALLOWED, CALL)
    yield client
    for key in client.list_service_specific_credentials(UserName=USER)["ServiceSpecificCredentials"]:
        client.delete_service_specific_credential(
            UserName=USER, ServiceSpecificCredentialId=key["ServiceSpecificCredentialId"]
        )
    for key in client.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        client.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    client.delete_user_policy(UserName=USER, PolicyName="p")
    client.delete_user(UserName=USER)


def create(iam: Any, **arguments: Any) -> dict[str, Any]:
    answer = iam.create_service_specific_credential(UserName=USER, ServiceName=BEDROCK, **arguments)
    return dict(answer["ServiceSpecificCredential"])


def test_a_long_term_key_from_creation_to_deletion(stack: Any, iam: Any, with_key: Any) -> None:
    made = create(iam, CredentialAgeDays=30)
    credential, secret = made["ServiceSpecificCredentialId"], made["ServiceCredentialSecret"]
    assert credential.startswith("ACCA")
    assert secret.startswith("ABSK")
    assert made["ServiceCredentialAlias"] == f"{USER}-at-{ACCOUNT}"
    assert (made["Status"], made["ServiceName"], made["UserName"]) == ("Active", BEDROCK, USER)
    left = made["ExpirationDate"] - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    runtime, bedrock = with_key("bedrock-runtime", secret), with_key("bedrock", secret)
    assert runtime.invoke_model(modelId=MODEL, body=BODY)["body"].read()
    assert list(runtime.invoke_model_with_response_stream(modelId=MODEL, body=BODY)["body"])
    assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    change = {"UserName": USER, "ServiceSpecificCredentialId": credential}
    iam.update_service_specific_credential(**change, Status="Inactive")
    assert refused(runtime.invoke_model, modelId=MODEL, body=BODY) == INVALID
    assert refused(bedrock.get_foundation_model, modelIdentifier=MODEL) == INVALID
    iam.update_service_specific_credential(**change, Status="Active")
    assert runtime.invoke_model(modelId=MODEL, body=BODY)["body"].read()
    again = iam.reset_service_specific_credential(**change)["ServiceSpecificCredential"]
    assert again["ServiceCredentialSecret"] != secret
    assert again["ExpirationDate"] == made["ExpirationDate"]
    assert refused(runtime.invoke_model, modelId=MODEL, body=BODY) == INVALID
    renewed = with_key("bedrock", again["ServiceCredentialSecret"])
    assert renewed.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    (listed,) = iam.list_service_specific_credentials(UserName=USER)["ServiceSpecificCredentials"]
    assert "ServiceCredentialSecret" not in listed
    assert listed["ServiceSpecificCredentialId"] == credential
    iam.delete_service_specific_credential(**change)
    assert refused(renewed.get_foundation_model, modelIdentifier=MODEL) == INVALID


def test_limits_and_errors_of_iam(iam: Any) -> None:
    create(iam)
    assert "ExpirationDate" not in (second := create(iam))
    assert second["ServiceCredentialAlias"] == f"{USER}+1-at-{ACCOUNT}"
    code, status, text = refused(iam.create_service_specific_credential, UserName=USER, ServiceName=BEDROCK)
    assert (code, status) == ("LimitExceeded", 409)
    assert text == "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2"
    other = refused(
        iam.create_service_specific_credential, UserName=USER, ServiceName="codecommit.amazonaws.com"
    )
    assert other[:2] == ("NotSupportedService", 404)
    nobody = {"UserName": "nobody-at-all", "ServiceName": BEDROCK}
    assert refused(iam.create_service_specific_credential, **nobody)[:2] == ("NoSuchEntity", 404)
    unknown = {"UserName": USER, "ServiceSpecificCredentialId": "ACCA" + "A" * 17}
    for operation in ("delete", "reset"):
        call = getattr(iam, f"{operation}_service_specific_credential")
        assert refused(call, **unknown)[:2] == ("NoSuchEntity", 404)
    assert refused(iam.delete_user, UserName=USER)[:2] == ("DeleteConflict", 409)
    first = iam.list_service_specific_credentials(AllUsers=True, MaxItems=1)
    assert first["IsTruncated"]
    rest = iam.list_service_specific_credentials(AllUsers=True, Marker=first["Marker"])
    found = first["ServiceSpecificCredentials"] + rest["ServiceSpecificCredentials"]
    assert sum(each["UserName"] == USER for each in found) == 2


def test_a_key_needs_the_permission_to_be_used(iam: Any, with_key: Any) -> None:
    bedrock = with_key("bedrock", create(iam)["ServiceCredentialSecret"])
    get = bedrock.get_foundation_model
    allow(iam, ALLOWED)
    assert refused(get, modelIdentifier=MODEL) == (
        "AccessDeniedException",
        403,
        f"User: {ARN} is not authorized to perform: bedrock:CallWithBearerToken on resource: * because no "
        "identity-based policy allows the bedrock:CallWithBearerToken action",
    )
    only_short = {"StringEquals": {"bedrock:BearerTokenType": "SHORT_TERM"}}
    allow(iam, ALLOWED, {**CALL, "Condition": only_short})
    assert "bedrock:CallWithBearerToken" in refused(get, modelIdentifier=MODEL)[2]
    allow(iam, ALLOWED, CALL, {**CALL, "Effect": "Deny", "Condition": only_short})
    assert get(modelIdentifier=MODEL)["modelDetails"]
    assert "bedrock:ListFoundationModels" in refused(bedrock.list_foundation_models)[2]


def test_who_may_create_keys_by_age_and_service(stack: Any, iam: Any) -> None:
    access = iam.create_access_key(UserName=USER)["AccessKey"]
    creating = {
        "Effect": "Allow",
        "Action": "iam:CreateServiceSpecificCredential",
        "Resource": ARN,
        "Condition": {
            "NumericLessThanEquals": {"iam:ServiceSpecificCredentialAgeDays": "90"},
            "StringEquals": {"iam:ServiceSpecificCredentialServiceName": BEDROCK},
        },
    }
    allow(iam, creating)
    own = stack.client(
        "iam",
        aws_access_key_id=access["AccessKeyId"],
        aws_secret_access_key=access["SecretAccessKey"],
    )
    call = own.create_service_specific_credential
    assert refused(call, ServiceName=BEDROCK, UserName=USER)[:2] == ("AccessDenied", 403)
    assert refused(call, ServiceName=BEDROCK, UserName=USER, CredentialAgeDays=91)[0] == "AccessDenied"
    assert call(ServiceName=BEDROCK, UserName=USER, CredentialAgeDays=90)["ServiceSpecificCredential"]


@pytest.mark.parametrize("kind", ["user", "session"])
def test_a_short_term_key_of_awss_generator(stack: Any, iam: Any, with_key: Any, kind: str) -> None:
    access = iam.create_access_key(UserName=USER)["AccessKey"]
    given = Credentials(access["AccessKeyId"], access["SecretAccessKey"])
    if kind == "session":
        sts = stack.client("sts", aws_access_key_id=given.access_key, aws_secret_access_key=given.secret_key)
        answer = sts.get_session_token()["Credentials"]
        given = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    key = _generate_token(given, "us-east-1", 900)
    bedrock, runtime = with_key("bedrock", key), with_key("bedrock-runtime", key)
    assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    assert runtime.invoke_model(modelId=MODEL, body=BODY)["body"].read()
    assert refused(with_key("bedrock", key[:-4] + "AAAA").list_foundation_models) == INVALID
    without_token = _generate_token(Credentials(given.access_key, given.secret_key), "us-east-1", 900)
    if kind == "session":
        assert refused(with_key("bedrock", without_token).list_foundation_models) == INVALID
    short = with_key("bedrock", _generate_token(given, "us-east-1", 1))
    time.sleep(1.1)
    expired = refused(short.list_foundation_models)
    assert expired == ("AccessDeniedException", 403, "Bearer Token has expired")
    iam.update_access_key(UserName=USER, AccessKeyId=access["AccessKeyId"], Status="Inactive")
    assert refused(bedrock.get_foundation_model, modelIdentifier=MODEL) == INVALID
    iam.update_access_key(UserName=USER, AccessKeyId=access["AccessKeyId"], Status="Active")
    assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]


def test_an_access_key_is_unknown_and_known_again_at_once(stack: Any, iam: Any) -> None:
    access = iam.create_access_key(UserName=USER)["AccessKey"]
    bedrock = stack.client(
        "bedrock",
        aws_access_key_id=access["AccessKeyId"],
        aws_secret_access_key=access["SecretAccessKey"],
    )
    change = {"UserName": USER, "AccessKeyId": access["AccessKeyId"]}
    for _ in range(3):
        assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
        iam.update_access_key(**change, Status="Inactive")
        assert refused(bedrock.get_foundation_model, modelIdentifier=MODEL) == (
            "UnrecognizedClientException",
            403,
            "The security token included in the request is invalid.",
        )
        iam.update_access_key(**change, Status="Active")


def test_keys_are_for_bedrock_alone(stack: Any, iam: Any) -> None:
    key = create(iam)["ServiceCredentialSecret"]
    pool = urllib3.PoolManager(ca_certs=str(stack.home / "pki/ca.pem"))
    forms = {
        "sts": "Action=GetCallerIdentity&Version=2011-06-15",
        "iam": "Action=ListUsers&Version=2010-05-08",
    }
    for form in forms.values():
        answer = pool.request(
            "POST",
            stack.endpoint + "/",
            body=form,
            headers={
                "authorization": f"Bearer {key}",
                "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            },
        )
        assert answer.status == 403
        assert b"<Code>MissingAuthenticationToken</Code>" in answer.data


def test_the_audit_log_says_how_it_was_called(stack: Any, iam: Any, with_key: Any) -> None:
    made = create(iam)
    secret = made["ServiceCredentialSecret"]
    answer = with_key("bedrock-runtime", secret).invoke_model(modelId=MODEL, body=BODY)
    answer["body"].read()
    request_id = answer["ResponseMetadata"]["RequestId"]
    deadline = time.monotonic() + 20
    while True:
        events = stack.craton_json("audit", "lookup", "--request-id", request_id)
        if len({each["recorder"] for each in events}) >= 2:
            break
        assert time.monotonic() < deadline
        time.sleep(0.3)
    for event in events:
        assert event["call_with_bearer_token"] is True
        principal = event["principal"]
        assert principal["credential_id"] == made["ServiceSpecificCredentialId"]
        assert not principal.get("access_key_id")
        assert principal["arn"] == ARN
    assert secret not in json.dumps(events)
