"""Temporary credentials: AssumeRole and GetSessionToken.

AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.auth.domain.ids import new_secret, new_temporary_key_id
from services.auth.domain.roles import DEFAULT_SESSION, LONGEST_CHAINED_SESSION, Role, Tags, TemporarySession
from services.auth.errors import access_denied, invalid_field
from services.auth.operations.admission import Admission, Caller
from services.auth.operations.signatures import session_secret_context
from services.auth.ports import Sealer
from services.auth.ports_roles import RoleStore, SessionStore
from services.chassis.arn import name_of, role_arn
from services.chassis.authorization import refuse
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.policy.document import canonical, parse, parse_accepted
from services.chassis.policy.kinds import SESSION, TRUST
from services.chassis.policy.layers import ResourceLayers
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes

_USER_SESSION = timedelta(hours=12)
_MAX_TAGS = 50
_MAX_PACKED_CHARS = 4_096
"""Characters of session policies and tags together."""


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What a caller asks of AssumeRole."""

    role_arn: str
    session_name: str
    duration: timedelta | None = None
    policy: str = ""
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    transitive_keys: tuple[str, ...] = ()
    source_identity: str = ""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session with its secrets, which are shown once."""

    session: TemporarySession
    secret: SecretBytes
    token: SecretBytes = field(repr=False)
    packed_percent: int = 0


class TemporaryCredentials:
    """Gives temporary credentials to principals."""

    def __init__(
        self,
        roles: RoleStore,
        sessions: SessionStore,
        admission: Admission,
        sealer: Sealer,
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Read roles from `roles`, keep sessions in `sessions`."""
        self._roles = roles
        self._sessions = sessions
        self._admission = admission
        self._sealer = sealer
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def assume_role(self, call: CallContext, request: RoleRequest) -> NewSession:
        """Give the credentials of a role's session (sts:AssumeRole).

        Raises DomainError: ACCESS_DENIED, also for a role that does not exist; INVALID_FIELD,
        UNSUPPORTED_POLICY for what the request says.
        """
        caller = await self._admission.identify(call)
        if caller.state.root:
            raise access_denied("Roles may not be assumed by root accounts.")
        role = await self._role(request.role_arn)
        inherited = caller.state.session
        source_identity = request.source_identity
        if inherited is not None and inherited.source_identity:
            if source_identity not in ("", inherited.source_identity):
                raise invalid_field("source_identity", "was set by an earlier session and cannot change")
            source_identity = inherited.source_identity
        if role is None:
            silent = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)
            raise _refused(caller, "sts:AssumeRole", request.role_arn, silent)
        tags, transitive = _session_tags(request, inherited)
        # What the caller's session passes on counts as if it were asked for: a trust policy may forbid it.
        effective = replace(
            request, source_identity=source_identity, tags=tags, transitive_keys=tuple(sorted(transitive))
        )
        await self._check_trust(caller, role, effective)
        policies = (canonical(parse(request.policy, SESSION)),) if request.policy else None
        packed = sum(map(len, policies or ())) + sum(len(key) + len(value) for key, value in tags)
        if packed > _MAX_PACKED_CHARS:
            raise invalid_field("policy", f"and tags together exceed {_MAX_PACKED_CHARS} characters")
        longest = role.max_session
        if inherited is not None and inherited.role is not None:
            longest = min(longest, LONGEST_CHAINED_SESSION)
        duration = request.duration or min(DEFAULT_SESSION, longest)
        if duration > longest:
            raise invalid_field("duration", "exceeds the longest session that the role permits the caller")
        return await self._issue(
            _Wanted(role.account_id, role, None, request.session_name, policies, tags, transitive),
            source_identity,
            duration,
            -(-packed * 100 // _MAX_PACKED_CHARS),
        )

    async def session_token(self, call: CallContext, duration: timedelta | None) -> NewSession:
        """Give a user temporary credentials of its own (sts:GetSessionToken, which needs no permission).

        Raises DomainError(ACCESS_DENIED) for temporary credentials and for the root user.
        """
        caller = await self._admission.identify_signed(call, "sts:GetSessionToken")
        if caller.state.session is not None or caller.state.user is None:
            raise access_denied("Cannot call GetSessionToken with session credentials or as the root user.")
        wanted = _Wanted(caller.account_id, None, caller.state.user.user_id, "", None, (), frozenset())
        return await self._issue(wanted, "", duration or _USER_SESSION, 0)

    async def _role(self, arn: str) -> Role | None:
        try:
            _, account_id, kind, role_name = name_of(arn, self._partition).split("/")
        except ValueError as error:
            raise invalid_field("role_arn", "is not the ARN of a role of this installation") from error
        if kind != "roles":
            raise invalid_field("role_arn", "is not the ARN of a role")
        try:
            return await self._roles.role(account_id, role_name)
        except DomainError:
            return None

    async def _check_trust(self, caller: Caller, role: Role, request: RoleRequest) -> None:
        """Both sides decide: the role's trust policy, and the caller's own where that leaves it to them."""
        trust = ResourcePolicySet([parse_accepted(role.canonical_trust, TRUST)])
        target = await self._admission.protected(ResourceLayers(role.account_id, trust, required=True))
        conditions: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": request.session_name}
        if request.external_id:
            conditions["sts:ExternalId"] = request.external_id
        if request.source_identity:
            conditions["sts:SourceIdentity"] = request.source_identity
        if request.tags:
            conditions["aws:TagKeys"] = tuple(key for key, _ in request.tags)
            conditions |= {f"aws:RequestTag/{key}": value for key, value in request.tags}
        if request.transitive_keys:
            conditions["sts:TransitiveTagKeys"] = request.transitive_keys
        actions = ["sts:AssumeRole"]
        if request.tags:
            actions.append("sts:TagSession")
        if request.source_identity:
            actions.append("sts:SetSourceIdentity")
        arn = role_arn(role.account_id, role.role_name, self._partition)
        for action in actions:
            decision = self._admission.decide(caller, action, arn, target, conditions)
            if not decision.allowed:
                raise _refused(caller, action, arn, decision)

    async def _issue(
        self, wanted: "_Wanted", source_identity: str, duration: timedelta, packed_percent: int
    ) -> NewSession:
        secret = new_secret(self._randomness)
        token = SecretBytes(base64.b64encode(b"\x01" + self._randomness.token_bytes(32)))
        # Whole seconds, because the lives of tokens are.
        now: datetime = self._clock.now().replace(microsecond=0)
        key_id = new_temporary_key_id(self._randomness)
        session = TemporarySession(
            access_key_id=key_id,
            account_id=wanted.account_id,
            role=wanted.role,
            user_id=wanted.user_id,
            session_name=wanted.session_name,
            token_sha256=hashlib.sha256(token.reveal()).digest(),
            sealed_secret=await self._sealer.seal(secret, session_secret_context(key_id, wanted.account_id)),
            policies=wanted.policies,
            tags=wanted.tags,
            transitive_keys=wanted.transitive_keys,
            source_identity=source_identity,
            issued_at=now,
            expires_at=now + duration,
        )
        await self._sessions.create_session(session)
        return NewSession(session, secret, token, packed_percent)


@dataclass(frozen=True, slots=True)
class _Wanted:
    account_id: str
    role: Role | None
    user_id: str | None
    session_name: str
    policies: tuple[str, ...] | None
    tags: Tags
    transitive_keys: frozenset[str]


def _session_tags(request: RoleRequest, inherited: TemporarySession | None) -> tuple[Tags, frozenset[str]]:
    """Return the tags of a new session: those asked for, and those that the caller's session passes on."""
    given = {key.lower(): (key, value) for key, value in request.tags}
    if len(given) != len(request.tags):
        raise invalid_field("tags", "name a key twice; keys are compared without regard to case")
    if any(key.startswith("aws:") for key in given):
        raise invalid_field("tags", "have a key that begins with aws:, which is reserved")
    transitive = {key.lower() for key in request.transitive_keys}
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


def _refused(caller: Caller, action: str, arn: str, decision: Decision) -> DomainError:
    return refuse(caller.claims, action, arn, decision)
