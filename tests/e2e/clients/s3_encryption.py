"""A customer's program: Amazon's S3 Encryption Client with its KMS keyring, unmodified.

    python s3_encryption.py S3_ENDPOINT ACCESS_KEY SECRET_KEY

Objects go to the S3 server that is named, keys to whatever KMS the profile names. It makes its own keys and
prints what came of each step, as JSON. It knows nothing of Craton.
"""

import io
import json
import sys

import boto3
from botocore.config import Config
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring

CONTENT = b"Nobody else reads this." * 1000
LARGE = bytes(range(256)) * 4 * 11 * 1024  # 11 MiB: three parts
CONTEXT = {"tenant": "blue", "document": "42"}
BUCKET = "documents"

endpoint, access_key, secret_key = sys.argv[1:]
kms = boto3.client("kms")
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    aws_access_key_id=access_key,
    aws_secret_access_key=secret_key,
    config=Config(s3={"addressing_style": "path"}),
)
refusals: list[str] = []


def noted(parsed, model, **_):
    """Remember a refusal."""
    if "Error" in parsed:
        refusals.append(f"{model.name} {parsed['Error']['Code']}")


kms.meta.events.register("after-call.kms", noted)


def client(arn):
    """Return a client that encrypts under one key."""
    own = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    keyring = KmsKeyring(kms_client=kms, kms_key_id=arn)
    return S3EncryptionClient(own, S3EncryptionClientConfig(keyring=keyring))


def got(arn, name, wanted=CONTENT, **more):
    """Say what comes of reading an object."""
    refusals.clear()
    try:
        body = client(arn).get_object(Bucket=BUCKET, Key=name, **more)["Body"].read()
    except Exception as error:
        return f"{type(error).__name__}: {', '.join(refusals) or error}"
    return "opened" if body == wanted else "something else"


def main():
    """Do everything and print it."""
    first, second = (kms.create_key(Description="a customer's")["KeyMetadata"]["Arn"] for _ in range(2))
    s3.create_bucket(Bucket=BUCKET)
    context = {"EncryptionContext": CONTEXT}
    client(first).put_object(Bucket=BUCKET, Key="small", Body=CONTENT, **context)
    stored = s3.get_object(Bucket=BUCKET, Key="small")
    result = {
        "round trip": got(first, "small", **context),
        "stored in the clear": CONTENT[:64] in stored["Body"].read(),
        "metadata": sorted(stored["Metadata"]),
        "wrong context": got(first, "small", EncryptionContext={**CONTEXT, "tenant": "red"}),
        "wrong key": got(second, "small", **context),
    }
    client(first).upload_fileobj(io.BytesIO(LARGE), BUCKET, "large", **context)
    result["in parts"] = got(first, "large", LARGE, **context)
    # Somebody swaps the wrapped data keys of two objects of one key.
    client(first).put_object(Bucket=BUCKET, Key="other", Body=b"other", **context)
    other = s3.get_object(Bucket=BUCKET, Key="other")
    s3.put_object(Bucket=BUCKET, Key="mixed", Body=other["Body"].read(), Metadata=stored["Metadata"])
    result["another object's data key"] = got(first, "mixed", b"other", **context)
    # Somebody changes the encryption context that is stored beside an object, and asks for what it says then.
    red = {**CONTEXT, "tenant": "red"}
    changed = {**stored["Metadata"], "x-amz-t": stored["Metadata"]["x-amz-t"].replace("blue", "red")}
    raw = s3.get_object(Bucket=BUCKET, Key="small")["Body"].read()
    s3.put_object(Bucket=BUCKET, Key="changed", Body=raw, Metadata=changed)
    result["stored context changed"] = got(first, "changed", EncryptionContext=red)
    kms.rotate_key_on_demand(KeyId=first)
    result["after a rotation"] = got(first, "small", **context)
    kms.disable_key(KeyId=first)
    result["disabled"] = got(first, "small", **context)
    refusals.clear()
    try:
        client(first).put_object(Bucket=BUCKET, Key="never", Body=CONTENT, **context)
    except Exception:
        result["writing while disabled"] = ", ".join(refusals)
    kms.enable_key(KeyId=first)
    result["enabled again"] = got(first, "small", **context)
    for arn in (first, second):
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    result["pending deletion"] = got(first, "small", **context)
    print(json.dumps(result, indent=1))


main()
