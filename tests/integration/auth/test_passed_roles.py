"""Roles passed to services, and requests that services pass on, over real mTLS down to enforcement."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from craton.auth.v1 import (
    account_service_pb2,
    organization_policy_service_pb2,
    organization_service_pb2,
    role_service_pb2,
    token_service_pb2,
)
from craton.auth.v1 import passed_role_service_pb2 as pb

from services.auth.config import AuthConfig, ExchangeSettings
from services.chassis.server import Server
from services.chassis.tokens import TokenVerifier
from tests.fakes.auth_client import ACCOUNT, Client, Credential, bearer, reason, refusal
from tests.fakes.workloads import Workloads
from tests.integration.auth.test_auth import make_user, put_policy
from tests.integration.auth.test_enforcement import EnforcementPoint, enforcement_point, listening_point

JOB = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/base/0123456789ab"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"


@pytest.fixture
def config(config: AuthConfig) -> AuthConfig:
    """Training is there as well, and calls runtime and kms."""
    pairs = (("runtime", "kms"), ("training", "kms"), ("training", "runtime"))
    exchanges = tuple(ExchangeSettings(source, target) for source, target in pairs)
    return dataclasses.replace(config, audiences=("auth", "kms", "runtime", "training"), exchanges=exchanges)


@pytest.fixture
def training(auth: Server, connect: Callable[[Server, str], Client]) -> Client:
    return connect(auth, "service/training")


@pytest.fixture
async def point(
    auth: Server, workloads: Workloads, redis: Callable[[str], Any]
) -> AsyncIterator[EnforcementPoint]:
    async with listening_point(auth.port, workloads, redis) as made:
        yield made


def allow(action: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def trusting(source_account: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": source_account},
            "ArnLike": {"aws:SourceArn": JOB},
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


class Customer:
    """An administrator with a role that bedrock may assume for one job, and a user who may pass it."""

    def __init__(self, operator: Client, edge: Client, admin: Credential) -> None:
        self.operator, self.edge, self.admin = operator, edge, admin
        self.alice = admin

    async def iam(self, method: str, **fields: Any) -> Any:
        request = getattr(role_service_pb2, f"{method}Request")(role_name="worker", **fields)
        metadata = bearer(await self.operator.token(self.admin))
        return await getattr(self.operator.roles, method)(request, metadata=metadata)

    async def prepare(self) -> None:
        await self.iam("CreateRole", assume_role_policy_document=trusting(ACCOUNT))
        await self.iam("PutRolePolicy", policy_name="p", document=allow("bedrock:InvokeModel"))
        self.alice = await make_user(self.operator, self.admin, "alice")
        condition = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
        policy = allow("iam:PassRole", Condition=condition)
        await put_policy(self.operator, self.admin, "alice", policy)

    async def token(self) -> str:
        """A token of alice for training, as edge gets it for a request that is signed for bedrock."""
        return str((await self.edge.authenticate(self.alice, "training")).token)


@pytest.fixture
async def customer(operator: Client, edge: Client, admin: Credential) -> Customer:
    made = Customer(operator, edge, admin)
    await made.prepare()
    return made


def pass_role(training: Client, token: str, resource: str = JOB) -> Any:
    request = pb.PassRoleRequest(role_arn=ROLE, resource_arn=resource)
    return training.passed.PassRole(request, metadata=bearer(token))


def assume(training: Client, pass_id: str, **changes: str) -> Any:
    fields = {"pass_id": pass_id, "resource_arn": JOB, "audience": "runtime", **changes}
    return training.passed.AssumePassedRole(pb.AssumePassedRoleRequest(**fields))


async def test_training_acts_with_the_role_until_it_is_not_trusted_any_more(
    customer: Customer, training: Client, point: EnforcementPoint
) -> None:
    passed = (await pass_role(training, await customer.token())).passed_role
    assert (passed.role_arn, passed.resource_arn, passed.account_id) == (ROLE, JOB, ACCOUNT)
    given = await assume(training, passed.pass_id)
    assert given.assumed_role_arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/bedrock-0123456789ab"
    await point.invoke(given.token)
    # Acknowledged is in force: the token that was given a moment ago ends with the trust.
    await customer.iam("UpdateAssumeRolePolicy", policy_document=trusting("210987654321"))
    with pytest.raises(Exception, match="no longer trusts the service"):
        await point.invoke(given.token)
    assert await reason(assume(training, passed.pass_id)) == "ACCESS_DENIED"
    await customer.iam("UpdateAssumeRolePolicy", policy_document=trusting(ACCOUNT))
    await point.invoke(given.token)


async def test_revoking_ends_the_tokens(
    customer: Customer, training: Client, point: EnforcementPoint
) -> None:
    passed = (await pass_role(training, await customer.token())).passed_role
    given = await assume(training, passed.pass_id)
    await point.invoke(given.token)
    await training.passed.RevokePassedRole(pb.RevokePassedRoleRequest(pass_id=passed.pass_id))
    with pytest.raises(Exception, match="no longer exists or is inactive"):
        await point.invoke(given.token)
    assert await reason(assume(training, passed.pass_id)) == "RESOURCE_NOT_FOUND"


async def test_a_role_made_again_was_not_passed(
    customer: Customer, training: Client, point: EnforcementPoint
) -> None:
    passed = (await pass_role(training, await customer.token())).passed_role
    given = await assume(training, passed.pass_id)
    await customer.iam("DeleteRolePolicy", policy_name="p")
    await customer.iam("DeleteRole")
    await customer.iam("CreateRole", assume_role_policy_document=trusting(ACCOUNT))
    await customer.iam("PutRolePolicy", policy_name="p", document=allow("bedrock:InvokeModel"))
    assert await reason(assume(training, passed.pass_id)) == "RESOURCE_NOT_FOUND"
    with pytest.raises(Exception, match="no longer exists or is inactive"):
        await point.invoke(given.token)


@pytest.mark.parametrize(
    "resource",
    [
        JOB.replace(ACCOUNT, "210987654321"),
        JOB.replace("us-east-1", "eu-central-1"),
        JOB.replace("bedrock", "s3"),
    ],
)
async def test_the_deputy_is_not_confused(customer: Customer, training: Client, resource: str) -> None:
    token = await customer.token()
    assert await reason(pass_role(training, token, resource)) == "INVALID_FIELD"
    passed = (await pass_role(training, token)).passed_role
    assert await reason(assume(training, passed.pass_id, resource_arn=resource)) == "RESOURCE_NOT_FOUND"


async def test_nobody_else_can(
    customer: Customer, training: Client, edge: Client, operator: Client, auth: Server, connect: Any
) -> None:
    token = await customer.token()
    passed = (await pass_role(training, token)).passed_role
    for workload in ("service/edge", "service/runtime", "service/kms", "operator/admin"):
        client = connect(auth, workload)
        assert await reason(pass_role(client, token)) == "CALLER_NOT_LISTED"
        assert await reason(assume(client, passed.pass_id)) == "CALLER_NOT_LISTED"
    carol = await make_user(operator, customer.admin, "carol")
    refused = await refusal(pass_role(training, (await edge.authenticate(carol, "training")).token))
    assert "is not authorized to perform: iam:PassRole on resource" in refused.message


async def test_kms_sees_through_which_service_a_request_came(
    customer: Customer, auth: Server, workloads: Workloads, connect: Any, edge: Client
) -> None:
    """The forward access session: what the principal may do through bedrock it may not do itself."""
    condition = {"ForAnyValue:StringEquals": {"aws:CalledVia": "bedrock.amazonaws.com"}}
    only_via = json.loads(allow("kms:Decrypt", Condition=condition))["Statement"]
    also = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}
    no_service = {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}
    no_service["Condition"] = {"Bool": {"aws:ViaAWSService": "true"}}  # type: ignore[assignment]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only_via, also, no_service]})
    bob = await make_user(customer.operator, customer.admin, "bob")
    await put_policy(customer.operator, customer.admin, "bob", policy)
    runtime = connect(auth, "service/runtime")
    direct = await customer.operator.token(bob, "kms")
    mine = (await edge.authenticate(bob, "runtime")).token
    exchange = token_service_pb2.ExchangeTokenRequest(token=mine, audience="kms")
    passed_on = (await runtime.tokens.ExchangeToken(exchange)).token
    async with enforcement_point(auth.port, workloads, "kms") as kms:
        assert isinstance(kms.verifier, TokenVerifier)
        await kms.admit(passed_on, "kms:Decrypt", KEY)
        await kms.admit(direct, "kms:Encrypt", KEY)
        for token, action in ((direct, "kms:Decrypt"), (passed_on, "kms:Encrypt")):
            with pytest.raises(Exception, match=f"not authorized to perform: {action}"):
                await kms.admit(token, action, KEY)


RCP = organization_service_pb2.ORGANIZATION_POLICY_TYPE_RESOURCE_CONTROL_POLICY
MEMBER = "210987654321"


@pytest.mark.parametrize(
    ("condition", "permitted"),
    [
        ({"StringNotEquals": {"aws:SourceAccount": MEMBER}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
        ({"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-another"}}, False),
    ],
)
async def test_the_organization_has_its_say_about_services(
    operator: Client, edge: Client, training: Client, admin: Credential, condition: Any, permitted: bool
) -> None:
    """A resource control policy of the role's account binds services: their own kind of confused deputy."""
    metadata = bearer(await operator.token(admin))
    request = account_service_pb2.CreateAccountRequest(
        account_id=MEMBER, display_name="member", administrator_user_name="boss"
    )
    created = await operator.accounts.CreateAccount(request, metadata=metadata)
    boss = Credential(created.access_key.access_key_id, created.secret_access_key)
    trust = trusting(ACCOUNT).replace(ACCOUNT, MEMBER)
    await operator.roles.CreateRole(
        role_service_pb2.CreateRoleRequest(role_name="worker", assume_role_policy_document=trust),
        metadata=bearer(await operator.token(boss)),
    )
    token = (await edge.authenticate(boss, "training")).token
    arns = {"role_arn": ROLE.replace(ACCOUNT, MEMBER), "resource_arn": JOB.replace(ACCOUNT, MEMBER)}
    passing = pb.PassRoleRequest(**arns)
    passed = (await training.passed.PassRole(passing, metadata=bearer(token))).passed_role
    await assume(training, passed.pass_id, resource_arn=passed.resource_arn)

    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}
    content = json.dumps({"Version": "2012-10-17", "Statement": {**deny, "Condition": condition}})
    policy = organization_policy_service_pb2.CreateOrganizationPolicyRequest(
        policy_type=RCP, name="services", content=content
    )
    made = await operator.controls.CreateOrganizationPolicy(policy, metadata=metadata)
    attach = organization_policy_service_pb2.AttachOrganizationPolicyRequest(
        policy_id=made.policy.policy_id, target_id=MEMBER
    )
    await operator.controls.AttachOrganizationPolicy(attach, metadata=metadata)
    again = assume(training, passed.pass_id, resource_arn=passed.resource_arn)
    if permitted:
        await again
    else:
        assert "in a resource control policy" in (await refusal(again)).message
