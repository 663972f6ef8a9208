"""The condition keys that the request for a simulation gives, checked: none is left out, none is misread.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.auth.errors import invalid_field
from services.chassis.policy import scalars
from services.chassis.policy.keys import find
from services.chassis.policy.operators import Kind

_FIELD = "context"
_LIST = "List"


class ContextKeyType(enum.Enum):
    """What the request says that the values of a key are. The values are IAM's."""

    STRING = "string"
    STRING_LIST = "stringList"
    NUMERIC = "numeric"
    NUMERIC_LIST = "numericList"
    BOOLEAN = "boolean"
    BOOLEAN_LIST = "booleanList"
    IP = "ip"
    IP_LIST = "ipList"
    BINARY = "binary"
    BINARY_LIST = "binaryList"
    DATE = "date"
    DATE_LIST = "dateList"

    @property
    def several(self) -> bool:
        """Whether it is a list."""
        return self.value.endswith(_LIST)

    @property
    def kind(self) -> Kind:
        """What one value is."""
        return _KINDS[self.value.removesuffix(_LIST)]


_KINDS: Mapping[str, Kind] = {
    "string": Kind.STRING,
    "numeric": Kind.NUMBER,
    "boolean": Kind.BOOL,
    "ip": Kind.ADDRESS,
    "binary": Kind.BINARY,
    "date": Kind.DATE,
}
_READ: Mapping[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: scalars.number,
    Kind.BOOL: scalars.truth,
    Kind.ADDRESS: scalars.address,
    Kind.BINARY: scalars.octets,
    Kind.DATE: scalars.instant,
}
"""What raises ValueError for a text that is no value of a kind. Of other kinds every text is one."""


@dataclass(frozen=True, slots=True)
class GivenKey:
    """A condition key of the simulated requests."""

    name: str
    values: Sequence[str]
    stated: ContextKeyType | None = None
    """None where the request does not say: then the values are what the key is."""


def given_context(keys: Iterable[GivenKey]) -> dict[str, str | tuple[str, ...]]:
    """Return the values of the keys by their names in lower case. Raises DomainError(INVALID_FIELD).

    Refused are a key that no request carries, one that is given twice, and values that are not of the type
    that is stated or not what the key is: a condition would silently not hold of them.
    """
    found: dict[str, str | tuple[str, ...]] = {}
    for given in keys:
        known = find(given.name)
        if known is None:
            raise invalid_field(_FIELD, "has a key that no request carries")
        lower = given.name.lower()
        if lower in found:
            raise invalid_field(_FIELD, f"has the key {known.name} twice; upper and lower case are the same")
        if not known.several and len(given.values) != 1:
            raise invalid_field(_FIELD, f"has several values of {known.name}, which has one")
        if given.stated is not None:
            if not given.stated.several and len(given.values) != 1:
                raise invalid_field(
                    _FIELD, f"has several values of {known.name}, stated to be of type {given.stated.value}"
                )
            if not _are(given.stated.kind, given.values):
                raise invalid_field(
                    _FIELD, f"has a value of {known.name} that is not of type {given.stated.value}, as stated"
                )
        if not _are(known.kind, given.values):
            raise invalid_field(_FIELD, f"has a value of {known.name} that is not {known.kind.value}")
        found[lower] = tuple(given.values) if known.several else given.values[0]
    return found


def _are(kind: Kind, values: Iterable[str]) -> bool:
    read = _READ.get(kind, str)
    try:
        for value in values:
            read(value)
    except ValueError:
        return False
    return True
