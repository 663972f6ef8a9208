"""Trust policies: bound to ids when they are written, told by ARNs when they are read.

What is read and written back means the same: the ARN that somebody has now, or the id of who is gone.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user.html
"""

from dataclasses import dataclass, replace

from services.auth.domain.roles import Role
from services.auth.operations.documents import limited
from services.auth.operations.principal_names import PrincipalNames
from services.chassis.named_principals import ids_of, mentions, rewritten, told
from services.chassis.policy.document import canonical, parse, parse_accepted, refused_at
from services.chassis.policy.elements import shown
from services.chassis.policy.kinds import TRUST


@dataclass(frozen=True, slots=True)
class BoundTrust:
    """A trust policy in which users and roles stand by their ids."""

    document: str
    """Otherwise as it was written."""
    canonical: str
    """As it is evaluated."""


@dataclass(frozen=True, slots=True)
class TrustPolicies:
    """Knows who is meant by a trust policy."""

    names: PrincipalNames

    async def bind(self, document: str, before: str = "") -> BoundTrust:
        """Return a trust policy as it is kept: who is created again under an old name is somebody else.

        `before` is what is kept of the policy that this one replaces. The ids in it may be written again
        when there is nobody any more who has them, because that is how they were read; all others must be
        somebody's. Raises DomainError: QUOTA_EXCEEDED, UNSUPPORTED_POLICY, also for users and roles that do
        not exist.
        """
        parse(limited(document, TRUST, "ACLSizePerRole"), TRUST)
        found = mentions(document)
        asked = frozenset(each.unique_id for each in found) - {""}
        known = ids_of(before) if before else frozenset()
        if asked - known:
            known |= (await self.names.present(asked - known)).keys()
        texts = []
        for mention in found:
            text = await self.names.bound(mention.text, known)
            if not text:
                what = f"has an invalid principal: {shown(mention.text)} names nobody of this installation"
                raise refused_at(document, mention.place, what)
            texts.append((mention, text))
        bound = rewritten(document, texts)
        return BoundTrust(bound, canonical(parse_accepted(bound, TRUST)))

    async def told(self, *roles: Role) -> list[Role]:
        """Return roles whose trust policies name everybody by the ARN of now, or by id who is gone."""
        wanted = frozenset[str]().union(*(ids_of(role.trust) for role in roles))
        if not wanted:
            return list(roles)
        living = await self.names.present(wanted)
        return [replace(role, trust=told(role.trust, living, self.names.partition)) for role in roles]
