"""API keys at auth: whose they are, and when they count no more."""

import hashlib
from datetime import timedelta

import pytest

from services.auth.domain.records import KeyStatus, ServiceCredential
from services.auth.operations.admission import is_alive
from services.auth.operations.signatures import Signed
from services.chassis import api_keys, sigv4
from services.chassis.errors import DomainError
from services.chassis.principal import BearerTokenType, ClientContext
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials
from tests.unit.auth.conftest import Auth

REGION = "us-east-1"
SECRET = SecretBytes(b"s" * 44)
CLIENT = ClientContext("192.0.2.1", "agent", "TLSv1.3")


async def create(auth: Auth, age: timedelta | None = None) -> ServiceCredential:
    digest = hashlib.sha256(SECRET.reveal()).digest()
    expires = None if age is None else auth.clock.now() + age
    service = "bedrock.amazonaws.com"
    made, _ = await auth.service_credentials.create(
        "A" * 21, auth.user, service, digest, auth.clock.now(), expires, 2
    )
    return made


def long_term(made: ServiceCredential, secret: SecretBytes = SECRET) -> str:
    return api_keys.long_term(made.alias, secret).reveal().decode()


def short_term(auth: Auth, lifetime: timedelta = timedelta(hours=12), region: str = REGION) -> str:
    signer = SigningCredentials(auth.key.key.access_key_id, auth.key.secret, region)
    return api_keys.presign(signer, auth.clock.now(), lifetime).reveal().decode()


async def refusal(auth: Auth, text: str, region: str = REGION) -> str:
    with pytest.raises(DomainError) as caught:
        await auth.api_keys.verify(text, region)
    return caught.value.reason_name


async def test_a_long_term_key_speaks_for_its_user(auth: Auth) -> None:
    made = await create(auth)
    verified = await auth.api_keys.verify(long_term(made), REGION)
    assert (verified.type, verified.expires_at) == (BearerTokenType.LONG_TERM, None)
    _, claims = auth.issuer.issue_bearer(verified, REGION, "runtime", CLIENT)
    assert (claims.access_key_id, claims.bearer) == (made.credential_id, BearerTokenType.LONG_TERM)
    assert (claims.principal_id, claims.signed_service) == (auth.user.user_id, "bedrock")


async def test_wrong_secrets_and_aliases_look_alike(auth: Auth) -> None:
    made = await create(auth)
    assert await refusal(auth, long_term(made, SecretBytes(b"t" * 44))) == "INVALID_API_KEY"
    nobody = api_keys.long_term("bob-at-123456789012", SECRET).reveal().decode()
    assert await refusal(auth, nobody) == "INVALID_API_KEY"
    assert await refusal(auth, "ABSK") == "INVALID_API_KEY"
    # What is stored opens nothing.
    stored = api_keys.long_term(made.alias, SecretBytes(made.secret_sha256.hex().encode())).reveal().decode()
    assert await refusal(auth, stored) == "INVALID_API_KEY"


async def test_an_inactive_a_deleted_and_an_expired_key(auth: Auth) -> None:
    made = await create(auth, timedelta(days=1))
    account, keys = auth.account.account_id, auth.service_credentials
    await keys.set_status(account, "alice", made.credential_id, KeyStatus.INACTIVE)
    assert await refusal(auth, long_term(made)) == "INVALID_API_KEY"
    await keys.set_status(account, "alice", made.credential_id, KeyStatus.ACTIVE)
    auth.clock.advance(86_399)
    verified = await auth.api_keys.verify(long_term(made), REGION)
    _, claims = auth.issuer.issue_bearer(verified, REGION, "runtime", CLIENT)
    assert claims.expires_at - claims.issued_at == 1, "no token outlives its key"
    auth.clock.advance(1)
    assert await refusal(auth, long_term(made)) == "EXPIRED_API_KEY"
    assert await refusal(auth, long_term(made, SecretBytes(b"t" * 44))) == "INVALID_API_KEY"
    state = await auth.credentials.principal_state(made.credential_id)
    assert not is_alive(claims, state, auth.clock.now())
    await keys.delete(account, "alice", made.credential_id)
    assert await refusal(auth, long_term(made)) == "INVALID_API_KEY"


async def test_a_replaced_secret_ends_tokens_of_the_earlier_one(auth: Auth) -> None:
    made = await create(auth)
    _, before = auth.issuer.issue_bearer(
        await auth.api_keys.verify(long_term(made), REGION), REGION, "runtime", CLIENT
    )
    other = SecretBytes(b"n" * 44)
    await auth.service_credentials.replace_secret(
        auth.account.account_id, "alice", made.credential_id, hashlib.sha256(other.reveal()).digest()
    )
    assert await refusal(auth, long_term(made)) == "INVALID_API_KEY"
    _, after = auth.issuer.issue_bearer(
        await auth.api_keys.verify(long_term(made, other), REGION), REGION, "runtime", CLIENT
    )
    state = await auth.credentials.principal_state(made.credential_id)
    assert is_alive(after, state, auth.clock.now())
    assert not is_alive(before, state, auth.clock.now())


async def test_a_long_term_key_signs_nothing(auth: Auth) -> None:
    made = await create(auth)
    for secret in (SecretBytes(b""), SECRET):
        signer = SigningCredentials(made.credential_id, secret, REGION)
        key = api_keys.parse(api_keys.presign(signer, auth.clock.now(), timedelta(hours=1)).reveal().decode())
        assert isinstance(key, api_keys.ShortTermKey)
        signed = Signed(key.credential, key.string_to_sign.decode(), key.signature)
        with pytest.raises(DomainError) as caught:
            await auth.signatures.verify(signed)
        assert caught.value.reason_name == "UNKNOWN_ACCESS_KEY"


async def test_a_short_term_key_speaks_for_its_principal_in_its_region(auth: Auth) -> None:
    verified = await auth.api_keys.verify(short_term(auth), REGION)
    assert verified.type is BearerTokenType.SHORT_TERM
    assert verified.state.user == auth.user
    _, claims = auth.issuer.issue_bearer(verified, REGION, "runtime", CLIENT)
    assert (claims.access_key_id, claims.bearer) == (auth.key.key.access_key_id, BearerTokenType.SHORT_TERM)
    assert await refusal(auth, short_term(auth), "eu-west-1") == "INVALID_API_KEY"
    assert await refusal(auth, short_term(auth, region="eu-west-1"), "eu-west-1") == "INVALID_API_KEY"


async def test_a_short_term_key_ends(auth: Auth) -> None:
    text = short_term(auth, timedelta(minutes=20))
    auth.clock.advance(1_199)
    verified = await auth.api_keys.verify(text, REGION)
    _, claims = auth.issuer.issue_bearer(verified, REGION, "runtime", CLIENT)
    assert claims.expires_at - claims.issued_at == 1
    auth.clock.advance(1)
    assert await refusal(auth, text) == "EXPIRED_API_KEY"
    changed = text[:-8] + ("AAAA" if text[-8:-4] != "AAAA" else "BBBB") + text[-4:]
    assert await refusal(auth, changed) == "INVALID_API_KEY"


async def test_a_short_term_key_is_not_dated_ahead(auth: Auth) -> None:
    signer = SigningCredentials(auth.key.key.access_key_id, auth.key.secret, REGION)
    for ahead, expected in ((299, ""), (301, "INVALID_API_KEY")):
        moment = auth.clock.now() + timedelta(seconds=ahead)
        text = api_keys.presign(signer, moment, timedelta(hours=12)).reveal().decode()
        if expected:
            assert await refusal(auth, text) == expected
        else:
            await auth.api_keys.verify(text, REGION)


async def test_a_short_term_key_ends_with_the_access_key_that_signed_it(auth: Auth) -> None:
    text = short_term(auth)
    await auth.api_keys.verify(text, REGION)
    await auth.directory.set_key_status(
        auth.account.account_id, "alice", auth.key.key.access_key_id, KeyStatus.INACTIVE
    )
    assert await refusal(auth, text) == "INVALID_API_KEY"


async def test_a_short_term_key_is_no_signature_of_a_request(auth: Auth) -> None:
    key = api_keys.parse(short_term(auth))
    assert isinstance(key, api_keys.ShortTermKey)
    auth.clock.advance(sigv4.MAX_SKEW.total_seconds() + 1)
    with pytest.raises(DomainError) as caught:
        await auth.signatures.verify(Signed(key.credential, key.string_to_sign.decode(), key.signature))
    assert caught.value.reason_name == "SIGNATURE_EXPIRED"
