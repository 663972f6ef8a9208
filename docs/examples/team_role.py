"""A role that may use one model, taken on by a user: IAM and STS with boto3, unmodified."""

import json
import time

import boto3
from botocore.exceptions import ClientError

iam, sts = boto3.client("iam"), boto3.client("sts")
account = sts.get_caller_identity()["Account"]
suffix = str(time.time_ns())
user = iam.create_user(UserName=f"alice-{suffix}")["User"]
key = iam.create_access_key(UserName=user["UserName"])["AccessKey"]


def document(**statement: object) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})


trust = document(
    Principal={"AWS": user["Arn"]},
    Action="sts:AssumeRole",
    Condition={"StringLike": {"sts:RoleSessionName": "alice-*"}},
)
role = iam.create_role(RoleName=f"writers-{suffix}", AssumeRolePolicyDocument=trust)["Role"]
models = "arn:aws:bedrock:*::foundation-model/craton.tiny-text-*"
allowed = document(Action="bedrock:InvokeModel*", Resource=models)
iam.put_role_policy(RoleName=role["RoleName"], PolicyName="write", PolicyDocument=allowed)
try:
    alice = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
    given = alice.client("sts").assume_role(
        RoleArn=role["Arn"], RoleSessionName="alice-laptop", DurationSeconds=900
    )["Credentials"]
    writer = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    runtime = writer.client("bedrock-runtime")
    body = json.dumps({"inputText": "Once upon a time"})
    answer = runtime.invoke_model(modelId="craton.tiny-text-v1", body=body)
    print(json.load(answer["body"])["results"][0]["outputText"])
    try:
        runtime.invoke_model(modelId="sbert.minilm-embed-v1", body=body)
    except ClientError as refused:
        print(refused.response["Error"]["Message"])
finally:
    iam.delete_role_policy(RoleName=role["RoleName"], PolicyName="write")
    iam.delete_role(RoleName=role["RoleName"])
    iam.delete_access_key(UserName=user["UserName"], AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=user["UserName"])
