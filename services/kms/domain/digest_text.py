"""What is signed of a trail's digest: four lines, and no other text is one.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
and https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

import re
from datetime import datetime

from services.kms.errors import invalid_field

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_KEY = re.compile(r"(?:[ -~]*/)?AWSLogs/(?:[ -.0-~]+/){1,2}CloudTrail-Digest/[ -~]+\.json\.gz")
"""A prefix, the account, in an organization's trail its id before that, and the rest. Printable ASCII alone:
the text is signed as bytes, and two strings that look alike must not be two digests."""
_KEY_BYTES = 1024
"""S3's own bound."""
_STEPS = {"", ".", ".."}
_SHA_256 = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{512}|null")
"""As long as the modulus of RSA_2048. A trail's first digest has none before it: "null", without quotes."""


def require_digest_text(text: str) -> None:
    """Raise DomainError(INVALID_FIELD) unless the text is that of a digest."""
    lines = text.split("\n")
    if len(lines) != 4:
        raise invalid_field("text", "four lines are expected, the last one without an end")
    end, place, digest, previous = lines
    if not _is_time(end):
        raise invalid_field("text", "the first line must be a time as 2026-01-31T13:00:00Z")
    if not _is_place(place):
        raise invalid_field("text", "the second line must be the bucket and key of a digest")
    if not _SHA_256.fullmatch(digest):
        raise invalid_field("text", "the third line must be a SHA-256 in lower-case hex")
    if not _SIGNATURE.fullmatch(previous):
        raise invalid_field("text", 'the fourth line must be a signature in lower-case hex, or "null"')


def _is_time(text: str) -> bool:
    # The pattern comes first: strptime takes other digits and fewer of them.
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return False
    return True


def _is_place(text: str) -> bool:
    bucket, _, key = text.partition("/")
    if not _BUCKET.fullmatch(bucket) or len(key) > _KEY_BYTES or not _KEY.fullmatch(key):
        return False
    # To S3 these are names like any other; a store that takes keys for paths would have another digest there.
    return _STEPS.isdisjoint(key.split("/"))
