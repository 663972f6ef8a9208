"""Temporary credentials: AssumeRole and GetSessionToken.

AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.domain.roles import DEFAULT_SESSION, LONGEST_CHAINED_SESSION, Role, TemporarySession
from services.auth.errors import access_denied, invalid_field
from services.auth.errors.sessions import chained_session_too_long, session_too_long
from services.auth.operations.admission import Admission, Caller
from services.auth.operations.service_trust import trust_of
from services.auth.operations.session_maker import NewSession, SessionGrant, SessionMaker
from services.auth.operations.session_narrowing import SessionNarrowing, session_tags
from services.auth.ports.roles import RoleStore
from services.chassis.arn import iam_entity
from services.chassis.authorization import refuse
from services.chassis.context import CallContext, IssuedCredentials
from services.chassis.errors import DomainError
from services.chassis.policy.model import Decision, Layer, Verdict

_USER_SESSION = timedelta(hours=12)
_LONGEST_ROOT_SESSION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What a caller asks of AssumeRole."""

    role_arn: str
    session_name: str
    duration: timedelta | None = None
    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    transitive_keys: tuple[str, ...] = ()
    source_identity: str = ""


class TemporaryCredentials:
    """Gives temporary credentials to principals."""

    def __init__(
        self,
        roles: RoleStore,
        maker: SessionMaker,
        narrowing: SessionNarrowing,
        admission: Admission,
        partition: str,
    ) -> None:
        """Read roles from `roles`; `narrowing` knows session policies, `maker` makes the credentials."""
        self._roles = roles
        self._maker = maker
        self._narrowing = narrowing
        self._admission = admission
        self._partition = partition

    async def assume_role(self, call: CallContext, request: RoleRequest) -> NewSession:
        """Give the credentials of a role's session (sts:AssumeRole).

        Raises DomainError: ACCESS_DENIED, also for a role that does not exist; INVALID_FIELD,
        QUOTA_EXCEEDED, RESOURCE_NOT_FOUND, UNSUPPORTED_POLICY for what the request says.
        """
        caller = await self._admission.identify(call)
        if caller.state.root:
            raise access_denied("Roles may not be assumed by root accounts.")
        role = await find_role(self._roles, request.role_arn, self._partition)
        inherited = caller.state.session
        # What the caller's session passes on counts as if it were asked for: a trust policy may forbid it.
        tags, transitive = session_tags(request.tags, request.transitive_keys, inherited)
        effective = replace(
            request,
            source_identity=_source_identity(request.source_identity, inherited),
            tags=tags,
            transitive_keys=tuple(sorted(transitive)),
        )
        if role is None:
            silent = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)
            raise refuse(caller.claims, "sts:AssumeRole", request.role_arn, silent)
        await self._check_trust(caller, role, effective)
        narrowed = await self._narrowing.of(role.account_id, request.policy, request.policy_arns, tags)
        grant = SessionGrant(
            account_id=role.account_id,
            duration=role_duration(request.duration, role, inherited),
            role=role,
            session_name=request.session_name,
            policies=narrowed.policies,
            policy_ids=narrowed.policy_ids,
            tags=tags,
            transitive_keys=transitive,
            source_identity=effective.source_identity,
        )
        new = await self._maker.make(grant, narrowed.packed_percent)
        call.issued = issued_credentials(new, self._partition)
        if role.account_id != caller.account_id:
            call.recipients.append(role.account_id)
        return new

    async def session_token(self, call: CallContext, duration: timedelta | None) -> NewSession:
        """Give a user, or the root user, temporary credentials of its own.

        sts:GetSessionToken needs no permission. Raises DomainError(ACCESS_DENIED) for callers that use
        temporary credentials, and INVALID_FIELD for more than an hour of the root user.
        AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
        """
        caller = await self._admission.identify_signed(call, "sts:GetSessionToken")
        if caller.state.session is not None:
            raise access_denied("Cannot call GetSessionToken with session credentials")
        user = caller.state.user
        if user is None and duration is not None and duration > _LONGEST_ROOT_SESSION:
            raise invalid_field("duration", "of the root user's session is an hour at most")
        grant = SessionGrant(
            caller.account_id,
            duration or (_LONGEST_ROOT_SESSION if user is None else _USER_SESSION),
            user_id=None if user is None else user.user_id,
            source_key_id=caller.claims.access_key_id,
        )
        new = await self._maker.make(grant)
        call.issued = IssuedCredentials(
            new.session.access_key_id,
            caller.claims.arn,
            caller.claims.principal_id,
            new.session.expires_at,
        )
        return new

    async def _check_trust(self, caller: Caller, role: Role, request: RoleRequest) -> None:
        """Both sides decide: the role's trust policy, and the caller's own where that leaves it to them."""
        target = await self._admission.protected(trust_of(role, caller.claims))
        conditions = trust_conditions(request)
        arn = role.arn(self._partition)
        for action in trust_actions("sts:AssumeRole", request):
            decision = self._admission.decide(caller, action, arn, target, conditions)
            if not decision.allowed:
                raise refuse(caller.claims, action, arn, decision)


async def find_role(roles: RoleStore, arn: str, partition: str) -> Role | None:
    """Return a role, None when there is none: that looks like one that trusts nobody.

    Raises DomainError(INVALID_FIELD) for what is no ARN of a role of this installation.
    """
    try:
        entity = iam_entity(arn, partition)
    except ValueError as error:
        raise invalid_field("role_arn", "is not the ARN of a role of this installation") from error
    if entity.kind != "role":
        raise invalid_field("role_arn", "is not the ARN of a role")
    try:
        role = await roles.role(entity.account_id, entity.name)
    except DomainError as error:
        if error.reason != ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND:
            raise
        return None
    # With another path it is another ARN.
    return role if role.path == entity.path else None


def issued_credentials(new: NewSession, partition: str) -> IssuedCredentials:
    """Return what the audit log says of a role's new session."""
    session = new.session
    return IssuedCredentials(
        session.access_key_id, session.principal_arn(partition), session.principal_id, session.expires_at
    )


def trust_actions(action: str, request: RoleRequest) -> list[str]:
    """Return what a trust policy must allow: the action itself, and what the request adds to it.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html (permissions required) and
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    actions = [action]
    if request.tags:
        actions.append("sts:TagSession")
    if request.source_identity:
        actions.append("sts:SetSourceIdentity")
    return actions


def trust_conditions(request: RoleRequest) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys that come from a request for a role."""
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
    return conditions


def _source_identity(asked: str, inherited: TemporarySession | None) -> str:
    """Return the source identity of a new session: it is set once and never changes.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    if inherited is None or not inherited.source_identity:
        return asked
    if asked not in ("", inherited.source_identity):
        raise invalid_field("source_identity", "was set by an earlier session and cannot change")
    return inherited.source_identity


def role_duration(asked: timedelta | None, role: Role, inherited: TemporarySession | None) -> timedelta:
    """Return how long a role's session lasts. Raises INVALID_FIELD.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html (role chaining)
    """
    duration = asked or DEFAULT_SESSION
    if inherited is not None and inherited.role is not None and duration > LONGEST_CHAINED_SESSION:
        raise chained_session_too_long()
    if duration > role.max_session:
        raise session_too_long()
    return duration
