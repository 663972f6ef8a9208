"""auth over real mTLS, with real kms and Redis: every RPC, by those who may and by those who may not."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from craton.auth.v1 import (
    access_key_service_pb2,
    account_service_pb2,
    authorization_service_pb2,
    model_access_service_pb2,
    policy_service_pb2,
    resources_pb2,
    role_service_pb2,
    session_service_pb2,
    token_service_pb2,
    user_service_pb2,
)
from craton.common.v1 import policy_finding_pb2

from services.auth.operations.lease import LEASE_S
from services.chassis.sigv4 import derive_signing_key
from services.chassis.sigv4_signer import sign_token_request
from tests.fakes.auth_client import ACCOUNT, Client, Credential, bearer, reason, refusal, signed_request

MODEL_ARN = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
ALLOW_INVOKE = """{"Version": "2012-10-17", "Statement": [{"Sid": "One", "Effect": "Allow",
 "Action": "bedrock:InvokeModel", "Resource": "arn:aws:bedrock:*::foundation-model/*"}]}"""


async def make_user(operator: Client, admin: Credential, name: str) -> Credential:
    metadata = bearer(await operator.token(admin))
    await operator.users.CreateUser(user_service_pb2.CreateUserRequest(user_name=name), metadata=metadata)
    created = await operator.keys.CreateAccessKey(
        access_key_service_pb2.CreateAccessKeyRequest(user_name=name), metadata=metadata
    )
    return Credential(created.access_key.access_key_id, created.secret_access_key)


async def put_policy(operator: Client, admin: Credential, user: str, document: str, name: str = "p") -> Any:
    return await operator.policies.PutUserPolicy(
        policy_service_pb2.PutUserPolicyRequest(user_name=user, policy_name=name, document=document),
        metadata=bearer(await operator.token(admin)),
    )


async def lease(client: Client, token: str, known: str = "") -> Any:
    return await client.authorization.GetAuthorizationLease(
        authorization_service_pb2.GetAuthorizationLeaseRequest(known_digest=known, instance_id="0" * 32),
        metadata=bearer(token),
    )


async def test_bootstrapping_works_once_and_only_with_the_token(operator, home) -> None:
    assert await reason(operator.bootstrap("c" * 43)) == "ACCESS_DENIED"
    created = await operator.bootstrap()
    assert created.account.account_id == ACCOUNT
    assert created.user.arn == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert len(created.secret_access_key) == 40
    assert created.access_key.access_key_id.startswith("AKIA")
    assert await reason(operator.bootstrap()) == "ALREADY_BOOTSTRAPPED"
    assert not (home / "secrets" / "bootstrap-token").exists()


async def test_of_two_bootstraps_at_once_one_wins(operator) -> None:
    results = await asyncio.gather(
        *(operator.bootstrap(user=f"admin{i}") for i in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_edge_gets_a_token_and_the_key_of_the_scope(edge, admin) -> None:
    response = await edge.authenticate(admin)
    today = datetime.now(UTC).strftime("%Y%m%d")
    assert response.derived_signing_key == derive_signing_key(
        admin.signer().secret, today, "us-east-1", "bedrock"
    )
    assert response.key_lease.ToMilliseconds() == 0, "whoever confirms no revocation may keep nothing"
    registered = await edge.authenticate(admin, instance_id="0" * 32)
    assert registered.key_lease.ToMilliseconds() == LEASE_S * 1000
    assert response.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert response.token.count(".") == 2


async def test_bad_signatures_get_awss_reasons(edge, admin) -> None:
    now = datetime.now(UTC)
    stranger = Credential("AKIA" + "Z" * 16, "s" * 40)
    wrong = Credential(admin.access_key_id, "s" * 40)
    assert await reason(edge.authenticate(stranger)) == "UNKNOWN_ACCESS_KEY"
    assert await reason(edge.authenticate(wrong)) == "SIGNATURE_MISMATCH"
    assert await reason(edge.authenticate(admin, signature=b"\0" * 32)) == "SIGNATURE_MISMATCH"
    assert await reason(edge.authenticate(admin, at=now - timedelta(minutes=6))) == "SIGNATURE_EXPIRED"
    assert await reason(edge.authenticate(admin, at=now + timedelta(minutes=6))) == "SIGNATURE_EXPIRED"
    assert await reason(edge.authenticate(admin, region="us-west-2")) == "UNKNOWN_REGION"
    assert await reason(edge.authenticate(admin, service="s3")) == "SIGNATURE_MISMATCH"
    assert await reason(edge.authenticate(admin, audience="nobody")) == "INVALID_FIELD"


async def test_only_edge_authenticates_and_only_services_lease(operator, edge, admin) -> None:
    assert await reason(operator.authenticate(admin)) == "CALLER_NOT_LISTED"
    token = (await edge.authenticate(admin)).token
    assert await reason(lease(edge, token)) == "CALLER_NOT_LISTED"


async def test_a_lease_is_for_the_service_that_the_token_is_for(auth, connect, edge, admin) -> None:
    runtime, kms = connect(auth, "service/runtime"), connect(auth, "service/kms")
    token = (await edge.authenticate(admin, "runtime")).token
    answer = await lease(runtime, token)
    assert answer.lease.ToMilliseconds() == LEASE_S * 1000
    assert len(answer.identity_policies) == 1
    again = await lease(runtime, token, answer.digest)
    assert again.digest == answer.digest
    assert not again.identity_policies
    assert await reason(lease(kms, token)) == "INVALID_TOKEN"
    exchanged = await runtime.tokens.ExchangeToken(
        token_service_pb2.ExchangeTokenRequest(token=token, audience="kms")
    )
    assert (await lease(kms, exchanged.token)).digest == answer.digest
    assert (
        await reason(
            runtime.tokens.ExchangeToken(token_service_pb2.ExchangeTokenRequest(token=token, audience="auth"))
        )
        == "ACCESS_DENIED"
    )
    stolen = token_service_pb2.ExchangeTokenRequest(token=exchanged.token, audience="runtime")
    assert await reason(runtime.tokens.ExchangeToken(stolen)) == "ACCESS_DENIED"


async def test_a_users_policies_decide_what_it_may_administer(operator, admin) -> None:
    bob = await make_user(operator, admin, "bob")
    metadata = bearer(await operator.token(bob))
    request = user_service_pb2.CreateUserRequest(user_name="carol")
    refused = await refusal(operator.users.CreateUser(request, metadata=metadata))
    assert refused.reason_name == "ACCESS_DENIED"
    assert refused.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to perform: iam:CreateUser on resource: "
        f"arn:aws:iam::{ACCOUNT}:user/carol because no identity-based policy allows the iam:CreateUser action"
    )
    document = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*",'
        f' "Resource": "arn:aws:iam::{ACCOUNT}:user/c*"}}]}}'
    )
    await put_policy(operator, admin, "bob", document)
    assert (await operator.users.CreateUser(request, metadata=metadata)).user.user_name == "carol"
    other = user_service_pb2.CreateUserRequest(user_name="dave")
    assert await reason(operator.users.CreateUser(other, metadata=metadata)) == "ACCESS_DENIED"
    upper = user_service_pb2.CreateUserRequest(user_name="Carol")
    everything = bearer(await operator.token(admin))
    assert await reason(operator.users.CreateUser(upper, metadata=everything)) == "RESOURCE_EXISTS"


async def test_policies_are_stored_as_written_or_refused(operator, admin) -> None:
    await make_user(operator, admin, "bob")
    stored = await put_policy(operator, admin, "bob", ALLOW_INVOKE)
    assert stored.policy.document == ALLOW_INVOKE
    metadata = bearer(await operator.token(admin))
    got = await operator.policies.GetUserPolicy(
        policy_service_pb2.GetUserPolicyRequest(user_name="bob", policy_name="p"), metadata=metadata
    )
    assert got.policy.document == ALLOW_INVOKE
    unsupported = ALLOW_INVOKE.replace('"Sid": "One"', '"Principal": "*"')
    refused = await refusal(put_policy(operator, admin, "bob", unsupported, "q"))
    assert refused.reason_name == "UNSUPPORTED_POLICY"
    assert "statement 0" in refused.message
    assert "Principal" in refused.message
    listed = await operator.policies.ListUserPolicies(
        policy_service_pb2.ListUserPoliciesRequest(user_name="bob"), metadata=metadata
    )
    assert [policy.policy_name for policy in listed.policies] == ["p"]
    delete = policy_service_pb2.DeleteUserPolicyRequest(user_name="bob", policy_name="p")
    await operator.policies.DeleteUserPolicy(delete, metadata=metadata)
    assert await reason(operator.policies.DeleteUserPolicy(delete, metadata=metadata)) == "RESOURCE_NOT_FOUND"


async def test_keys_rotate_and_a_deactivated_one_stops_at_once(auth, connect, operator, edge, admin) -> None:
    bob = await make_user(operator, admin, "bob")
    metadata = bearer(await operator.token(admin))
    token = (await edge.authenticate(bob)).token
    runtime = connect(auth, "service/runtime")
    assert (await lease(runtime, token)).digest
    create = access_key_service_pb2.CreateAccessKeyRequest(user_name="bob")
    second = await operator.keys.CreateAccessKey(create, metadata=metadata)
    assert await reason(operator.keys.CreateAccessKey(create, metadata=metadata)) == "QUOTA_EXCEEDED"
    update = access_key_service_pb2.UpdateAccessKeyRequest(
        user_name="bob",
        access_key_id=bob.access_key_id,
        status=resources_pb2.ACCESS_KEY_STATUS_INACTIVE,
    )
    await operator.keys.UpdateAccessKey(update, metadata=metadata)
    assert await reason(edge.authenticate(bob)) == "UNKNOWN_ACCESS_KEY"
    assert await reason(lease(runtime, token)) == "INVALID_TOKEN"
    rotated = Credential(second.access_key.access_key_id, second.secret_access_key)
    assert (await edge.authenticate(rotated)).token
    page = await operator.keys.ListAccessKeys(
        access_key_service_pb2.ListAccessKeysRequest(user_name="bob", page_size=1), metadata=metadata
    )
    assert [key.access_key_id for key in page.access_keys] == [bob.access_key_id]
    rest = await operator.keys.ListAccessKeys(
        access_key_service_pb2.ListAccessKeysRequest(user_name="bob", page_token=page.next_page_token),
        metadata=metadata,
    )
    assert [key.access_key_id for key in rest.access_keys] == [rotated.access_key_id]
    gone = user_service_pb2.DeleteUserRequest(user_name="bob")
    assert await reason(operator.users.DeleteUser(gone, metadata=metadata)) == "RESOURCE_STATE"
    for key in (bob, rotated):
        await operator.keys.DeleteAccessKey(
            access_key_service_pb2.DeleteAccessKeyRequest(user_name="bob", access_key_id=key.access_key_id),
            metadata=metadata,
        )
    await operator.users.DeleteUser(gone, metadata=metadata)
    assert await reason(edge.authenticate(rotated)) == "UNKNOWN_ACCESS_KEY"


async def test_a_token_request_is_good_for_two_seconds_and_for_its_audience(operator, admin) -> None:
    signed = sign_token_request(admin.signer(), "auth.craton.internal", "auth", datetime.now(UTC))
    request = token_service_pb2.GetTokenRequest(signed_request=signed_request(signed), audience="auth")
    await operator.tokens.GetToken(request)
    await operator.tokens.GetToken(request)
    request.audience = "runtime"
    assert await reason(operator.tokens.GetToken(request)) == "SIGNATURE_MISMATCH"
    await asyncio.sleep(2.1)
    request.audience = "auth"
    assert await reason(operator.tokens.GetToken(request)) == "SIGNATURE_REPLAYED"
    foreign = sign_token_request(admin.signer(), "evil.example.com", "auth", datetime.now(UTC))
    request.signed_request.CopyFrom(signed_request(foreign))
    assert await reason(operator.tokens.GetToken(request)) == "SIGNATURE_MISMATCH"


async def test_oversized_signed_requests_are_refused_before_they_are_read(operator, admin) -> None:
    signed = sign_token_request(admin.signer(), "auth.craton.internal", "auth", datetime.now(UTC))
    for field, value in (("string_to_sign", "\n" * 1_000_000), ("signature", b"0" * 33)):
        request = token_service_pb2.GetTokenRequest(signed_request=signed_request(signed), audience="auth")
        setattr(request.signed_request, field, value)
        assert await reason(operator.tokens.GetToken(request)) == "INVALID_FIELD"


async def test_accounts_are_managed_by_the_management_account_alone(operator, edge, admin) -> None:
    metadata = bearer(await operator.token(admin))
    request = account_service_pb2.CreateAccountRequest(
        account_id="210987654321", display_name="second", administrator_user_name="boss", request_id="r-1"
    )
    created = await operator.accounts.CreateAccount(request, metadata=metadata)
    assert created.administrator.arn == "arn:aws:iam::210987654321:user/boss"
    again = await operator.accounts.CreateAccount(request, metadata=metadata)
    assert again == created
    at_once = account_service_pb2.CreateAccountRequest(
        display_name="fourth", administrator_user_name="boss", request_id="r-3"
    )
    answers = await asyncio.gather(
        *(operator.accounts.CreateAccount(at_once, metadata=metadata) for _ in range(4))
    )
    assert all(answer == answers[0] for answer in answers)
    request.request_id = "r-2"
    assert await reason(operator.accounts.CreateAccount(request, metadata=metadata)) == "RESOURCE_EXISTS"
    boss = Credential(created.access_key.access_key_id, created.secret_access_key)
    theirs = bearer(await operator.token(boss))
    listing = account_service_pb2.ListAccountsRequest(page_size=1)
    assert await reason(operator.accounts.ListAccounts(listing, metadata=theirs)) == "ACCESS_DENIED"
    page = await operator.accounts.ListAccounts(listing, metadata=metadata)
    assert len(page.accounts) == 1
    listing.page_token = page.next_page_token
    page = await operator.accounts.ListAccounts(listing, metadata=metadata)
    third = answers[0].account.account_id
    assert page.accounts[0].account_id == sorted((ACCOUNT, "210987654321", third))[1]
    listing.page_token = page.next_page_token
    page = await operator.accounts.ListAccounts(listing, metadata=metadata)
    assert page.next_page_token == ""
    # The new account's administrator works in its own account, and sees nothing of the other.
    assert (
        await reason(
            operator.users.GetUser(user_service_pb2.GetUserRequest(user_name="admin"), metadata=theirs)
        )
        == "RESOURCE_NOT_FOUND"
    )
    users = await operator.users.ListUsers(user_service_pb2.ListUsersRequest(), metadata=theirs)
    assert [user.user_name for user in users.users] == ["boss"]


async def test_root_gets_back_into_an_account_that_locked_itself_out(auth, connect, operator, admin) -> None:
    metadata = bearer(await operator.token(admin))
    created = await operator.accounts.CreateAccount(
        account_service_pb2.CreateAccountRequest(display_name="third", administrator_user_name="boss"),
        metadata=metadata,
    )
    boss = Credential(created.access_key.access_key_id, created.secret_access_key)
    theirs = bearer(await operator.token(boss))
    deny = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
    await put_policy(operator, boss, "boss", deny, "oops")
    fix = policy_service_pb2.DeleteUserPolicyRequest(user_name="boss", policy_name="oops")
    refused = await refusal(operator.policies.DeleteUserPolicy(fix, metadata=theirs))
    assert refused.message.endswith("with an explicit deny in an identity-based policy")
    new = await operator.accounts.CreateRootAccessKey(
        account_service_pb2.CreateRootAccessKeyRequest(account_id=created.account.account_id),
        metadata=metadata,
    )
    root = Credential(new.access_key.access_key_id, new.secret_access_key)
    await operator.policies.DeleteUserPolicy(fix, metadata=bearer(await operator.token(root)))
    await operator.users.ListUsers(user_service_pb2.ListUsersRequest(), metadata=theirs)
    await operator.accounts.DeleteRootAccessKey(
        account_service_pb2.DeleteRootAccessKeyRequest(
            account_id=created.account.account_id, access_key_id=root.access_key_id
        ),
        metadata=metadata,
    )
    assert await reason(operator.token(root)) == "UNKNOWN_ACCESS_KEY"


@pytest.fixture
def models(catalog) -> Any:
    return catalog.publish("echo-v1")


async def test_a_model_is_usable_once_its_current_eula_is_accepted(
    models, catalog, auth, connect, operator, edge, admin
) -> None:
    metadata = bearer((await edge.authenticate(admin, "auth")).token)
    runtime = connect(auth, "service/runtime")
    runtime_token = (await edge.authenticate(admin)).token
    named = {"model_id": models.model_id}

    async def availability() -> Any:
        request = model_access_service_pb2.GetFoundationModelAvailabilityRequest(**named)
        return await edge.models.GetFoundationModelAvailability(request, metadata=metadata)

    async def token_of_offer() -> str:
        request = model_access_service_pb2.ListFoundationModelAgreementOffersRequest(**named)
        response = await edge.models.ListFoundationModelAgreementOffers(request, metadata=metadata)
        [offer] = response.offers
        assert hashlib.sha256(offer.eula_text.encode()).hexdigest() == offer.eula_sha256
        return str(offer.offer_token)

    def accept(token: str) -> Any:
        request = model_access_service_pb2.CreateFoundationModelAgreementRequest(**named, offer_token=token)
        return edge.models.CreateFoundationModelAgreement(request, metadata=metadata)

    before = await availability()
    assert (before.agreement_accepted, before.authorized, before.entitled) == (False, True, False)
    assert await reason(accept("wrong")) == "INVALID_FIELD"
    await accept(await token_of_offer())
    await accept(await token_of_offer())
    assert (await availability()).entitled
    entitlements = (await lease(runtime, runtime_token)).entitlements
    assert [(each.region, each.model_id, each.eula_sha256) for each in entitlements] == [
        ("us-east-1", models.model_id, models.offer.eula_sha256)
    ]
    # A new EULA must be accepted anew.
    old = await token_of_offer()
    catalog.publish("echo-v1", eula="Be kinder.")
    async with asyncio.timeout(5):
        while await token_of_offer() == old:
            await asyncio.sleep(0.1)
    assert not (await availability()).agreement_accepted
    assert await reason(accept(old)) == "INVALID_FIELD"
    delete = model_access_service_pb2.DeleteFoundationModelAgreementRequest(**named)
    await edge.models.DeleteFoundationModelAgreement(delete, metadata=metadata)
    assert (
        await reason(edge.models.DeleteFoundationModelAgreement(delete, metadata=metadata))
        == "RESOURCE_NOT_FOUND"
    )
    assert not (await lease(runtime, runtime_token)).entitlements
    unknown = model_access_service_pb2.GetFoundationModelAvailabilityRequest(model_id="craton.none")
    assert (
        await reason(edge.models.GetFoundationModelAvailability(unknown, metadata=metadata))
        == "RESOURCE_NOT_FOUND"
    )


async def test_the_use_case_form_is_sealed(edge, admin, home) -> None:
    metadata = bearer((await edge.authenticate(admin, "auth")).token)
    get = model_access_service_pb2.GetUseCaseForModelAccessRequest()
    assert await reason(edge.models.GetUseCaseForModelAccess(get, metadata=metadata)) == "RESOURCE_NOT_FOUND"
    form = b"canary-" * 2000
    await edge.models.PutUseCaseForModelAccess(
        model_access_service_pb2.PutUseCaseForModelAccessRequest(form_data=form), metadata=metadata
    )
    assert (await edge.models.GetUseCaseForModelAccess(get, metadata=metadata)).form_data == form
    for path in (home / "state").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"canary-canary" not in content
            assert admin.secret.encode() not in content


async def test_a_policy_that_does_less_than_it_seems_to_is_stored_with_findings(operator, admin) -> None:
    await make_user(operator, admin, "alice")
    statement = {"Effect": "Deny", "Action": ["bedrock:InvokeModel", "bedrock:InvokeModle"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    answer = await put_policy(operator, admin, "alice", document)
    assert answer.policy.document == document
    (finding,) = answer.findings
    assert finding.finding_type == policy_finding_pb2.POLICY_FINDING_TYPE_ERROR
    assert finding.issue_code == "INVALID_ACTION"
    assert "Did you mean bedrock:InvokeModel? It denies nothing." in finding.finding_details
    (location,) = finding.locations
    assert document[location.start.offset : location.end.offset] == '"bedrock:InvokeModle"'
    assert [each.WhichOneof("element") for each in location.path] == ["value", "index", "value", "index"]


async def test_a_trust_policy_is_stored_with_findings_too(operator, admin) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AsumeRole"}
    created = await operator.roles.CreateRole(
        role_service_pb2.CreateRoleRequest(
            role_name="reader",
            assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": statement}),
        ),
        metadata=bearer(await operator.token(admin)),
    )
    assert [each.issue_code for each in created.findings] == ["INVALID_ACTION"]


async def test_a_session_policy_is_used_with_findings(operator, admin) -> None:
    metadata = bearer(await operator.token(admin))
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    created = await operator.roles.CreateRole(
        role_service_pb2.CreateRoleRequest(
            role_name="narrowed",
            assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        ),
        metadata=metadata,
    )
    assert not created.findings
    narrow = {"Effect": "Allow", "Action": "bedrock:ListFoundationModels", "Resource": MODEL_ARN}
    assumed = await operator.sessions.AssumeRole(
        session_service_pb2.AssumeRoleRequest(
            role_arn=created.role.arn,
            role_session_name="narrowed",
            policy=json.dumps({"Version": "2012-10-17", "Statement": narrow}),
        ),
        metadata=metadata,
    )
    assert [each.issue_code for each in assumed.findings] == ["ACTION_WITHOUT_RESOURCE"]
