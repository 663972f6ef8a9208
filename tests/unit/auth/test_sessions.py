"""Roles and temporary credentials: who may have them, what they can do, and when they end."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, KeyStatus, User
from services.auth.operations.caller_identity import CallerIdentity
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.inline_policies import InlinePolicies
from services.auth.operations.lease import content_digest
from services.auth.operations.managed_policies import ManagedPolicies
from services.auth.operations.principal_names import PrincipalNames
from services.auth.operations.roles import Roles
from services.auth.operations.session_maker import NewSession
from services.auth.operations.sessions import RoleRequest, TemporaryCredentials
from services.auth.operations.signatures import Signed
from services.auth.operations.trust_policies import TrustPolicies
from services.chassis.context import CallContext, IssuedCredentials
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request

ACCOUNT, OTHER = "123456789012", "210987654321"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
READER = Entity(EntityKind.ROLE, "reader")
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
EDGE = WorkloadId("craton.local", "service", "edge")


class NoRevocations:
    """Announces to nobody, and remembers."""

    def __init__(self) -> None:
        self.published: list[tuple[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.published.append((account_id, epoch))


@dataclass
class Stack:
    auth: Any
    roles: Roles
    inline: InlinePolicies
    store: SqlRoles
    managed: ManagedPolicies
    temporary: TemporaryCredentials
    revocations: NoRevocations

    async def call(self, key_id: str | None = None) -> CallContext:
        """A call with a token of alice, or of the owner of a key."""
        state = await self.auth.credentials.principal_state(key_id or self.auth.key.key.access_key_id)
        _, claims = self.auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
        return CallContext(method="/m", request_id="r", call_id="c", caller=EDGE, principal=claims)

    async def trust(self, *statements: dict[str, Any], name: str = "reader", max_s: int = 7200) -> None:
        """Create or change a role; done by the root user, whom no policy hinders."""
        call = await self.root()
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        known = {role.role_name for role in (await self.roles.list(call, PageRequest(99, ""))).items}
        if name in known:
            await self.roles.update_trust(call, name, document)
        else:
            await self.roles.create(call, name, document, "", timedelta(seconds=max_s))

    async def root(self) -> CallContext:
        if not hasattr(self, "_root"):
            self._root = await self.auth.keys.make(ACCOUNT, None)
            await self.auth.directory.create_access_key(self._root.key, 2)
        return await self.call(self._root.key.access_key_id)

    async def allow_alice(self, *actions: str) -> None:
        document = json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
        )
        await self.auth.allow("alice", document)


@pytest.fixture
def stack(auth: Any) -> Stack:
    database = auth.credentials._database
    store, revocations = SqlRoles(database), NoRevocations()
    shared = (auth.clock, auth.randomness)
    identities = IdentityAdmission(auth.admission, SqlAttachments(database), "aws")
    trusts = TrustPolicies(PrincipalNames(store, SqlPrincipals(database), "aws"))
    roles = Roles(store, identities, revocations, *shared, trusts)
    managed = ManagedPolicies(
        SqlManagedPolicies(database), identities, revocations, auth.clock, auth.randomness
    )
    inline = InlinePolicies(SqlInlinePolicies(database), identities, revocations, auth.clock)
    return Stack(auth, roles, inline, store, managed, auth.temporary(store), revocations)


def allow(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def wanted(**changes: Any) -> RoleRequest:
    return dataclasses.replace(RoleRequest(ROLE, "today"), **changes)


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


def signed(stack: Stack, new: NewSession, token: SecretBytes | None) -> Signed:
    credentials = SigningCredentials(new.session.access_key_id, new.secret, "us-east-1", "bedrock")
    made = sign_token_request(credentials, "auth.craton.internal", "runtime", stack.auth.clock.now())
    return Signed(made.credential, made.string_to_sign.decode(), made.signature, token)


async def test_a_session_of_a_role_is_another_principal(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    new = await stack.temporary.assume_role(await stack.call(), wanted())
    assert new.session.access_key_id.startswith("ASIA")
    claims = (await stack.call(new.session.access_key_id)).principal
    assert isinstance(claims, PrincipalClaims)
    assert claims.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/today"
    assert claims.role_arn == ROLE
    assert claims.principal_id == f"{new.session.role.role_id}:today"
    assert not claims.root
    call = await stack.call()
    again = await stack.temporary.assume_role(call, wanted())
    assert call.issued == IssuedCredentials(
        again.session.access_key_id, claims.arn, claims.principal_id, again.session.expires_at
    )
    assert call.recipients == [], "of the same account"
    for secret in (new.secret.reveal().decode(), new.token.reveal().decode()):
        assert secret not in repr(new)


async def test_the_trust_policy_and_the_callers_own_decide(stack) -> None:
    call = await stack.call()
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"
    await stack.trust(allow({"AWS": ACCOUNT}))
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"
    await stack.allow_alice("sts:AssumeRole")
    await stack.temporary.assume_role(call, wanted())
    await stack.trust({**allow({"AWS": ALICE}), "Effect": "Deny"}, allow({"AWS": ACCOUNT}))
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"
    # Root is the account, but a session of a role is nothing that a root user needs.
    await stack.trust(allow({"AWS": ACCOUNT}))
    assert await reason(stack.temporary.assume_role(await stack.root(), wanted())) == "ACCESS_DENIED"


async def test_another_account_needs_both_sides(stack) -> None:
    auth = stack.auth
    await auth.directory.create_account(Account(OTHER, "i2", "second", auth.clock.now()), None, None)
    bob = User(OTHER, "bob", "AIDABOBBOBBOBBOBBOBBO", auth.clock.now())
    await auth.directory.create_user(bob, 9)
    key = await auth.keys.make(OTHER, bob)
    await auth.directory.create_access_key(key.key, 2)
    call = await stack.call(key.key.access_key_id)
    await stack.trust(allow({"AWS": f"arn:aws:iam::{OTHER}:user/bob"}))
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"
    text = '{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}'
    assert call.recipients == [], "who was refused is nobody's concern but their own account's"
    await auth.allow("bob", text, account_id=OTHER)
    new = await stack.temporary.assume_role(call, wanted())
    assert new.session.account_id == ACCOUNT
    assert call.recipients == [ACCOUNT], "the role's owner sees who has assumed it"
    await stack.trust(allow({"AWS": ALICE}))
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"


async def test_an_external_id_is_asked_for(stack) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    await stack.trust(allow({"AWS": ALICE}, Condition=condition))
    call = await stack.call()
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"
    assert await reason(stack.temporary.assume_role(call, wanted(external_id="43"))) == "ACCESS_DENIED"
    await stack.temporary.assume_role(call, wanted(external_id="42"))


async def test_tags_need_their_own_permission_and_pass_on_as_told(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    tagged = wanted(tags=(("team", "red"), ("cost", "1")), transitive_keys=("TEAM",))
    call = await stack.call()
    assert await reason(stack.temporary.assume_role(call, tagged)) == "ACCESS_DENIED"
    both = ["sts:AssumeRole", "sts:TagSession"]
    only_red = {"StringEquals": {"aws:RequestTag/team": "red"}}
    await stack.trust(allow({"AWS": ALICE}, both, Condition=only_red))
    first = await stack.temporary.assume_role(call, tagged)
    assert first.session.tags == (("cost", "1"), ("team", "red"))
    assert (
        await reason(stack.temporary.assume_role(call, wanted(tags=(("team", "blue"),)))) == "ACCESS_DENIED"
    )

    await stack.trust(allow({"AWS": ROLE}, both), name="second")
    second_arn = ROLE.replace("reader", "second")
    chained = await stack.call(first.session.access_key_id)
    second = await stack.temporary.assume_role(chained, wanted(role_arn=second_arn, tags=(("a", "b"),)))
    assert second.session.tags == (("a", "b"), ("team", "red")), "cost stays behind"
    for tags in ((("Team", "blue"),), (("x", "1"), ("X", "2")), (("aws:x", "1"),)):
        refused = wanted(role_arn=second_arn, tags=tags)
        assert await reason(stack.temporary.assume_role(chained, refused)) == "INVALID_FIELD"
    unknown = wanted(tags=(("team", "red"),), transitive_keys=("other",))
    assert await reason(stack.temporary.assume_role(call, unknown)) == "INVALID_FIELD"


async def test_durations(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    await stack.trust(allow({"AWS": [ALICE, ROLE]}))
    call = await stack.call()
    two_hours = wanted(duration=timedelta(hours=2))
    new = await stack.temporary.assume_role(call, two_hours)
    assert new.session.expires_at - new.session.issued_at == timedelta(hours=2)
    longer = wanted(duration=timedelta(hours=2, seconds=1))
    assert await reason(stack.temporary.assume_role(call, longer)) == "INVALID_FIELD"
    chained = await stack.call(new.session.access_key_id)
    assert await reason(stack.temporary.assume_role(chained, two_hours)) == "INVALID_FIELD"
    hour = await stack.temporary.assume_role(chained, wanted())
    assert hour.session.expires_at - hour.session.issued_at == timedelta(hours=1)


async def test_a_source_identity_stays(stack) -> None:
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    await stack.trust(allow({"AWS": ALICE}, actions))
    await stack.trust(allow({"AWS": [ALICE, ROLE]}, actions))
    first = await stack.temporary.assume_role(await stack.call(), wanted(source_identity="carol"))
    chained = await stack.call(first.session.access_key_id)
    second = await stack.temporary.assume_role(chained, wanted())
    assert second.session.source_identity == "carol"
    claims = (await stack.call(second.session.access_key_id)).principal
    assert isinstance(claims, PrincipalClaims)
    assert claims.source_identity == "carol"
    other = wanted(source_identity="mallory")
    assert await reason(stack.temporary.assume_role(chained, other)) == "INVALID_FIELD"
    # It is passed on unasked, so that it needs the permission and meets conditions all the same.
    await stack.trust(allow({"AWS": [ALICE, ROLE]}))
    assert await reason(stack.temporary.assume_role(chained, wanted())) == "ACCESS_DENIED"
    assert await reason(stack.temporary.assume_role(await stack.call(), wanted(source_identity="carol"))) == (
        "ACCESS_DENIED"
    )
    not_carol = {"Condition": {"StringEquals": {"sts:SourceIdentity": "carol"}}}
    deny = {**allow({"AWS": "*"}, actions), "Effect": "Deny", **not_carol}
    await stack.trust(allow({"AWS": [ALICE, ROLE]}, actions), deny)
    assert await reason(stack.temporary.assume_role(chained, wanted())) == "ACCESS_DENIED"
    await stack.temporary.assume_role(await stack.call(), wanted(source_identity="dave"))


async def test_a_session_policy_narrows(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}}'
    await stack.inline.put(await stack.root(), Entity(EntityKind.ROLE, "reader"), "p", text)
    narrow = text.replace("iam:Get*", "iam:GetUser")
    wide = await stack.temporary.assume_role(await stack.call(), wanted())
    narrowed = await stack.temporary.assume_role(await stack.call(), wanted(policy=narrow))
    assert narrowed.packed_percent > 0
    for new, role_too in ((wide, True), (narrowed, False)):
        call = await stack.call(new.session.access_key_id)
        await stack.auth.admission.authorize(call, "iam:GetUser", ALICE)
        if role_too:
            await stack.auth.admission.authorize(call, "iam:GetRole", ROLE)
        else:
            with pytest.raises(DomainError, match="no session policy allows"):
                await stack.auth.admission.authorize(call, "iam:GetRole", ROLE)
    states = [
        await stack.auth.credentials.principal_state(new.session.access_key_id) for new in (wide, narrowed)
    ]
    assert content_digest(states[0]) != content_digest(states[1])
    bad = wanted(policy='{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}')
    assert await reason(stack.temporary.assume_role(await stack.call(), bad)) == "UNSUPPORTED_POLICY"


async def test_signatures_of_temporary_credentials_need_their_token(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    new = await stack.temporary.assume_role(await stack.call(), wanted())
    other = await stack.temporary.assume_role(await stack.call(), wanted())
    verify = stack.auth.signatures.verify
    assert (await verify(signed(stack, new, new.token))).state.session == new.session
    for token in (None, SecretBytes(b"x"), other.token):
        assert await reason(verify(signed(stack, new, token))) == "UNKNOWN_ACCESS_KEY"
    stranger = dataclasses.replace(new, secret=other.secret)
    assert await reason(verify(signed(stack, stranger, new.token))) == "SIGNATURE_MISMATCH"
    stack.auth.clock.advance(3600)
    assert await reason(verify(signed(stack, new, new.token))) == "INVALID_TOKEN"


async def test_long_term_keys_go_with_no_token(stack) -> None:
    auth = stack.auth
    credentials = SigningCredentials(auth.key.key.access_key_id, auth.key.secret, "us-east-1", "bedrock")
    made = sign_token_request(credentials, "auth.craton.internal", "runtime", auth.clock.now())
    parts = (made.credential, made.string_to_sign.decode(), made.signature)
    await auth.signatures.verify(Signed(*parts))
    assert await reason(auth.signatures.verify(Signed(*parts, SecretBytes(b"x")))) == "UNKNOWN_ACCESS_KEY"


async def test_a_session_ends_with_its_time_and_with_its_role(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    first = await stack.temporary.assume_role(await stack.call(), wanted(duration=timedelta(minutes=15)))
    call = await stack.call(first.session.access_key_id)
    stack.auth.clock.advance(15 * 60 - 30)
    late = await stack.call(first.session.access_key_id)
    assert isinstance(late.principal, PrincipalClaims)
    assert late.principal.expires_at - late.principal.issued_at == 30, "no token outlives the session"
    await stack.auth.admission.identify(late)
    stack.auth.clock.advance(30)
    assert await reason(stack.auth.admission.identify(late)) == "INVALID_TOKEN"
    assert await reason(stack.auth.admission.identify(call)) == "INVALID_TOKEN"

    second = await stack.temporary.assume_role(await stack.call(), wanted())
    call = await stack.call(second.session.access_key_id)
    await stack.auth.admission.identify(call)
    await stack.roles.delete(await stack.root(), "reader")
    assert await reason(stack.auth.admission.identify(call)) == "INVALID_TOKEN"
    assert await stack.auth.credentials.principal_state(second.session.access_key_id) is None


async def test_a_user_gets_credentials_of_its_own(stack) -> None:
    await stack.allow_alice("iam:GetUser", "bedrock:*", "sts:*")
    new = await stack.temporary.session_token(await stack.call(), None)
    assert new.session.expires_at - new.session.issued_at == timedelta(hours=12)
    call = await stack.call(new.session.access_key_id)
    assert isinstance(call.principal, PrincipalClaims)
    assert (call.principal.arn, call.principal.principal_id) == (ALICE, "AIDAALICEALICEALICEAA")
    await stack.auth.admission.authorize(call, "bedrock:GetFoundationModel", "*")
    with pytest.raises(DomainError, match="cannot be used for iam:GetUser"):
        await stack.auth.admission.authorize(call, "iam:GetUser", ALICE)
    # Of STS there is AssumeRole and GetCallerIdentity for them, and nothing else.
    identity = CallerIdentity(stack.auth.admission, stack.auth.credentials)
    assert (await identity.caller(call)).arn == ALICE
    with pytest.raises(DomainError, match="cannot be used for sts:GetAccessKeyInfo"):
        await identity.account_of_key(call, new.session.access_key_id)
    await identity.account_of_key(await stack.call(), new.session.access_key_id)
    await stack.trust(allow({"AWS": ALICE}))
    await stack.temporary.assume_role(call, wanted())
    assert await reason(stack.temporary.session_token(call, None)) == "ACCESS_DENIED"


async def test_the_root_user_gets_an_hour(stack) -> None:
    root = await stack.root()
    new = await stack.temporary.session_token(root, None)
    assert new.session.expires_at - new.session.issued_at == timedelta(hours=1)
    call = await stack.call(new.session.access_key_id)
    assert isinstance(call.principal, PrincipalClaims)
    assert (call.principal.root, call.principal.arn) == (True, f"arn:aws:iam::{ACCOUNT}:root")
    with pytest.raises(DomainError, match="cannot be used for iam:GetUser"):
        await stack.auth.admission.authorize(call, "iam:GetUser", ALICE)
    longer = stack.temporary.session_token(root, timedelta(hours=1, seconds=1))
    assert await reason(longer) == "INVALID_FIELD"


@pytest.mark.parametrize("gone", ["deactivated", "deleted"])
async def test_a_users_session_counts_no_longer_than_the_key_it_was_asked_for_with(stack, gone) -> None:
    new = await stack.temporary.session_token(await stack.call(), None)
    call = await stack.call(new.session.access_key_id)
    await stack.auth.admission.identify(call)
    key_id = stack.auth.key.key.access_key_id
    if gone == "deleted":
        await stack.auth.directory.delete_access_key(ACCOUNT, "alice", key_id)
    else:
        await stack.auth.directory.set_key_status(ACCOUNT, "alice", key_id, KeyStatus.INACTIVE)
    assert await reason(stack.auth.admission.identify(call)) == "INVALID_TOKEN"
    verify = stack.auth.signatures.verify(signed(stack, new, new.token))
    assert await reason(verify) == "UNKNOWN_ACCESS_KEY"


async def test_a_roles_session_outlives_who_assumed_it_and_ends_with_its_role(stack) -> None:
    """As at AWS, so that whoever fears for a signature has to look for the sessions that it gave out."""
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}}'
    await stack.trust(allow({"AWS": ALICE}))
    await stack.inline.put(await stack.root(), Entity(EntityKind.ROLE, "reader"), "p", text)
    old = await stack.temporary.assume_role(await stack.call(), wanted())
    auth = stack.auth
    await auth.directory.delete_access_key(ACCOUNT, "alice", auth.key.key.access_key_id)
    await auth.directory.delete_user(ACCOUNT, "alice")
    call = await stack.call(old.session.access_key_id)
    await auth.admission.authorize(call, "iam:GetUser", ALICE)
    older = {"DateLessThan": {"aws:TokenIssueTime": (auth.clock.now() + timedelta(seconds=1)).isoformat()}}
    revoke = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older}
    await stack.inline.put(
        await stack.root(),
        Entity(EntityKind.ROLE, "reader"),
        "AWSRevokeOlderSessions",
        json.dumps({"Version": "2012-10-17", "Statement": revoke}),
    )
    assert await reason(auth.admission.authorize(call, "iam:GetUser", ALICE)) == "ACCESS_DENIED"
    await stack.inline.delete(await stack.root(), Entity(EntityKind.ROLE, "reader"), "AWSRevokeOlderSessions")
    await auth.admission.authorize(call, "iam:GetUser", ALICE)
    await stack.inline.delete(await stack.root(), Entity(EntityKind.ROLE, "reader"), "p")
    await stack.roles.delete(await stack.root(), "reader")
    assert await reason(auth.admission.identify(call)) == "INVALID_TOKEN"


async def test_a_name_that_is_used_again_inherits_no_trust(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    await stack.temporary.assume_role(await stack.call(), wanted())
    auth = stack.auth
    await auth.directory.delete_access_key(ACCOUNT, "alice", auth.key.key.access_key_id)
    await auth.directory.delete_user(ACCOUNT, "alice")
    again = User(ACCOUNT, "alice", "AIDA" + "B" * 17, auth.clock.now())
    await auth.directory.create_user(again, 9)
    key = await auth.keys.make(ACCOUNT, again)
    await auth.directory.create_access_key(key.key, 2)
    call = await stack.call(key.key.access_key_id)
    assert await reason(stack.temporary.assume_role(call, wanted())) == "ACCESS_DENIED"
    await stack.trust(allow({"AWS": ALICE}))
    await stack.temporary.assume_role(call, wanted())


@pytest.mark.parametrize("name", ["user/nobody", "role/nobody", "user/path/alice"])
async def test_nobody_can_be_trusted_who_does_not_exist(stack, name) -> None:
    trust = json.dumps({"Statement": allow({"AWS": f"arn:aws:iam::{ACCOUNT}:{name}"})})
    refused = await reason(stack.roles.create(await stack.root(), "r", trust, "", None))
    assert refused == "UNSUPPORTED_POLICY"


@pytest.mark.parametrize("arn", ["reader", ALICE, "arn:aws-cn:iam::123456789012:role/reader", "*"])
async def test_what_is_no_role_is_refused(stack, arn) -> None:
    assert (
        await reason(stack.temporary.assume_role(await stack.call(), wanted(role_arn=arn))) == "INVALID_FIELD"
    )


async def test_an_outage_of_the_store_is_no_refusal(stack, monkeypatch) -> None:
    """Whoever is refused goes away; whoever meets an outage may try again."""
    down = DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "the database does not answer")

    async def broken(*_arguments: Any) -> Any:
        raise down

    call = await stack.call()
    monkeypatch.setattr(stack.store, "role", broken)
    assert await reason(stack.temporary.assume_role(call, wanted())) == "DEPENDENCY_UNAVAILABLE"


def allowing(*actions: str, on: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": on}
    return json.dumps({"Statement": statement}, separators=(",", ":"))


async def managed(stack: Stack, name: str, document: str) -> str:
    """Create a managed policy of the account and return its ARN."""
    await stack.managed.create(await stack.root(), name, document, "")
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


async def test_managed_session_policies_narrow_together_with_the_inline_one(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    root = await stack.root()
    await stack.inline.put(root, READER, "p", allowing("bedrock:*"))
    get, invoke = [
        await managed(stack, name, allowing(action, "kms:*"))
        for name, action in (("get", "bedrock:GetFoundationModel"), ("invoke", "bedrock:InvokeModel"))
    ]
    listing = allowing("bedrock:ListFoundationModels")
    request = wanted(policy=listing, policy_arns=(get, invoke, get))
    new = await stack.temporary.assume_role(await stack.call(), request)
    assert 0 < new.packed_percent < 100
    call = await stack.call(new.session.access_key_id)

    async def may(action: str) -> bool:
        caller = await stack.auth.admission.identify(call)
        return bool(stack.auth.admission.allows(caller, action, "*"))

    for action in ("GetFoundationModel", "InvokeModel", "ListFoundationModels"):
        assert await may(f"bedrock:{action}")
    assert not await may("bedrock:CreateGuardrail"), "no session policy allows it"
    assert not await may("kms:Decrypt"), "the role does not"

    # What is in force of a managed policy is in force for sessions that exist.
    await stack.managed.create_version(root, get, allowing("bedrock:CreateGuardrail"), as_default=True)
    assert await may("bedrock:CreateGuardrail")
    assert not await may("bedrock:GetFoundationModel")


async def test_a_session_whose_managed_policy_is_gone_can_do_nothing(stack) -> None:
    """It may have held a Deny. A policy of the same name is another one."""
    await stack.trust(allow({"AWS": ALICE}))
    root = await stack.root()
    await stack.inline.put(root, READER, "p", allowing("bedrock:*"))
    arn = await managed(stack, "get", allowing("bedrock:GetFoundationModel"))
    request = wanted(policy=allowing("bedrock:*"), policy_arns=(arn,))
    new = await stack.temporary.assume_role(await stack.call(), request)
    call = await stack.call(new.session.access_key_id)
    await stack.auth.admission.authorize(call, "bedrock:GetFoundationModel", "*")
    await stack.managed.delete(root, arn)
    await managed(stack, "get", allowing("bedrock:GetFoundationModel"))
    with pytest.raises(DomainError, match="no session policy allows"):
        await stack.auth.admission.authorize(call, "bedrock:GetFoundationModel", "*")


async def test_a_built_in_policy_narrows_too(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    await stack.inline.put(await stack.root(), READER, "p", allowing("*"))
    request = wanted(policy_arns=("arn:aws:iam::aws:policy/AmazonBedrockReadOnly",))
    new = await stack.temporary.assume_role(await stack.call(), request)
    call = await stack.call(new.session.access_key_id)
    await stack.auth.admission.authorize(call, "bedrock:GetFoundationModel", "*")
    assert await reason(stack.auth.admission.authorize(call, "bedrock:InvokeModel", "*")) == "ACCESS_DENIED"


async def test_what_a_session_can_carry(stack) -> None:
    await stack.trust(allow({"AWS": ALICE}, ["sts:AssumeRole", "sts:TagSession"]))
    call = await stack.call()
    arns = tuple([await managed(stack, f"p{number}", allowing("bedrock:*")) for number in range(11)])
    await stack.temporary.assume_role(call, wanted(policy_arns=arns[:10]))
    assert await reason(stack.temporary.assume_role(call, wanted(policy_arns=arns))) == "INVALID_FIELD"
    model = "arn:aws:bedrock:us-east-1::foundation-model/"
    longest = model + "a" * (2_048 - len(allowing("bedrock:*", on=model)) - len(arns[0]))
    fits = allowing("bedrock:*", on=longest)
    await stack.temporary.assume_role(call, wanted(policy=fits, policy_arns=arns[:1]))
    longer = wanted(policy=allowing("bedrock:*", on=f"{longest}a"), policy_arns=arns[:1])
    assert await reason(stack.temporary.assume_role(call, longer)) == "INVALID_FIELD"

    tags = tuple((f"key{number:02}", "v" * 256) for number in range(20))
    with pytest.raises(DomainError, match=r"^Packed size of session tags consumes 128% of allotted space\.$"):
        await stack.temporary.assume_role(call, wanted(tags=tags))
    both = wanted(tags=tags[:15], policy=fits)
    with pytest.raises(DomainError, match=r"^Packed policy consumes \d+% of allotted space, please use"):
        await stack.temporary.assume_role(call, both)


@pytest.mark.parametrize(
    ("arn", "why"),
    [
        (f"arn:aws:iam::{ACCOUNT}:policy/nobody", "RESOURCE_NOT_FOUND"),
        (f"arn:aws:iam::{OTHER}:policy/theirs", "RESOURCE_NOT_FOUND"),
        ("arn:aws:iam::aws:policy/NoSuchPolicy", "RESOURCE_NOT_FOUND"),
        (ROLE, "INVALID_FIELD"),
        ("a policy", "INVALID_FIELD"),
    ],
)
async def test_managed_session_policies_that_cannot_be(stack, arn, why) -> None:
    await stack.trust(allow({"AWS": ALICE}))
    refused = stack.temporary.assume_role(await stack.call(), wanted(policy_arns=(arn,)))
    assert await reason(refused) == why


async def test_roles_are_managed_as_the_callers_policies_allow(stack) -> None:
    trust = json.dumps({"Statement": allow({"AWS": ALICE})})
    call = await stack.call()
    assert await reason(stack.roles.create(call, "r", trust, "", None)) == "ACCESS_DENIED"
    await stack.allow_alice("iam:*")
    before = len(stack.revocations.published)
    role = await stack.roles.create(call, "Worker", trust, "works", None)
    assert (role.role.max_session, role.role.description) == (timedelta(hours=1), "works")
    assert await stack.roles.get(call, "Worker") == role
    assert await reason(stack.roles.create(call, "worker", trust, "", None)) == "RESOURCE_EXISTS"
    changed = await stack.roles.update(call, "Worker", None, timedelta(hours=2))
    assert (changed.description, changed.max_session) == ("works", timedelta(hours=2))
    text = '{"Statement":[{"Effect":"Allow","Action":["iam:*"],"Resource":["*"]}]}'
    await stack.inline.put(call, Entity(EntityKind.ROLE, "Worker"), "p", text)
    assert (await stack.inline.get(call, Entity(EntityKind.ROLE, "Worker"), "p")).document == text
    assert await reason(stack.roles.delete(call, "Worker")) == "RESOURCE_STATE"
    await stack.inline.delete(call, Entity(EntityKind.ROLE, "Worker"), "p")
    await stack.roles.delete(call, "Worker")
    assert await reason(stack.roles.get(call, "Worker")) == "RESOURCE_NOT_FOUND"
    assert len(stack.revocations.published) - before == 5, "every change is announced"
    for document in (text, json.dumps({"Statement": allow({"AWS": ALICE}, "iam:GetUser")})):
        assert await reason(stack.roles.create(call, "r", document, "", None)) == "UNSUPPORTED_POLICY"
