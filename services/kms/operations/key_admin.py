"""Managing keys: creating, describing, listing, states, descriptions and tags. Never any material in use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page, decode_page_token, encode_page_token
from services.chassis.randomness import Randomness
from services.kms.domain.keys import Key, KeyOrigin, KeyState, KeyVersion
from services.kms.domain.names import KeyClass, KeyName, KeyParent
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.domain.tags import check_tags, merged_tags
from services.kms.domain.usage import require_permitted
from services.kms.errors import invalid_field, key_not_found
from services.kms.operations.access import Access
from services.kms.operations.key_making import make_key
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.keys import Keys, require_managed, require_not
from services.kms.operations.managed_keys import ManagedKeys
from services.kms.operations.material_store import MaterialStore
from services.kms.ports import KeyRevocations

DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class NewKey:
    """What somebody wants of a key that is to be created."""

    description: str = ""
    request_id: str = ""
    spec: KeySpec = KeySpec.SYMMETRIC_DEFAULT
    usage: KeyUsage | None = None
    """None for the spec's default."""
    origin: KeyOrigin = KeyOrigin.KMS
    policy: str = ""
    """Empty for the default policy."""
    bypass_lockout_check: bool = False
    tags: Sequence[tuple[str, str]] = ()


class FirstPolicies(Protocol):
    """Gives new keys their policies."""

    async def first(self, call: CallContext, key: Key, text: str, *, bypass_lockout_check: bool) -> Key:
        """Return the key with the policy `text`, or the default one. Raises DomainError when it may not."""


class KeyAdministration:
    """Manages customer keys for principals, and provider keys for providers and operators."""

    def __init__(
        self,
        records: KeyRecords,
        material: MaterialStore,
        access: Access,
        policies: FirstPolicies,
        managed: ManagedKeys,
        revocations: KeyRevocations,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Manage the keys of `records` as `access` permits."""
        self._records = records
        self._keys = Keys(records, access)
        self._material = material
        self._access = access
        self._policies = policies
        self._managed = managed
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness

    async def create(self, call: CallContext, parent: KeyParent, wanted: NewKey) -> Key:
        """Create a key (kms:CreateKey), or return the one that the same request id has created before.

        A new key has the id of the call: the intent, which is durable before there is a key, names it.
        """
        usage = _usage(wanted)
        tags = merged_tags((), check_tags(wanted.tags))
        facts = RequestFacts(
            spec=wanted.spec.value,
            usage=usage.value,
            origin=wanted.origin.value,
            bypass_lockout_check=wanted.bypass_lockout_check,
            tags=dict(tags),
            tag_keys=[key for key, _ in tags],
        )
        incarnation = await self._access.admit_to_parent(call, parent, "kms:CreateKey", facts)
        if tags:
            await self._access.admit_to_parent(call, parent, "kms:TagResource", facts)
        key = Key(
            parent.key(call.call_id),
            incarnation,
            KeyState.ENABLED if wanted.origin is KeyOrigin.KMS else KeyState.PENDING_IMPORT,
            wanted.description,
            self._clock.now(),
            primary_version=1,
            spec=wanted.spec,
            usage=usage,
            origin=wanted.origin,
            tags=tags,
            naming="" if wanted.origin is KeyOrigin.KMS else self._randomness.token_bytes(32).hex(),
            request_id=wanted.request_id,
        )
        if parent.key_class is KeyClass.CUSTOMER:
            key = await self._policies.first(
                call, key, wanted.policy, bypass_lockout_check=wanted.bypass_lockout_check
            )
        elif wanted.policy:
            raise invalid_field("policy", "keys of providers have none: nobody else can be given access")
        return await make_key(self._records, self._material, key, self._randomness)

    async def get(self, call: CallContext, text: str, grant_tokens: Sequence[str] = ()) -> Key:
        """Return a key's record (kms:DescribeKey)."""
        await self._managed.prepare(call, text)
        return await self._keys.admit(call, text, "kms:DescribeKey", grant_tokens=grant_tokens)

    async def version(self, key: Key) -> KeyVersion | None:
        """Return a key's present version, None for one whose material was never imported."""
        return await self._records.version(key.name, key.primary_version)

    async def list(self, call: CallContext, parent: KeyParent, page_size: int, page_token: str) -> Page[Key]:
        """Return one page of the keys below a parent (kms:ListKeys)."""
        incarnation = await self._access.admit_to_parent(call, parent, "kms:ListKeys")
        size = page_size or DEFAULT_PAGE
        after = decode_page_token(page_token)
        keys: list[Key] = []
        while len(keys) <= size:
            found = await self._records.keys(parent, after, size + 1)
            # Keys of an account that had the same id before are not this one's.
            keys += [each for each in found if each.incarnation == incarnation]
            if len(found) <= size:
                break
            after = found[-1].name.key_id
        more = len(keys) > size
        return Page(keys[:size], encode_page_token(keys[size - 1].name.key_id) if more else "")

    async def enable(self, call: CallContext, name: KeyName) -> Key:
        """Make a disabled key usable again (kms:EnableKey)."""
        return await self._set_state(call, name, "kms:EnableKey", KeyState.ENABLED)

    async def disable(self, call: CallContext, name: KeyName) -> Key:
        """Refuse every use that begins after this returns (kms:DisableKey)."""
        key = await self._set_state(call, name, "kms:DisableKey", KeyState.DISABLED)
        await self._revocations.revoke(name)
        return key

    async def describe(self, call: CallContext, name: KeyName, description: str) -> Key:
        """Change what is said of a key (kms:UpdateKeyDescription)."""
        await self._admitted(call, name, "kms:UpdateKeyDescription")
        return await update_key(self._records, name, lambda key: replace(key, description=description))

    async def tag(self, call: CallContext, name: KeyName, tags: Sequence[tuple[str, str]]) -> None:
        """Add tags or change their values (kms:TagResource)."""
        added = check_tags(tags)
        await self._admitted(
            call, name, "kms:TagResource", RequestFacts(tags=dict(added), tag_keys=[key for key, _ in added])
        )
        await update_key(self._records, name, lambda key: replace(key, tags=merged_tags(key.tags, added)))
        # Who may use the key can hang on its tags.
        await self._revocations.revoke(name)

    async def untag(self, call: CallContext, name: KeyName, tag_keys: Sequence[str]) -> None:
        """Remove tags (kms:UntagResource)."""
        await self._admitted(call, name, "kms:UntagResource", RequestFacts(tag_keys=tag_keys))
        removed = frozenset(tag_keys)

        def without(key: Key) -> Key:
            return replace(key, tags=tuple(tag for tag in key.tags if tag[0] not in removed))

        await update_key(self._records, name, without)
        await self._revocations.revoke(name)

    async def tags(
        self, call: CallContext, name: KeyName, page_size: int, page_token: str
    ) -> Page[tuple[str, str]]:
        """Return one page of a key's tags (kms:ListResourceTags)."""
        key = await self._keys.admit(call, str(name), "kms:ListResourceTags")
        return Page.cut(key.tags, lambda tag: tag[0], page_size or DEFAULT_PAGE, page_token)

    async def _admitted(
        self, call: CallContext, name: KeyName, action: str, facts: RequestFacts = NO_FACTS
    ) -> Key:
        key = await self._keys.admit(call, str(name), action, facts)
        require_managed(key)
        return key

    async def _set_state(self, call: CallContext, name: KeyName, action: str, state: KeyState) -> Key:
        await self._admitted(call, name, action)

        def work(change: KeyChange) -> Key:
            key = change.key(name)
            if key is None:
                raise key_not_found(name.displayed)
            require_not(key, KeyState.PENDING_DELETION, KeyState.PENDING_IMPORT)
            new = replace(key, state=state, rotate_at=next_rotation(change, key, state))
            change.put_key(new)
            return new

        return await self._records.change(work)


async def update_key(
    records: KeyRecords,
    name: KeyName,
    changed: Callable[[Key], Key],
    refused: Sequence[KeyState] = (KeyState.PENDING_DELETION,),
) -> Key:
    """Change a key's record in one transaction, unless it is in a state that refuses the change."""

    def work(change: KeyChange) -> Key:
        key = change.key(name)
        if key is None:
            raise key_not_found(name.displayed)
        require_not(key, *refused)
        new = changed(key)
        change.put_key(new)
        return new

    return await records.change(work)


def next_rotation(change: KeyChange, key: Key, state: KeyState) -> datetime | None:
    """Return when the material of a key in this state is renewed next; None for keys that are not enabled.

    AWS: https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-enable.html
    """
    version = change.version(key.name, key.primary_version)
    if state is not KeyState.ENABLED or not key.rotation_days or version is None:
        return None
    return version.created + timedelta(days=key.rotation_days)


def _usage(wanted: NewKey) -> KeyUsage:
    usage = wanted.usage or wanted.spec.default_usage
    if usage is None:
        raise invalid_field(
            "usage",
            "You must specify a KeyUsage value for all keys but symmetric encryption keys.",
        )
    require_permitted(wanted.spec, usage)
    return usage
