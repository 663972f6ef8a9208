"""Private keys that stay loaded for a moment: whose they are, for how long, and what ends it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.kms.domain.keys import Key, KeyOrigin, KeyState, KeyVersion
from services.kms.domain.names import KeyName
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations import loaded_keys
from services.kms.operations.key_admin import NewKey
from services.kms.operations.loaded_keys import LOADED_S, LoadedKeys
from services.kms.operations.signing import AskedOf
from tests.fakes.clock import ManualClock
from tests.unit.kms.key_access import NOW
from tests.unit.kms.world import World, call, opened

SPEC = KeySpec.ECC_NIST_EDWARDS25519


def signing_key(name: str = "a") -> Key:
    return Key(
        KeyName.parse(f"accounts/123456789012/regions/us-east-1/keys/{name}"),
        "i1",
        KeyState.ENABLED,
        "",
        NOW,
        1,
        spec=SPEC,
        usage=KeyUsage.SIGN_VERIFY,
        origin=KeyOrigin.EXTERNAL,
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def loaded(clock: ManualClock) -> LoadedKeys:
    return LoadedKeys(clock)


PRIVATE = object()
VERSION = KeyVersion(1, b"salt and sealed bytes", NOW)


async def test_it_is_found_until_its_time_is_over(loaded: LoadedKeys, clock: ManualClock) -> None:
    key = signing_key()
    loaded.put(key, VERSION, PRIVATE)  # type: ignore[arg-type]
    clock.advance(LOADED_S - 0.01)
    assert loaded.get(key, VERSION) is PRIVATE
    clock.advance(0.01)
    assert loaded.get(key, VERSION) is None


async def test_using_it_does_not_make_it_last(loaded: LoadedKeys, clock: ManualClock) -> None:
    key = signing_key()
    loaded.put(key, VERSION, PRIVATE)  # type: ignore[arg-type]
    for _ in range(10):
        clock.advance(LOADED_S / 10)
        loaded.get(key, VERSION)
    assert loaded.get(key, VERSION) is None


async def test_it_is_of_one_key_and_one_wrapping(loaded: LoadedKeys) -> None:
    key = signing_key()
    loaded.put(key, VERSION, PRIVATE)  # type: ignore[arg-type]
    assert loaded.get(signing_key("b"), VERSION) is None
    assert loaded.get(key, replace(VERSION, wrapped=b"wrapped again")) is None
    assert loaded.get(key, replace(VERSION, wrapped=b"")) is None


async def test_one_keys_or_all_are_forgotten(loaded: LoadedKeys) -> None:
    one, two = signing_key("a"), signing_key("b")
    other = replace(VERSION, wrapped=b"another")
    loaded.put(one, VERSION, PRIVATE)  # type: ignore[arg-type]
    loaded.put(two, other, PRIVATE)  # type: ignore[arg-type]
    loaded.forget(one.name)
    assert loaded.get(one, VERSION) is None
    assert loaded.get(two, other) is PRIVATE
    loaded.forget()
    assert loaded.get(two, other) is None


async def test_memory_lets_go_of_it_when_its_time_is_over(
    loaded: LoadedKeys, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_keys, "LOADED_S", 0.05)
    first, second = VERSION, replace(VERSION, wrapped=b"another")
    loaded.put(signing_key(), first, PRIVATE)  # type: ignore[arg-type]
    clock.advance(0.03)
    loaded.put(signing_key(), second, PRIVATE)  # type: ignore[arg-type]
    clock.advance(0.03)
    async with asyncio.timeout(20):
        while len(loaded._loaded) > 1:
            await asyncio.sleep(0.01)
    assert list(loaded._loaded) == [second.wrapped]
    clock.advance(0.03)
    async with asyncio.timeout(20):
        while loaded._loaded:
            await asyncio.sleep(0.01)


async def test_no_more_than_so_many_are_loaded(loaded: LoadedKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_keys, "_MOST", 2)
    versions = [replace(VERSION, wrapped=bytes([number])) for number in range(3)]
    for each in versions:
        loaded.put(signing_key(), each, PRIVATE)  # type: ignore[arg-type]
    assert [loaded.get(signing_key(), each) is PRIVATE for each in versions] == [False, True, True]


async def test_nothing_of_it_is_shown(loaded: LoadedKeys) -> None:
    loaded.put(signing_key(), VERSION, "the private key")  # type: ignore[arg-type]
    assert "the private key" not in repr(loaded._loaded)


class Unwrapping:
    """Counts how often material of a world is unwrapped."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original = world.material.unwrap

        async def unwrap(*arguments: Any) -> Any:
            self.count += 1
            return await original(*arguments)

        monkeypatch.setattr(world.material, "unwrap", unwrap)


async def signed(world: World, key: Key) -> bytes:
    asked = AskedOf(str(key.name), "ED25519_SHA_512")
    signature, _ = await world.signing.sign(call(), asked, b"message")
    await world.signing.verify(call(), asked, b"message", signature)
    return signature


async def test_signatures_of_a_moment_share_a_loaded_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await opened(tmp_path)
    unwrapping = Unwrapping(world, monkeypatch)
    wanted = NewKey(spec=SPEC, usage=KeyUsage.SIGN_VERIFY)
    one, two = await world.key(wanted), await world.key(wanted)
    # Ed25519 gives one signature for one message.
    assert await signed(world, one) == await signed(world, one) != await signed(world, two)
    assert unwrapping.count == 2
    world.clock.advance(LOADED_S)
    await signed(world, one)
    assert unwrapping.count == 3


async def test_a_loaded_key_opens_nothing_that_its_record_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await opened(tmp_path)
    key = await world.key(NewKey(spec=SPEC, usage=KeyUsage.SIGN_VERIFY))
    await signed(world, key)
    await world.admin.disable(call(), key.name)
    with pytest.raises(DomainError) as caught:
        await signed(world, key)
    assert caught.value.reason == ErrorReason.ERROR_REASON_KEY_DISABLED
    await world.admin.enable(call(), key.name)
    unwrapping = Unwrapping(world, monkeypatch)
    await signed(world, key)
    assert unwrapping.count == 0
    world.material.forget(key.name)
    await signed(world, key)
    assert unwrapping.count == 1


async def test_sealing_lets_go_of_all(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    key = await world.key(NewKey(spec=SPEC, usage=KeyUsage.SIGN_VERIFY))
    await signed(world, key)
    world.pages.close()
    world.material.forget()
    with pytest.raises(DomainError) as caught:
        await signed(world, key)
    assert caught.value.reason == ErrorReason.ERROR_REASON_SEALED
