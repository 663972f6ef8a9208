"""AssumeRoleWithWebIdentity: who gets a session of a role, and what of them the session keeps."""

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_endpoints import SqlEndpoints
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_oidc import SqlOidcProviders
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.domain.dialling import DialRules
from services.auth.domain.endpoints import EndpointPolicy, VpcEndpoint
from services.auth.domain.identity import Tag
from services.auth.domain.oidc import Location
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account
from services.auth.operations.admission import Admission
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.issuer_keys import IssuerKeys
from services.auth.operations.lease import content_digest
from services.auth.operations.oidc_providers import OidcProviders
from services.auth.operations.principal_names import PrincipalNames
from services.auth.operations.private_paths import PrivatePaths
from services.auth.operations.roles import Roles
from services.auth.operations.session_maker import SessionMaker
from services.auth.operations.session_narrowing import SessionNarrowing
from services.auth.operations.sessions import RoleRequest
from services.auth.operations.trust_policies import TrustPolicies
from services.auth.operations.web_identity import WebIdentities, WebIdentityRequest, WebIdentitySession
from services.chassis.authorization import decide
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.policy.cache import PolicyCache
from services.chassis.principal import ClientContext
from services.chassis.secret import SecretBytes
from tests.fakes.issuer import AUDIENCE, Key, claims_of, discovery, key_set

ACCOUNT, OTHER = "123456789012", "210987654321"
ISSUER = "https://token.example.com"
NAME = "token.example.com"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{NAME}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
KEY = Key.make("first")
ACTION = "sts:AssumeRoleWithWebIdentity"
EDGE = WorkloadId("craton.local", "service", "edge")


class NoRevocations:
    """Announces to nobody, and remembers."""

    def __init__(self) -> None:
        self.published: list[tuple[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.published.append((account_id, epoch))


class Documents:
    """The issuer's documents, from memory."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys = [KEY]

    async def read(self, location: Location) -> bytes:
        self.asked.append(location.target)
        return key_set(*self.keys) if location.target == "/jwks" else discovery(f"https://{location.host}")


@dataclass
class Stack:
    auth: Any
    roles: Roles
    providers: OidcProviders
    identities: WebIdentities
    revocations: NoRevocations
    documents: Documents
    intents: list[str] = field(default_factory=list)

    def stranger(self) -> CallContext:
        async def admitted() -> None:
            self.intents.append("intent")

        return CallContext(method="/m", request_id="r", call_id="c", caller=EDGE, admitter=admitted)

    async def root(self) -> CallContext:
        if not hasattr(self, "_root"):
            self._root = await self.auth.keys.make(ACCOUNT, None)
            await self.auth.directory.create_access_key(self._root.key, 2)
        state = await self.auth.credentials.principal_state(self._root.key.access_key_id)
        _, claims = self.auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
        return CallContext(method="/m", request_id="r", call_id="c", caller=EDGE, principal=claims)

    async def register(self, *client_ids: str) -> None:
        await self.providers.create(await self.root(), ISSUER, client_ids or (AUDIENCE,), (), ())

    async def trust(self, *statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        call = await self.root()
        known = {role.role_name for role in (await self.roles.list(call, PageRequest(99, ""))).items}
        if known:
            await self.roles.update_trust(call, "reader", document)
        else:
            await self.roles.create(call, "reader", document, "", timedelta(hours=2))

    def token(self, key: Key = KEY, **changes: Any) -> str:
        return key.sign(claims_of(ISSUER, self.auth.clock.now(), **changes))

    async def assume(self, token: str | None = None, call: Any = None, **changes: Any) -> WebIdentitySession:
        role = dataclasses.replace(RoleRequest(ROLE, "today"), **changes)
        client = ClientContext(source_ip="192.0.2.7", tls_version="TLSv1.3")
        text = self.token() if token is None else token
        request = WebIdentityRequest(role, SecretBytes(text.encode()), client, "us-east-1")
        return await self.identities.assume_role(call or self.stranger(), request)


@pytest.fixture
def stack(auth: Any) -> Stack:
    database = auth.credentials._database
    revocations, documents = NoRevocations(), Documents()
    shared = (auth.clock, auth.randomness, "aws")
    admission = IdentityAdmission(auth.admission, SqlAttachments(database), "aws")
    store, providers = SqlRoles(database), SqlOidcProviders(database)
    trusts = TrustPolicies(PrincipalNames(store, SqlPrincipals(database), "aws"))
    return Stack(
        auth,
        Roles(store, admission, revocations, auth.clock, auth.randomness, trusts),
        OidcProviders(providers, auth.admission, revocations, DialRules(), *shared),
        WebIdentities(
            providers,
            IssuerKeys(documents, auth.clock),
            store,
            auth.directory,
            auth.admission,
            SessionMaker(SqlSessions(database), auth.sealer, auth.clock, auth.randomness),
            SessionNarrowing(SqlManagedPolicies(database), admission),
            auth.clock,
            "aws",
        ),
        revocations,
        documents,
    )


def allow(condition: Any = None, action: Any = ACTION, principal: Any = None) -> dict[str, Any]:
    made = {"Effect": "Allow", "Principal": principal or {"Federated": ARN}, "Action": action}
    return {**made, "Condition": condition} if condition else made


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


async def test_a_session_for_whom_the_provider_vouches(stack: Stack) -> None:
    await stack.register()
    await stack.trust(allow({"StringEquals": {f"{NAME}:aud": AUDIENCE, f"{NAME}:sub": "workload:red"}}))
    call = stack.stranger()
    found = await stack.assume(call=call)
    session = found.new.session
    assert session.principal_id.endswith(":today")
    assert session.expires_at - session.issued_at == timedelta(hours=1)
    assert (found.identity.issuer, found.identity.subject) == (ISSUER, "workload:red")
    assert found.claims.principal_id == f"{ARN}:{AUDIENCE}:workload:red"
    assert (call.admitted, call.principal, stack.intents) == (True, found.claims, ["intent"])
    assert call.issued is not None
    for secret in (found.new.secret.reveal().decode(), found.new.token.reveal().decode()):
        assert secret not in repr(found)
    assert "eyJ" not in repr(WebIdentityRequest(RoleRequest(ROLE, "x"), SecretBytes(b"eyJ")))


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        (allow({"StringEquals": {f"{NAME}:sub": "workload:blue"}}), {}),
        (allow({"StringLike": {f"{NAME}:sub": "repo:*"}}), {}),
        (allow({"StringEquals": {f"{NAME}:email": "a@example.com"}}), {}),
        (allow({"ForAnyValue:StringEquals": {f"{NAME}:amr": "mfa"}}), {"amr": ["pwd"]}),
        (allow({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}), {}),
        (allow({"StringEquals": {"sts:RoleSessionName": "tomorrow"}}), {}),
        (allow({"StringEquals": {"aws:FederatedProvider": f"{ARN}x"}}), {}),
        (allow({"Null": {"aws:PrincipalArn": "false"}}), {}),
        (allow({"Null": {"aws:userid": "false"}}), {}),
        (allow({"Null": {"aws:username": "false"}}), {}),
        (allow(principal={"Federated": f"{ARN}/other"}), {}),
        (allow(principal={"Federated": ARN.replace(ACCOUNT, OTHER)}), {}),
        (allow(principal={"AWS": ACCOUNT}), {}),
        (allow(principal="*", action="sts:AssumeRole"), {}),
        (allow(), {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}}}),
        (allow(), {"https://aws.amazon.com/source_identity": "alice"}),
        (
            allow({"StringEquals": {"sts:SourceIdentity": "bob"}}, [ACTION, "sts:SetSourceIdentity"]),
            {"https://aws.amazon.com/source_identity": "alice"},
        ),
        (
            allow({"StringEquals": {"aws:RequestTag/team": "blue"}}, [ACTION, "sts:TagSession"]),
            {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}}},
        ),
    ],
)
async def test_the_trust_policy_decides(
    stack: Stack, statement: dict[str, Any], changes: dict[str, Any]
) -> None:
    await stack.register()
    await stack.trust(statement)
    call = stack.stranger()
    assert await reason(stack.assume(stack.token(**changes), call)) == "ACCESS_DENIED"
    # A verified token alone makes nobody more than a stranger, whose part of the log names them.
    assert (call.notable, call.admitted, stack.intents) == (True, False, [])
    assert call.principal is not None
    assert call.principal.federated is not None


async def test_a_deny_stands_before_every_allow(stack: Stack) -> None:
    await stack.register()
    await stack.trust(allow())
    assert await stack.assume()
    deny = {**allow({"StringEquals": {f"{NAME}:sub": "workload:red"}}, principal="*"), "Effect": "Deny"}
    await stack.trust(allow(), deny)
    assert await reason(stack.assume()) == "ACCESS_DENIED"
    assert await stack.assume(stack.token(sub="workload:blue"))


async def test_refusals_look_as_aws_writes_them(stack: Stack) -> None:
    await stack.register()
    with pytest.raises(DomainError, match=r"^Not authorized to perform sts:AssumeRoleWithWebIdentity$"):
        await stack.assume()
    await stack.trust(allow())
    with pytest.raises(DomainError, match=r"^Not authorized to perform sts:TagSession$"):
        await stack.assume(
            stack.token(**{"https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}}})
        )
    with pytest.raises(DomainError, match="No OpenIDConnect provider found in your account for https://o"):
        await stack.assume(KEY.sign(claims_of("https://other.example.com", stack.auth.clock.now())))


async def test_an_issuer_that_nobody_registered_is_never_asked(stack: Stack) -> None:
    await stack.trust(allow())
    call = stack.stranger()
    assert await reason(stack.assume(call=call)) == "INVALID_IDENTITY_TOKEN"
    assert (stack.documents.asked, call.principal, call.notable) == ([], None, True)
    # Another account's registration is not this one's.
    await stack.auth.directory.create_account(
        Account(OTHER, "i", "other", stack.auth.clock.now()), None, None
    )
    await stack.register()
    role = ROLE.replace(ACCOUNT, OTHER)
    call = stack.stranger()
    assert await reason(stack.assume(call=call, role_arn=role)) == "INVALID_IDENTITY_TOKEN"
    assert (stack.documents.asked, call.notable) == ([], False)


async def test_keys_are_the_issuers_own(stack: Stack) -> None:
    await stack.register()
    await stack.trust(allow())
    false = Key.make("first")
    assert await reason(stack.assume(stack.token(false))) == "INVALID_IDENTITY_TOKEN"
    new = Key.make("second", "ES384")
    assert await reason(stack.assume(stack.token(new))) == "INVALID_IDENTITY_TOKEN"
    stack.documents.keys = [new]
    stack.auth.clock.advance(10)
    assert await stack.assume(stack.token(new))
    assert await reason(stack.assume(stack.token())) == "INVALID_IDENTITY_TOKEN"


async def test_tags_source_identity_policy_and_duration(stack: Stack) -> None:
    await stack.register()
    await stack.trust(allow(action=[ACTION, "sts:TagSession", "sts:SetSourceIdentity"]))
    tags = {"principal_tags": {"Team": ["red"], "level": ["3"]}, "transitive_tag_keys": ["Team"]}
    token = stack.token(
        **{"https://aws.amazon.com/tags": tags, "https://aws.amazon.com/source_identity": "alice"}
    )
    only = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:Get*", "Resource": "*"}}
    )
    found = await stack.assume(token, policy=only, duration=timedelta(hours=2))
    session = found.new.session
    assert session.tags == (("Team", "red"), ("level", "3"))
    assert session.transitive_keys == {"team"}
    assert session.source_identity == "alice"
    assert session.expires_at - session.issued_at == timedelta(hours=2)
    assert found.new.packed_percent > 0
    assert len(session.policies) == 1
    assert await reason(stack.assume(duration=timedelta(hours=3))) == "INVALID_FIELD"
    assert await reason(stack.assume(policy="{")) == "UNSUPPORTED_POLICY"
    for bad in ({"aws:team": ["x"]}, {"Team": ["a"], "team": ["b"]}, {"a": ["\ud800"]}, {"a": ["<"]}):
        changed = stack.token(**{"https://aws.amazon.com/tags": {"principal_tags": bad}})
        assert await reason(stack.assume(changed)) == "INVALID_FIELD"


async def test_later_policies_see_who_vouched(stack: Stack) -> None:
    await stack.register()
    await stack.trust(allow())
    found = await stack.assume(stack.token(amr=["mfa", "pwd"], email="a@example.com"))
    state = await stack.auth.credentials.principal_state(found.new.session.access_key_id)
    plain = dataclasses.replace(state, facts=dataclasses.replace(state.facts, session_keys=()))
    assert content_digest(state) != content_digest(plain), "a lease that changes is told"
    _, claims = stack.auth.issuer.issue(state, "us-east-1", "runtime", ClientContext())

    def permits(condition: dict[str, Any]) -> bool:
        statement = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        bundle = PolicyCache().compile_bundle(dataclasses.replace(state.policies, identity=(document,)))
        facts = state.facts
        return decide(
            claims, bundle, "bedrock:GetFoundationModel", "*", stack.auth.clock, facts=facts
        ).allowed

    assert permits({"StringEquals": {"aws:FederatedProvider": ARN, f"{NAME}:sub": "workload:red"}})
    assert permits({"ForAnyValue:StringEquals": {f"{NAME}:amr": "mfa"}})
    assert permits({"StringEquals": {f"{NAME.upper()}:AUD": AUDIENCE}})
    assert not permits({"StringEquals": {f"{NAME}:sub": "workload:blue"}})
    assert not permits({"StringEquals": {f"{NAME}:email": "a@example.com"}})
    assert not permits({"StringEquals": {"other.example.com:sub": "workload:red"}})


@pytest.mark.parametrize("change", ["provider", "client id", "trust", "role"])
async def test_what_is_taken_away_ends_sessions_and_is_announced(stack: Stack, change: str) -> None:
    await stack.register()
    await stack.trust(allow())
    found = await stack.assume()
    root = await stack.root()
    before = len(stack.revocations.published)
    if change == "provider":
        await stack.providers.delete(root, ARN)
    elif change == "client id":
        await stack.providers.remove_client_id(root, ARN, AUDIENCE)
    elif change == "trust":
        await stack.trust({**allow(), "Effect": "Deny"})
    else:
        await stack.roles.delete(root, "reader")
    assert await stack.auth.credentials.principal_state(found.new.session.access_key_id) is None
    assert len(stack.revocations.published) == before + 1
    assert stack.revocations.published[-1][0] == ACCOUNT


async def test_providers_are_managed_by_whom_policies_allow(stack: Stack) -> None:
    providers, root = stack.providers, await stack.root()
    state = await stack.auth.credentials.principal_state(stack.auth.key.key.access_key_id)
    _, claims = stack.auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
    alice = CallContext(method="/m", request_id="r", call_id="c", caller=EDGE, principal=claims)
    assert await reason(providers.create(alice, ISSUER, (), (), ())) == "ACCESS_DENIED"
    await stack.auth.allow(
        "alice",
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "iam:*OpenIDConnect*",
                    "Resource": ["*"],
                    "Condition": {"StringEqualsIfExists": {"aws:RequestTag/team": "red"}},
                },
            }
        ),
    )
    assert await reason(providers.create(alice, ISSUER, (), (), (Tag("team", "blue"),))) == "ACCESS_DENIED"
    made = await providers.create(alice, ISSUER, ("b", "a", "b"), ("A" * 40,), (Tag("team", "red"),))
    assert made.client_ids == ("b", "a")
    assert await providers.get(root, ARN) == made
    assert await reason(providers.create(alice, ISSUER, (), (), ())) == "RESOURCE_EXISTS"
    await providers.add_client_id(alice, ARN, "c")
    await providers.add_client_id(alice, ARN, "c")
    await providers.remove_client_id(alice, ARN, "nobody")
    await providers.update_thumbprints(alice, ARN, ())
    await providers.tag(alice, ARN, (Tag("TEAM", "red"), Tag("x", "y")))
    await providers.untag(alice, ARN, ("X", "gone"))
    changed = await providers.get(alice, ARN)
    assert (changed.client_ids, changed.thumbprints) == (("b", "a", "c"), ())
    assert changed.tags == (Tag("TEAM", "red"),)
    assert (await providers.tags(alice, ARN, PageRequest(9, ""))).items == (Tag("TEAM", "red"),)
    assert (await providers.list(alice, PageRequest(9, ""))).items == (changed,)
    for number in range(97):
        await providers.add_client_id(root, ARN, f"n{number}")
    assert await reason(providers.add_client_id(root, ARN, "one too many")) == "QUOTA_EXCEEDED"
    many = tuple(Tag(f"k{number}", "v") for number in range(50))
    assert await reason(providers.tag(root, ARN, many)) == "QUOTA_EXCEEDED"
    await providers.delete(alice, ARN)
    await providers.delete(alice, ARN)
    for call in (providers.get(alice, ARN), providers.add_client_id(alice, ARN, "c")):
        assert await reason(call) == "RESOURCE_NOT_FOUND"
    foreign = ARN.replace(ACCOUNT, OTHER)
    assert await reason(providers.get(root, foreign)) == "RESOURCE_NOT_FOUND"
    for wrong in (ROLE, "arn:aws:iam::1:oidc-provider/x"):
        assert await reason(providers.get(root, wrong)) == "INVALID_FIELD"


@pytest.mark.parametrize(
    "url", ["http://x.example", "https://x.example:8443", "https://127.0.0.1", "https://x"]
)
async def test_issuers_that_could_not_be_asked_are_not_registered(stack: Stack, url: str) -> None:
    assert await reason(stack.providers.create(await stack.root(), url, (), (), ())) == "INVALID_FIELD"


async def test_a_private_way_in_binds_strangers_too(stack: Stack, auth: Any) -> None:
    network = "vpc-0000000000000001f"
    store = SqlEndpoints(auth.credentials._database)
    paths = PrivatePaths(store, {"private": network})
    admission = Admission(auth.credentials, auth.directory, auth.clock, paths)
    stack.identities._admission = admission
    await stack.register()
    here = {"StringEquals": {"aws:SourceVpce": "vpce-0000000000000000a"}}
    await stack.trust(allow(here))

    async def through(listener: str) -> WebIdentitySession:
        request = WebIdentityRequest(
            RoleRequest(ROLE, "today"),
            SecretBytes(stack.token().encode()),
            ClientContext(source_ip="10.0.0.9", tls_version="TLSv1.3"),
            "us-east-1",
            listener,
        )
        return await stack.identities.assume_role(stack.stranger(), request)

    async def refused(listener: str) -> None:
        with pytest.raises(DomainError) as caught:
            await through(listener)
        assert caught.value.reason_name == "ACCESS_DENIED"

    await refused("private")
    await store.assign("private", ACCOUNT)
    endpoint = VpcEndpoint(
        endpoint_id="vpce-0000000000000000a",
        account_id=ACCOUNT,
        region="us-east-1",
        listener="private",
        vpc_id=network,
        services=frozenset({"sts"}),
        allowed_accounts=frozenset(),
        policy=EndpointPolicy.read(""),
        created_at=auth.clock.now(),
    )
    await store.create_endpoint(endpoint)
    await refused("")
    opened = await through("private")
    assert opened.claims.path is not None
    assert opened.claims.path.endpoint_id == endpoint.endpoint_id
    narrow = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}}'
    for changed in (
        {"policy": EndpointPolicy.read(narrow)},
        {"services": frozenset({"bedrock"})},
    ):
        await store.change_endpoint(
            ACCOUNT,
            "us-east-1",
            endpoint.endpoint_id,
            lambda found, changed=changed: dataclasses.replace(endpoint, **changed),
        )
        await refused("private")
