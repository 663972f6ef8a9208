"""What the identities of an account are altogether, and its alias."""

from typing import Any

from craton.auth.v1 import account_identity_service_pb2 as pb
from craton.auth.v1 import account_identity_service_pb2_grpc

from services.auth.domain.account_details import (
    Detail,
    DetailKind,
    GroupRights,
    Rights,
    RoleRights,
    UserRights,
)
from services.auth.domain.pages import PageRequest
from services.auth.operations.account_identity import AccountIdentity
from services.auth.servicer import messages
from services.auth.servicer.groups import group_message
from services.auth.servicer.managed_policies import attached_messages, policy_message, version_message
from services.auth.servicer.roles import role_details
from services.chassis.context import current_call

_KINDS = {
    pb.DETAIL_KIND_USER: DetailKind.USER,
    pb.DETAIL_KIND_GROUP: DetailKind.GROUP,
    pb.DETAIL_KIND_ROLE: DetailKind.ROLE,
    pb.DETAIL_KIND_LOCAL_MANAGED_POLICY: DetailKind.OWN_POLICY,
    pb.DETAIL_KIND_AWS_MANAGED_POLICY: DetailKind.BUILT_IN_POLICY,
}


class AccountIdentityServicer(account_identity_service_pb2_grpc.AccountIdentityServiceServicer):
    """AccountIdentityService."""

    def __init__(self, identity: AccountIdentity, partition: str) -> None:
        """Serve `identity`."""
        self._identity = identity
        self._partition = partition

    async def GetAccountSummary(self, request: Any, context: Any) -> Any:
        """See the contract."""
        return pb.GetAccountSummaryResponse(summary=await self._identity.summary(current_call()))

    async def GetAccountAuthorizationDetails(self, request: Any, context: Any) -> Any:
        """See the contract."""
        kinds = frozenset(_KINDS[kind] for kind in request.kinds)
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._identity.details(current_call(), kinds, wanted)
        answer = pb.GetAccountAuthorizationDetailsResponse(next_page_token=page.next_token)
        for each in page.items:
            self._add(answer, each)
        return answer

    async def CreateAccountAlias(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._identity.set_alias(current_call(), request.account_alias)
        return pb.CreateAccountAliasResponse()

    async def ListAccountAliases(self, request: Any, context: Any) -> Any:
        """See the contract."""
        alias = await self._identity.alias(current_call())
        return pb.ListAccountAliasesResponse(account_aliases=[alias] if alias else [])

    async def DeleteAccountAlias(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._identity.delete_alias(current_call(), request.account_alias)
        return pb.DeleteAccountAliasResponse()

    def _add(self, answer: Any, detail: Detail) -> None:
        if isinstance(detail, UserRights):
            answer.users.add(
                user=messages.user_details(detail.details, self._partition),
                group_names=detail.group_names,
                **self._rights(detail.rights),
            )
        elif isinstance(detail, GroupRights):
            answer.groups.add(
                group=group_message(detail.group, self._partition), **self._rights(detail.rights)
            )
        elif isinstance(detail, RoleRights):
            answer.roles.add(
                role=role_details(detail.details, self._partition), **self._rights(detail.rights)
            )
        else:
            answer.policies.add(
                policy=policy_message(detail.policy, self._partition),
                versions=[version_message(each) for each in detail.versions],
            )

    def _rights(self, rights: Rights) -> dict[str, Any]:
        return {
            "policies": [messages.policy(each) for each in rights.inline],
            "attached_policies": attached_messages(rights.attached, self._partition),
        }
