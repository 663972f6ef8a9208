"""Creating, listing and ending grants.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/grant-manage.html
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.chassis.arn import iam_entity, root_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.named_principals import session_of, told_name, unique_id_of
from services.chassis.pages import Page, decode_page_token, encode_page_token
from services.chassis.pipeline import require_principal
from services.chassis.randomness import Randomness
from services.kms.domain.grants import (
    Grant,
    check_constraint,
    check_friendly_name,
    check_operations,
    is_workload,
)
from services.kms.domain.keys import Key
from services.kms.domain.names import GrantName, KeyClass, KeyParent
from services.kms.domain.request_facts import GrantFacts, RequestFacts
from services.kms.errors import (
    caller_refused,
    dry_run_passed,
    grant_not_found,
    invalid_field,
    invalid_grant_id,
    key_not_found,
)
from services.kms.operations.access import Access
from services.kms.operations.grant_records import GrantRecords
from services.kms.operations.grant_tokens import GrantTokens
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.keys import Keys, require_enabled
from services.kms.ports import KeyRevocations, PrincipalDirectory

DEFAULT_PAGE = 100
_ID_SIZE = 32
_ID = re.compile(r"[0-9a-f]{64}")
_ABOUT_GRANTS = RequestFacts(about_grants=True)


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What somebody wants of a grant."""

    key: str
    """Resource name."""
    wanted: GrantFacts
    friendly_name: str = ""
    tokens: Sequence[str] = ()
    dry_run: bool = False


class Grants:
    """Administers the grants on customer keys."""

    def __init__(
        self,
        records: GrantRecords,
        keys: KeyRecords,
        access: Access,
        tokens: GrantTokens,
        principals: PrincipalDirectory,
        revocations: KeyRevocations,
        clock: Clock,
        randomness: Randomness,
        partition: str = "aws",
    ) -> None:
        """Keep grants in `records`; `principals` knows who is named in them."""
        self._records = records
        self._keys = Keys(keys, access)
        self._access = access
        self._tokens = tokens
        self._principals = principals
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def create(self, call: CallContext, asked: NewGrant) -> tuple[GrantName, str]:
        """Create a grant (kms:CreateGrant) and return it with a token of it.

        A request with a friendly name that is repeated returns the grant that it created before. Raises
        DomainError: INVALID_FIELD, QUOTA_EXCEEDED, KEY_DISABLED, RESOURCE_STATE, DRY_RUN.
        """
        principal = require_principal(call)
        wanted = asked.wanted
        pairs = wanted.equals if wanted.equals is not None else wanted.subset
        facts = RequestFacts(encryption_context=pairs or {}, grant=wanted, about_grants=True)
        key = await self._keys.admit(call, asked.key, "kms:CreateGrant", facts, asked.tokens)
        _require_customers(key)
        require_enabled(key)
        operations = check_operations(wanted.operations, key.spec, key.usage)
        constraint = check_constraint(wanted, key.spec)
        friendly_name = check_friendly_name(asked.friendly_name)
        grantee, retiring = await self._bound(wanted)
        if asked.dry_run:
            raise dry_run_passed()
        grant = await self._records.create(
            Grant(
                name=GrantName(key.name, self._randomness.token_bytes(_ID_SIZE).hex()),
                grantee=grantee,
                retiring=retiring,
                operations=operations,
                constraint=constraint,
                friendly_name=friendly_name,
                issuing_account=root_arn(principal.account_id, self._partition),
                created=self._clock.now(),
            )
        )
        return grant.name, await self._tokens.make(grant.name)

    async def list(
        self, call: CallContext, key_name: str, grant_id: str, grantee: str, page_size: int, page_token: str
    ) -> Page[Grant]:
        """Return one page of a key's grants (kms:ListGrants), told by the names of now.

        `grant_id` and `grantee`, unless empty, leave out all others.
        """
        key = await self._keys.admit(call, key_name, "kms:ListGrants", _ABOUT_GRANTS)
        _require_customers(key)
        size, after = page_size or DEFAULT_PAGE, decode_page_token(page_token)
        if grant_id:
            return await self._told(Page(await self._one(key, grant_id, grantee), ""))
        if grantee:
            [bound] = await self._principals.bind([grantee]) if not is_workload(grantee) else [grantee]
            # Whoever is gone has no ARN any more, and is named by id.
            found = await self._records.page_of_grantee(key.name, bound or grantee, after, size + 1)
        else:
            found = await self._records.of_key(key.name, after, size + 1)
        return await self._told(_page(found, size, lambda grant: grant.name.grant_id))

    async def list_retirable(
        self, call: CallContext, parent: KeyParent, retiring: str, page_size: int, page_token: str
    ) -> Page[Grant]:
        """Return one page of the grants in a region that somebody of the caller's account may retire.

        kms:ListRetirableGrants, of the caller's account; the keys may be of others.
        """
        await self._access.admit_to_parent(call, parent, "kms:ListRetirableGrants")
        if _account_of(retiring, self._partition) != parent.owner:
            raise caller_refused("The retiring principal must be of the caller's own account.")
        [bound] = await self._principals.bind([retiring])
        if not bound:
            return Page((), "")
        size, after = page_size or DEFAULT_PAGE, decode_page_token(page_token)
        found = await self._records.retirable(parent.region, bound, after, size + 1)
        return await self._told(_page(found, size, lambda grant: str(grant.name)))

    async def revoke(self, call: CallContext, name: GrantName, *, dry_run: bool = False) -> None:
        """End a grant, by who looks after the key (kms:RevokeGrant).

        Nothing that was opened under it is used any more when it returns. Raises RESOURCE_NOT_FOUND.
        """
        key = await self._keys.admit(call, str(name.key), "kms:RevokeGrant", _ABOUT_GRANTS)
        _require_customers(key)
        if await self._records.grant(name) is None:
            raise grant_not_found(name.grant_id)
        await self._end(name, dry_run=dry_run)

    async def retire(
        self, call: CallContext, name: GrantName | None, token: str, *, dry_run: bool = False
    ) -> None:
        """End a grant, by who may retire it; as `revoke`. It is named, or its token is shown."""
        principal = require_principal(call)
        if (name is None) is (not token):
            raise invalid_field("name", "the name of the grant, or its token, is required, and not both")
        named = name
        if named is None:
            named = await self._tokens.read(token)
            call.resources += [named.key.displayed, str(named)]
        grant = await self._records.grant(named)
        if grant is None:
            # Whether the key is there is nothing that its owner alone may know: ids of grants are random.
            raise grant_not_found(named.grant_id)
        asked = GrantFacts(
            equals=None if grant.constraint.equals is None else dict(grant.constraint.equals),
            subset=None if grant.constraint.subset is None else dict(grant.constraint.subset),
        )
        facts = RequestFacts(encryption_context=grant.constraint.pairs, grant=asked)
        await self._access.admit_to_grant(call, grant, facts)
        if principal.account_id != named.key.parent.owner:
            call.recipients.append(named.key.parent.owner)
        await self._end(named, dry_run=dry_run)

    async def _end(self, name: GrantName, *, dry_run: bool) -> None:
        if dry_run:
            raise dry_run_passed()
        if not await self._records.delete(name):
            raise grant_not_found(name.grant_id)
        await self._revocations.revoke(name.key)

    async def _one(self, key: Key, grant_id: str, grantee: str) -> Sequence[Grant]:
        if not _ID.fullmatch(grant_id):
            raise invalid_grant_id()
        grant = await self._records.grant(GrantName(key.name, grant_id))
        if grant is None:
            return ()
        if (
            grantee
            and grant.grantee != grantee
            and [grant.grantee] != list(await self._principals.bind([grantee]))
        ):
            return ()
        return (grant,)

    async def _bound(self, wanted: GrantFacts) -> tuple[str, str]:
        """Return grantee and retiring principal as they are kept. Raises DomainError(INVALID_FIELD)."""
        named = {"grantee_principal": wanted.grantee, "retiring_principal": wanted.retiring}
        if is_workload(wanted.grantee):
            del named["grantee_principal"]
        named = {field: text for field, text in named.items() if text}
        for field, text in named.items():
            if not _account_of(text, self._partition):
                raise invalid_field(
                    field, "the ARN of an account's root, a user, a role or a role's session is expected"
                )
        kept = dict(zip(named, await self._principals.bind(list(named.values())), strict=True))
        for field, text in kept.items():
            if not text:
                raise invalid_field(field, "it names nobody of this installation")
        return kept.get("grantee_principal", wanted.grantee), kept.get("retiring_principal", "")

    async def _told(self, page: Page[Grant]) -> Page[Grant]:
        """Return grants in which everybody stands by the ARN of now."""
        ids = {unique_id_of(text) for each in page.items for text in (each.grantee, each.retiring)} - {""}
        living = await self._principals.living(ids)

        def name(text: str) -> str:
            return told_name(text, living, self._partition)

        return Page(
            [replace(each, grantee=name(each.grantee), retiring=name(each.retiring)) for each in page.items],
            page.next_token,
        )


def _page(found: Sequence[Grant], size: int, key: Callable[[Grant], str]) -> Page[Grant]:
    more = len(found) > size
    return Page(found[:size], encode_page_token(key(found[size - 1])) if more else "")


def _account_of(arn: str, partition: str) -> str:
    """Return the account of a principal's ARN, empty for anything else."""
    session = session_of(arn)
    if session is not None:
        return session.account_id if session.partition == partition else ""
    prefix, root = f"arn:{partition}:iam::", ":root"
    if arn.startswith(prefix) and arn.endswith(root):
        account = arn.removeprefix(prefix).removesuffix(root)
        return account if re.fullmatch(r"[0-9]{12}", account) else ""
    try:
        entity = iam_entity(arn, partition)
    except ValueError:
        return ""
    return entity.account_id if entity.kind in ("user", "role") else ""


def _require_customers(key: Key) -> None:
    if key.name.parent.key_class is not KeyClass.CUSTOMER:
        raise key_not_found(key.name.displayed)
