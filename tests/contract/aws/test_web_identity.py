"""AssumeRoleWithWebIdentity by an unmodified boto3, with ID tokens of a real OpenID Connect provider."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.issuer import AUDIENCE, DISCOVERY, Answer, Issuer, Key, claims_of, drip
from tests.fakes.oidc_provider import OidcProvider, oidc_provider

ACCOUNT = "123456789012"
ROLE = "contract-web-identity"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
MODEL = "craton.tiny-text-v1"
# The provider runs in a thread of this process, and the library that it stands on deprecates what it uses.
pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")
TAGS, SOURCE = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(call: Any, **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def arn_of(url: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"


@pytest.fixture(scope="module")
def issuers(stack: Any) -> Any:
    if stack.issuers is None:
        pytest.skip("this stack was started without an authority for issuers")
    return stack.issuers


@pytest.fixture(scope="module")
def provider(stack: Any, issuers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """A real provider, registered by the account."""
    folder = tmp_path_factory.mktemp("provider")
    iam = stack.client("iam")
    with oidc_provider(issuers, folder, stack.address) as one:
        iam.create_open_id_connect_provider(Url=one.url, ClientIDList=[AUDIENCE])
        yield one
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn_of(one.url))


@pytest.fixture(scope="module")
def issuer(stack: Any, issuers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """An issuer that does what a test tells it, registered by the account."""
    one = Issuer(issuers, tmp_path_factory.mktemp("issuer"), address=stack.address)
    iam = stack.client("iam")
    iam.create_open_id_connect_provider(Url=one.url, ClientIDList=[AUDIENCE])
    yield one
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn_of(one.url))
    one.stop()


@pytest.fixture(scope="module")
def role(stack: Any, provider: OidcProvider, issuer: Issuer) -> Iterator[str]:
    """A role for one subject of each provider, which may read the catalogue."""
    iam = stack.client("iam")
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Federated": arn_of(url)},
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {
                "StringEquals": {f"{url.removeprefix('https://')}:aud": AUDIENCE},
                "StringLike": {f"{url.removeprefix('https://')}:sub": "workload:*"},
            },
        }
        for url in (provider.url, issuer.url)
    ]
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document(*statements))
    allow = {"Effect": "Allow", "Action": ["bedrock:List*", "bedrock:Get*"], "Resource": "*"}
    whose = {
        "Effect": "Allow",
        "Action": "iam:GetUser",
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "aws:FederatedProvider": arn_of(provider.url),
                f"{provider.url.removeprefix('https://')}:sub": "workload:tagged",
                "aws:PrincipalTag/team": "red",
            }
        },
    }
    iam.put_role_policy(RoleName=ROLE, PolicyName="p", PolicyDocument=document(allow, whose))
    yield ROLE_ARN
    iam.delete_role_policy(RoleName=ROLE, PolicyName="p")
    iam.delete_role(RoleName=ROLE)


@pytest.fixture
def assume(stack: Any, role: str) -> Any:
    """STS without any credentials."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    sts = stack.client("sts", config=config, aws_access_key_id=None, aws_secret_access_key=None)

    def call(token: str, **changes: Any) -> Any:
        given = {"RoleArn": role, "RoleSessionName": "today", "WebIdentityToken": token, **changes}
        return sts.assume_role_with_web_identity(**given)

    return call


def session(stack: Any, service: str, answer: dict[str, Any]) -> Any:
    given = answer["Credentials"]
    return stack.client(
        service,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def test_a_users_token_becomes_a_session(stack: Any, provider: OidcProvider, assume: Any) -> None:
    answer = assume(provider.id_token("workload:red", AUDIENCE))
    assert answer["SubjectFromWebIdentityToken"] == "workload:red"
    assert (answer["Audience"], answer["Provider"]) == (AUDIENCE, provider.url)
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/today"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)
    assert session(stack, "sts", answer).get_caller_identity()["Arn"] == arn
    assert session(stack, "bedrock", answer).get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    body = json.dumps({"inputText": "hi"})
    invoke = session(stack, "bedrock-runtime", answer).invoke_model
    assert refused(invoke, modelId=MODEL, body=body) == ("AccessDeniedException", 403)
    assert refused(session(stack, "iam", answer).get_user, UserName="admin") == ("AccessDenied", 403)


def test_claims_become_tags_and_a_source_identity(stack: Any, provider: OidcProvider, assume: Any) -> None:
    tags = {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}
    provider.set_user("workload:tagged", {TAGS: tags, SOURCE: "alice"})
    answer = assume(provider.id_token("workload:tagged", AUDIENCE))
    assert answer["SourceIdentity"] == "alice"
    assert answer["PackedPolicySize"] > 0
    assert session(stack, "iam", answer).get_user(UserName="admin")["User"]["UserName"] == "admin"
    narrow = document({"Effect": "Allow", "Action": "bedrock:Get*", "Resource": "*"})
    answer = assume(provider.id_token("workload:red", AUDIENCE), Policy=narrow, DurationSeconds=900)
    bedrock = session(stack, "bedrock", answer)
    assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    with pytest.raises(ClientError, match="no session policy allows the bedrock:ListFoundationModels"):
        bedrock.list_foundation_models()


def test_boto3s_own_chain_finds_the_token_in_a_file(
    stack: Any, provider: OidcProvider, role: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(provider.id_token("workload:file", AUDIENCE))
    program = (
        "import boto3; print(boto3.client('sts').get_caller_identity()['Arn']);"
        f"print(boto3.client('bedrock').get_foundation_model(modelIdentifier='{MODEL}')"
        "['modelDetails']['modelId'])"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_SESSION_NAME": "file",
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_CA_BUNDLE": str(stack.home / "pki/ca.pem"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == [f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/file", MODEL], done.stderr


def test_tokens_that_are_refused(issuer: Issuer, provider: OidcProvider, assume: Any) -> None:
    seconds = int(time.time())
    assert assume(issuer.token())["SubjectFromWebIdentityToken"] == "workload:red"
    invalid = ("InvalidIdentityToken", 400)
    assert refused(assume, token="a.b.c") == invalid
    assert refused(assume, token=issuer.token(aud="other")) == invalid
    assert refused(assume, token=issuer.token(iss="https://nobody.example.com")) == invalid
    assert refused(assume, token=issuer.token(iss=provider.url)) == invalid
    assert refused(assume, token=issuer.token(exp=seconds - 400)) == ("ExpiredTokenException", 400)
    assert refused(assume, token=issuer.token(iat=seconds - 90_000)) == ("ExpiredTokenException", 400)
    assert refused(assume, token=issuer.token(nbf=seconds + 400)) == ("IDPRejectedClaim", 403)
    assert refused(assume, token=issuer.token(sub="human:bob")) == ("AccessDenied", 403)
    assert refused(assume, token=issuer.token(**{TAGS: {"principal_tags": {"a": 1}}})) == (
        "IDPRejectedClaim",
        403,
    )
    false = Key.make("first")
    assert refused(assume, token=false.sign(claims_of(issuer.url, datetime.now(UTC)))) == invalid
    jku = false.sign(claims_of(issuer.url, datetime.now(UTC)), jku=f"{issuer.url}/evil", jwk=false.jwk())
    assert refused(assume, token=jku) == invalid
    assert "/evil" not in issuer.asked
    nobody = f"{ROLE_ARN}-nobody"
    assert refused(assume, token=issuer.token(), RoleArn=nobody) == ("AccessDenied", 403)
    elsewhere = ROLE_ARN.replace(ACCOUNT, "000000000001")
    assert refused(assume, token=issuer.token(), RoleArn=elsewhere) == invalid
    assert refused(assume, token="x" * 20_001) == ("ValidationError", 400)
    assert refused(assume, token="x" * 100_000) == ("ValidationError", 400)
    assert refused(assume, token="x" * 200_000) == ("MissingAuthenticationToken", 403)
    longer = {"token": issuer.token(), "DurationSeconds": 7200}
    assert refused(assume, **longer) == ("ValidationError", 400)
    assert refused(assume, token=issuer.token(), Policy="{") == ("MalformedPolicyDocument", 400)
    assert refused(assume, token=issuer.token(), ProviderId="www.amazon.com") == ("ValidationError", 400)


def known(assume: Any, token: str) -> bool:
    """Say whether a good token's key is known by now."""
    try:
        assume(token)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidIdentityToken":
            raise
        return False
    return True


def test_keys_change_and_issuers_fail(issuer: Issuer, assume: Any) -> None:
    first, second = issuer.key, Key.make("second", "ES256")
    claims = claims_of(issuer.url, datetime.now(UTC))
    assert assume(first.sign(claims))
    issuer.publish(second)
    try:
        deadline = time.monotonic() + 30
        while not known(assume, second.sign(claims)):
            assert time.monotonic() < deadline
            time.sleep(1)
        # A key that the issuer does not publish any more.
        assert refused(assume, token=first.sign(claims)) == ("InvalidIdentityToken", 400)
        third = Key.make("third")
        for answer, expected in (
            (Answer(status=503), ("IDPCommunicationError", 400)),
            (Answer(raw=drip(0.1)), ("IDPCommunicationError", 400)),
            (Answer(b"x" * 300_000), ("InvalidIdentityToken", 400)),
            (Answer(status=302, headers={"Location": f"{issuer.url}/jwks"}), ("InvalidIdentityToken", 400)),
        ):
            time.sleep(5.5)
            issuer.answers[DISCOVERY] = answer
            began = time.monotonic()
            assert refused(assume, token=third.sign(claims)) == expected
            assert time.monotonic() - began < 12
            # Known keys go on counting meanwhile.
            assert assume(second.sign(claims))
    finally:
        issuer.key = second
        issuer.publish(second)


@pytest.mark.parametrize("change", ["provider", "client id", "trust"])
def test_what_is_taken_away_is_away_when_it_is_acknowledged(
    stack: Any, issuers: Any, tmp_path: Path, assume: Any, change: str
) -> None:
    iam = stack.client("iam")
    one = Issuer(issuers, tmp_path, address=stack.address)
    provider, name = arn_of(one.url), f"short-{change.replace(' ', '-')}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    iam.create_open_id_connect_provider(Url=one.url, ClientIDList=[AUDIENCE, "other"])
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    allow = {"Effect": "Allow", "Action": "bedrock:Get*", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow))
    try:
        arn = ROLE_ARN.replace(ROLE, name)
        bedrock = session(stack, "bedrock", assume(one.token(), RoleArn=arn))
        assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
        if change == "provider":
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
        elif change == "client id":
            iam.remove_client_id_from_open_id_connect_provider(
                OpenIDConnectProviderArn=provider, ClientID=AUDIENCE
            )
        else:
            deny = document({**trust, "Effect": "Deny"})
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=deny)
        code, _ = refused(bedrock.get_foundation_model, modelIdentifier=MODEL)
        assert code in {"ExpiredTokenException", "UnrecognizedClientException"}
        again = refused(assume, token=one.token(), RoleArn=arn)[0]
        assert again in {"InvalidIdentityToken", "AccessDenied"}
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="p")
        iam.delete_role(RoleName=name)
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
        one.stop()


def test_providers_by_boto3(stack: Any) -> None:
    iam = stack.client("iam")
    url = "https://contract.example.com/tenant"
    tags = [{"Key": "team", "Value": "red"}]
    made = iam.create_open_id_connect_provider(
        Url=url, ClientIDList=["b", "a"], ThumbprintList=["a" * 40], Tags=tags
    )
    arn = made["OpenIDConnectProviderArn"]
    one = {"OpenIDConnectProviderArn": arn}
    try:
        assert (arn, made["Tags"]) == (arn_of(url), tags)
        assert refused(iam.create_open_id_connect_provider, Url=url) == ("EntityAlreadyExists", 409)
        for wrong in ("http://contract.example.com", "https://127.0.0.1:22", "https://x.example:8080?a=b"):
            assert refused(iam.create_open_id_connect_provider, Url=wrong) == ("InvalidInput", 400)
        found = iam.get_open_id_connect_provider(**one)
        assert found["Url"] == "contract.example.com/tenant"
        assert (found["ClientIDList"], found["ThumbprintList"]) == (["b", "a"], ["a" * 40])
        assert found["Tags"] == tags
        assert datetime.now(UTC) - found["CreateDate"] < timedelta(minutes=5)
        listed = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        assert {"Arn": arn} in listed
        iam.add_client_id_to_open_id_connect_provider(**one, ClientID="c")
        iam.remove_client_id_from_open_id_connect_provider(**one, ClientID="b")
        iam.remove_client_id_from_open_id_connect_provider(**one, ClientID="b")
        iam.update_open_id_connect_provider_thumbprint(**one, ThumbprintList=["b" * 40])
        iam.tag_open_id_connect_provider(**one, Tags=[{"Key": "x", "Value": "y"}])
        iam.untag_open_id_connect_provider(**one, TagKeys=["team"])
        assert iam.list_open_id_connect_provider_tags(**one)["Tags"] == [{"Key": "x", "Value": "y"}]
        found = iam.get_open_id_connect_provider(**one)
        assert (found["ClientIDList"], found["ThumbprintList"]) == (["a", "c"], ["b" * 40])
    finally:
        iam.delete_open_id_connect_provider(**one)
    iam.delete_open_id_connect_provider(**one)
    assert refused(iam.get_open_id_connect_provider, **one) == ("NoSuchEntity", 404)
    assert refused(iam.add_client_id_to_open_id_connect_provider, **one, ClientID="c") == (
        "NoSuchEntity",
        404,
    )


def test_providers_by_the_command_line(stack: Any) -> None:
    made = stack.craton_json("oidc-providers", "create", "https://cli.example.com", "--client-id", "a")
    arn = made["arn"]
    stack.craton("oidc-providers", "add-client-id", arn, "b")
    stack.craton("oidc-providers", "remove-client-id", arn, "a")
    stack.craton("oidc-providers", "thumbprints", arn, "c" * 40)
    stack.craton("oidc-providers", "tag", arn, "team=red", "x=y")
    stack.craton("oidc-providers", "untag", arn, "x")
    found = stack.craton_json("oidc-providers", "get", arn)
    assert (found["client_ids"], found["thumbprints"]) == (["b"], ["c" * 40])
    assert found["tags"] == [{"key": "team", "value": "red"}]
    assert arn in {each["arn"] for each in stack.craton_json("oidc-providers", "list")}
    stack.craton("oidc-providers", "delete", arn)
    assert stack.craton("oidc-providers", "get", arn, check=False).returncode == 4


def test_nothing_else_goes_without_a_signature(stack: Any) -> None:
    http = urllib3.PoolManager(ca_certs=str(stack.home / "pki/ca.pem"))

    def code(method: str = "POST", **given: Any) -> str:
        answer = http.request(method, stack.endpoint + given.pop("path", "/"), **given)
        return answer.data.decode().partition("<Code>")[2].partition("</Code>")[0]

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    version = "Version=2011-06-15"
    for body in (
        f"Action=AssumeRole&{version}",
        f"Action=GetCallerIdentity&{version}",
        "Action=ListUsers&Version=2010-05-08",
        f"Action=AssumeRoleWithSAML&{version}",
        f"Action=AssumeRoleWithWebIdentity&Action=GetCallerIdentity&{version}",
        f"action=AssumeRoleWithWebIdentity&{version}",
        "Action.x=AssumeRoleWithWebIdentity",
        "Action=%zz",
        "",
    ):
        assert code(body=body, headers=form) == "MissingAuthenticationToken", body
    mine = f"Action=AssumeRoleWithWebIdentity&{version}"
    assert code(body=mine, headers=form) == "ValidationError"
    assert code("GET", path=f"/?{mine}") == "ValidationError"
    assert code(body="Action=AssumeRoleWithWebIdentity&Version=1", headers=form) == "InvalidAction"
    signed = {**form, "Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/sts/d"}
    assert code(body=mine, headers=signed) not in ("ValidationError", "")
    assert code(path="/?X-Amz-Signature=x", body=mine, headers=form) not in ("ValidationError", "")
    http.clear()


def test_each_is_audited_by_who_it_was(
    stack: Any, provider: OidcProvider, issuer: Issuer, assume: Any
) -> None:
    assume(provider.id_token("workload:audited", AUDIENCE), RoleSessionName="audited")
    refused(assume, token=issuer.token(sub="human:refused"))
    refused(assume, token="not.a.token")
    deadline = time.monotonic() + 60
    while True:
        events = stack.craton_json("audit", "lookup", "--event-name", "AssumeRoleWithWebIdentity")
        users = [
            (each["recorder"], each["phase"], each.get("status_code"), each["principal"]["user_name"])
            for each in events
            if each.get("principal")
        ]
        if any(user == "workload:audited" and where == "edge" for where, _, _, user in users) and any(
            user == "human:refused" for *_, user in users
        ):
            break
        assert time.monotonic() < deadline, users
        time.sleep(1)
    mine = [each for each in events if (each.get("principal") or {}).get("user_name") == "workload:audited"]
    assert {each["recorder"] for each in mine} == {"auth", "edge"}
    assert {each["phase"] for each in mine if each["recorder"] == "auth"} == {
        "EVENT_PHASE_INTENT",
        "EVENT_PHASE_OUTCOME",
    }
    for each in mine:
        principal = each["principal"]
        assert principal["type"] == "WebIdentityUser"
        assert principal["identity_provider"] == arn_of(provider.url)
        assert principal["principal_id"] == f"{arn_of(provider.url)}:{AUDIENCE}:workload:audited"
        assert (each["account_id"], each["resources"]) == (ACCOUNT, [ROLE_ARN])
    # Nobody behind it is known, and still it names a role that exists.
    nameless = [each for each in events if each.get("error_reason") == "INVALID_IDENTITY_TOKEN"]
    assert any(each["recorder"] == "auth" and each["resources"] == [ROLE_ARN] for each in nameless)
    assert "eyJ" not in json.dumps(events)
