"""Roles that are passed to services: who may pass them, to whom, for what, and until when."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.adapters.sql_passed_roles import SqlPassedRoles
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.domain.passed_roles import PassedRole
from services.auth.domain.records import Account, User
from services.auth.domain.roles import Role
from services.auth.operations.issuing import TokenIssuer
from services.auth.operations.lease import AuthorizationLeases
from services.auth.operations.passed_roles import PassedRoles
from services.auth.operations.service_trust import ServiceTrust
from services.auth.operations.session_maker import SessionMaker
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.kinds import TRUST
from services.chassis.principal import ClientContext, PrincipalClaims
from tests.unit.auth.identities import Announcements

ACCOUNT, OTHER = "123456789012", "210987654321"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
JOBS = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/"
JOB, OTHER_JOB = f"{JOBS}base/0123456789ab", f"{JOBS}base/ba9876543210"
TRAINING = WorkloadId("craton.local", "service", "training")
KMS = WorkloadId("craton.local", "service", "kms")
BEDROCK = "bedrock.amazonaws.com"
FOR_ITS_ACCOUNT = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"{JOBS}*"},
}


class Registrar:
    def knows(self, point: object) -> bool:
        return True

    async def register(self, _point: Any) -> None:
        """Nobody is waited for here."""


@dataclass
class Stack:
    auth: Any
    roles: SqlRoles
    issuer: TokenIssuer
    passed: PassedRoles
    announced: Announcements

    async def call(self, key_id: str = "", audience: str = "training") -> CallContext:
        """A call of training with a token of alice, or of the owner of a key."""
        state = await self.auth.credentials.principal_state(key_id or self.auth.key.key.access_key_id)
        _, claims = self.issuer.issue(state, "us-east-1", audience, ClientContext(), "bedrock")
        return CallContext("/m", "r", "c", TRAINING, principal=claims)

    async def may_pass(self, *, account: str = ACCOUNT, user: str = "alice", **statement: Any) -> None:
        """Give a user the permission to pass roles."""
        allow = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", **statement}
        text = canonical(parse(json.dumps({"Version": "2012-10-17", "Statement": allow})))
        await self.auth.allow(user, text, "pass", account)

    async def role(self, *, role_id: str = "AROAWORKER", **statement: Any) -> Role:
        """Make a role that trusts bedrock as the statement says."""
        role = _role(self.auth.clock.now(), role_id, **statement)
        await self.roles.create_role(role, 9)
        return role

    async def trust(self, **statement: Any) -> None:
        """Change whom the role trusts."""
        await self.roles.update_role(_role(self.auth.clock.now(), "AROAWORKER", **statement), frozenset())

    async def passes(self) -> PassedRole:
        """Everything is as it should be, and the role is passed."""
        await self.may_pass()
        await self.role()
        return (await self.passed.pass_role(await self.call(), ROLE, JOB))[0]

    async def assume(self, passed: PassedRole, resource: str = JOB) -> tuple[str, PrincipalClaims]:
        """Training asks, without anybody's token."""
        return await self.passed.assume(alone(), passed.pass_id, resource, "kms")

    async def lease(self, claims: PrincipalClaims) -> Any:
        """What kms is told about the principal of a token."""
        leases = AuthorizationLeases(self.auth.admission, Registrar(), self.issuer.verifier)
        call = CallContext("/m", "r", "c", KMS, principal=claims)
        return await leases.grant(call, "", "0" * 32)


def _role(now: Any, role_id: str, **statement: Any) -> Role:
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": BEDROCK},
        "Action": "sts:AssumeRole",
        "Condition": FOR_ITS_ACCOUNT,
        **statement,
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": {k: v for k, v in allow.items() if v}})
    hour = timedelta(hours=1)
    return Role(ACCOUNT, "worker", role_id, text, canonical(parse(text, TRUST)), "", hour, now)


def alone(service: WorkloadId = TRAINING) -> CallContext:
    """A call of a service in its own name."""
    return CallContext("/m", "r", "c", service)


@pytest.fixture
def stack(auth: Any) -> Stack:
    database = auth.credentials._database
    roles, announced = SqlRoles(database), Announcements()
    issuer = TokenIssuer(
        auth.keyring,
        auth.credentials,
        auth.clock,
        auth.randomness,
        audiences=frozenset({"auth", "kms", "runtime", "training"}),
        exchanges=frozenset({("runtime", "kms"), ("training", "kms")}),
        partition="aws",
    )
    passed = PassedRoles(
        roles,
        SqlPassedRoles(database),
        auth.credentials,
        auth.admission,
        ServiceTrust(auth.credentials, auth.directory, auth.clock),
        SessionMaker(SqlSessions(database), auth.sealer, auth.clock, auth.randomness),
        issuer,
        announced,
        auth.clock,
        auth.randomness,
        "aws",
    )
    return Stack(auth, roles, issuer, passed, announced)


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


async def test_a_service_acts_with_a_role_that_was_passed_to_it(stack: Stack) -> None:
    passed = await stack.passes()
    assert (passed.account_id, passed.role_id, passed.resource_arn) == (ACCOUNT, "AROAWORKER", JOB)
    call = alone()
    token, claims = await stack.passed.assume(call, passed.pass_id, JOB, "kms")
    assert await stack.issuer.verifier.verify(token) == claims
    assert claims.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/bedrock-0123456789ab"
    assert (claims.role_arn, claims.principal_id) == (ROLE, "AROAWORKER:bedrock-0123456789ab")
    assert (claims.audience, claims.region, claims.invoked_by) == ("kms", "us-east-1", BEDROCK)
    assert claims.expires_at - claims.issued_at == 60
    assert claims.via == (), "it calls for nobody but the role"
    assert claims.client.source_ip == ""
    assert await stack.lease(claims)
    # The log of the account names whoever acts in its name, and as what.
    assert (call.invoked_by, call.recipients) == (BEDROCK, [ACCOUNT])
    assert call.issued is not None
    assert call.issued.principal_arn == claims.arn
    assert ROLE in call.resources


async def test_a_session_lasts_for_many_tokens(stack: Stack) -> None:
    passed = await stack.passes()
    keys = []
    for _ in range(3):
        _, claims = await stack.assume(passed)
        keys.append(claims.access_key_id)
        stack.auth.clock.advance(27 * 60)
    assert keys[0] == keys[1]
    assert keys[2] == keys[0], "six minutes are left"
    _, claims = await stack.assume(passed)
    assert claims.access_key_id != keys[0]


async def test_passing_the_same_again_changes_nothing(stack: Stack) -> None:
    first = await stack.passes()
    again, _ = await stack.passed.pass_role(await stack.call(), ROLE, JOB)
    assert again == first
    other, _ = await stack.passed.pass_role(await stack.call(), ROLE, OTHER_JOB)
    assert other.pass_id != first.pass_id


@pytest.mark.parametrize(
    "statement",
    [
        None,
        {"Action": "sts:AssumeRole"},
        {"Resource": f"{ROLE}x"},
        {"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}},
        {"Condition": {"ArnLike": {"iam:AssociatedResourceArn": f"{JOBS}other/*"}}},
        {"Effect": "Deny"},
    ],
)
async def test_the_principal_needs_the_permission(stack: Stack, statement: dict[str, Any] | None) -> None:
    await stack.role()
    if statement is not None:
        await stack.may_pass(**statement)
    with pytest.raises(DomainError, match=f"not authorized to perform: iam:PassRole on resource: {ROLE}"):
        await stack.passed.pass_role(await stack.call(), ROLE, JOB)


async def test_conditions_of_the_permission_can_hold(stack: Stack) -> None:
    await stack.role()
    condition = {
        "StringEquals": {"iam:PassedToService": BEDROCK},
        "ArnLike": {"iam:AssociatedResourceArn": f"{JOBS}base/*"},
    }
    await stack.may_pass(Condition=condition)
    await stack.passed.pass_role(await stack.call(), ROLE, JOB)


@pytest.mark.parametrize(
    "resource",
    [
        JOB.replace(ACCOUNT, OTHER),
        JOB.replace("us-east-1", "eu-central-1"),
        JOB.replace(":bedrock:", ":kms:"),
        JOB.replace(":aws:", ":aws-cn:"),
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}",
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:",
    ],
)
async def test_the_resource_is_one_that_the_service_makes_for_the_caller(stack: Stack, resource: str) -> None:
    """Whoever could name another account's resource could make the service act for that account."""
    await stack.may_pass()
    await stack.role(Condition=None)
    assert await reason(stack.passed.pass_role(await stack.call(), ROLE, resource)) == "INVALID_FIELD"


async def test_no_role_is_passed_between_accounts(stack: Stack) -> None:
    """Not even one whose trust policy forgot to say for whom."""
    await stack.role(Condition=None)
    auth = stack.auth
    await auth.directory.create_account(Account(OTHER, "i2", "second", auth.clock.now()), None, None)
    bob = User(OTHER, "bob", "AIDABOBBOBBOBBOBBOBBO", auth.clock.now())
    await auth.directory.create_user(bob, 9)
    key = await auth.keys.make(OTHER, bob)
    await auth.directory.create_access_key(key.key, 2)
    await stack.may_pass(account=OTHER, user="bob")
    call = await stack.call(key.key.access_key_id)
    for resource in (JOB, JOB.replace(ACCOUNT, OTHER)):
        with pytest.raises(DomainError, match="Cross-account pass role is not allowed"):
            await stack.passed.pass_role(call, ROLE, resource)


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Principal": {"AWS": ACCOUNT}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": f"{JOBS}other/*"}}},
        {"Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}}},
        {"Condition": {"Bool": {"aws:ViaAWSService": "true"}}},
        {"Action": "sts:TagSession"},
        {"Effect": "Deny"},
    ],
)
async def test_the_role_must_trust_the_service_for_this_resource(
    stack: Stack, statement: dict[str, Any]
) -> None:
    await stack.may_pass()
    await stack.role(**statement)
    with pytest.raises(DomainError, match=f"{BEDROCK} cannot assume this role on behalf of this resource"):
        await stack.passed.pass_role(await stack.call(), ROLE, JOB)


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:PrincipalIsAWSService": "true"}},
        {"StringEquals": {"aws:PrincipalServiceName": BEDROCK, "aws:RequestedRegion": "us-east-1"}},
        {"Bool": {"aws:SecureTransport": "true", "aws:ViaAWSService": "false"}},
        {"StringLike": {"sts:RoleSessionName": "bedrock-*"}},
        {"Null": {"aws:PrincipalAccount": "true", "aws:SourceIp": "true"}},
    ],
)
async def test_what_a_trust_policy_sees_of_a_service(stack: Stack, condition: dict[str, Any]) -> None:
    await stack.may_pass()
    await stack.role(Condition=condition)
    await stack.passed.pass_role(await stack.call(), ROLE, JOB)


async def test_a_role_that_is_not_there_looks_like_one_that_does_not_trust(stack: Stack) -> None:
    await stack.may_pass()
    await stack.role(Principal={"AWS": ACCOUNT})
    texts = []
    for arn in (ROLE, f"{ROLE}-nobody"):
        with pytest.raises(DomainError) as caught:
            await stack.passed.pass_role(await stack.call(), arn, JOB)
        texts.append((caught.value.reason, caught.value.message))
    assert texts[0] == texts[1]
    for arn in ("worker", f"arn:aws:iam::{ACCOUNT}:user/alice"):
        assert await reason(stack.passed.pass_role(await stack.call(), arn, JOB)) == "INVALID_FIELD"


async def test_an_outage_is_no_refusal(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    await stack.may_pass()

    async def broken(*_arguments: Any) -> Any:
        raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "the database does not answer")

    monkeypatch.setattr(stack.roles, "role", broken)
    passing = stack.passed.pass_role(await stack.call(), ROLE, JOB)
    assert await reason(passing) == "DEPENDENCY_UNAVAILABLE"


async def test_only_what_was_passed_can_be_used_and_only_for_what_it_was_passed_for(stack: Stack) -> None:
    passed = await stack.passes()
    for pass_id, resource, service in (
        ("0" * 32, JOB, TRAINING),
        (passed.pass_id, OTHER_JOB, TRAINING),
        (passed.pass_id, JOB.replace(ACCOUNT, OTHER), TRAINING),
        (passed.pass_id, JOB, WorkloadId("craton.local", "service", "runtime")),
    ):
        assuming = stack.passed.assume(alone(service), pass_id, resource, "kms")
        assert await reason(assuming) == "RESOURCE_NOT_FOUND"
    for workload in (("pool", "craton"), ("operator", "admin"), ("service", "edge")):
        call = alone(WorkloadId("craton.local", *workload))
        assert await reason(stack.passed.assume(call, passed.pass_id, JOB, "kms")) == "ACCESS_DENIED"
        assert await reason(stack.passed.revoke(call, passed.pass_id)) == "ACCESS_DENIED"
    for audience in ("auth", "runtime", "training", "audit"):
        assuming = stack.passed.assume(alone(), passed.pass_id, JOB, audience)
        assert await reason(assuming) == "ACCESS_DENIED", "not a service that training calls for principals"


async def test_a_token_for_another_service_passes_nothing(stack: Stack) -> None:
    await stack.may_pass()
    await stack.role()
    call = await stack.call(audience="kms")
    assert await reason(stack.passed.pass_role(call, ROLE, JOB)) == "INVALID_TOKEN"
    assert await reason(stack.passed.pass_role(alone(), ROLE, JOB)) == "MISSING_CREDENTIALS"


async def _changed_trust(stack: Stack, _passed: PassedRole) -> None:
    await stack.trust(Condition={"StringEquals": {"aws:SourceAccount": OTHER}})


async def _deleted_role(stack: Stack, _passed: PassedRole) -> None:
    await stack.roles.delete_role(ACCOUNT, "worker")


async def _remade_role(stack: Stack, _passed: PassedRole) -> None:
    await stack.roles.delete_role(ACCOUNT, "worker")
    await stack.role(role_id="AROAAGAIN")


async def _revoked_pass(stack: Stack, passed: PassedRole) -> None:
    await stack.passed.revoke(alone(), passed.pass_id)


@pytest.mark.parametrize("change", [_changed_trust, _deleted_role, _remade_role, _revoked_pass])
async def test_what_was_passed_ends_with_role_trust_and_pass(
    stack: Stack, change: Callable[[Stack, PassedRole], Any]
) -> None:
    """New tokens are refused, and so are leases for those that were given before: they end everywhere."""
    passed = await stack.passes()
    _, claims = await stack.assume(passed)
    await stack.lease(claims)
    await change(stack, passed)
    expected = "ACCESS_DENIED" if change is _changed_trust else "RESOURCE_NOT_FOUND"
    assert await reason(stack.assume(passed)) == expected
    assert await reason(stack.lease(claims)) == "INVALID_TOKEN"


async def test_revoking_is_announced(stack: Stack) -> None:
    passed = await stack.passes()
    call = alone()
    await stack.passed.revoke(call, passed.pass_id)
    [(account_id, epoch)] = stack.announced.published
    state = await stack.auth.credentials.principal_state(stack.auth.key.key.access_key_id)
    assert (account_id, epoch) == (ACCOUNT, state.epoch)
    assert call.recipients == [ACCOUNT]
    assert await reason(stack.passed.revoke(alone(), passed.pass_id)) == "RESOURCE_NOT_FOUND"


async def test_what_was_passed_is_bounded(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.auth.operations.passed_roles.MAX_PASSED_ROLES", 1)
    await stack.passes()
    passing = stack.passed.pass_role(await stack.call(), ROLE, OTHER_JOB)
    assert await reason(passing) == "QUOTA_EXCEEDED"
    await stack.passed.pass_role(await stack.call(), ROLE, JOB)


async def test_the_secret_of_such_a_session_is_nobodys(stack: Stack) -> None:
    """Its key signs nothing: no answer has carried its secret or its session token."""
    passed = await stack.passes()
    call = alone()
    token, _ = await stack.passed.assume(call, passed.pass_id, JOB, "kms")
    state = await stack.auth.credentials.principal_state(call.issued.access_key_id if call.issued else "")
    assert state.session.passed == passed
    for shown in (repr(passed), repr(call), token):
        assert state.session.sealed_secret.hex() not in shown
        assert state.session.token_sha256.hex() not in shown


@pytest.mark.parametrize(
    ("resource", "name"), [("job/a.b:0/c1", "bedrock-c1"), ("job/c:1", "bedrock-c-1"), ("c:1", "bedrock-c-1")]
)
def test_sessions_are_called_after_the_resources_whole_id(resource: str, name: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:{resource}"
    passed = PassedRole("p", ACCOUNT, "AROA", "training", arn, "", datetime.fromtimestamp(0, UTC))
    assert passed.session_name == name
