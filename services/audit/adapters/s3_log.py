"""The log's files in a bucket of a server that speaks S3."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from hashlib import md5
from typing import Any

from botocore.exceptions import ClientError

from services.audit.adapters.s3_client import S3Client, error_code
from services.audit.errors import BucketError
from tlog.tiles import CHECKPOINT_PATH, MAX_ENTRY_BYTES, WIDTH

_PARTIAL = ".p/"
_NONE = "NoSuchKey"
"""Nothing else says that there is no such file: not a 404 of what stands in between, nor a missing bucket."""
_LARGEST = WIDTH * (2 + MAX_ENTRY_BYTES)
"""Bytes of a full bundle whose entries are as long as can be."""


class S3Log:
    """See the port LogFiles. Replicas may share the bucket; whoever may read it may do so at any time."""

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        """Keep files in `bucket`, under names that begin with `prefix`."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    async def put(self, files: Mapping[str, bytes]) -> None:
        """Write all at the same time: a server shows an object when all of it is there, and not before."""
        await self._all(partial(self._put, path, content) for path, content in files.items())

    async def get(self, path: str) -> bytes | None:
        """Read an object."""
        return await self._client.ask(partial(self._get, path))

    async def remove_partial(self, path: str) -> None:
        """Remove one by one: what removes many at once wants checksums that differ among servers."""
        keys = await self._client.ask(partial(self._keys, path + _PARTIAL))
        await self._all(partial(self._remove, key) for key in keys)

    async def _all(self, calls: Iterable[Callable[[Any], None]]) -> None:
        """Make calls. All have ended, well or not, when the first failure is raised."""
        results = await asyncio.gather(*map(self._client.ask, calls), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _put(self, path: str, content: bytes, client: Any) -> None:
        client.put_object(
            Bucket=self._bucket,
            Key=self._prefix + path,
            Body=content,
            # What C2SP's tlog-tiles asks of who serves a log, as a bucket may.
            ContentType="text/plain; charset=utf-8"
            if path == CHECKPOINT_PATH
            else "application/octet-stream",
            # Buckets whose objects are locked for a time want a checksum, and this is the one that all know.
            ContentMD5=b64encode(md5(content, usedforsecurity=False).digest()).decode(),
        )

    def _get(self, path: str, client: Any) -> bytes | None:
        try:
            answer = client.get_object(Bucket=self._bucket, Key=self._prefix + path)
        except ClientError as error:
            if error_code(error) == _NONE:
                return None
            raise
        with closing(answer["Body"]) as body:
            content: bytes = body.read(_LARGEST)
            # Only at its end it is known that nothing is missing.
            if body.read(1):
                raise BucketError("EntityTooLarge")
        return content

    def _keys(self, prefix: str, client: Any) -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def _remove(self, key: str, client: Any) -> None:
        try:
            client.delete_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            # Another replica was faster.
            if error_code(error) != _NONE:
                raise
