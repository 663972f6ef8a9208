"""Principals as policies of resources name them: bound to ids, so that who is made again is somebody else.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.ports.credentials import PrincipalReader
from services.auth.ports.roles import RoleStore
from services.chassis.arn import IamEntity, assumed_role_arn, iam_entity, resource_part
from services.chassis.errors import DomainError
from services.chassis.named_principals import session_of, unique_id_of


@dataclass(frozen=True, slots=True)
class PrincipalNames:
    """Finds who is named."""

    roles: RoleStore
    principals: PrincipalReader
    partition: str

    async def present(self, unique_ids: Collection[str]) -> Mapping[str, IamEntity]:
        """Return by their ids those of these users and roles that exist."""
        return await self.principals.present(unique_ids) if unique_ids else {}

    async def bound(self, text: str, known: Set[str]) -> str:
        """Return what is kept of a name, empty when it names nobody.

        `known` are the ids that may be written: those that exist, and those of who is gone that were read.
        """
        unique_id = unique_id_of(text)
        if unique_id:
            return text if unique_id in known else ""
        # Everybody, and accounts, which are their ids.
        if not text.startswith("arn:"):
            return text
        if resource_part(text) == "root":
            return text if text.startswith(f"arn:{self.partition}:") else ""
        try:
            session = session_of(text)
            if session is None:
                return (await self.principals.named(iam_entity(text, self.partition))).unique_id
            role = await self.roles.role(session.account_id, session.role_name)
        except ValueError:
            return ""
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND:
                raise
            return ""
        if session.partition != self.partition:
            return ""
        return assumed_role_arn(session.account_id, role.role_id, session.session_name, self.partition)
