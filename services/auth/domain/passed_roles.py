"""Roles that customers pass to services.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

import re
from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.service_principals import SERVICE_PRINCIPALS
from services.chassis.arn import resource_part

MAX_PASSED_ROLES = 10_000
"""Roles that are passed at a time in an account: our own bound, far above what its resources need."""

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9+=,.@_-]")
_SESSION_NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class PassedRole:
    """One role, passed to one service for one resource. It holds no secret."""

    pass_id: str
    account_id: str
    """Of the role, of the resource and of whoever passed it: no role is passed between accounts."""
    role_id: str
    service: str
    """Name of the service in its certificate, for example "training"."""
    resource_arn: str
    passed_by: str
    """ARN of the principal."""
    created_at: datetime

    @property
    def service_principal(self) -> str:
        """The service, as policies name it."""
        return SERVICE_PRINCIPALS[self.service]

    @property
    def region(self) -> str:
        """The resource's region."""
        return self.resource_arn.split(":", 5)[3]

    @property
    def session_name(self) -> str:
        """What sessions of the service are called: after its name and the resource's id.

        AWS does not document the names that its services choose.
        """
        head = self.service_principal.partition(".")[0]
        resource = _NOT_IN_A_NAME.sub("-", resource_part(self.resource_arn).rpartition("/")[2])
        return f"{head}-{resource}"[:_SESSION_NAME_CHARS]


def belongs_to(resource_arn: str, partition: str, account_id: str, region: str, service: str) -> bool:
    """Say whether a resource is one that `service` makes for an account in a region.

    Whoever could name another account's resource could make the service act for that account.
    """
    makes = SERVICE_PRINCIPALS[service].partition(".")[0]
    head = f"arn:{partition}:{makes}:{region}:{account_id}:"
    return resource_arn.startswith(head) and resource_arn != head
