"""VPC endpoints: who may register one, whom it lets in, and that its policy binds them."""

import dataclasses
import json
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest

from services.auth.adapters.sql_endpoints import SqlEndpoints
from services.auth.domain.endpoints import FULL_ACCESS, SERVICES, VpcEndpoint
from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, Installation, User
from services.auth.operations.admission import Admission
from services.auth.operations.caller_identity import CallerIdentity
from services.auth.operations.endpoints import EndpointChange, Endpoints, PrivateListeners
from services.auth.operations.lease import AuthorizationLeases
from services.auth.operations.private_paths import PrivatePaths
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import ClientContext, PrincipalClaims, PrivatePath
from services.edge.domain.model import JSON_SERVICES, QUERY_SERVICES
from services.edge.domain.model import SERVICES as REST_SERVICES

MEMBER, MANAGEMENT = "123456789012", "999999999999"
EVERYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
NETWORKS = {"private": "vpc-0000000000000001f", "other": "vpc-0000000000000002f"}
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
OPERATOR = WorkloadId("craton.local", "operator", "admin")
RUNTIME = WorkloadId("craton.local", "service", "runtime")


class Announced:
    """Remembers what was brought into force."""

    def __init__(self) -> None:
        self.epochs: list[tuple[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.epochs.append((account_id, epoch))

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        self.epochs.extend(epochs.items())


class Points:
    """Forgets who takes leases."""

    def knows(self, point: object) -> bool:
        return True

    async def register(self, point: object) -> None:
        pass


@dataclasses.dataclass
class Private:
    """The private half of auth."""

    auth: Any
    boss: Any
    admission: Admission
    paths: PrivatePaths
    endpoints: Endpoints
    listeners: PrivateListeners
    announced: Announced

    async def call(
        self,
        key: Any = None,
        path: PrivatePath | None = None,
        audience: str = "auth",
        region: str = "us-east-1",
    ) -> CallContext:
        """Return a call of alice, or of the holder of another key."""
        state = await self.auth.credentials.principal_state((key or self.auth.key).key.access_key_id)
        token, claims = self.auth.issuer.issue(state, region, audience, ClientContext("10.0.0.9"), path=path)
        caller = OPERATOR if audience == "auth" else RUNTIME
        return CallContext("/m", "r", "c", caller, principal=claims, principal_token=token)

    async def register(self, **wanted: Any) -> VpcEndpoint:
        """Register an endpoint of alice's account on "private"."""
        await self.listeners.assign(await self.call(self.boss), "private", MEMBER)
        values = {
            "services": frozenset(),
            "accounts": frozenset(),
            "document": "",
            "request_id": "",
            **wanted,
        }
        return await self.endpoints.create(
            await self.call(),
            "private",
            values["services"],
            values["accounts"],
            values["document"],
            values["request_id"],
        )

    async def path(self, service: str = "bedrock-runtime") -> PrivatePath:
        return await self.paths.enter("private", service, MEMBER)


@pytest.fixture
async def private(auth: Any) -> Private:
    database, now = auth.directory._database, auth.clock.now()
    account, user = Account(MANAGEMENT, "i", "management", now), User(MANAGEMENT, "boss", "AIDABOSS", now)
    boss = await auth.keys.make(MANAGEMENT, user)
    policy = InlinePolicy(MANAGEMENT, Entity(EntityKind.USER, "boss"), "all", EVERYTHING, EVERYTHING, now)
    await auth.directory.bootstrap(Installation(MANAGEMENT, "o-abcdefghij"), account, user, policy, boss.key)
    await auth.allow("alice", EVERYTHING)
    store, announced = SqlEndpoints(database), Announced()
    paths = PrivatePaths(store, NETWORKS)
    admission = Admission(auth.credentials, auth.directory, auth.clock, paths)
    endpoints = Endpoints(store, admission, announced, NETWORKS, auth.clock, auth.randomness, "aws")
    listeners = PrivateListeners(store, auth.directory, admission, announced, NETWORKS)
    return Private(auth, boss, admission, paths, endpoints, listeners, announced)


async def refusal(call: Awaitable[Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value


async def reason(call: Awaitable[Any]) -> str:
    return (await refusal(call)).reason_name


def policy(**statement: Any) -> str:
    values = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": values})


def test_an_endpoint_can_serve_what_edge_speaks() -> None:
    assert {*REST_SERVICES, *QUERY_SERVICES, *JSON_SERVICES} == SERVICES


async def test_a_listener_lets_nobody_in_before_it_has_an_endpoint(private: Private) -> None:
    assert await reason(private.path()) == "ACCESS_DENIED"
    await private.listeners.assign(await private.call(private.boss), "private", MEMBER)
    assert await reason(private.path()) == "ACCESS_DENIED"
    assert await reason(private.paths.enter("unknown", "bedrock", MEMBER)) == "ACCESS_DENIED"


async def test_the_operator_assigns_and_the_account_registers(private: Private) -> None:
    create = private.endpoints.create
    nothing = (frozenset[str](), frozenset[str](), "", "")
    assert await reason(create(await private.call(), "private", *nothing)) == "ACCESS_DENIED"
    member = await private.call()
    assert await reason(private.listeners.assign(member, "private", MEMBER)) == "ACCESS_DENIED"
    endpoint = await private.register()
    assert endpoint.endpoint_id.startswith("vpce-")
    assert len(endpoint.endpoint_id) == len("vpce-") + 17
    assert (endpoint.vpc_id, endpoint.services) == (NETWORKS["private"], SERVICES)
    assert endpoint.policy.document == FULL_ACCESS
    assert private.announced.epochs[-1][0] == MEMBER
    assert await reason(private.register()) == "RESOURCE_EXISTS"
    boss = await private.call(private.boss)
    assert await reason(create(boss, "private", *nothing)) == "ACCESS_DENIED", "it is the member's"
    assert await reason(private.listeners.assign(boss, "private", MANAGEMENT)) == "RESOURCE_EXISTS"
    assert await reason(private.listeners.assign(boss, "unknown", MEMBER)) == "RESOURCE_NOT_FOUND"
    assert await reason(private.listeners.assign(boss, "other", "000000000000")) == "RESOURCE_NOT_FOUND"


async def test_a_repeated_request_has_the_first_answer(private: Private) -> None:
    first = await private.register(request_id="once")
    assert (await private.register(request_id="once")).endpoint_id == first.endpoint_id
    assert await reason(private.register(request_id="again")) == "RESOURCE_EXISTS"


async def test_each_action_needs_its_permission(private: Private) -> None:
    endpoint = await private.register()
    arn = private.endpoints.arn(endpoint)
    assert arn == f"arn:aws:ec2:us-east-1:{MEMBER}:vpc-endpoint/{endpoint.endpoint_id}"
    operations = private.endpoints
    calls = {
        "ec2:CreateVpcEndpoint": lambda call: operations.create(
            call, "private", frozenset(), frozenset(), "", ""
        ),
        "ec2:DescribeVpcEndpoints": lambda call: operations.describe(call, (), PageRequest.parse(0, "")),
        "ec2:ModifyVpcEndpoint": lambda call: operations.modify(call, endpoint.endpoint_id, EndpointChange()),
        "ec2:DeleteVpcEndpoints": lambda call: operations.delete(call, endpoint.endpoint_id),
        "ec2:DescribeVpcEndpointConnections": private.listeners.list,
    }
    for action, run in calls.items():
        others = [each for each in calls if each != action]
        await private.auth.allow("alice", json.dumps(_allow(others)))
        error = await refusal(run(await private.call()))
        assert (error.reason_name, action in error.message) == ("ACCESS_DENIED", True)


def _allow(actions: list[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"},
    }


async def test_endpoints_of_others_do_not_exist(private: Private) -> None:
    endpoint = await private.register()
    page = PageRequest.parse(0, "")
    for call in (await private.call(private.boss), await private.call(region="eu-west-1")):
        assert (await private.endpoints.describe(call, (), page)).items == ()
        for run in (
            private.endpoints.describe(call, [endpoint.endpoint_id], page),
            private.endpoints.modify(call, endpoint.endpoint_id, EndpointChange()),
            private.endpoints.delete(call, endpoint.endpoint_id),
        ):
            assert await reason(run) == "RESOURCE_NOT_FOUND"
    mine = await private.endpoints.describe(await private.call(), [endpoint.endpoint_id], page)
    assert mine.items == (endpoint,)


async def test_it_is_open_to_its_own_account_until_it_names_others(private: Private) -> None:
    endpoint = await private.register()
    entering = private.paths.enter
    assert (await entering("private", "sts", MEMBER)).endpoint_id == endpoint.endpoint_id
    assert await reason(entering("private", "sts", MANAGEMENT)) == "ACCESS_DENIED"
    for added in (MANAGEMENT, "*"):
        change = EndpointChange(add_accounts=frozenset({added}))
        await private.endpoints.modify(await private.call(), endpoint.endpoint_id, change)
        assert (await entering("private", "sts", MANAGEMENT)).account_id == MEMBER
        back = EndpointChange(remove_accounts=frozenset({added}))
        await private.endpoints.modify(await private.call(), endpoint.endpoint_id, back)
        assert await reason(entering("private", "sts", MANAGEMENT)) == "ACCESS_DENIED"


async def test_it_serves_the_services_that_it_names(private: Private) -> None:
    endpoint = await private.register(services=frozenset({"bedrock"}))
    assert (await private.path("bedrock")).service == "bedrock"
    for service in ("bedrock-runtime", "iam", "sts", ""):
        assert await reason(private.path(service)) == "ACCESS_DENIED"
    change = EndpointChange(add_services=frozenset({"sts"}), remove_services=frozenset({"bedrock"}))
    await private.endpoints.modify(await private.call(), endpoint.endpoint_id, change)
    assert (await private.path("sts")).service == "sts"
    assert await reason(private.path("bedrock")) == "ACCESS_DENIED"
    for wrong in (
        EndpointChange(remove_services=frozenset({"sts"})),
        EndpointChange(add_services=frozenset({"s3"})),
        EndpointChange(document=policy(), reset_policy=True),
    ):
        run = private.endpoints.modify(await private.call(), endpoint.endpoint_id, wrong)
        assert await reason(run) == "INVALID_FIELD"


async def test_a_policy_that_cannot_be_evaluated_is_refused(private: Private) -> None:
    without = json.dumps(_allow(["*"]))
    assert await reason(private.register(document=without)) == "UNSUPPORTED_POLICY"
    endpoint = await private.register()
    change = EndpointChange(document=policy(Effect="Perhaps"))
    run = private.endpoints.modify(await private.call(), endpoint.endpoint_id, change)
    assert await reason(run) == "UNSUPPORTED_POLICY"


async def test_its_policy_binds_whoever_comes_through_it(private: Private) -> None:
    endpoint = await private.register(document=policy(Action="iam:GetUser"))
    path = await private.path("iam")
    call = await private.call(path=path)
    user = "arn:aws:iam::123456789012:user/alice"
    await private.admission.authorize(call, "iam:GetUser", user)
    error = await refusal(private.admission.authorize(call, "iam:CreateUser", user))
    assert error.message.endswith("because no VPC endpoint policy allows the iam:CreateUser action")
    await private.admission.authorize(await private.call(), "iam:CreateUser", user)
    await private.endpoints.modify(
        await private.call(), endpoint.endpoint_id, EndpointChange(reset_policy=True)
    )
    await private.admission.authorize(call, "iam:CreateUser", user)


async def test_it_binds_root_and_what_needs_no_permission(private: Private) -> None:
    endpoint = await private.register()
    root = await private.auth.keys.make(MEMBER, None)
    await private.auth.directory.create_access_key(root.key, 2)
    path = await private.path("sts")
    identity = CallerIdentity(private.admission, private.auth.credentials)
    assert (await identity.caller(await private.call(path=path))).account_id == MEMBER
    change = EndpointChange(document=policy(Action="sts:AssumeRole"))
    await private.endpoints.modify(await private.call(), endpoint.endpoint_id, change)
    for key in (None, root):
        call = await private.call(key, path)
        assert await reason(identity.caller(call)) == "ACCESS_DENIED"
        assert await reason(private.admission.authorize(call, "iam:CreateUser", "*")) == "ACCESS_DENIED"
    assert (await identity.caller(await private.call())).account_id == MEMBER


@pytest.mark.parametrize("away", ["delete", "release", "service", "network"])
async def test_a_token_is_worth_nothing_when_its_endpoint_is_gone(private: Private, away: str) -> None:
    endpoint = await private.register()
    call = await private.call(path=await private.path("iam"))
    await private.admission.identify(call)
    announced = len(private.announced.epochs)
    mine, boss = await private.call(), await private.call(private.boss)
    if away == "delete":
        await private.endpoints.delete(mine, endpoint.endpoint_id)
    elif away == "release":
        await private.listeners.release(boss, "private")
    elif away == "service":
        change = EndpointChange(remove_services=frozenset({"iam"}))
        await private.endpoints.modify(mine, endpoint.endpoint_id, change)
    else:
        moved = PrivatePaths(SqlEndpoints(private.auth.directory._database), {"private": NETWORKS["other"]})
        assert await reason(moved.follow(_path(call), MEMBER)) == "ACCESS_DENIED"
        assert await reason(moved.enter("private", "iam", MEMBER)) == "ACCESS_DENIED"
        return
    assert await reason(private.admission.identify(call)) == "ACCESS_DENIED"
    assert private.announced.epochs[announced:][0][0] == MEMBER, "whoever decides by leases was told"


def _path(call: CallContext) -> PrivatePath:
    assert isinstance(call.principal, PrincipalClaims)
    assert call.principal.path is not None
    return call.principal.path


async def test_an_endpoint_in_the_place_of_another_is_another(private: Private) -> None:
    first = await private.register()
    call = await private.call(path=await private.path("iam"))
    await private.endpoints.delete(await private.call(), first.endpoint_id)
    second = await private.register()
    assert second.endpoint_id != first.endpoint_id
    assert await reason(private.admission.identify(call)) == "ACCESS_DENIED"
    await private.admission.identify(await private.call(path=await private.path("iam")))


async def test_a_lease_carries_the_endpoints_policy_and_epoch(private: Private) -> None:
    document = policy(Action="bedrock:InvokeModel")
    await private.register(document=document, accounts=frozenset({MANAGEMENT}))
    leases = AuthorizationLeases(private.admission, Points(), private.auth.issuer.verifier)
    path = await private.paths.enter("private", "bedrock-runtime", MANAGEMENT)
    through = await leases.grant(await private.call(private.boss, path, "runtime"), "", "0" * 32)
    public = await leases.grant(await private.call(private.boss, None, "runtime"), "", "0" * 32)
    assert through.state.policies.endpoint is not None
    assert public.state.policies.endpoint is None
    assert through.digest != public.digest
    member = await private.auth.credentials.principal_state(private.auth.key.key.access_key_id)
    assert (through.endpoint_epoch, public.endpoint_epoch) == (member.epoch, 0)


async def test_an_exchanged_token_is_for_the_same_endpoint(private: Private) -> None:
    await private.register()
    path = await private.path()
    call = await private.call(path=path, audience="runtime")
    _token, exchanged = await private.auth.issuer.exchange(call.principal_token, "kms", RUNTIME)
    assert exchanged.path == path


async def test_without_endpoints_nobody_is_admitted_through_one(private: Private) -> None:
    await private.register()
    call = await private.call(path=await private.path("iam"))
    assert await reason(private.auth.admission.identify(call)) == "ACCESS_DENIED"


async def test_listeners_are_shown_to_whom_they_belong(private: Private) -> None:
    endpoint = await private.register()
    await private.listeners.assign(await private.call(private.boss), "private", MEMBER)
    boss = await private.listeners.list(await private.call(private.boss))
    assert [(each.listener, each.account_id, each.endpoint_id) for each in boss] == [
        ("other", "", ""),
        ("private", MEMBER, endpoint.endpoint_id),
    ]
    assert [each.listener for each in await private.listeners.list(await private.call())] == ["private"]
    await private.listeners.release(await private.call(private.boss), "private")
    await private.listeners.release(await private.call(private.boss), "private")
    assert await private.listeners.list(await private.call()) == []
    run = private.listeners.release(await private.call(private.boss), "unknown")
    assert await reason(run) == "RESOURCE_NOT_FOUND"
