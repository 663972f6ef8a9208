"""KeyAdminService: managing customer and provider keys."""

from typing import Any

from craton.kms.v1 import key_admin_service_pb2 as pb
from craton.kms.v1 import key_admin_service_pb2_grpc
from craton.kms.v1.resources_pb2 import Tag

from services.chassis.context import current_call
from services.kms.operations.deletion import Deletion
from services.kms.operations.key_admin import KeyAdministration, NewKey
from services.kms.operations.key_policies import KeyPolicies
from services.kms.operations.keys import parse_key_name
from services.kms.servicer.messages import (
    key_message,
    key_with_material,
    origin_of,
    parent_of,
    spec_of,
    usage_of,
)


class KeyAdminServicer(key_admin_service_pb2_grpc.KeyAdminServiceServicer):
    """See the contract."""

    def __init__(self, keys: KeyAdministration, policies: KeyPolicies, deletion: Deletion) -> None:
        """Serve them."""
        self._keys = keys
        self._policies = policies
        self._deletion = deletion

    async def CreateKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        call = current_call()
        wanted = NewKey(
            request.description,
            request.request_id,
            spec_of(request.spec),
            usage_of(request.usage),
            origin_of(request.origin),
            request.policy,
            request.bypass_lockout_check,
            tuple((tag.key, tag.value) for tag in request.tags),
        )
        # The intent names the key that is to be, the outcome one that there is.
        call.resources[:] = [request.parent]
        key = await self._keys.create(call, parent_of(request.parent), wanted)
        call.resources.append(key.name.displayed)
        return pb.CreateKeyResponse(key=key_with_material(key, await self._keys.version(key)))

    async def GetKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.get(current_call(), request.name, tuple(request.grant_tokens))
        return pb.GetKeyResponse(key=key_with_material(key, await self._keys.version(key)))

    async def ListKeys(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._keys.list(
            current_call(), parent_of(request.parent), request.page_size, request.page_token
        )
        return pb.ListKeysResponse(
            keys=[key_message(key) for key in page.items], next_page_token=page.next_token
        )

    async def EnableKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.enable(current_call(), parse_key_name(request.name))
        return pb.EnableKeyResponse(key=key_message(key))

    async def DisableKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._keys.disable(current_call(), parse_key_name(request.name))
        return pb.DisableKeyResponse(key=key_message(key))

    async def UpdateKeyDescription(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name = parse_key_name(request.name)
        key = await self._keys.describe(current_call(), name, request.description)
        return pb.UpdateKeyDescriptionResponse(key=key_message(key))

    async def TagKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        tags = tuple((tag.key, tag.value) for tag in request.tags)
        await self._keys.tag(current_call(), parse_key_name(request.name), tags)
        return pb.TagKeyResponse()

    async def UntagKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._keys.untag(current_call(), parse_key_name(request.name), tuple(request.tag_keys))
        return pb.UntagKeyResponse()

    async def ListKeyTags(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page = await self._keys.tags(
            current_call(), parse_key_name(request.name), request.page_size, request.page_token
        )
        tags = [Tag(key=key, value=value) for key, value in page.items]
        return pb.ListKeyTagsResponse(tags=tags, next_page_token=page.next_token)

    async def PutKeyPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.put(
            current_call(),
            parse_key_name(request.name),
            request.policy,
            bypass_lockout_check=request.bypass_lockout_check,
        )
        return pb.PutKeyPolicyResponse()

    async def GetKeyPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._policies.get(current_call(), parse_key_name(request.name))
        return pb.GetKeyPolicyResponse(policy=policy)

    async def ListKeyPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        names = await self._policies.names(current_call(), parse_key_name(request.name))
        return pb.ListKeyPoliciesResponse(policy_names=names)

    async def ScheduleKeyDeletion(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name = parse_key_name(request.name)
        key = await self._deletion.schedule(current_call(), name, request.pending_days)
        return pb.ScheduleKeyDeletionResponse(key=key_message(key))

    async def CancelKeyDeletion(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._deletion.cancel(current_call(), parse_key_name(request.name))
        return pb.CancelKeyDeletionResponse(key=key_message(key))

    async def ListKeyDeletions(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page, public_key = await self._deletion.list(
            current_call(), parent_of(request.parent), request.page_size, request.page_token
        )
        return pb.ListKeyDeletionsResponse(
            certificates=page.items, next_page_token=page.next_token, public_key=public_key
        )
