"""IAM's OpenID Connect providers, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import oidc_provider_service_pb2 as pb
from craton.auth.v1 import oidc_provider_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import page, rest, second, tag, tags_of
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller

_PAGE = 1_000
"""Providers that one question to auth returns; an account has at most 100."""


class OidcProviders:
    """Providers, their client ids, thumbprints and tags."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.OidcProviderServiceStub(channel)

    async def create(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Register an issuer."""
        request = pb.CreateOpenIDConnectProviderRequest(
            url=values["Url"],
            client_ids=values.get("ClientIDList", ()),
            thumbprints=values.get("ThumbprintList", ()),
            tags=tags_of(values),
        )
        answer = await ask(self._stub.CreateOpenIDConnectProvider(request, metadata=caller.metadata))
        return {
            "OpenIDConnectProviderArn": answer.provider.arn,
            "Tags": [tag(each) for each in answer.provider.tags] or None,
        }

    async def get(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return a provider. AWS tells the URL without its scheme."""
        request = pb.GetOpenIDConnectProviderRequest(provider_arn=_arn(values))
        answer = await ask(self._stub.GetOpenIDConnectProvider(request, metadata=caller.metadata))
        provider = answer.provider
        return {
            "Url": provider.url.removeprefix("https://"),
            "ClientIDList": list(provider.client_ids),
            "ThumbprintList": list(provider.thumbprints),
            "CreateDate": second(provider.create_time.ToDatetime(UTC)),
            "Tags": [tag(each) for each in provider.tags],
        }

    async def list(self, _values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the ARNs of all providers; AWS has no pages of them."""
        request = pb.ListOpenIDConnectProvidersRequest(page_size=_PAGE)
        answer = await ask(self._stub.ListOpenIDConnectProviders(request, metadata=caller.metadata))
        return {"OpenIDConnectProviderList": [{"Arn": each.arn} for each in answer.providers]}

    async def delete(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a provider."""
        request = pb.DeleteOpenIDConnectProviderRequest(provider_arn=_arn(values))
        await ask(self._stub.DeleteOpenIDConnectProvider(request, metadata=caller.metadata))
        return {}

    async def add_client_id(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Accept tokens for one more audience."""
        request = pb.AddClientIDToOpenIDConnectProviderRequest(
            provider_arn=_arn(values), client_id=values["ClientID"]
        )
        await ask(self._stub.AddClientIDToOpenIDConnectProvider(request, metadata=caller.metadata))
        return {}

    async def remove_client_id(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Accept no more tokens for an audience."""
        request = pb.RemoveClientIDFromOpenIDConnectProviderRequest(
            provider_arn=_arn(values), client_id=values["ClientID"]
        )
        await ask(self._stub.RemoveClientIDFromOpenIDConnectProvider(request, metadata=caller.metadata))
        return {}

    async def update_thumbprint(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Replace the thumbprints."""
        request = pb.UpdateOpenIDConnectProviderThumbprintRequest(
            provider_arn=_arn(values), thumbprints=values["ThumbprintList"]
        )
        await ask(self._stub.UpdateOpenIDConnectProviderThumbprint(request, metadata=caller.metadata))
        return {}

    async def tag(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Add or replace tags."""
        request = pb.TagOpenIDConnectProviderRequest(provider_arn=_arn(values), tags=tags_of(values))
        await ask(self._stub.TagOpenIDConnectProvider(request, metadata=caller.metadata))
        return {}

    async def untag(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Remove tags."""
        request = pb.UntagOpenIDConnectProviderRequest(provider_arn=_arn(values), tag_keys=values["TagKeys"])
        await ask(self._stub.UntagOpenIDConnectProvider(request, metadata=caller.metadata))
        return {}

    async def list_tags(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List tags."""
        request = pb.ListOpenIDConnectProviderTagsRequest(provider_arn=_arn(values), **page(values))
        answer = await ask(self._stub.ListOpenIDConnectProviderTags(request, metadata=caller.metadata))
        return {"Tags": [tag(each) for each in answer.tags], **rest(answer.next_page_token)}


def _arn(values: Mapping[str, Any]) -> str:
    arn: str = values["OpenIDConnectProviderArn"]
    return arn
