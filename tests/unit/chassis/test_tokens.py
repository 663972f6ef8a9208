"""Principal tokens: what is minted verifies, everything else does not."""

import base64
import dataclasses
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis.errors import DomainError
from services.chassis.principal import ClientContext, PrincipalClaims, PrivatePath
from services.chassis.token_keys import RemoteTokenKeys
from services.chassis.tokens import TYPE, SigningKey, TokenVerifier, mint
from tests.fakes.clock import ManualClock

KEY = SigningKey("k1", Ed25519PrivateKey.generate())


class Keys:
    """A TokenKeySource with fixed keys."""

    def __init__(self, **keys: Ed25519PublicKey) -> None:
        self._keys = keys
        self.asked = 0

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        self.asked += 1
        return self._keys.get(key_id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keys() -> Keys:
    return Keys(k1=KEY.private_key.public_key())


@pytest.fixture
def verifier(clock: ManualClock, keys: Keys) -> TokenVerifier:
    return TokenVerifier("runtime", keys, clock)


def claims(clock: ManualClock, **changes: Any) -> PrincipalClaims:
    now = int(clock.now().timestamp())
    made = PrincipalClaims(
        account_id="123456789012",
        account_incarnation="i",
        arn="arn:aws:iam::123456789012:user/alice",
        principal_id="AIDA",
        access_key_id="AKIA",
        root=False,
        policy_epoch=3,
        region="us-east-1",
        audience="runtime",
        token_id="t",
        issued_at=now,
        expires_at=now + 60,
        client=ClientContext("192.0.2.1", "boto3", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "localhost"),
    )
    return dataclasses.replace(made, **changes)


async def refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(DomainError) as caught:
        await verifier.verify(token)
    assert caught.value.reason_name == "INVALID_TOKEN"
    assert len(token) < 20 or token[:20] not in caught.value.message


async def test_what_was_minted_is_what_is_read(clock: ManualClock, verifier: TokenVerifier) -> None:
    made = claims(clock)
    assert await verifier.verify(mint(made, KEY)) == made


async def test_a_token_is_bound_to_the_private_path(clock: ManualClock, verifier: TokenVerifier) -> None:
    path = PrivatePath("vpce-0000000000000000a", "vpc-0000000000000001f", "210987654321", "bedrock")
    made = claims(clock, path=path)
    assert (await verifier.verify(mint(made, KEY))).path == path
    assert (await verifier.verify(mint(claims(clock), KEY))).path is None


async def test_a_token_ends_on_time_cached_or_not(clock: ManualClock, verifier: TokenVerifier) -> None:
    token = mint(claims(clock), KEY)
    await verifier.verify(token)
    clock.advance(59)
    await verifier.verify(token)
    clock.advance(1)
    await refused(verifier, token)
    await refused(TokenVerifier("runtime", Keys(k1=KEY.private_key.public_key()), clock), token)


async def test_turning_the_clock_back_does_not_lengthen_a_token(
    clock: ManualClock, verifier: TokenVerifier
) -> None:
    token = mint(claims(clock), KEY)
    await verifier.verify(token)
    clock.advance(59)
    clock.set_wall(-3600)
    await verifier.verify(token)
    clock.advance(1)
    # The cached verification is over; verified anew, a token from the future is refused as well.
    await refused(verifier, token)


async def test_a_cached_token_costs_no_key(clock: ManualClock, verifier: TokenVerifier, keys: Keys) -> None:
    token = mint(claims(clock), KEY)
    for _ in range(3):
        await verifier.verify(token)
    assert keys.asked == 1


@pytest.mark.parametrize(
    "changes", [{"audience": "kms"}, {"issued_at": 2**40, "expires_at": 2**40 + 60}, {"token_id": ""}]
)
async def test_foreign_tokens_are_refused(
    clock: ManualClock, verifier: TokenVerifier, changes: dict[str, Any]
) -> None:
    if "token_id" in changes:
        other = SigningKey("k1", Ed25519PrivateKey.generate())
        await refused(verifier, mint(claims(clock), other))
        await refused(verifier, mint(claims(clock), SigningKey("k2", KEY.private_key)))
    else:
        await refused(verifier, mint(claims(clock, **changes), KEY))


async def test_every_changed_character_is_noticed(clock: ManualClock, verifier: TokenVerifier) -> None:
    made = claims(clock)
    token = mint(made, KEY)
    for at, character in enumerate(token):
        changed = token[:at] + ("A" if character != "A" else "B") + token[at + 1 :]
        try:
            read = await verifier.verify(changed)
        except DomainError as error:
            assert error.reason_name == "INVALID_TOKEN"  # noqa: PT017 - one change may be without effect
        else:
            # The last character of 64 bytes in base64 carries two unused bits.
            assert at == len(token) - 1
            assert read == made


def forged(clock: ManualClock, header: dict[str, Any], changes: dict[str, Any], key: Any, alg: str) -> str:
    good = jwt.decode(mint(claims(clock), KEY), options={"verify_signature": False})
    payload = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return jwt.encode(payload, key, algorithm=alg, headers={"kid": "k1", "typ": TYPE, **header})


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": None}, {}),
        ({"kid": "other"}, {}),
        ({}, {"iss": "somebody"}),
        ({}, {"aud": ["runtime", "kms"]}),
        ({}, {"aud": None}),
        ({}, {"root": "true"}),
        ({}, {"root": 1}),
        ({}, {"epoch": True}),
        ({}, {"epoch": None}),
        ({}, {"ctx": {}}),
        ({}, {"ctx": None}),
        ({}, {"exp": 2**40}),
        ({}, {"iat": 0}),
        ({}, {"exp": 1.5}),
        ({}, {"via": "bedrock.amazonaws.com"}),
        ({}, {"via": [1]}),
        ({}, {"via": ["a"] * 9}),
        ({}, {"via": None}),
        ({}, {"inv": None}),
        ({}, {"sid": 7}),
        ({}, {"vpce": None}),
        ({}, {"vpce": ""}),
        ({}, {"vpce": {"id": "vpce-1"}}),
        ({}, {"vpce": {"id": "vpce-1", "vpc": "vpc-1", "acct": 1, "svc": "sts"}}),
    ],
)
async def test_a_signed_token_of_another_shape_is_refused(
    clock: ManualClock, verifier: TokenVerifier, header: dict[str, Any], changes: dict[str, Any]
) -> None:
    await refused(verifier, forged(clock, header, changes, KEY.private_key, "EdDSA"))


async def test_the_usual_attacks_on_jws_fail(clock: ManualClock, verifier: TokenVerifier) -> None:
    public = KEY.private_key.public_key().public_bytes_raw()
    await refused(verifier, forged(clock, {}, {}, public, "HS256"))
    payload = mint(claims(clock), KEY).split(".")[1]
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "k1", "typ": TYPE}).encode())
    await refused(verifier, f"{none.decode().rstrip('=')}.{payload}.")
    for noise in ("", ".", "..", "a.b.c", "é", "x" * 10_000):
        await refused(verifier, noise)


def test_auth_cannot_mint_a_long_token(clock: ManualClock) -> None:
    now = int(clock.now().timestamp())
    for life in (0, 61):
        with pytest.raises(ValueError, match="60"):
            mint(claims(clock, expires_at=now + life), KEY)


async def test_one_verifier_reads_all_audiences_when_it_is_told_to(clock: ManualClock, keys: Keys) -> None:
    made = claims(clock, audience="kms")
    assert (await TokenVerifier(None, keys, clock).verify(mint(made, KEY))).audience == "kms"


class Published:
    """What auth publishes, as RemoteTokenKeys fetches it."""

    def __init__(self) -> None:
        self.keys = {"k1": KEY.private_key.public_key()}
        self.fetches = 0
        self.down = False

    async def fetch(self) -> dict[str, Ed25519PublicKey]:
        self.fetches += 1
        if self.down:
            from craton.common.v1.error_reason_pb2 import ErrorReason

            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "down")
        return dict(self.keys)


async def test_unknown_key_ids_ask_auth_at_a_bounded_rate(clock: ManualClock) -> None:
    published = Published()
    remote = RemoteTokenKeys(published.fetch, clock)
    assert await remote.ready()
    for number in range(100):
        assert await remote.find(f"stranger-{number}") is None
    assert published.fetches == 1
    published.keys["k2"] = KEY.private_key.public_key()
    clock.advance(2)
    assert await remote.find("k2") is not None
    assert published.fetches == 2


async def test_keys_outlive_auth_for_five_minutes(clock: ManualClock) -> None:
    published = Published()
    remote = RemoteTokenKeys(published.fetch, clock)
    published.down = True
    assert not await remote.ready()
    with pytest.raises(DomainError) as caught:
        await remote.find("k1")
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    published.down = False
    clock.advance(2)
    assert await remote.find("k1") is not None
    published.down = True
    clock.advance(299)
    assert await remote.find("k1") is not None
    clock.advance(2)
    with pytest.raises(DomainError):
        await remote.find("k1")
