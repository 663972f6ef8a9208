"""The files that a trail delivers, in CloudTrail's own layout: log files and the digests that chain them.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html

What a file holds and is called follows from what it is about, so that a file that is put again is the same.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.audit.domain.trail import Pending, Target, Trail

SIGNATURE_ALGORITHM = "SHA256withRSA"
_US = 1_000_000
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file that was delivered, as a digest names it."""

    bucket: str
    key: str
    sha256: str
    """Of what comes out when it is decompressed, in hexadecimal digits: what readers of digests compare."""
    oldest_us: int
    newest_us: int


@dataclass(frozen=True, slots=True)
class OwedFile:
    """A log file on its way."""

    region: str
    file: LogFile
    body: bytes
    """As it is stored."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a digest says of the one before it."""

    bucket: str
    key: str
    sha256: str
    signature: str
    """In hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest to be signed."""

    target: Target
    key: str
    end: str
    body: bytes
    """JSON, before compression."""
    previous: Link | None

    @property
    def sha256(self) -> str:
        """Of the body, in hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()

    def text(self) -> str:
        """Return what is signed."""
        previous = "null" if self.previous is None else self.previous.signature
        return f"{self.end}\n{self.target.bucket}/{self.key}\n{self.sha256}\n{previous}"


def log_file_key(trail: Trail, region: str, pending: Pending) -> str:
    """Return the name of the log file of a part of the log."""
    account_id, moment = trail.name.account_id, _moment(pending.planned_us)
    seed = f"{trail.trail_id}:{region}:{pending.after}:{pending.upto}:{pending.planned_us}"
    unique = base64.b32encode(hashlib.sha256(seed.encode()).digest())[:16].decode()
    return (
        f"{pending.settings.target.folder}/{account_id}/CloudTrail/{region}/{moment:%Y/%m/%d}/"
        f"{account_id}_CloudTrail_{region}_{moment:%Y%m%dT%H%MZ}_{unique}.json.gz"
    )


def log_file_body(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Return what a log file of records holds, before compression."""
    return json.dumps({"Records": records}, ensure_ascii=False, separators=(",", ":")).encode()


def compressed(body: bytes) -> bytes:
    """Return a body as it is stored. The same body gives the same bytes."""
    return gzip.compress(body, _LEVEL, mtime=0)


def owed_file(region: str, place: tuple[str, str], times_us: Sequence[int], content: bytes) -> OwedFile:
    """Return the log file that holds `content` for a region, at a place (bucket and key)."""
    named = LogFile(*place, hashlib.sha256(content).hexdigest(), min(times_us), max(times_us))
    return OwedFile(region, named, compressed(content))


def digest_of(
    trail: Trail,
    region: str,
    times_us: tuple[int, int],
    fingerprint: str,
    files: Sequence[LogFile],
    previous: Link | None,
) -> Digest:
    """Return the digest of what was delivered for `region` between two times, whole seconds."""
    start_us, end_us = times_us
    name, target, end = trail.name, trail.settings.target, _moment(end_us)
    account_id = name.account_id
    key = (
        f"{target.folder}/{account_id}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/"
        f"{account_id}_CloudTrail-Digest_{region}_{name.trail}_{name.region}_{end:%Y%m%dT%H%M%SZ}.json.gz"
    )
    body = {
        "awsAccountId": account_id,
        "digestStartTime": _time(start_us),
        "digestEndTime": _time(end_us),
        "digestS3Bucket": target.bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": SIGNATURE_ALGORITHM,
        "newestEventTime": _time(max(each.newest_us for each in files)) if files else None,
        "oldestEventTime": _time(min(each.oldest_us for each in files)) if files else None,
        "previousDigestS3Bucket": None if previous is None else previous.bucket,
        "previousDigestS3Object": None if previous is None else previous.key,
        "previousDigestHashValue": None if previous is None else previous.sha256,
        "previousDigestHashAlgorithm": None if previous is None else "SHA-256",
        "previousDigestSignature": None if previous is None else previous.signature,
        "logFiles": [
            {
                "s3Bucket": each.bucket,
                "s3Object": each.key,
                "hashValue": each.sha256,
                "hashAlgorithm": "SHA-256",
                "newestEventTime": _time(each.newest_us),
                "oldestEventTime": _time(each.oldest_us),
            }
            for each in files
        ],
    }
    return Digest(target, key, _time(end_us), json.dumps(body, separators=(",", ":")).encode(), previous)


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // _US, UTC)


def _time(time_us: int) -> str:
    return f"{_moment(time_us):%Y-%m-%dT%H:%M:%SZ}"
