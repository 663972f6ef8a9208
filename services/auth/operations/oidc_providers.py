"""OpenID Connect providers, as the caller's own policies allow.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.auth.domain.dialling import DialRules
from services.auth.domain.identity import Tag
from services.auth.domain.ids import new_provider_id
from services.auth.domain.oidc import Location, OidcProvider, check_issuer, discovery_url
from services.auth.domain.pages import PageRequest
from services.auth.domain.tag_rules import check_tags
from services.auth.errors import invalid_field, quota_exceeded
from services.auth.errors.web_identity import provider_not_found
from services.auth.operations.admission import Admission, Caller
from services.auth.operations.entities import tag_conditions
from services.auth.operations.tags import MAX_TAGS
from services.auth.ports.oidc import OidcProviderStore
from services.auth.ports.revocation import Revocations
from services.chassis.arn import name_of, oidc_provider_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.keys import Conditions
from services.chassis.randomness import Randomness

_MAX_PROVIDERS = 100
_MAX_CLIENT_IDS = 100
"""Providers of an account, and client ids of a provider, as at AWS."""


class OidcProviders:
    """Manages the providers of the caller's account."""

    def __init__(
        self,
        store: OidcProviderStore,
        admission: Admission,
        revocations: Revocations,
        rules: DialRules,
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Keep providers in `store`; `rules` say which issuers auth may dial."""
        self._store = store
        self._admission = admission
        self._revocations = revocations
        self._rules = rules
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def create(
        self,
        call: CallContext,
        url: str,
        client_ids: Sequence[str],
        thumbprints: Sequence[str],
        tags: Sequence[Tag],
    ) -> OidcProvider:
        """Register an issuer (iam:CreateOpenIDConnectProvider on its ARN).

        Nothing is fetched from it. Raises DomainError: ACCESS_DENIED; INVALID_FIELD, also for an issuer that
        this installation does not dial; RESOURCE_EXISTS, QUOTA_EXCEEDED.
        """
        self._check_url(url)
        check_tags(tags)
        accepted = tuple(dict.fromkeys(client_ids))
        wanted = OidcProvider("", "", url, accepted, tuple(thumbprints), self._clock.now())
        _check_client_ids(wanted)
        caller = await self._admission.identify(call)
        arn = oidc_provider_arn(caller.account_id, wanted.issuer_name, self._partition)
        self._admission.require(
            caller, "iam:CreateOpenIDConnectProvider", arn, conditions=tag_conditions(tags)
        )
        if tags:
            # AWS: tagging what is created needs the permission to tag.
            action = "iam:TagOpenIDConnectProvider"
            self._admission.require(caller, action, arn, conditions=tag_conditions(tags))
        provider = replace(
            wanted, account_id=caller.account_id, provider_id=new_provider_id(self._randomness)
        ).with_tags(tuple(tags))
        await self._publish(caller, await self._store.create_provider(provider, _MAX_PROVIDERS))
        return provider

    async def get(self, call: CallContext, arn: str) -> OidcProvider:
        """Return a provider (iam:GetOpenIDConnectProvider)."""
        return await self._read(call, "iam:GetOpenIDConnectProvider", arn)

    async def list(self, call: CallContext, request: PageRequest) -> Page[OidcProvider]:
        """List providers (iam:ListOpenIDConnectProviders)."""
        caller = await self._admission.authorize(call, "iam:ListOpenIDConnectProviders", "*")
        return await self._store.providers(caller.account_id, request)

    async def delete(self, call: CallContext, arn: str) -> None:
        """Delete a provider and end its sessions (iam:DeleteOpenIDConnectProvider); none is no error."""
        caller, url = await self._admit(call, "iam:DeleteOpenIDConnectProvider", arn)
        epoch = await self._store.delete_provider(caller.account_id, url)
        if epoch is not None:
            await self._publish(caller, epoch)

    async def add_client_id(self, call: CallContext, arn: str, client_id: str) -> None:
        """Accept tokens for one more audience (iam:AddClientIDToOpenIDConnectProvider)."""

        def change(provider: OidcProvider) -> OidcProvider:
            more = tuple(dict.fromkeys((*provider.client_ids, client_id)))
            return _check_client_ids(replace(provider, client_ids=more))

        await self._change(call, "iam:AddClientIDToOpenIDConnectProvider", arn, change)

    async def remove_client_id(self, call: CallContext, arn: str, client_id: str) -> None:
        """Accept no more tokens for an audience, and end their sessions.

        iam:RemoveClientIDFromOpenIDConnectProvider. One that the provider does not have is no error.
        """

        def change(provider: OidcProvider) -> OidcProvider:
            return replace(
                provider, client_ids=tuple(each for each in provider.client_ids if each != client_id)
            )

        await self._change(call, "iam:RemoveClientIDFromOpenIDConnectProvider", arn, change)

    async def update_thumbprints(self, call: CallContext, arn: str, thumbprints: Sequence[str]) -> None:
        """Replace the thumbprints (iam:UpdateOpenIDConnectProviderThumbprint)."""

        def change(provider: OidcProvider) -> OidcProvider:
            return replace(provider, thumbprints=tuple(thumbprints))

        await self._change(call, "iam:UpdateOpenIDConnectProviderThumbprint", arn, change)

    async def tag(self, call: CallContext, arn: str, tags: Sequence[Tag]) -> None:
        """Add or replace tags (iam:TagOpenIDConnectProvider). Raises INVALID_FIELD, QUOTA_EXCEEDED."""
        check_tags(tags)

        def change(provider: OidcProvider) -> OidcProvider:
            tagged = provider.with_tags(tuple(tags))
            if len(tagged.tags) > MAX_TAGS:
                raise quota_exceeded("TagsPerOpenIDConnectProvider", MAX_TAGS)
            return tagged

        await self._change(call, "iam:TagOpenIDConnectProvider", arn, change, tag_conditions(tags))

    async def untag(self, call: CallContext, arn: str, keys: Sequence[str]) -> None:
        """Remove tags (iam:UntagOpenIDConnectProvider)."""

        def change(provider: OidcProvider) -> OidcProvider:
            return provider.without_tags(tuple(keys))

        conditions = {"aws:TagKeys": tuple(keys)}
        await self._change(call, "iam:UntagOpenIDConnectProvider", arn, change, conditions)

    async def tags(self, call: CallContext, arn: str, request: PageRequest) -> Page[Tag]:
        """List tags (iam:ListOpenIDConnectProviderTags)."""
        provider = await self._read(call, "iam:ListOpenIDConnectProviderTags", arn)
        found = [tag for tag in provider.tags if tag.key.lower() > request.after]
        return request.page(found, lambda tag: tag.key.lower())

    def _check_url(self, url: str) -> None:
        try:
            check_issuer(url)
            location = Location.parse(discovery_url(url))
        except ValueError as error:
            raise invalid_field("url", str(error)) from error
        if not self._rules.permits(location.host, location.port):
            raise invalid_field("url", "names a host or a port that this installation does not dial")

    async def _read(self, call: CallContext, action: str, arn: str) -> OidcProvider:
        caller, url = await self._admit(call, action, arn)
        provider = await self._store.provider(caller.account_id, url)
        if provider is None:
            raise provider_not_found(arn)
        return provider

    async def _change(
        self,
        call: CallContext,
        action: str,
        arn: str,
        change: Callable[[OidcProvider], OidcProvider],
        conditions: Conditions | None = None,
    ) -> None:
        caller, url = await self._admit(call, action, arn, conditions)
        epoch = await self._store.change_provider(caller.account_id, url, change)
        if epoch is None:
            raise provider_not_found(arn)
        await self._publish(caller, epoch)

    async def _admit(
        self, call: CallContext, action: str, arn: str, conditions: Conditions | None = None
    ) -> tuple[Caller, str]:
        """Admit an action on a provider of the caller's own account, and return its URL."""
        caller = await self._admission.identify(call)
        try:
            name = name_of(arn, self._partition)
        except ValueError as error:
            raise invalid_field("provider_arn", "is not the ARN of an OIDC provider") from error
        match name.split("/", 3):
            case ["accounts", account_id, "oidcProviders", issuer_name]:
                pass
            case _:
                raise invalid_field("provider_arn", "is not the ARN of an OIDC provider")
        if account_id != caller.account_id:
            raise provider_not_found(arn)
        self._admission.require(caller, action, arn, conditions=conditions)
        return caller, f"https://{issuer_name}"

    async def _publish(self, caller: Caller, epoch: int) -> None:
        await self._revocations.publish(caller.account_id, epoch)


def _check_client_ids(provider: OidcProvider) -> OidcProvider:
    if len(provider.client_ids) > _MAX_CLIENT_IDS:
        raise quota_exceeded("ClientIdsPerOpenIdConnectProvider", _MAX_CLIENT_IDS)
    return provider
