"""A trail: an account's records, delivered to a bucket of the account's choice.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.audit.domain.selectors import DEFAULT, Selectors
from services.audit.errors import invalid_field
from services.chassis.arn import arn_of

SERVICE = "cloudtrail.amazonaws.com"
"""What policies of buckets and keys call whoever delivers for trails."""
_WITHOUT_REGION = frozenset({"iam.amazonaws.com", "sts.amazonaws.com"})
"""Services that are the same everywhere."""
TRAILS_A_REGION = 5
TAGS_A_TRAIL = 50
_NAME = re.compile(r"accounts/([0-9]{12})/regions/([a-z0-9-]{1,32})/trails/(.*)", re.DOTALL)
_TRAIL = re.compile(r"[A-Za-z0-9]([._-]?[A-Za-z0-9])*")
_BUCKET = re.compile(r"[a-z0-9](\.?[a-z0-9-])*[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]*")
_TAG = re.compile(r"[\w\s.:/=+@-]*")
_PREFIX_CHARACTERS = 200
_TAG_CHARACTERS = "letters, digits, spaces and . : / = + @ - _"


@dataclass(frozen=True, slots=True)
class TrailName:
    """Whose trail it is, and how it is called in its home."""

    account_id: str
    region: str
    trail: str

    @classmethod
    def parse(cls, name: str) -> "TrailName":
        """Read a resource name. Raises DomainError(INVALID_FIELD)."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid_field("name", "it is not the name of a trail")
        account_id, region, trail = match.groups()
        if not (3 <= len(trail) <= 128 and _TRAIL.fullmatch(trail)) or _is_address(trail):
            raise invalid_field(
                "name",
                "a trail's name has 3 to 128 letters, digits, periods, underscores and dashes, begins and "
                "ends with a letter or digit, has no two others in a row, and is no IP address",
            )
        return cls(account_id, region, trail)

    def __str__(self) -> str:
        """Return the resource name."""
        return f"accounts/{self.account_id}/regions/{self.region}/trails/{self.trail}"

    def arn(self, partition: str) -> str:
        """Return the ARN."""
        return arn_of(str(self), partition)


@dataclass(frozen=True, slots=True)
class Target:
    """Where files go."""

    bucket: str
    prefix: str = ""

    def checked(self) -> "Target":
        """Return it. Raises DomainError(INVALID_FIELD) for names that no bucket and no object has."""
        fits = 3 <= len(self.bucket) <= 63 and _BUCKET.fullmatch(self.bucket)
        # Names of access points and of other kinds of buckets: clients look for these elsewhere.
        special = self.bucket.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        special = special or self.bucket.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
        if not fits or special or _is_address(self.bucket):
            raise invalid_field(
                "bucket", "a bucket's name has 3 to 63 lower-case letters, digits, periods and dashes"
            )
        if len(self.prefix) > _PREFIX_CHARACTERS or not _PREFIX.fullmatch(self.prefix):
            raise invalid_field(
                "prefix",
                f"a prefix has at most {_PREFIX_CHARACTERS} characters that names of objects can have",
            )
        if {"", ".", ".."} & set(self.prefix.split("/") if self.prefix else ()):
            raise invalid_field("prefix", "a prefix has no empty, . or .. between its slashes")
        return self

    @property
    def folder(self) -> str:
        """What all names of objects begin with."""
        return f"{self.prefix}/AWSLogs" if self.prefix else "AWSLogs"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the account has said about a trail."""

    target: Target
    multi_region: bool = False
    global_events: bool = True
    validation: bool = False
    selectors: Selectors = DEFAULT
    tags: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    """Resource name of the customer's key under which log files are sealed; empty where they are not."""

    def folder_of(self, event_source: str, region: str, home: str) -> str | None:
        """Return the region in whose folder a record stands, None for one that is not delivered."""
        everywhere = event_source in _WITHOUT_REGION
        if everywhere and not self.global_events:
            return None
        if self.multi_region:
            return region or home
        return home if everywhere or region in ("", home) else None


@dataclass(frozen=True, slots=True)
class Pending:
    """A part of the log that is being delivered: entries after `after` up to `upto`."""

    after: int
    upto: int
    planned_us: int
    settings: Settings
    """As they were then: what is put again after a failure is the same, whatever was changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Status:
    """How delivery goes."""

    delivered_us: int | None = None
    attempted_us: int | None = None
    delivery_error: str = ""
    digest_us: int | None = None
    digest_error: str = ""


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail as it is kept."""

    trail_id: str
    """Never used again: a trail that is deleted and made anew is another one."""
    name: TrailName
    settings: Settings
    created_us: int
    logging: bool = False
    started_us: int | None = None
    stopped_us: int | None = None
    delivered: int = -1
    """The entry of the log up to which everything is delivered, or was not to be."""
    until: int | None = None
    """The entry of the log at which logging was stopped: up to it, everything is delivered still."""
    pauses: tuple[tuple[int, int], ...] = ()
    """Entries after the first up to the second number of each came while logging was stopped; in order."""
    pending: Pending | None = None
    chain_us: int | None = None
    """When its present chains of digests begin: with logging, or with validation."""
    status: Status = field(default_factory=Status)
    revision: int = 0
    """Goes up with each change."""

    def past_pauses(self) -> "Trail":
        """Return it with pauses left behind that begin where everything before was delivered."""
        trail = self
        while trail.pauses and trail.delivered >= trail.pauses[0][0]:
            delivered = max(trail.delivered, trail.pauses[0][1])
            trail = replace(trail, delivered=delivered, pauses=trail.pauses[1:])
        return trail


def checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return labels. Raises DomainError(INVALID_FIELD)."""
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise invalid_field("tags", "a tag's key does not begin with aws:, which is reserved")
        if not 1 <= len(key) <= 128 or not _TAG.fullmatch(key):
            raise invalid_field("tags", f"a tag's key has 1 to 128 {_TAG_CHARACTERS}")
        if len(value) > 256 or not _TAG.fullmatch(value):
            raise invalid_field("tags", f"a tag's value has at most 256 {_TAG_CHARACTERS}")
    return tags


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
