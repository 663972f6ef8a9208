"""Keys of accounts under the service's own key: bound to what they are for, and open for a minute."""

from collections.abc import Mapping

import pytest

from services.audit.adapters.kms import KmsKeyService
from services.audit.ports import DataKey
from services.chassis.data_keys.cache import DataKeyCache
from services.chassis.data_keys.leases import KeyLeases
from services.chassis.errors import DomainError
from tests.fakes.clock import ManualClock
from tests.unit.chassis.data_keys.kms import KEY, Kms


class Bound(Kms):
    """A kms that remembers what it was asked to bind to."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.contexts: list[Mapping[str, str]] = []

    async def generate(self, key_name: str, context: Mapping[str, str]):
        self.contexts.append(context)
        return await super().generate(key_name, context)

    async def open(self, ciphertext: bytes, context: Mapping[str, str]):
        self.contexts.append(context)
        return await super().open(ciphertext, context)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def kms(clock: ManualClock) -> Bound:
    return Bound(clock)


@pytest.fixture
def leases(kms: Bound, clock: ManualClock) -> KeyLeases:
    return KeyLeases(kms, clock)


@pytest.fixture
def keys(kms: Bound, leases: KeyLeases, clock: ManualClock) -> KmsKeyService:
    return KmsKeyService(DataKeyCache(kms, leases, clock))


async def test_a_key_is_bound_to_its_id_and_account(keys: KmsKeyService, kms: Bound) -> None:
    for account in ("123456789012", ""):
        _, wrapped = await keys.generate(b"\1" * 16, account)
        await keys.open(DataKey(b"\2" * 16, account, wrapped, 0))
    purpose = {"purpose": "audit-event"}
    assert kms.contexts == [
        purpose | {"account_id": account, "key_id": key_id}
        for account in ("123456789012", "installation")
        for key_id in (16 * "01", 16 * "02")
    ]


async def test_a_key_opens_from_memory_for_a_minute_and_not_beyond_its_end(
    keys: KmsKeyService, kms: Bound, leases: KeyLeases, clock: ManualClock
) -> None:
    secret, wrapped = await keys.generate(b"\1" * 16, "123456789012")
    key = DataKey(b"\1" * 16, "123456789012", wrapped, 0)
    for _ in range(59):
        assert (await keys.open(key)).equals(secret)
        clock.advance(1)
        await leases.renew()
    assert kms.opened == 0
    clock.advance(1)
    await keys.open(key)
    assert kms.opened == 1
    kms.refusal = 12
    leases.revoke(KEY, 1)
    with pytest.raises(DomainError):
        await keys.open(key)
