"""Key policies: accepted when they can be evaluated exactly, kept by ids, told by the names of now.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from dataclasses import replace

from services.chassis.context import CallContext
from services.chassis.named_principals import ids_of, mentions, rewritten, told
from services.chassis.policy.document import parse, refused_at
from services.chassis.policy.elements import shown
from services.chassis.policy.kinds import KEY
from services.kms.domain.key_policies import MAX_POLICY_SIZE, POLICY_NAME, default_policy
from services.kms.domain.keys import Key
from services.kms.domain.names import KeyClass, KeyName
from services.kms.domain.request_facts import RequestFacts
from services.kms.errors import key_not_found, limit_exceeded, locked_out, unsupported
from services.kms.operations.access import Access
from services.kms.operations.key_admin import update_key
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.keys import Keys, require_managed
from services.kms.ports import KeyRevocations, PrincipalDirectory

_PUT = "kms:PutKeyPolicy"


class KeyPolicies:
    """Reads and replaces the policies of customer keys."""

    def __init__(
        self,
        records: KeyRecords,
        access: Access,
        principals: PrincipalDirectory,
        revocations: KeyRevocations,
        partition: str = "aws",
    ) -> None:
        """Keep policies in the keys of `records`; `principals` knows who is named in them."""
        self._records = records
        self._keys = Keys(records, access)
        self._access = access
        self._principals = principals
        self._revocations = revocations
        self._partition = partition

    async def first(self, call: CallContext, key: Key, text: str, *, bypass_lockout_check: bool) -> Key:
        """Return a new key with the policy `text`, or with the default one.

        Raises DomainError: UNSUPPORTED_POLICY, QUOTA_EXCEEDED.
        """
        if key.name.parent.key_class is not KeyClass.CUSTOMER:
            if text:
                raise unsupported("Keys of providers have no policies.")
            return key
        if not text:
            return replace(key, policy=default_policy(key.name.parent.owner, self._partition))
        return await self._with(call, key, text, bypass=bypass_lockout_check)

    async def put(self, call: CallContext, name: KeyName, text: str, *, bypass_lockout_check: bool) -> None:
        """Replace a key's policy (kms:PutKeyPolicy).

        What was opened under the key, by whom the new policy may not let, is used no more when it returns.
        Raises DomainError as `first`.
        """
        facts = RequestFacts(bypass_lockout_check=bypass_lockout_check)
        key = await self._keys.admit(call, str(name), _PUT, facts)
        _require_policies(key)
        require_managed(key)
        changed = await self._with(call, key, text, bypass=bypass_lockout_check)
        # Also while the key waits for its deletion: who may cancel that is said by its policy.
        await update_key(self._records, key.name, lambda now: replace(now, policy=changed.policy), refused=())
        await self._revocations.revoke(key.name)

    async def get(self, call: CallContext, name: KeyName) -> str:
        """Return a key's policy (kms:GetKeyPolicy), in which everybody stands by the ARN of now."""
        key = await self._keys.admit(call, str(name), "kms:GetKeyPolicy")
        _require_policies(key)
        text = key.policy or default_policy(key.name.parent.owner, self._partition)
        living = await self._principals.living(ids_of(text))
        return told(text, living, self._partition)

    async def names(self, call: CallContext, name: KeyName) -> tuple[str, ...]:
        """Return the names of a key's policies (kms:ListKeyPolicies), of which there is one."""
        _require_policies(await self._keys.admit(call, str(name), "kms:ListKeyPolicies"))
        return (POLICY_NAME,)

    async def _with(self, call: CallContext, key: Key, text: str, *, bypass: bool) -> Key:
        """Return the key with another policy, under which the caller could replace it again."""
        changed = replace(key, policy=await self._bound(text, key.policy))
        facts = RequestFacts(bypass_lockout_check=bypass)
        # AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
        if not bypass and not await self._access.would_permit(call, changed, _PUT, facts):
            raise locked_out()
        return changed

    async def _bound(self, text: str, before: str) -> str:
        """Return a policy as it is kept; ids in the one before may be written though nobody has them."""
        if len(text.encode()) > MAX_POLICY_SIZE:
            raise limit_exceeded(f"A key policy has at most {MAX_POLICY_SIZE:,} bytes.")
        parse(text, KEY)
        found = mentions(text)
        names = list(dict.fromkeys(each.text for each in found))
        bound = dict(zip(names, await self._principals.bind(names, ids_of(before)), strict=True))
        for each in found:
            if not bound[each.text]:
                what = f"has an invalid principal: {shown(each.text)} names nobody of this installation"
                raise refused_at(text, each.place, what)
        return rewritten(text, ((each, bound[each.text]) for each in found))


def _require_policies(key: Key) -> None:
    if key.name.parent.key_class is not KeyClass.CUSTOMER:
        raise key_not_found(key.name.displayed)
