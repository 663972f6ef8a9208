"""What a workload may go on doing with a key, under its certificate alone."""

import dataclasses
from datetime import UTC, datetime

import pytest

from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.names import KeyName
from services.kms.errors import key_not_found
from services.kms.operations.key_uses import KeyUse, KeyUses, PoolsOpenTheirProviders

OWN = KeyName.parse("services/audit/keys/default")
WEIGHTS = KeyName.parse("providers/craton/keys/weights")
CUSTOMER = KeyName.parse("accounts/123456789012/regions/us-east-1/keys/k")
CONTEXT = {"craton:provider": "craton", "craton:artifact": "a"}


class Keys:
    def __init__(self) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        self.keys = {name: Key(name, "", KeyState.ENABLED, "", now, 1) for name in (OWN, WEIGHTS, CUSTOMER)}

    async def named(self, name: KeyName) -> Key:
        if name not in self.keys:
            raise key_not_found(str(name))
        return self.keys[name]


def workload(path: str) -> WorkloadId:
    kind, _, name = path.partition("/")
    return WorkloadId("craton.local", kind, name)


async def answer(keys: Keys, who: str, name: KeyName, operation: str = "Decrypt", **context: str) -> str:
    uses = KeyUses(keys, PoolsOpenTheirProviders())
    given = CONTEXT | {key.replace("_", ":"): value for key, value in context.items()}
    try:
        await uses.permit(workload(who), KeyUse(name, operation, given))
    except DomainError as error:
        return error.reason_name
    return "permitted"


@pytest.mark.parametrize("operation", ["Decrypt", "GenerateDataKey"])
async def test_a_service_may_everything_with_its_own_key(operation: str) -> None:
    assert await answer(Keys(), "service/audit", OWN, operation) == "permitted"


async def test_a_pool_may_open_what_its_provider_sealed_for_it() -> None:
    assert await answer(Keys(), "pool/craton", WEIGHTS) == "permitted"
    assert await answer(Keys(), "pool/craton", WEIGHTS, "GenerateDataKey") == "ACCESS_DENIED"
    assert await answer(Keys(), "pool/craton", WEIGHTS, craton_provider="sbert") == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ("service/auth", OWN),
        ("pool/audit", OWN),
        ("pool/sbert", WEIGHTS),
        ("service/craton", WEIGHTS),
        ("provider/craton", WEIGHTS),
        ("operator/admin", WEIGHTS),
        ("service/edge", CUSTOMER),
        ("pool/craton", CUSTOMER),
        ("pool/craton", KeyName.parse("providers/craton/keys/none")),
        ("service/auth", KeyName.parse("services/auth/keys/default")),
    ],
)
async def test_nobody_may_anything_with_the_key_of_another_or_with_none(who: str, name: KeyName) -> None:
    assert await answer(Keys(), who, name) == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (KeyState.DISABLED, "KEY_DISABLED"),
        (KeyState.PENDING_DELETION, "RESOURCE_STATE"),
        (KeyState.PENDING_IMPORT, "RESOURCE_STATE"),
    ],
)
async def test_only_enabled_keys_are_used_and_only_who_may_use_them_learns_why(
    state: KeyState, reason: str
) -> None:
    keys = Keys()
    keys.keys = {name: dataclasses.replace(key, state=state) for name, key in keys.keys.items()}
    assert await answer(keys, "service/audit", OWN) == reason
    assert await answer(keys, "pool/craton", WEIGHTS) == reason
    assert await answer(keys, "pool/sbert", WEIGHTS) == "ACCESS_DENIED"
