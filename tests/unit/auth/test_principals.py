"""Tokens and what becomes of them when their principal changes."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.points import EnforcementPointId
from services.auth.domain.records import AccessKey, KeyStatus, User
from services.auth.domain.service_principals import passed_on
from services.auth.operations.lease import AuthorizationLeases, content_digest
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.policy.keys import PrincipalFacts
from services.chassis.principal import ClientContext, PrincipalClaims
from tests.unit.auth.points import Points

RUNTIME = WorkloadId("craton.local", "service", "runtime")
KMS = WorkloadId("craton.local", "service", "kms")
INSTANCE = "0" * 32
CLIENT = ClientContext("192.0.2.1", "u" * 1000, "TLSv1.3", "cipher", "host")


async def issued(auth: Any, audience: str = "auth", key: Any = None) -> tuple[str, PrincipalClaims]:
    state = await auth.credentials.principal_state((key or auth.key).key.access_key_id)
    token, claims = auth.issuer.issue(state, "us-east-1", audience, CLIENT)
    return token, claims


def a_call(claims: PrincipalClaims | None, caller: WorkloadId = RUNTIME) -> CallContext:
    return CallContext(method="/m", request_id="r", call_id="c", caller=caller, principal=claims)


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


async def allow(auth: Any, document: str) -> None:
    await auth.allow("alice", document)


async def test_a_token_says_what_was_verified(auth) -> None:
    token, claims = await issued(auth)
    assert await auth.issuer.verifier.verify(token) == claims
    assert claims.arn == "arn:aws:iam::123456789012:user/alice"
    assert claims.expires_at - claims.issued_at == 60
    assert len(claims.client.user_agent) == 256
    assert not claims.root
    with pytest.raises(DomainError):
        await issued(auth, "edge")


async def test_roots_token_says_root(auth) -> None:
    key = await auth.keys.make(auth.account.account_id, None)
    await auth.directory.create_access_key(key.key, 2)
    _token, claims = await issued(auth, key=key)
    assert (claims.root, claims.arn) == (True, "arn:aws:iam::123456789012:root")
    caller = await auth.admission.authorize(a_call(claims), "iam:CreateUser", "*")
    assert caller.account_id == auth.account.account_id


async def test_an_exchange_keeps_the_principal_and_the_end(auth) -> None:
    token, claims = await issued(auth, "runtime")
    auth.clock.advance(40)
    exchanged, narrow = await auth.issuer.exchange(token, "kms", RUNTIME)
    assert narrow.expires_at == claims.expires_at
    same = {"audience": "runtime", "token_id": claims.token_id, "issued_at": claims.issued_at}
    assert dataclasses.replace(narrow, **same, via=()) == claims
    assert narrow.via == ("bedrock.amazonaws.com",), "what the service does for the principal shows"
    assert await auth.issuer.verifier.verify(exchanged) == narrow
    assert await reason(auth.issuer.exchange(token, "auth", RUNTIME)) == "ACCESS_DENIED"
    assert await reason(auth.issuer.exchange(token, "kms", KMS)) == "ACCESS_DENIED"
    assert await reason(auth.issuer.exchange(exchanged, "runtime", KMS)) == "ACCESS_DENIED"
    operator = WorkloadId("craton.local", "operator", "runtime")
    assert await reason(auth.issuer.exchange(token, "kms", operator)) == "ACCESS_DENIED"
    auth.clock.advance(20)
    assert await reason(auth.issuer.exchange(token, "kms", RUNTIME)) == "INVALID_TOKEN"


def test_a_request_is_passed_on_by_services_as_policies_name_them() -> None:
    once = passed_on((), "runtime")
    assert once == passed_on(once, "training"), "two services of one name are one to whoever is behind"
    assert passed_on(once, "kms") == ("bedrock.amazonaws.com", "kms.amazonaws.com")
    with pytest.raises(KeyError):
        passed_on((), "edge")


async def test_auth_takes_tokens_for_itself_alone(auth) -> None:
    _token, claims = await issued(auth, "runtime")
    assert await reason(auth.admission.identify(a_call(claims))) == "INVALID_TOKEN"
    assert await reason(auth.admission.identify(a_call(None))) == "MISSING_CREDENTIALS"


async def test_a_principals_policies_are_read_anew_for_every_call(auth) -> None:
    _token, claims = await issued(auth)
    arn = "arn:aws:iam::123456789012:user/bob"
    assert await reason(auth.admission.authorize(a_call(claims), "iam:GetUser", arn)) == "ACCESS_DENIED"
    await allow(auth, '{"Statement":{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}}')
    await auth.admission.authorize(a_call(claims), "iam:GetUser", arn)
    assert await reason(auth.admission.authorize(a_call(claims), "iam:DeleteUser", arn)) == "ACCESS_DENIED"
    await auth.policies.delete_policy(auth.account.account_id, Entity(EntityKind.USER, "alice"), "p")
    assert await reason(auth.admission.authorize(a_call(claims), "iam:GetUser", arn)) == "ACCESS_DENIED"


async def test_only_the_management_account_manages_accounts(auth) -> None:
    await allow(auth, '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}')
    _token, claims = await issued(auth)
    manage = auth.admission.authorize_management
    assert await reason(manage(a_call(claims), "organizations:CreateAccount", "*")) == "ACCESS_DENIED"


@pytest.mark.parametrize("change", ["inactive", "deleted", "deleted and created again"])
async def test_a_token_is_worth_nothing_once_its_principal_is_gone(auth, change: str) -> None:
    token, claims = await issued(auth, "runtime")
    leases = AuthorizationLeases(auth.admission, Points(), auth.issuer.verifier)
    await leases.grant(a_call(claims), "", INSTANCE)
    account, key_id = auth.account.account_id, auth.key.key.access_key_id
    if change == "inactive":
        await auth.directory.set_key_status(account, "alice", key_id, KeyStatus.INACTIVE)
    else:
        await auth.directory.delete_access_key(account, "alice", key_id)
        await auth.directory.delete_user(account, "alice")
    if change == "deleted and created again":
        again = User(account, "alice", "AIDASECOND", auth.clock.now())
        await auth.directory.create_user(again, 99)
        new = dataclasses.replace(auth.key.key, user=again)
        await auth.directory.create_access_key(new, 2)
    assert await reason(leases.grant(a_call(claims), "", INSTANCE)) == "INVALID_TOKEN"
    assert await reason(auth.issuer.exchange(token, "kms", RUNTIME)) == "INVALID_TOKEN"


async def test_another_incarnation_of_the_account_inherits_nothing(auth) -> None:
    _token, claims = await issued(auth, "runtime")
    stale = dataclasses.replace(claims, account_incarnation="of yesterday")
    assert (
        await reason(
            AuthorizationLeases(auth.admission, Points(), auth.issuer.verifier).grant(
                a_call(stale), "", INSTANCE
            )
        )
        == "INVALID_TOKEN"
    )


async def test_a_lease_carries_documents_only_when_they_changed(auth) -> None:
    _token, claims = await issued(auth, "runtime")
    leases = AuthorizationLeases(auth.admission, Points(), auth.issuer.verifier)
    first = await leases.grant(a_call(claims), "", INSTANCE)
    assert not first.unchanged
    assert (await leases.grant(a_call(claims), first.digest, INSTANCE)).unchanged
    assert await reason(leases.grant(a_call(claims, KMS), "", INSTANCE)) == "INVALID_TOKEN"
    await allow(auth, '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}')
    second = await leases.grant(a_call(claims), first.digest, INSTANCE)
    assert not second.unchanged
    assert second.state.epoch > first.state.epoch


async def test_nothing_counts_that_was_read_before_the_point_was_written_down(auth) -> None:
    """A change that the lease does not know yet must find its holder."""
    points = Points()
    _token, claims = await issued(auth, "runtime")
    leases = AuthorizationLeases(auth.admission, points, auth.issuer.verifier)
    points.meanwhile = lambda: allow(auth, '{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}')
    granted = await leases.grant(a_call(claims), "", INSTANCE)
    assert len(granted.state.policies.identity) == 1, "the change that nobody announced to this point"
    assert points.registered == [EnforcementPointId("runtime", INSTANCE)]
    await leases.grant(a_call(claims), "", INSTANCE)
    assert len(points.registered) == 1


async def test_who_gets_no_lease_is_waited_for_by_no_change(auth) -> None:
    points = Points()
    token, claims = await issued(auth, "runtime")
    stale = dataclasses.replace(claims, account_incarnation="of yesterday")
    leases = AuthorizationLeases(auth.admission, points, auth.issuer.verifier)
    assert await reason(leases.grant(a_call(stale), "", INSTANCE)) == "INVALID_TOKEN"
    assert await reason(leases.grant(a_call(None), "", INSTANCE, token + "x")) == "INVALID_TOKEN"
    assert points.registered == []


async def test_a_call_that_goes_on_is_asked_about_with_the_token_that_admitted_it(auth) -> None:
    token, _claims = await issued(auth, "runtime")
    leases = AuthorizationLeases(auth.admission, Points(), auth.issuer.verifier)
    auth.clock.advance(61)
    going_on = a_call(None)
    assert await reason(leases.grant(going_on, "", INSTANCE)) == "MISSING_CREDENTIALS"
    assert (await leases.grant(going_on, "", INSTANCE, token)).state.user == auth.user
    assert await reason(leases.grant(a_call(None, KMS), "", INSTANCE, token)) == "INVALID_TOKEN"
    assert await reason(leases.grant(going_on, "", INSTANCE, token + "x")) == "INVALID_TOKEN"
    account, key_id = auth.account.account_id, auth.key.key.access_key_id
    await auth.directory.set_key_status(account, "alice", key_id, KeyStatus.INACTIVE)
    assert await reason(leases.grant(going_on, "", INSTANCE, token)) == "INVALID_TOKEN"
    await auth.directory.set_key_status(account, "alice", key_id, KeyStatus.ACTIVE)
    auth.clock.advance(900)
    assert await reason(leases.grant(going_on, "", INSTANCE, token)) == "INVALID_TOKEN"


async def test_every_part_of_a_lease_is_in_its_digest(auth) -> None:
    state = await auth.credentials.principal_state(auth.key.key.access_key_id)
    others = (
        *(
            dataclasses.replace(state, policies=dataclasses.replace(state.policies, **{layer: value}))
            for layer in ("identity", "boundary", "session", "service_control", "resource_control")
            for value in ((("{}",),) if layer.endswith("control") else ("{}",),)
        ),
        # An empty layer denies, which is not the same as none.
        dataclasses.replace(state, policies=dataclasses.replace(state.policies, boundary=())),
        dataclasses.replace(state, entitlements=(("r", "m", "e"),)),
        dataclasses.replace(state, facts=PrincipalFacts("o-1", "")),
        dataclasses.replace(state, facts=PrincipalFacts("", "o-1/r-1/")),
        dataclasses.replace(state, facts=PrincipalFacts(tags=(("a", "b"),))),
    )
    digests = {content_digest(each) for each in (state, *others)}
    assert len(digests) == 11
    assert content_digest(dataclasses.replace(state, epoch=99)) in digests


def test_records_do_not_show_sealed_secrets() -> None:

    key = AccessKey("AKIA", "1", None, KeyStatus.ACTIVE, b"sealed-secret", datetime.now(UTC))
    assert "sealed-secret" not in repr(key)
