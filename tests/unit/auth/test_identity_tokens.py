"""Tokens of identity providers: which are accepted, and what of them."""

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from services.auth.domain.identity_tokens import WebIdentity, read_unverified, verify
from services.auth.domain.key_sets import choose, parse_discovery, parse_key_set
from services.chassis.errors import DomainError
from tests.fakes.issuer import AUDIENCE, Key, claims_of, discovery, key_set

ISSUER = "https://token.example.com"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RSA = Key.make("r")


def accept(token: str, key: Key = RSA, client_ids: tuple[str, ...] = (AUDIENCE,)) -> WebIdentity:
    unverified = read_unverified(token)
    assert unverified.issuer == ISSUER or unverified.issuer
    return verify(unverified, key.private.public_key(), client_ids, NOW)


def token(key: Key = RSA, **changes: Any) -> str:
    return key.sign(claims_of(ISSUER, NOW, **changes))


def reason(token: str, key: Key = RSA, client_ids: tuple[str, ...] = (AUDIENCE,)) -> str:
    with pytest.raises(DomainError) as caught:
        accept(token, key, client_ids)
    assert not token or token not in caught.value.message
    return caught.value.reason_name


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"])
def test_each_algorithm_that_aws_accepts(algorithm: str) -> None:
    key = Key.make("k", algorithm)
    found = accept(token(key), key)
    assert (found.subject, found.audience) == ("workload:red", AUDIENCE)
    known = parse_key_set(key_set(key))["k"][0]
    assert known.algorithms == {algorithm}


@pytest.mark.parametrize("algorithm", ["PS256", "none", "HS256"])
def test_other_algorithms_are_refused_before_any_key_is_looked_for(algorithm: str) -> None:
    key = {"none": None, "HS256": b"k" * 32}.get(algorithm, RSA.private)
    made = jwt.encode(claims_of(ISSUER, NOW), key, algorithm=algorithm, headers={"kid": "r"})
    with pytest.raises(DomainError, match="must be signed with one of") as caught:
        read_unverified(made)
    assert caught.value.reason_name == "INVALID_IDENTITY_TOKEN"


def test_a_public_key_is_no_shared_secret() -> None:
    """The confusion of algorithms: HMAC over the token with the public key's PEM as its secret."""
    pem = RSA.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for algorithm in ("HS256", "RS256"):
        header = {"alg": algorithm, "kid": "r", "typ": "JWT"}
        parts = [json.dumps(part).encode() for part in (header, claims_of(ISSUER, NOW))]
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = base64.urlsafe_b64encode(hmac.digest(pem, signed, hashlib.sha256)).rstrip(b"=")
        assert reason((signed + b"." + signature).decode()) == "INVALID_IDENTITY_TOKEN"


def test_every_changed_character_of_a_token_is_noticed() -> None:
    good = token()
    head, payload, signature = good.split(".")
    for part, text in enumerate((head, payload, signature)):
        for place in range(0, len(text) - 1, max(1, len(text) // 40)):
            changed = [head, payload, signature]
            other = "A" if text[place] != "A" else "B"
            changed[part] = text[:place] + other + text[place + 1 :]
            assert reason(".".join(changed)) == "INVALID_IDENTITY_TOKEN"


@pytest.mark.parametrize("junk", ["", "a.b.c", "....", "x" * 20_001, "é.é.é", "e30.e30.e30", "W10.W10."])
def test_what_is_no_token(junk: str) -> None:
    assert reason(junk) == "INVALID_IDENTITY_TOKEN"


def test_keys_that_a_header_brings_are_not_looked_at() -> None:
    attacker = Key.make("r")
    public = attacker.jwk()
    for header in ({"jwk": public}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/c"}):
        assert reason(attacker.sign(claims_of(ISSUER, NOW), **header)) == "INVALID_IDENTITY_TOKEN"
        # The issuer's own key verifies, whatever else the header says.
        assert accept(RSA.sign(claims_of(ISSUER, NOW), **header)).subject == "workload:red"
    assert reason(RSA.sign(claims_of(ISSUER, NOW), crit=["b64"])) == "INVALID_IDENTITY_TOKEN"
    for wrong in (None, "", 7, "k" * 1025):
        header = {"alg": "RS256", "kid": wrong}
        made = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in (header, claims_of(ISSUER, NOW), {})
        )
        assert reason(made) == "INVALID_IDENTITY_TOKEN"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": int(NOW.timestamp()) - 301}, "IDENTITY_TOKEN_EXPIRED"),
        ({"exp": int(NOW.timestamp()) - 300}, "IDENTITY_TOKEN_EXPIRED"),
        ({"exp": None}, "INVALID_IDENTITY_TOKEN"),
        ({"exp": "soon"}, "INVALID_IDENTITY_TOKEN"),
        ({"exp": True}, "INVALID_IDENTITY_TOKEN"),
        ({"exp": NOW.timestamp() + 60.5}, "INVALID_IDENTITY_TOKEN"),
        ({"iat": None}, "INVALID_IDENTITY_TOKEN"),
        ({"iat": int(NOW.timestamp()) + 301}, "IDENTITY_CLAIM_REJECTED"),
        ({"iat": int(NOW.timestamp()) - 86_701}, "IDENTITY_TOKEN_EXPIRED"),
        ({"nbf": int(NOW.timestamp()) + 301}, "IDENTITY_CLAIM_REJECTED"),
        ({"sub": None}, "INVALID_IDENTITY_TOKEN"),
        ({"sub": ""}, "INVALID_IDENTITY_TOKEN"),
        ({"sub": "s" * 256}, "INVALID_IDENTITY_TOKEN"),
        ({"sub": "a\x00b"}, "INVALID_IDENTITY_TOKEN"),
        ({"sub": "\ud800"}, "INVALID_IDENTITY_TOKEN"),
        ({"iss": "https://\ud800"}, "INVALID_IDENTITY_TOKEN"),
        ({"iss": "https://a\x00"}, "INVALID_IDENTITY_TOKEN"),
        ({"amr": ["\udfff"]}, "IDENTITY_CLAIM_REJECTED"),
        ({"aud": None}, "INVALID_IDENTITY_TOKEN"),
        ({"aud": "other"}, "INVALID_IDENTITY_TOKEN"),
        ({"aud": []}, "INVALID_IDENTITY_TOKEN"),
        ({"aud": [AUDIENCE, "other"]}, "INVALID_IDENTITY_TOKEN"),
        ({"aud": [AUDIENCE, 7], "azp": AUDIENCE}, "INVALID_IDENTITY_TOKEN"),
        ({"azp": "other"}, "INVALID_IDENTITY_TOKEN"),
        ({"azp": 7}, "INVALID_IDENTITY_TOKEN"),
        ({"amr": {"a": 1}}, "IDENTITY_CLAIM_REJECTED"),
        ({"amr": ["a"] * 21}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/tags": "x"}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/tags": {"principal_tags": []}}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/tags": {"principal_tags": {"a": ["b", "c"]}}}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/tags": {"principal_tags": {"": ["b"]}}}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/tags": {"transitive_tag_keys": 1}}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/source_identity": "a b"}, "IDENTITY_CLAIM_REJECTED"),
        ({"https://aws.amazon.com/source_identity": 1}, "IDENTITY_CLAIM_REJECTED"),
    ],
)
def test_claims_that_are_refused(changes: dict[str, Any], expected: str) -> None:
    assert reason(token(**changes)) == expected


@pytest.mark.parametrize(
    "changes", [{"exp": -299}, {"iat": 300}, {"nbf": 300}, {"nbf": -5}, {"iat": -86_700}]
)
def test_clocks_may_differ_by_five_minutes(changes: dict[str, int]) -> None:
    moved = {name: int(NOW.timestamp()) + seconds for name, seconds in changes.items()}
    if "iat" in moved:
        moved.setdefault("exp", int(NOW.timestamp()) + 60)
    assert accept(token(**moved)).subject == "workload:red"


def test_the_party_that_a_token_was_issued_to_is_its_audience() -> None:
    found = accept(token(aud=["https://api", "other"], azp=AUDIENCE))
    assert found.audience == AUDIENCE
    assert found.claims["aud"] == found.claims["azp"] == (AUDIENCE,)
    assert "oaud" not in found.claims
    assert accept(token(aud="api", azp=AUDIENCE)).claims["oaud"] == ("api",)
    assert accept(token(aud=[AUDIENCE])).claims["aud"] == (AUDIENCE,)
    assert reason(token(), client_ids=()) == "INVALID_IDENTITY_TOKEN"


def test_tags_nested_and_flattened() -> None:
    tags = "https://aws.amazon.com/tags"
    nested = {"principal_tags": {"team": ["red"], "level": "3"}, "transitive_tag_keys": ["team"]}
    flattened = {
        f"{tags}/principal_tags/team": "red",
        f"{tags}/principal_tags/level": ["3"],
        f"{tags}/transitive_tag_keys": ["team"],
    }
    for changes in ({tags: nested}, flattened):
        found = accept(token(**changes, **{"https://aws.amazon.com/source_identity": "alice@x"}))
        assert found.tags == (("level", "3"), ("team", "red"))
        assert found.transitive_keys == ("team",)
        assert found.source_identity == "alice@x"
    assert reason(token(**{tags: nested}, **flattened)) == "IDENTITY_CLAIM_REJECTED"


def test_an_expired_token_is_told_in_aws_words() -> None:
    expired = NOW - timedelta(hours=1)
    with pytest.raises(DomainError) as caught:
        accept(RSA.sign(claims_of(ISSUER, expired - timedelta(minutes=10))))
    assert caught.value.message == (
        f"Token expired: current date/time {int(NOW.timestamp())} must be before the expiration date/time "
        f"{int(expired.timestamp())}"
    )


def test_what_of_a_key_set_is_used() -> None:
    other = Key.make("e", "ES256")
    found = parse_key_set(
        json.dumps(
            {
                "keys": [
                    RSA.jwk(),
                    other.jwk(),
                    {**RSA.jwk(), "kid": "leaked", "d": "AQAB", "p": "AQAB"},
                    {**RSA.jwk(), "kid": "for-encryption", "use": "enc"},
                    {**RSA.jwk(), "kid": "pss", "alg": "PS256"},
                    {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
                    {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "okp"},
                    {"kty": ["RSA"], "kid": "list"},
                    {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "curve"},
                    {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short"},
                    "junk",
                ]
            }
        ).encode()
    )
    assert sorted(found) == ["e", "leaked", "r"]
    assert not hasattr(found["leaked"][0].public_key, "private_numbers")
    one = {name: value for name, value in RSA.jwk().items() if name != "alg"}
    (any_hash,) = parse_key_set(json.dumps({"keys": [one]}).encode())["r"]
    assert any_hash.algorithms == {"RS256", "RS384", "RS512"}


def test_a_token_without_a_key_id_goes_with_one_key_alone() -> None:
    header = {"alg": "RS256"}
    unnamed = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, claims_of(ISSUER, NOW), {})
    )
    assert read_unverified(unnamed).key_id == ""
    one, two = parse_key_set(key_set(RSA)), parse_key_set(key_set(RSA, Key.make("e", "ES256")))
    assert choose(one, "", "RS256") == RSA.private.public_key()
    assert choose(one, "", "ES256") is None
    assert choose(two, "", "RS256") is None
    assert choose(two, "r", "RS256") == RSA.private.public_key()
    bare = {name: value for name, value in RSA.jwk().items() if name != "kid"}
    only = parse_key_set(json.dumps({"keys": [bare]}).encode())
    assert choose(only, "", "RS256") == RSA.private.public_key()
    assert choose(only, "r", "RS256") is None


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b"\xff",
        b"[" * 100_000,
        json.dumps({"keys": [{"kty": "RSA"}] * 101}).encode(),
        json.dumps({"keys": [{"kty": "x"}] * 401}).encode(),
    ],
)
def test_what_is_no_key_set(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"document|key set"):
        parse_key_set(document)


@pytest.mark.parametrize("bits", [1024, 8200])
def test_keys_that_are_too_short_or_too_long(bits: int) -> None:
    number = (1 << (bits - 1)) | 1
    text = base64.urlsafe_b64encode(number.to_bytes((bits + 7) // 8, "big")).rstrip(b"=").decode()
    document = json.dumps({"keys": [{"kty": "RSA", "n": text, "e": "AQAB", "kid": "k"}]}).encode()
    with pytest.raises(ValueError, match="no key"):
        parse_key_set(document)


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        discovery("https://other.example.com"),
        json.dumps({"issuer": ISSUER}).encode(),
        discovery(ISSUER, "http://token.example.com/jwks"),
        discovery(ISSUER, "https://user@token.example.com/jwks"),
        discovery(ISSUER, "https://token.example.com/jwks#x"),
        discovery(ISSUER, "https://token.example.com/a b"),
        discovery(ISSUER, "https://token.example.com/a\r\nHost: x"),
        discovery(ISSUER, "https://token.example.com:99999/"),
        discovery(ISSUER, "https:///jwks"),
        discovery(ISSUER, "file:///etc/passwd"),
    ],
)
def test_discovery_documents_that_are_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"discovery|https URL|[Pp]ort"):
        parse_discovery(document, ISSUER)


def test_a_key_set_may_be_elsewhere() -> None:
    found = parse_discovery(discovery(ISSUER, "https://keys.example.net:8443/v1?p=x"), ISSUER)
    assert (found.host, found.port, found.target) == ("keys.example.net", 8443, "/v1?p=x")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)
_CLAIMS = (
    "iss sub aud azp exp iat nbf amr email https://aws.amazon.com/tags https://aws.amazon.com/source_identity"
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_CLAIMS.split()), _JSON, max_size=4), st.text() | st.binary())
def test_whatever_a_token_says_it_is_read_or_refused(changes: dict[str, Any], junk: str | bytes) -> None:
    with contextlib.suppress(DomainError):
        found = accept(token(**changes))
        assert found.audience == AUDIENCE
        assert found.subject.encode()
        assert all(method.encode() for method in found.authentication_methods)
    text = junk.decode("latin-1") if isinstance(junk, bytes) else junk
    with pytest.raises(DomainError):
        read_unverified(text)


@settings(deadline=None)
@given(_JSON, st.binary())
def test_whatever_an_issuer_says_it_is_read_or_refused(value: Any, junk: bytes) -> None:
    keys = json.dumps({"keys": [value, RSA.jwk(n=value), RSA.jwk(kid=value), RSA.jwk(alg=value), RSA.jwk()]})
    assert "r" in parse_key_set(keys.encode())
    location = json.dumps({"issuer": ISSUER, "jwks_uri": value}).encode()
    for read in (lambda: parse_key_set(junk), lambda: parse_discovery(location, ISSUER)):
        with pytest.raises(ValueError, match=r"document|key set|URL|[Pp]ort"):
            read()
