"""GrantService: what somebody may do with a key besides its policy."""

from collections.abc import Mapping
from typing import Any

from craton.kms.v1 import grant_service_pb2 as pb
from craton.kms.v1 import grant_service_pb2_grpc
from craton.kms.v1.resources_pb2 import Grant as GrantMessage

from services.chassis.context import current_call
from services.chassis.pages import Page
from services.kms.domain.grants import Grant
from services.kms.domain.names import GrantName
from services.kms.domain.request_facts import GrantFacts
from services.kms.errors import invalid_field, invalid_grant_id
from services.kms.operations.grants import Grants, NewGrant
from services.kms.servicer.messages import parent_of


class GrantServicer(grant_service_pb2_grpc.GrantServiceServicer):
    """See the contract."""

    def __init__(self, grants: Grants) -> None:
        """Serve `grants`."""
        self._grants = grants

    async def CreateGrant(self, request: Any, context: Any) -> Any:
        """See the contract."""
        equals, subset = _constraints(request)
        wanted = GrantFacts(
            operations=tuple(request.operations),
            grantee=request.grantee_principal,
            retiring=request.retiring_principal,
            equals=equals,
            subset=subset,
        )
        asked = NewGrant(
            request.key_name, wanted, request.friendly_name, tuple(request.grant_tokens), request.dry_run
        )
        name, token = await self._grants.create(current_call(), asked)
        return pb.CreateGrantResponse(name=str(name), grant_token=token)

    async def ListGrants(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._grants.list(
            current_call(),
            request.key_name,
            request.grant_id,
            request.grantee_principal,
            request.page_size,
            request.page_token,
        )
        return pb.ListGrantsResponse(grants=_messages(page), next_page_token=page.next_token)

    async def ListRetirableGrants(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._grants.list_retirable(
            current_call(),
            parent_of(request.parent),
            request.retiring_principal,
            request.page_size,
            request.page_token,
        )
        return pb.ListRetirableGrantsResponse(grants=_messages(page), next_page_token=page.next_token)

    async def RevokeGrant(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._grants.revoke(current_call(), _name(request.name), dry_run=request.dry_run)
        return pb.RevokeGrantResponse()

    async def RetireGrant(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name = _name(request.name) if request.name else None
        await self._grants.retire(current_call(), name, request.grant_token, dry_run=request.dry_run)
        return pb.RetireGrantResponse()


def _name(text: str) -> GrantName:
    try:
        return GrantName.parse(text)
    except ValueError:
        raise invalid_grant_id() from None


def _constraints(request: Any) -> tuple[Mapping[str, str] | None, Mapping[str, str] | None]:
    """Return the two constraints, None for one that is not set.

    On the wire no pairs and no constraint look the same, so that a constraint without pairs is refused: it
    must not become a grant without constraints.
    """
    if not request.HasField("constraints"):
        return None, None
    equals = dict(request.constraints.encryption_context_equals) or None
    subset = dict(request.constraints.encryption_context_subset) or None
    if equals is None and subset is None:
        raise invalid_field("constraints", "a constraint has at least one pair")
    return equals, subset


def _messages(page: Page[Grant]) -> list[GrantMessage]:
    return [_message(each) for each in page.items]


def _message(grant: Grant) -> GrantMessage:
    message = GrantMessage(
        name=str(grant.name),
        grantee_principal=grant.grantee,
        retiring_principal=grant.retiring,
        operations=grant.operations,
        friendly_name=grant.friendly_name,
        issuing_account=grant.issuing_account,
    )
    message.create_time.FromDatetime(grant.created)
    if grant.constraint.equals is not None:
        message.constraints.encryption_context_equals.update(dict(grant.constraint.equals))
    if grant.constraint.subset is not None:
        message.constraints.encryption_context_subset.update(dict(grant.constraint.subset))
    return message
