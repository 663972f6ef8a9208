"""Everything that binds one principal: the documents of all layers, and the same compiled."""

from dataclasses import dataclass

from services.chassis.policy.layers import RequesterLayers, ResourceLayers
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


@dataclass(frozen=True, slots=True)
class CompiledBundle:
    """A bundle, compiled."""

    bound: RequesterLayers
    control: tuple[ResourcePolicySet, ...] = ()

    @property
    def retired(self) -> bool:
        """True once a part had to make room: whoever holds it must compile the documents again."""
        bound = self.bound
        return (
            bound.identity.retired
            or (bound.boundary is not None and bound.boundary.retired)
            or (bound.session is not None and bound.session.retired)
            or any(level.retired for level in bound.service_control)
            or any(level.retired for level in self.control)
        )

    @property
    def conditional(self) -> bool:
        """False when no statement has a condition or a policy variable, so that none needs a context."""
        bound = self.bound
        return (
            bound.identity.conditional
            or (bound.boundary is not None and bound.boundary.conditional)
            or (bound.session is not None and bound.session.conditional)
            or any(level.conditional for level in bound.service_control)
            or any(level.conditional for level in self.control)
        )

    def target(self, requester_account: str, resource: str) -> ResourceLayers:
        """Return what protects a resource that has no policy of its own: the controls of its account.

        Another account's resource control policies are not known here. Nothing is permitted across accounts
        without a policy of the resource, whose service knows them.
        """
        parts = resource.split(":", 5)
        owner = parts[4] if len(parts) > 4 else requester_account
        return ResourceLayers(owner, control=self.control if owner == requester_account else ())
