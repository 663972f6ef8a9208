"""OpenID Connect providers: issuers that an account registered.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from services.auth.domain.dialling import HTTPS_PORT
from services.auth.domain.identity import Tag
from services.chassis.policy.keys import find

_SCHEME = "https://"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ISSUER = re.compile(rf"https://{_LABEL}(?:\.{_LABEL})*(?::[1-9][0-9]{{0,4}})?(?:/[A-Za-z0-9._/-]*)?")
"""What can also stand in the ARN of a provider, and so in a trust policy."""
_DOCUMENT = re.compile(rf"https://{_LABEL}(?:\.{_LABEL})*(?::[1-9][0-9]{{0,4}})?(?:[/?][\x21\x24-\x7e]*)?")
"""The location of a key set: with a query, without a fragment."""
_MAX_URL = 2048
_MAX_PORT = 65_535
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a document is fetched from."""

    host: str
    """In lower case."""
    port: int
    target: str
    """Path and query, as they stand in a request line."""

    @classmethod
    def parse(cls, url: str) -> "Location":
        """Read the URL of a document. Raises ValueError for one that is not plain https."""
        if len(url) > _MAX_URL or not _DOCUMENT.fullmatch(url):
            raise ValueError("not an https URL of a host name, without user, fragment and spaces")
        parts = urlsplit(url)
        port = parts.port or HTTPS_PORT
        if parts.hostname is None or port > _MAX_PORT:
            raise ValueError("not the URL of a port")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, port, target)


def check_issuer(url: str) -> None:
    """Return if a URL can be registered as an issuer. Raises ValueError."""
    if not _ISSUER.fullmatch(url):
        raise ValueError(
            "must be https:// with a host name in lower case, and maybe a port and a path of letters, digits "
            "and ._/-, without a query"
        )
    Location.parse(url)
    if find(f"{name_of_issuer(url)}:sub") is None:
        raise ValueError("has a host without a domain, to which no condition of a trust policy could refer")


def discovery_url(issuer: str) -> str:
    """Return where an issuer describes itself.

    OpenID Connect Discovery 1.0, section 4: https://openid.net/specs/openid-connect-discovery-1_0.html
    """
    return issuer.rstrip("/") + _DISCOVERY


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An issuer that an account registered."""

    account_id: str
    provider_id: str
    """Stable and unique: one that is deleted and registered again is another provider."""
    url: str
    """As tokens name it in "iss"."""
    client_ids: tuple[str, ...]
    """Audiences whose tokens are accepted."""
    thumbprints: tuple[str, ...]
    """Kept for clients that expect them; nothing is decided by them."""
    created_at: datetime
    tags: tuple[Tag, ...] = ()
    """In the order of their keys, without regard to case."""

    @property
    def issuer_name(self) -> str:
        """The issuer without its scheme, as ARNs and condition keys name it."""
        return name_of_issuer(self.url)

    def with_tags(self, tags: tuple[Tag, ...]) -> "OidcProvider":
        """Return the provider with further tags; one whose key it has, in whatever case, replaces it."""
        merged = {tag.key.lower(): tag for tag in (*self.tags, *tags)}
        return replace(self, tags=tuple(merged[key] for key in sorted(merged)))

    def without_tags(self, keys: tuple[str, ...]) -> "OidcProvider":
        """Return the provider without the tags of these keys, in whatever case."""
        gone = {key.lower() for key in keys}
        return replace(self, tags=tuple(tag for tag in self.tags if tag.key.lower() not in gone))


def name_of_issuer(url: str) -> str:
    """Return an issuer's URL without its scheme."""
    return url.removeprefix(_SCHEME)
