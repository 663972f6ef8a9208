"""API keys: AWS's own generator makes what is accepted, and nothing else is."""

import base64
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from aws_bedrock_token_generator.token_generator import _generate_token
from botocore.credentials import Credentials
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import api_keys, sigv4
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIGNER = SigningCredentials(KEY_ID, SecretBytes(SECRET.encode()), "eu-west-1")


def verified(key: api_keys.ShortTermKey, secret: str = SECRET) -> bool:
    scope = key.credential
    signing = sigv4.derive_signing_key(SecretBytes(secret.encode()), scope.date, scope.region, scope.service)
    try:
        sigv4.verify(signing, key.string_to_sign, key.signature)
    except DomainError:
        return False
    return True


def short_term(text: str) -> api_keys.ShortTermKey:
    key = api_keys.parse(text)
    assert isinstance(key, api_keys.ShortTermKey)
    return key


def refused(text: str) -> None:
    with pytest.raises(DomainError) as caught:
        api_keys.parse(text)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_API_KEY


def rewritten(text: str, old: str, new: str) -> str:
    url = base64.b64decode(text.removeprefix("bedrock-api-key-")).decode()
    assert old in url
    return "bedrock-api-key-" + base64.b64encode(url.replace(old, new, 1).encode()).decode()


@pytest.mark.parametrize("token", [None, "AQ+/session=token=="])
@pytest.mark.parametrize("seconds", [1, 900, 43200])
def test_what_awss_generator_makes_is_read_and_verified(token: str | None, seconds: int) -> None:
    text = _generate_token(Credentials(KEY_ID, SECRET, token), "eu-west-1", seconds)
    key = short_term(text)
    assert verified(key)
    assert not verified(key, "x" * 40)
    assert (key.credential.region, key.lifetime) == ("eu-west-1", timedelta(seconds=seconds))
    assert key.session_token == (token or "")
    assert abs(key.signed_at - datetime.now(UTC)) < timedelta(seconds=60)


def test_our_own_are_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    for token in (None, "AQ+/session=token=="):
        theirs = _generate_token(Credentials(KEY_ID, SECRET, token), "eu-west-1", 3600)
        ours = api_keys.presign(SIGNER, NOW, timedelta(hours=1), token or "").reveal().decode()
        url, our_url = (base64.b64decode(each.removeprefix("bedrock-api-key-")) for each in (theirs, ours))
        # Theirs is in the order in which botocore adds parameters.
        assert sorted(url.split(b"?")[1].split(b"&")) == sorted(our_url.split(b"?")[1].split(b"&"))
        assert short_term(theirs) == short_term(ours)


def test_no_changed_byte_is_verified() -> None:
    text = _generate_token(Credentials(KEY_ID, SECRET, "token"), "eu-west-1", 900)
    url = base64.b64decode(text.removeprefix("bedrock-api-key-"))
    original, random, same = short_term("bedrock-api-key-" + base64.b64encode(url).decode()), Random(1), 0
    for at in range(len(url)):
        changed = bytearray(url)
        changed[at] = random.choice([each for each in b"aZ09%&=/?.-" if each != url[at]])
        try:
            key = short_term("bedrock-api-key-" + base64.b64encode(bytes(changed)).decode())
        except DomainError:
            continue
        # An escape in the other case, for example %2f, is the same parameter.
        same += key == original
        assert key == original or not verified(key), bytes(changed)
    assert same < 10


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bedrock.amazonaws.com/", "sts.amazonaws.com/"),
        ("bedrock.amazonaws.com/", "bedrock.amazonaws.com/x"),
        ("CallWithBearerToken", "GetCallerIdentity"),
        ("&Version=1", ""),
        ("&Version=1", "&Version=2"),
        ("&Version=1", "&Version=1&Version=1"),
        ("&Version=1", "&Version=1&X-Amz-Other=1"),
        ("X-Amz-Expires=900", "X-Amz-Expires=43201"),
        ("X-Amz-Expires=900", "X-Amz-Expires=0"),
        ("X-Amz-Expires=900", "X-Amz-Expires=-5"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
        ("%2Fbedrock%2F", "%2Fsts%2F"),
        ("%2Faws4_request", "%2Faws4_other"),
    ],
)
def test_other_presigned_requests_are_no_keys(old: str, new: str) -> None:
    refused(rewritten(_generate_token(Credentials(KEY_ID, SECRET), "eu-west-1", 900), old, new))


def test_a_date_of_another_day_than_the_scope_is_refused() -> None:
    text = api_keys.presign(SIGNER, NOW, timedelta(hours=1)).reveal().decode()
    refused(rewritten(text, "X-Amz-Date=20260102", "X-Amz-Date=20260103"))


def test_long_term_keys() -> None:
    text = api_keys.long_term("alice+1-at-123456789012", SecretBytes(b"s" * 44)).reveal().decode()
    assert text.startswith("ABSK")
    key = api_keys.parse(text)
    assert isinstance(key, api_keys.LongTermKey)
    assert (key.alias, key.secret.reveal()) == ("alice+1-at-123456789012", b"s" * 44)
    assert "s" * 44 not in repr(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ABSK",
        "bedrock-api-key-",
        "absk" + base64.b64encode(b"a:" + b"s" * 44).decode(),
        "ABSK" + base64.b64encode(b"a" + b"s" * 44).decode(),
        "ABSK" + base64.b64encode(b":" + b"s" * 44).decode(),
        "ABSK" + base64.b64encode(b"a:short").decode(),
        "ABSK" + base64.b64encode(b"a b:" + b"s" * 44).decode(),
        "ABSK" + base64.b64encode(b"a:" + b"s" * 44).decode().rstrip("="),
        "ABSK" + base64.b64encode(b"a:" + b"s" * 44).decode() + "\n",
        "ABSK" + "!" * 40,
        "ABSK" + "é" * 40,
        "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        "bedrock-api-key-" + base64.b64encode(b"x" * 10_000).decode(),
        "bedrock-api-key-" + base64.b64encode(b"bedrock.amazonaws.com/?" + bytes(range(128, 256))).decode(),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    refused(text)


def test_one_key_has_one_spelling() -> None:
    text = "ABSK" + base64.b64encode(b"ab:" + b"s" * 44).decode()
    assert text.endswith("=")
    # The last digit before the padding carries bits that decoding drops.
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    end = text.rstrip("=")
    for digit in digits:
        other = end[:-1] + digit + "=" * (len(text) - len(end))
        if other != text and base64.b64decode(other[4:]) == base64.b64decode(text[4:]):
            refused(other)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(hours=12, seconds=1), timedelta(seconds=-1)])
def test_impossible_lives_are_not_signed(lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="twelve hours"):
        api_keys.presign(SIGNER, NOW, lifetime)


def test_secrets_do_not_show() -> None:
    text = api_keys.presign(SIGNER, NOW, timedelta(hours=1), "session-token").reveal().decode()
    key = short_term(text)
    shown = repr(key)
    assert "session-token" not in shown
    assert repr(key.signature) not in shown
