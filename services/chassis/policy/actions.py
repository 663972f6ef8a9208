"""The actions that policies can name: their resource types, access levels and condition keys.

What they are stands in catalogue/, one file a service, after AWS's Service Authorization Reference. Nothing
here decides: what a policy permits does not depend on whether an action is known.
AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import difflib
import enum
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from services.chassis.policy import keys
from services.chassis.policy.arn_forms import ArnForm
from services.chassis.policy.patterns import has_wildcard, matcher

_FOLDER = Path(__file__).parent / "catalogue"
_NEAR = 0.75
"""How alike a name must be to be proposed instead of another: one or two letters of ten may differ."""


class AccessLevel(enum.Enum):
    """What an action does.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html
    """

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    PERMISSIONS = "Permissions management"
    TAGGING = "Tagging"


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of resources."""

    name: str
    form: ArnForm
    keys: tuple[str, ...] = ()
    """Condition keys that every action on it carries."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action."""

    service: str
    """The prefix, for example "bedrock"."""
    name: str
    level: AccessLevel
    resources: tuple[ResourceType, ...] = ()
    """On what it acts; none where it is permitted on * alone."""
    required: frozenset[str] = frozenset()
    """Names of the types of which it always acts on one, or on one of several."""
    keys: tuple[str, ...] = ()
    """Condition keys beyond those that every request carries, those of its resource types among them."""
    served: bool = False
    """Whether an operation of this installation asks for it."""
    permission_free: bool = False
    """Whether it is permitted whatever policies say."""

    @property
    def full_name(self) -> str:
        """As policies write it, for example "bedrock:InvokeModel"."""
        return f"{self.service}:{self.name}"

    def carries(self, key: str) -> bool:
        """Say whether its requests can carry a condition key, which is compared without regard to case."""
        known = keys.find(key)
        return known is not None and known.name in self.keys


@dataclass(frozen=True)
class Service:
    """The actions and resource types of one service."""

    name: str
    resources: Mapping[str, ResourceType]
    actions: Mapping[str, Action]
    """By the name of the operation in lower case."""

    def matching(self, pattern: str) -> list[Action]:
        """Return the actions that a pattern for the operation stands for."""
        lower = pattern.lower()
        if not has_wildcard(lower):
            found = self.actions.get(lower)
            return [] if found is None else [found]
        fits = matcher(lower)
        return [action for name, action in self.actions.items() if fits(name)]

    def nearest(self, name: str) -> str:
        """Return the action whose name is most like `name`; empty when none is like it."""
        close = difflib.get_close_matches(name.lower(), self.actions, 1, _NEAR)
        return self.actions[close[0]].full_name if close else ""


class Catalogue:
    """All services."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        """Hold services by their prefix."""
        self.services = services

    def __iter__(self) -> Iterator[Action]:
        """Yield every action."""
        for service in self.services.values():
            yield from service.actions.values()

    def find(self, action: str) -> Action | None:
        """Return an action by its full name, which is compared without regard to case."""
        service, _, name = action.partition(":")
        known = self.services.get(service.lower())
        return None if known is None else known.actions.get(name.lower())

    def matching(self, pattern: str) -> list[Action]:
        """Return the actions that a pattern of a policy stands for."""
        if pattern == "*":
            return list(self)
        service, _, name = pattern.partition(":")
        if service == "*":
            return [each for known in self.services.values() for each in known.matching(name)]
        known = self.services.get(service.lower())
        return [] if known is None else known.matching(name)

    def nearest_service(self, name: str) -> str:
        """Return the service whose prefix is most like `name`; empty when none is like it."""
        close = difflib.get_close_matches(name.lower(), self.services, 1, _NEAR)
        return close[0] if close else ""

    @cached_property
    def forms(self) -> Mapping[str, tuple[ArnForm, ...]]:
        """The forms of all resource types, each once, by the service that stands in the ARN."""
        found: dict[str, dict[str, ArnForm]] = {}
        for service in self.services.values():
            for each in service.resources.values():
                found.setdefault(each.form.service, {})[each.form.text] = each.form
        return {service: tuple(forms.values()) for service, forms in found.items()}

    @cached_property
    def service_keys(self) -> frozenset[str]:
        """The condition keys that only some actions carry; every request can carry the others."""
        return frozenset(key for action in self for key in action.keys)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the actions of all services; read once, when something is first asked about them."""
    found = (_read(tomllib.loads(path.read_text())) for path in sorted(_FOLDER.glob("*.toml")))
    return Catalogue({service.name: service for service in found})


def _read(table: Mapping[str, Any]) -> Service:
    service = table["service"]
    types = {
        name: ResourceType(name, ArnForm(each["arn"]), tuple(each.get("keys", ())))
        for name, each in table.get("resources", {}).items()
    }
    actions = (_action(service, name, each, types) for name, each in table["actions"].items())
    return Service(service, types, {action.name.lower(): action for action in actions})


def _action(service: str, name: str, row: Mapping[str, Any], types: Mapping[str, ResourceType]) -> Action:
    listed = row.get("resources", ())
    resources = tuple(types[each.removesuffix("*")] for each in listed)
    return Action(
        service=service,
        name=name,
        level=AccessLevel(row["level"]),
        resources=resources,
        required=frozenset(each.removesuffix("*") for each in listed if each.endswith("*")),
        keys=tuple(dict.fromkeys((*row.get("keys", ()), *(key for each in resources for key in each.keys)))),
        served=row.get("served", False),
        permission_free=row.get("permission_free", False),
    )
