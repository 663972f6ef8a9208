"""Customers' buckets at a server that speaks S3, by botocore.

Calls block, so that each runs in a thread. Keys come from a file that the operator wrote.
"""

import asyncio
import configparser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from services.audit.config import DeliverySettings
from services.audit.errors import NO_STORE, BucketError
from services.chassis.logs import Log

POLICY_OBJECT = "craton-bucket-policy.json"
"""Holds a bucket's policy where the server keeps none: whoever may write it may say so."""
_ACL = "bucket-owner-full-control"
_NO_POLICY = frozenset({"NoSuchBucketPolicy", "NotImplemented", "MethodNotAllowed"})
_NONE = frozenset({"404", "NoSuchKey"})
_POLICY_BYTES = 64 * 1024
_TIMEOUT_S = 20.0


_log = Log("buckets")


class S3Buckets:
    """See the port Buckets."""

    def __init__(self, settings: DeliverySettings) -> None:
        """Use the server, the region and the key that `settings` name, from the first call on."""
        self._settings = settings
        self._read_at = 0
        self._connected: Any = None

    def _client(self) -> Any:
        """Return a client with the key that the file holds now. Raises BucketError."""
        file = Path(self._settings.credentials_file)
        try:
            changed = file.stat().st_mtime_ns
            if self._connected is None or changed != self._read_at:
                self._connected, self._read_at = self._connect(*_credentials(file)), changed
        except (OSError, ValueError, configparser.Error, KeyError) as error:
            _log.error("delivery_has_no_key", reason=type(error).__name__)
            raise BucketError("NoCredentials") from error
        return self._connected

    def _connect(self, key_id: str, secret: str) -> Any:
        return get_session().create_client(
            "s3",
            region_name=self._settings.region,
            endpoint_url=self._settings.endpoint,
            verify=self._settings.ca or None,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(
                connect_timeout=_TIMEOUT_S,
                read_timeout=_TIMEOUT_S,
                retries={"total_max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
                # Few servers besides AWS' know checksums in trailers.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    async def policy(self, bucket: str) -> str:
        """Ask for the bucket's policy, or read the object that stands for it."""
        return str(await _asked(lambda: self._policy(bucket)))

    async def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        """Write an object, which is the bucket owner's."""
        await _asked(
            lambda: self._client().put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                Metadata=dict(metadata),
                ContentType="application/json",
                ContentEncoding="gzip",
                ACL=_ACL,
            )
        )

    def _policy(self, bucket: str) -> str:
        client = self._client()
        try:
            return str(client.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as error:
            if _code(error) not in _NO_POLICY:
                raise
        try:
            answer = client.get_object(Bucket=bucket, Key=POLICY_OBJECT)
        except ClientError as error:
            if _code(error) in _NONE:
                return ""
            raise
        text: bytes = answer["Body"].read(_POLICY_BYTES + 1)
        if len(text) > _POLICY_BYTES:
            raise BucketError("MalformedPolicy")
        return text.decode(errors="replace")


class NoBuckets:
    """Instead of a server, where none is configured."""

    async def policy(self, _bucket: str) -> str:
        """Refuse."""
        raise BucketError(NO_STORE)

    async def put(self, _bucket: str, _key: str, _body: bytes, _metadata: Mapping[str, str]) -> None:
        """Refuse."""
        raise BucketError(NO_STORE)


async def _asked(call: Callable[[], Any]) -> Any:
    try:
        return await asyncio.to_thread(call)
    except ClientError as error:
        raise BucketError(_code(error)) from error
    except BotoCoreError as error:
        raise BucketError(type(error).__name__) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def _credentials(file: Path) -> tuple[str, str]:
    """Read the profile "default" of a file as AWS's tools have it."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(file.read_text())
    profile = parser["default"]
    return profile["aws_access_key_id"], profile["aws_secret_access_key"]
