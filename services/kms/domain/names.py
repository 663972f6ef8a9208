"""Names: of keys and what they belong to, of aliases, of grants."""

import enum
import re
from dataclasses import dataclass, field
from functools import lru_cache

from services.chassis.arn import arn_of

_ACCOUNT_REGION = r"accounts/(?P<account>[0-9]{12})/regions/(?P<region>[a-z0-9-]{1,32})"
_KEY = (
    rf"(?P<parent>{_ACCOUNT_REGION}"
    r"|providers/(?P<provider>[a-z][a-z0-9-]{0,31})"
    r"|services/(?P<service>[a-z][a-z0-9-]{0,31}))"
    r"/keys/(?P<key_id>[A-Za-z0-9-]{1,64})"
)
_KEY_NAME = re.compile(_KEY)
_ALIAS_NAME = re.compile(rf"{_ACCOUNT_REGION}/aliases/(?P<alias>[a-zA-Z0-9/_-]{{1,250}})")
_GRANT_NAME = re.compile(rf"(?P<key>{_KEY})/grants/(?P<grant_id>[0-9a-f]{{64}})")
_ANY_KEY = "/keys/x"
_RESERVED = "aws/"
_PARSED = 4096
"""Names of keys that are kept parsed."""


class KeyClass(enum.Enum):
    """Whose key it is; decides who may use it."""

    CUSTOMER = "customer"
    """Of an account, in a region: used by its principals, as its policies say."""
    PROVIDER = "provider"
    """Of a model provider: seals weights, which the provider's pool opens."""
    SERVICE = "service"
    """Of one of Craton's own services: used by that workload alone."""


@dataclass(frozen=True, slots=True)
class KeyParent:
    """What a key belongs to: an account in a region, a provider, or a service."""

    key_class: KeyClass
    owner: str
    """Account id, provider name or service name."""
    region: str = ""
    """Region of a customer key; empty for the others, which are of the installation."""
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Write the name once: it is asked for again and again."""
        text = f"{self.key_class.value}s/{self.owner}"
        if self.key_class is KeyClass.CUSTOMER:
            text = f"accounts/{self.owner}/regions/{self.region}"
        object.__setattr__(self, "_text", text)

    @classmethod
    def parse(cls, text: str) -> "KeyParent":
        """Parse "accounts/{a}/regions/{r}", "providers/{p}" or "services/{s}". Raises ValueError."""
        return KeyName.parse(text + _ANY_KEY).parent

    def key(self, key_id: str) -> "KeyName":
        """Name the key `key_id` below this parent."""
        return KeyName(self, key_id)

    def __str__(self) -> str:
        """The resource name."""
        return self._text


@dataclass(frozen=True, slots=True)
class KeyName:
    """Resource name of a key."""

    parent: KeyParent
    key_id: str
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Write the name once."""
        object.__setattr__(self, "_text", f"{self.parent}/keys/{self.key_id}")

    @classmethod
    def parse(cls, text: str) -> "KeyName":
        """Parse a resource name. Raises ValueError when it is not a key's."""
        return _parsed(text)

    @property
    def displayed(self) -> str:
        """The name that people and the audit log see: the ARN of a key that has one."""
        try:
            return arn_of(str(self))
        except ValueError:
            return str(self)

    def __str__(self) -> str:
        """The resource name."""
        return self._text


@dataclass(frozen=True, slots=True)
class AliasName:
    """Resource name of an alias."""

    parent: KeyParent
    name: str
    """What stands behind "alias/" in AWS's names."""

    @classmethod
    def parse(cls, text: str) -> "AliasName":
        """Parse "accounts/{a}/regions/{r}/aliases/{name}". Raises ValueError."""
        match = _ALIAS_NAME.fullmatch(text)
        if match is None:
            raise ValueError("not the resource name of an alias")
        return cls(KeyParent(KeyClass.CUSTOMER, match["account"], match["region"]), match["alias"])

    @property
    def reserved(self) -> bool:
        """True for names of keys that services manage: "aws/bedrock" for example."""
        return self.name.startswith(_RESERVED)

    @property
    def displayed(self) -> str:
        """The ARN."""
        return arn_of(str(self))

    def __str__(self) -> str:
        """The resource name."""
        return f"{self.parent}/aliases/{self.name}"


@dataclass(frozen=True, slots=True)
class GrantName:
    """Resource name of a grant."""

    key: KeyName
    grant_id: str
    """64 hex digits."""

    @classmethod
    def parse(cls, text: str) -> "GrantName":
        """Parse a key's name, "/grants/" and the id. Raises ValueError."""
        match = _GRANT_NAME.fullmatch(text)
        if match is None:
            raise ValueError("not the resource name of a grant")
        return cls(_key_name(match), match["grant_id"])

    def __str__(self) -> str:
        """The resource name."""
        return f"{self.key}/grants/{self.grant_id}"


@lru_cache(maxsize=_PARSED)
def _parsed(text: str) -> KeyName:
    """Parse a key's name; a request names its key several times. Raises ValueError."""
    match = _KEY_NAME.fullmatch(text)
    if match is None:
        raise ValueError("not the resource name of a key")
    return _key_name(match)


def _key_name(match: re.Match[str]) -> KeyName:
    if match["account"]:
        parent = KeyParent(KeyClass.CUSTOMER, match["account"], match["region"])
    elif match["provider"]:
        parent = KeyParent(KeyClass.PROVIDER, match["provider"])
    else:
        parent = KeyParent(KeyClass.SERVICE, match["service"])
    return KeyName(parent, match["key_id"])
