"""Everything that binds one principal: the documents of all layers, and the same compiled."""

from dataclasses import dataclass

from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.layers import NO_OWNER, RequesterLayers, ResourceLayers
from services.chassis.policy.resource_evaluator import ResourcePolicySet

Documents = tuple[str, ...]
"""Canonical JSON of the policies of one layer."""


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """The documents of a principal's layers."""

    identity: Documents = ()
    """Its own inline and attached policies, and those of its groups."""
    boundary: Documents | None = None
    """Its permissions boundary; None without one, which is not the same as an empty one."""
    session: Documents | None = None
    """What its temporary credentials were narrowed to; None when they were not."""
    service_control: tuple[Documents, ...] = ()
    """One for each level from the organization's root to its account; none where nothing is restricted."""
    resource_control: tuple[Documents, ...] = ()
    """The same of the resources of its account."""
    endpoint: Documents | None = None
    """Of the VPC endpoint through which it came; None for the public path."""


class CompiledBundle:
    """A bundle, compiled."""

    __slots__ = ("_sets", "bound", "conditional", "control")

    def __init__(self, bound: RequesterLayers, control: tuple[ResourcePolicySet, ...] = ()) -> None:
        """Take the requester's layers, and what controls the resources of its account."""
        self.bound = bound
        self.control = control
        optional = (bound.boundary, bound.session, bound.endpoint)
        self._sets: tuple[PolicySet | ResourcePolicySet, ...] = (
            bound.identity,
            *(each for each in optional if each is not None),
            *bound.service_control,
            *control,
        )
        self.conditional = any(each.conditional for each in self._sets)
        """False when no statement has a condition or a policy variable, so that none needs a context."""

    def conditional_for(self, action: str) -> bool:
        """Say whether a statement about `action` has a condition or a policy variable."""
        return self.conditional and any(each.conditional_for(action) for each in self._sets)

    @property
    def retired(self) -> bool:
        """True once a part had to make room: whoever holds it must compile the documents again."""
        return any(each.retired for each in self._sets)

    def target(self, requester_account: str, resource: str) -> ResourceLayers:
        """Return what protects a resource that has no policy of its own: the controls of its account.

        Another account's resource control policies are not known here. Nothing is permitted across accounts
        without a policy of the resource, whose service knows them.
        """
        parts = resource.split(":", 5)
        owner = parts[4] if len(parts) > 4 else requester_account
        if not owner or (owner == requester_account and not self.control and not self.conditional):
            # Nobody's, or nothing is said about it and nobody asks whose it is.
            return NO_OWNER
        return ResourceLayers(owner, control=self.control if owner == requester_account else ())
