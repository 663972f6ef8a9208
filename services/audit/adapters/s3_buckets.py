"""Customers' buckets at a server that speaks S3."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from services.audit.adapters.s3_client import S3Client, error_code
from services.audit.errors import NO_STORE, BucketError

POLICY_OBJECT = "craton-bucket-policy.json"
"""Holds a bucket's policy where the server keeps none: whoever may write it may say so."""
_ACL = "bucket-owner-full-control"
_LACKING = frozenset({"NotImplemented", "MethodNotAllowed"})
"""What servers say that have no policies of buckets."""
_NO_POLICY = "NoSuchBucketPolicy"
_NONE = frozenset({"404", "NoSuchKey"})
_POLICY_BYTES = 64 * 1024


class S3Buckets:
    """See the port Buckets."""

    def __init__(self, client: S3Client) -> None:
        """Ask the server that `client` knows."""
        self._client = client

    async def policy(self, bucket: str) -> str:
        """Ask for the bucket's policy, or read the object that stands for it."""
        return await self._client.ask(partial(_policy, bucket))

    async def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        """Write an object, which is the bucket owner's."""
        await self._client.ask(
            lambda client: client.put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                Metadata=dict(metadata),
                ContentType="application/json",
                ContentEncoding="gzip",
                ACL=_ACL,
            )
        )


class NoBuckets:
    """Instead of a server, where none is configured."""

    async def policy(self, _bucket: str) -> str:
        """Refuse."""
        raise BucketError(NO_STORE)

    async def put(self, _bucket: str, _key: str, _body: bytes, _metadata: Mapping[str, str]) -> None:
        """Refuse."""
        raise BucketError(NO_STORE)


def _policy(bucket: str, client: Any) -> str:
    try:
        return str(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error_code(error) == _NO_POLICY:
            return ""
        if error_code(error) not in _LACKING:
            raise
    try:
        answer = client.get_object(Bucket=bucket, Key=POLICY_OBJECT)
    except ClientError as error:
        if error_code(error) in _NONE:
            return ""
        raise
    text: bytes = answer["Body"].read(_POLICY_BYTES + 1)
    if len(text) > _POLICY_BYTES:
        raise BucketError("MalformedPolicy")
    return text.decode(errors="replace")
