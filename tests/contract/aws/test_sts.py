"""STS by an unmodified boto3, against the whole stack."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT, refused


def test_get_caller_identity(stack: Any) -> None:
    answer = stack.client("sts").get_caller_identity()
    assert answer["Account"] == ACCOUNT
    assert answer["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert answer["UserId"].startswith("AIDA")
    assert answer["UserId"] == stack.client("iam").get_user()["User"]["UserId"]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "text/xml"
    assert headers["x-amzn-requestid"] == answer["ResponseMetadata"]["RequestId"]


def test_get_caller_identity_in_another_region(stack: Any) -> None:
    assert stack.client("sts", region_name="eu-west-1").get_caller_identity()["Account"] == ACCOUNT


def test_get_access_key_info(stack: Any) -> None:
    sts = stack.client("sts")
    key = stack.credentials()["aws_access_key_id"]
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT
    temporary = sts.get_session_token()["Credentials"]["AccessKeyId"]
    assert sts.get_access_key_info(AccessKeyId=temporary)["Account"] == ACCOUNT
    unknown = refused(sts.get_access_key_info, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert unknown == ("ValidationError", 400)
    assert refused(sts.get_access_key_info, AccessKeyId="AKIA IOSFODNN7EXAMPLE") == ("ValidationError", 400)


def test_an_operation_that_is_not_served(stack: Any) -> None:
    sts = stack.client("sts")
    with pytest.raises(ClientError) as caught:
        sts.decode_authorization_message(EncodedMessage="x")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Type"]) == ("InvalidAction", "Sender")
    assert error["Message"] == "This installation does not support DecodeAuthorizationMessage."
    with pytest.raises(ClientError, match="does not support GetFederationToken") as caught:
        sts.get_federation_token(Name="bob")
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_credentials_that_are_wrong(stack: Any) -> None:
    wrong = stack.client("sts", aws_secret_access_key="x" * 40)
    assert refused(wrong.get_caller_identity) == ("SignatureDoesNotMatch", 403)
    unknown = stack.client("sts", aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    assert refused(unknown.get_caller_identity) == ("InvalidClientTokenId", 403)
    nowhere = stack.client("sts", region_name="mars-north-1")
    assert refused(nowhere.get_caller_identity) == ("SignatureDoesNotMatch", 403)
