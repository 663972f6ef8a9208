"""OpenID Connect providers."""

from typing import Any

from craton.auth.v1 import oidc_provider_service_pb2 as pb
from craton.auth.v1 import oidc_provider_service_pb2_grpc

from services.auth.domain.identity import Tag
from services.auth.domain.oidc import OidcProvider
from services.auth.domain.pages import PageRequest
from services.auth.operations.oidc_providers import OidcProviders
from services.auth.servicer.messages import tag, timestamp
from services.chassis.arn import oidc_provider_arn
from services.chassis.context import current_call


class OidcProviderServicer(oidc_provider_service_pb2_grpc.OidcProviderServiceServicer):
    """OidcProviderService."""

    def __init__(self, providers: OidcProviders, partition: str) -> None:
        """Serve `providers`."""
        self._providers = providers
        self._partition = partition

    async def CreateOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        tags = [Tag(each.key, each.value) for each in request.tags]
        provider = await self._providers.create(
            current_call(), request.url, request.client_ids, request.thumbprints, tags
        )
        return pb.CreateOpenIDConnectProviderResponse(provider=self._message(provider))

    async def GetOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        provider = await self._providers.get(current_call(), request.provider_arn)
        return pb.GetOpenIDConnectProviderResponse(provider=self._message(provider))

    async def ListOpenIDConnectProviders(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._providers.list(current_call(), wanted)
        return pb.ListOpenIDConnectProvidersResponse(
            providers=[self._message(each) for each in page.items], next_page_token=page.next_token
        )

    async def DeleteOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._providers.delete(current_call(), request.provider_arn)
        return pb.DeleteOpenIDConnectProviderResponse()

    async def AddClientIDToOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._providers.add_client_id(current_call(), request.provider_arn, request.client_id)
        return pb.AddClientIDToOpenIDConnectProviderResponse()

    async def RemoveClientIDFromOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._providers.remove_client_id(current_call(), request.provider_arn, request.client_id)
        return pb.RemoveClientIDFromOpenIDConnectProviderResponse()

    async def UpdateOpenIDConnectProviderThumbprint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._providers.update_thumbprints(current_call(), request.provider_arn, request.thumbprints)
        return pb.UpdateOpenIDConnectProviderThumbprintResponse()

    async def TagOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        tags = [Tag(each.key, each.value) for each in request.tags]
        await self._providers.tag(current_call(), request.provider_arn, tags)
        return pb.TagOpenIDConnectProviderResponse()

    async def UntagOpenIDConnectProvider(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._providers.untag(current_call(), request.provider_arn, request.tag_keys)
        return pb.UntagOpenIDConnectProviderResponse()

    async def ListOpenIDConnectProviderTags(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._providers.tags(current_call(), request.provider_arn, wanted)
        return pb.ListOpenIDConnectProviderTagsResponse(
            tags=[tag(each) for each in page.items], next_page_token=page.next_token
        )

    def _message(self, provider: OidcProvider) -> pb.OpenIDConnectProvider:
        return pb.OpenIDConnectProvider(
            name=f"accounts/{provider.account_id}/oidcProviders/{provider.issuer_name}",
            arn=oidc_provider_arn(provider.account_id, provider.issuer_name, self._partition),
            url=provider.url,
            client_ids=provider.client_ids,
            thumbprints=provider.thumbprints,
            create_time=timestamp(provider.created_at),
            tags=[tag(each) for each in provider.tags],
        )
