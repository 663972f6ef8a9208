"""Event selectors: which records a trail delivers.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
and https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html

Everything that is recorded here is a management event, as bedrock's and kms' calls are at AWS: a selector of
data events chooses nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.errors import invalid_field

READ_WRITE_TYPES: Mapping[str, frozenset[bool]] = {
    "All": frozenset({True, False}),
    "ReadOnly": frozenset({True}),
    "WriteOnly": frozenset({False}),
}
_BASIC = 5
_CONDITIONS = 500
_EXCLUDED = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})
"""What can be left out by a plain selector, as at AWS."""

_FIELDS: Mapping[str, Callable[[Mapping[str, Any]], Sequence[str]]] = {
    "eventCategory": lambda record: (record["eventCategory"],),
    "eventName": lambda record: (record["eventName"],),
    "eventSource": lambda record: (record["eventSource"],),
    "eventType": lambda record: (record["eventType"],),
    "readOnly": lambda record: ("true" if record["readOnly"] else "false",),
    "resources.ARN": lambda record: [each["ARN"] for each in record["resources"] if "ARN" in each],
    "resources.type": lambda record: [each["type"] for each in record["resources"] if "type" in each],
    "userIdentity.arn": lambda record: (record["userIdentity"].get("arn", ""),),
}
_CATEGORIES = ("Management", "Data", "NetworkActivity")


@dataclass(frozen=True, slots=True)
class BasicSelector:
    """Chooses management events by what they did."""

    read_write_type: str = "All"
    management_events: bool = True
    excluded_sources: tuple[str, ...] = ()

    def chooses(self, record: Mapping[str, Any]) -> bool:
        """Say whether it chooses a record of CloudTrail's."""
        return (
            self.management_events
            and record["readOnly"] in READ_WRITE_TYPES[self.read_write_type]
            and record["eventSource"] not in self.excluded_sources
        )


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """A condition on one field: all operators that it has must hold."""

    field: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    not_equals: tuple[str, ...] = ()
    not_starts_with: tuple[str, ...] = ()
    not_ends_with: tuple[str, ...] = ()

    @property
    def values(self) -> int:
        """How many conditions it counts for."""
        return sum(
            map(
                len,
                (
                    self.equals,
                    self.starts_with,
                    self.ends_with,
                    self.not_equals,
                    self.not_starts_with,
                    self.not_ends_with,
                ),
            )
        )

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Say whether it holds. Of several values (of resources) one must fit, and none what is excluded."""
        found = _FIELDS[self.field](record)
        if any(
            each in self.not_equals
            or each.startswith(self.not_starts_with)
            or each.endswith(self.not_ends_with)
            for each in found
        ):
            return False
        return all(
            not wanted or any(fits(each, wanted) for each in found)
            for wanted, fits in (
                (self.equals, lambda each, wanted: each in wanted),
                (self.starts_with, str.startswith),
                (self.ends_with, str.endswith),
            )
        )


@dataclass(frozen=True, slots=True)
class AdvancedSelector:
    """Chooses records that all its fields fit."""

    name: str
    fields: tuple[FieldSelector, ...]

    def chooses(self, record: Mapping[str, Any]) -> bool:
        """Say whether it chooses a record of CloudTrail's."""
        return all(each.holds(record) for each in self.fields)


@dataclass(frozen=True, slots=True)
class Selectors:
    """Chooses a record when one of them does."""

    basic: tuple[BasicSelector, ...] = ()
    advanced: tuple[AdvancedSelector, ...] = ()

    def choose(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record of CloudTrail's is chosen."""
        every: tuple[BasicSelector | AdvancedSelector, ...] = (*self.basic, *self.advanced)
        return any(each.chooses(record) for each in every)

    def checked(self) -> "Selectors":
        """Return them. Raises DomainError(INVALID_FIELD) for what AWS refuses."""
        if bool(self.basic) == bool(self.advanced):
            raise invalid_field("selectors", "either event selectors or advanced event selectors are set")
        if len(self.basic) > _BASIC:
            raise invalid_field("selectors", f"a trail has at most {_BASIC} event selectors")
        for basic in self.basic:
            _check_basic(basic)
        for advanced in self.advanced:
            _check_advanced(advanced)
        if sum(each.values for advanced in self.advanced for each in advanced.fields) > _CONDITIONS:
            raise invalid_field("selectors", f"all selectors together have at most {_CONDITIONS} values")
        return self


DEFAULT = Selectors((BasicSelector(),))
"""Of a trail about which nothing else was said: every management event."""


def _check_basic(selector: BasicSelector) -> None:
    if selector.read_write_type not in READ_WRITE_TYPES:
        raise invalid_field("selectors", f"ReadWriteType is one of {', '.join(READ_WRITE_TYPES)}")
    if not set(selector.excluded_sources) <= _EXCLUDED:
        raise invalid_field(
            "selectors", f"of event sources, {' and '.join(sorted(_EXCLUDED))} can be left out"
        )


def _check_advanced(selector: AdvancedSelector) -> None:
    by_field = {each.field: each for each in selector.fields}
    if len(by_field) < len(selector.fields):
        raise invalid_field("selectors", "a field stands once in a selector")
    for each in selector.fields:
        if each.field not in _FIELDS:
            raise invalid_field("selectors", f"a field is one of {', '.join(_FIELDS)}")
        if not each.values:
            raise invalid_field("selectors", f"{each.field} is compared with nothing")
    category = by_field.get("eventCategory")
    if category is None or len(category.equals) != 1 or category.values != 1:
        raise invalid_field("selectors", "eventCategory equals one value in each selector")
    if category.equals[0] not in _CATEGORIES:
        raise invalid_field("selectors", f"eventCategory equals one of {', '.join(_CATEGORIES)}")
