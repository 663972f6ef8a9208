"""The keys that sign tokens: made, reopened, rotated, withdrawn."""

from typing import Any

from services.chassis.principal import ClientContext


async def a_token(auth: Any) -> str:
    state = await auth.credentials.principal_state(auth.key.key.access_key_id)
    token, _claims = auth.issuer.issue(state, "us-east-1", "runtime", ClientContext())
    return str(token)


async def test_the_key_is_sealed_and_opens_again_after_a_restart(auth) -> None:
    (record,) = await auth.credentials.token_keys()
    assert record.sealed_private_key.startswith(b"sealed-")
    again = auth.another_keyring()
    assert await again.ready()
    assert again.signing_key.key_id == auth.keyring.signing_key.key_id
    assert (
        again.signing_key.private_key.private_bytes_raw()
        == auth.keyring.signing_key.private_key.private_bytes_raw()
    )


async def test_without_kms_a_new_process_is_not_ready_and_an_old_one_goes_on(auth) -> None:
    auth.sealer.down = True
    assert not await auth.another_keyring().ready()
    assert await auth.keyring.ready()
    assert await auth.issuer.verifier.verify(await a_token(auth))


async def test_a_replaced_key_verifies_until_its_tokens_are_over(auth) -> None:
    old = auth.keyring.signing_key.key_id
    auth.clock.advance(30 * 86_400 + 1)
    token = await a_token(auth)
    await auth.keyring.refresh()
    new = auth.keyring.signing_key.key_id
    assert new != old
    assert list(auth.keyring.public_keys()) == [new, old]
    assert await auth.issuer.verifier.verify(token)
    auth.clock.advance(601)
    await auth.keyring.refresh()
    assert list(auth.keyring.public_keys()) == [new]
    assert [record.key_id for record in await auth.credentials.token_keys()] == [new]


async def test_replicas_find_each_others_keys(auth) -> None:
    replica = auth.another_keyring()
    await replica.ready()
    auth.clock.advance(30 * 86_400 + 1)
    await replica.refresh()
    new = replica.signing_key.key_id
    # Asked for a key that it does not know, the first replica looks into the store.
    assert await auth.keyring.find(new) is not None
    assert auth.keyring.signing_key.key_id == new


async def test_unknown_key_ids_do_not_flood_the_store(auth) -> None:
    readings = 0
    original = auth.credentials.token_keys

    async def counted() -> Any:
        nonlocal readings
        readings += 1
        return await original()

    auth.credentials.token_keys = counted
    auth.clock.advance(2)
    for number in range(50):
        assert await auth.keyring.find(f"stranger-{number}") is None
    assert readings == 1
