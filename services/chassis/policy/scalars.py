"""Numbers, points in time, networks and truth values as policies and requests write them.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
and, for dates, the W3C's profile of ISO 8601 (https://www.w3.org/TR/NOTE-datetime).
"""

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime
from decimal import Decimal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_CIDR = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T\d\d:\d\d(?::\d\d(\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?)?)?", re.ASCII
)


def number(text: str) -> Decimal:
    """Return a decimal number. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("a decimal number is expected")
    return Decimal(text)


def instant(text: str) -> Decimal:
    """Return a point in time in seconds since 1970: from ISO 8601 with a zone, or from a number of seconds.

    A date alone is midnight UTC, a year or month alone its first day. Raises ValueError.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        if _SECONDS.fullmatch(text):
            return Decimal(text)
        raise ValueError("a date as 2026-11-21T10:30:00Z, or seconds since 1970, is expected")
    year, month, day, fraction = found.groups(default="")
    if not day:
        moment = datetime(int(year), int(month or 1), 1, tzinfo=UTC)
    elif "T" in text:
        # A datetime has microseconds, and would cut off the rest.
        moment = datetime.fromisoformat(text.replace(fraction, ""))
    else:
        moment = datetime(int(year), int(month), int(day), tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(since.days * 86400 + since.seconds) + Decimal(f"0{fraction}")


def network(text: str) -> Network:
    """Return a network, of one address when no length of a prefix is given. Raises ValueError."""
    # Masks and zones of IPv6 are no CIDR notation, and a zone would be lost in a comparison.
    try:
        found = ipaddress.ip_network(text if _CIDR.fullmatch(text) else "", strict=False)
    except ValueError as error:
        raise ValueError("an IP address or a range in CIDR notation is expected") from error
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
        raise ValueError("addresses of IPv4 must be written as such, not as IPv6")
    return found


def address(text: str) -> Address:
    """Return an address; one of IPv4 that is written as IPv6 is one of IPv4. Raises ValueError."""
    found = ipaddress.ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped


def truth(text: str) -> bool:
    """Return true or false, in any case of letters. Raises ValueError."""
    lower = text.lower()
    if lower not in ("true", "false"):
        raise ValueError("true or false is expected")
    return lower == "true"


def in_one_case(text: str) -> str:
    """Return a text in which capital and small letters are alike, and nothing else.

    Letter by letter, so that ß is no ss, and within ASCII or outside of it, so that the Kelvin sign is no k:
    names that only look alike, or spell alike, are different names.
    """
    if text.isascii():
        return text.lower()
    return "".join(map(_small, text))


def _small(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 and small.isascii() is letter.isascii() else letter


def octets(text: str) -> bytes:
    """Return what base64 stands for. Raises ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("base64 is expected") from error
