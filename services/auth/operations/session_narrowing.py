"""What a session of a role carries besides its role: session policies and tags.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain.roles import Tags, TemporarySession
from services.auth.errors import invalid_field, managed_policy_not_found
from services.auth.errors.sessions import packed_policy_too_large, too_many_characters
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.identity import ManagedPolicyStore
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.json_text import size
from services.chassis.policy.kinds import SESSION

_MAX_TAGS = 50
_MAX_ARNS = 10
_MAX_PLAIN_CHARS = 2_048
"""Characters of the session policy, without white space, and of the ARNs of managed ones together."""
_MAX_PACKED_CHARS = 4_096
"""Characters of all that a session carries: AWS says how much of its space is used, not how much there is."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The session policies of a new session, and the part of the space that they and its tags use."""

    policies: tuple[str, ...]
    policy_ids: tuple[str, ...]
    packed_percent: int


class SessionNarrowing:
    """Reads what a new session is narrowed to."""

    def __init__(self, policies: ManagedPolicyStore, identities: IdentityAdmission) -> None:
        """Find managed policies in `policies`, by ARNs as `identities` reads them."""
        self._policies = policies
        self._identities = identities

    async def of(self, account_id: str, document: str, arns: Sequence[str], tags: Tags) -> Narrowed:
        """Return what a session of a role of an account is narrowed to: by neither, to nothing.

        Managed policies are kept by their ids and read whenever the session is used, so that a version that
        is set as default later counts for sessions that exist already. Raises DomainError: INVALID_FIELD,
        QUOTA_EXCEEDED, RESOURCE_NOT_FOUND, UNSUPPORTED_POLICY.
        """
        if len(arns) > _MAX_ARNS:
            raise invalid_field("policy_arns", f"are more than {_MAX_ARNS}")
        if size(document) + sum(map(len, arns)) > _MAX_PLAIN_CHARS:
            raise too_many_characters(_MAX_PLAIN_CHARS)
        policies = (canonical(parse(document, SESSION)),) if document else ()
        ids = [await self._policy_id(account_id, arn) for arn in arns]
        described = sum(map(len, policies)) + sum(map(len, arns))
        packed = described + sum(len(key) + len(value) for key, value in tags)
        percent = -(-packed * 100 // _MAX_PACKED_CHARS)
        if packed > _MAX_PACKED_CHARS:
            raise packed_policy_too_large(percent, tags_alone=not described)
        return Narrowed(policies, tuple(dict.fromkeys(ids)), percent)

    async def _policy_id(self, account_id: str, arn: str) -> str:
        reference = self._identities.reference(arn, "policy_arns")
        if not reference.built_in and reference.owner != account_id:
            raise managed_policy_not_found(reference.policy_name)
        return (await self._policies.managed_policy(account_id, reference)).policy_id


def session_tags(
    tags: Sequence[tuple[str, str]], transitive_keys: Sequence[str], inherited: TemporarySession | None
) -> tuple[Tags, frozenset[str]]:
    """Return the tags of a new session: those asked for, and those that the caller's session passes on.

    Raises DomainError(INVALID_FIELD).
    """
    given = {key.lower(): (key, value) for key, value in tags}
    if len(given) != len(tags):
        raise invalid_field("tags", "name a key twice; keys are compared without regard to case")
    if any(key.startswith("aws:") for key in given):
        raise invalid_field("tags", "have a key that begins with aws:, which is reserved")
    transitive = {key.lower() for key in transitive_keys}
    if not transitive <= set(given):
        raise invalid_field("transitive_tag_keys", "name a key that is not among the tags")
    passed: dict[str, tuple[str, str]] = {}
    if inherited is not None:
        passed = {key.lower(): (key, value) for key, value in inherited.tags}
        passed = {key: pair for key, pair in passed.items() if key in inherited.transitive_keys}
    if set(given) & set(passed):
        raise invalid_field("tags", "name a key that the caller's own session passes on")
    found = {**passed, **given}
    if len(found) > _MAX_TAGS:
        raise invalid_field("tags", f"are more than {_MAX_TAGS}")
    return tuple(sorted(found.values())), frozenset(transitive | set(passed))
