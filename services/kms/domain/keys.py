"""Keys: their names, classes, states and versions."""

import enum
import re
from dataclasses import dataclass
from datetime import datetime

from services.chassis.arn import arn_of

_NAME = re.compile(
    r"(?P<parent>accounts/(?P<account>[0-9]{12})/regions/(?P<region>[a-z0-9-]{1,32})"
    r"|providers/(?P<provider>[a-z][a-z0-9-]{0,31})"
    r"|services/(?P<service>[a-z][a-z0-9-]{0,31}))"
    r"/keys/(?P<key_id>[A-Za-z0-9-]{1,64})"
)
_ANY_KEY = "/keys/x"

MATERIAL_SIZE = 32
"""Bytes of a key's material: an AES-256 key's worth of entropy for HKDF to derive from."""


class KeyClass(enum.Enum):
    """Whose key it is; decides who may use it."""

    CUSTOMER = "customer"
    """Of an account, in a region: used by its principals, as its policies say."""
    PROVIDER = "provider"
    """Of a model provider: seals weights, which the provider's pool opens."""
    SERVICE = "service"
    """Of one of Craton's own services: used by that workload alone."""


class KeyState(enum.Enum):
    """What a key may be used for."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class KeyParent:
    """What a key belongs to: an account in a region, a provider, or a service."""

    key_class: KeyClass
    owner: str
    """Account id, provider name or service name."""
    region: str = ""
    """Region of a customer key; empty for the others, which are of the installation."""

    @classmethod
    def parse(cls, text: str) -> "KeyParent":
        """Parse "accounts/{a}/regions/{r}", "providers/{p}" or "services/{s}". Raises ValueError."""
        return KeyName.parse(text + _ANY_KEY).parent

    def key(self, key_id: str) -> "KeyName":
        """Name the key `key_id` below this parent."""
        return KeyName(self, key_id)

    def __str__(self) -> str:
        """The resource name."""
        if self.key_class is KeyClass.CUSTOMER:
            return f"accounts/{self.owner}/regions/{self.region}"
        return f"{self.key_class.value}s/{self.owner}"


@dataclass(frozen=True, slots=True)
class KeyName:
    """Resource name of a key."""

    parent: KeyParent
    key_id: str

    @classmethod
    def parse(cls, text: str) -> "KeyName":
        """Parse a resource name. Raises ValueError when it is not a key's."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise ValueError("not the resource name of a key")
        if match["account"]:
            parent = KeyParent(KeyClass.CUSTOMER, match["account"], match["region"])
        elif match["provider"]:
            parent = KeyParent(KeyClass.PROVIDER, match["provider"])
        else:
            parent = KeyParent(KeyClass.SERVICE, match["service"])
        return cls(parent, match["key_id"])

    @property
    def displayed(self) -> str:
        """The name that people and the audit log see: the ARN of a key that has one."""
        try:
            return arn_of(str(self))
        except ValueError:
            return str(self)

    def __str__(self) -> str:
        """The resource name."""
        return f"{self.parent}/keys/{self.key_id}"


@dataclass(frozen=True, slots=True)
class Key:
    """A key's record, without its material."""

    name: KeyName
    incarnation: str
    """Incarnation of the account that created a customer key; empty for the others.

    A purged account id that is used again has another incarnation and does not get at these keys.
    """
    state: KeyState
    description: str
    created: datetime
    primary_version: int
    """Version that encrypts now, from 1; earlier ones only decrypt."""


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version of a key's material, wrapped under the root key."""

    number: int
    wrapped: bytes
    created: datetime


def wrapping_context(key: Key, number: int) -> bytes:
    """Bytes that the wrapped material of a version is bound to, as additional authenticated data.

    A wrapped version that is moved to another key, account incarnation or version does not open.
    """
    parts = [b"craton-kms key material v1", str(key.name).encode(), key.incarnation.encode()]
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts) + number.to_bytes(4, "big")
