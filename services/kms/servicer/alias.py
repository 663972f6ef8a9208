"""AliasService: names that owners of keys choose."""

from typing import Any

from craton.kms.v1 import alias_service_pb2 as pb
from craton.kms.v1 import alias_service_pb2_grpc
from craton.kms.v1.resources_pb2 import Alias as AliasMessage

from services.chassis.context import current_call
from services.kms.domain.aliases import Alias
from services.kms.operations.aliases import Aliases
from services.kms.operations.keys import parse_alias_name, parse_key_name
from services.kms.servicer.messages import parent_of


class AliasServicer(alias_service_pb2_grpc.AliasServiceServicer):
    """See the contract."""

    def __init__(self, aliases: Aliases) -> None:
        """Serve `aliases`."""
        self._aliases = aliases

    async def CreateAlias(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key_name = parse_key_name(request.key_name)
        await self._aliases.create(current_call(), parse_alias_name(request.name), key_name)
        return pb.CreateAliasResponse()

    async def UpdateAlias(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key_name = parse_key_name(request.key_name)
        await self._aliases.update(current_call(), parse_alias_name(request.name), key_name)
        return pb.UpdateAliasResponse()

    async def DeleteAlias(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._aliases.delete(current_call(), parse_alias_name(request.name))
        return pb.DeleteAliasResponse()

    async def ListAliases(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._aliases.list(
            current_call(),
            parent_of(request.parent),
            request.key_name,
            request.page_size,
            request.page_token,
        )
        return pb.ListAliasesResponse(
            aliases=[_message(alias) for alias in page.items], next_page_token=page.next_token
        )


def _message(alias: Alias) -> AliasMessage:
    message = AliasMessage(name=str(alias.name), key_name=str(alias.key))
    message.create_time.FromDatetime(alias.created)
    message.update_time.FromDatetime(alias.updated)
    return message
