"""SigV4 at auth: what verifies, what does not, and how long kms may be away."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from services.auth.domain.records import KeyStatus
from services.auth.operations.signatures import Signed
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_token_request

HOST = "auth.craton.internal"


def signed(auth: Any, *, audience: str = "runtime", host: str = HOST, **changes: Any) -> Signed:
    values = {"region": "us-east-1", "service": "bedrock", "secret": auth.key.secret, **changes}
    credentials = SigningCredentials(
        values.get("access_key_id", auth.key.key.access_key_id),
        values["secret"],
        values["region"],
        values["service"],
    )
    made = sign_token_request(credentials, host, audience, auth.clock.now() + values.get("off", timedelta()))
    return Signed(made.credential, made.string_to_sign.decode(), made.signature)


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


async def test_a_good_signature_names_its_principal(auth) -> None:
    verified = await auth.signatures.verify(signed(auth))
    assert verified.state.user == auth.user
    assert len(verified.derived_key) == 32
    assert auth.key.secret.reveal().decode() not in repr(verified)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"secret": SecretBytes(b"x" * 40)}, "SIGNATURE_MISMATCH"),
        ({"access_key_id": "AKIA" + "Z" * 16}, "UNKNOWN_ACCESS_KEY"),
        ({"region": "us-west-2"}, "UNKNOWN_REGION"),
        ({"service": "s3"}, "SIGNATURE_MISMATCH"),
        ({"off": timedelta(minutes=-5, seconds=-1)}, "SIGNATURE_EXPIRED"),
        ({"off": timedelta(minutes=5, seconds=1)}, "SIGNATURE_EXPIRED"),
    ],
)
async def test_bad_signatures(auth, changes: dict[str, Any], expected: str) -> None:
    assert await reason(auth.signatures.verify(signed(auth, **changes))) == expected


async def test_no_part_can_be_exchanged(auth) -> None:
    good = signed(auth)
    other_day = good.credential._replace(date="20260101")
    other_key = good.credential._replace(access_key_id="AKIA" + "Z" * 16)
    for changed in (
        dataclasses.replace(good, credential=other_day),
        dataclasses.replace(good, credential=other_key),
        dataclasses.replace(good, signature=good.signature[:-1]),
        dataclasses.replace(good, signature=b""),
        dataclasses.replace(good, string_to_sign=good.string_to_sign[:-1] + "0"),
        dataclasses.replace(good, string_to_sign=good.string_to_sign + "\n"),
        dataclasses.replace(good, string_to_sign=""),
    ):
        with pytest.raises(DomainError):
            await auth.signatures.verify(changed)
    for at in range(len(good.signature)):
        flipped = bytearray(good.signature)
        flipped[at] ^= 1
        changed = dataclasses.replace(good, signature=bytes(flipped))
        assert await reason(auth.signatures.verify(changed)) == "SIGNATURE_MISMATCH"


async def test_an_inactive_key_looks_like_an_unknown_one_though_its_key_is_cached(auth) -> None:
    await auth.signatures.verify(signed(auth))
    await auth.directory.set_key_status(
        auth.account.account_id, "alice", auth.key.key.access_key_id, KeyStatus.INACTIVE
    )
    assert await reason(auth.signatures.verify(signed(auth))) == "UNKNOWN_ACCESS_KEY"


async def test_nothing_is_verified_by_a_secret_that_cannot_be_opened_any_more(auth) -> None:
    """What may stay in memory, and how long, is the sealer's to say: nothing is kept beside it."""
    await auth.signatures.verify(signed(auth))
    auth.sealer.down = True
    assert await reason(auth.signatures.verify(signed(auth))) == "DEPENDENCY_UNAVAILABLE"
    auth.sealer.down = False
    await auth.signatures.verify(signed(auth))


async def test_strangers_do_not_reach_kms(auth) -> None:
    before = auth.sealer.opened
    for _ in range(3):
        await reason(auth.signatures.verify(signed(auth, access_key_id="AKIA" + "Z" * 16)))
    assert auth.sealer.opened == before


async def test_a_token_request_is_bound_to_host_audience_and_two_seconds(auth) -> None:
    verify = auth.signatures.verify_token_request
    good = signed(auth)
    assert await reason(verify(good, "kms")) == "SIGNATURE_MISMATCH"
    assert await reason(verify(signed(auth, host="evil.example.com"), "runtime")) == "SIGNATURE_MISMATCH"
    await verify(good, "runtime")
    auth.clock.advance(2)
    await verify(good, "runtime")
    auth.clock.advance(0.1)
    assert await reason(verify(good, "runtime")) == "SIGNATURE_REPLAYED"
    auth.clock.advance(1)
    await verify(signed(auth), "runtime")
