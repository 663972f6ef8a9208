"""The rules about who uses which key, over a store in memory."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.policy.keys import Conditions
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.file_custody import FileCustody, mark_first_boot
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.keys import KeyName, KeyParent, KeyState, KeyVersion
from services.kms.operations.access import ANY_RESOURCE, Access
from services.kms.operations.customer_keys import CustomerKeys
from services.kms.operations.key_admin import KeyAdministration
from services.kms.operations.keyring import Keyring, named_key
from services.kms.operations.model_keys import ModelContext, ModelKeys
from services.kms.operations.service_keys import ServiceKeys
from services.kms.ports import CustodyError
from tests.fakes.key_store import MemoryKeyStore

CUSTOMER = KeyParent.parse("accounts/123456789012/regions/us-east-1")
PROVIDER = KeyParent.parse("providers/craton")
WEIGHTS = ModelContext("craton", "tiny-llama", "ab" * 32)
SECRET = SecretBytes(b"plaintext")


class Policies:
    """Remembers what was asked; allows unless told otherwise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.allowed = True

    async def authorize(self, call: CallContext, action: str, resource: str, conditions: Conditions) -> None:
        self.asked.append((action, resource, conditions))
        if not self.allowed:
            raise DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no")


@pytest.fixture
def store() -> MemoryKeyStore:
    return MemoryKeyStore()


@pytest.fixture
def keyring(store: MemoryKeyStore, tmp_path: Path) -> Keyring:
    mark_first_boot(tmp_path / "custody" / "root.key")
    custody = FileCustody(tmp_path / "custody" / "root.key", SystemRandomness())
    return Keyring(store, custody, SystemClock(), SystemRandomness())


@pytest.fixture
def policies() -> Policies:
    return Policies()


def workload(path: str) -> WorkloadId:
    kind, name = path.split("/")
    return WorkloadId("craton.local", kind, name)


def call(caller: str = "service/edge", account: str = "", region: str = "us-east-1") -> CallContext:
    context = CallContext("/m", "request", "call", workload(caller))
    if account:
        arn = f"arn:aws:iam::{account}:user/alice"
        context.principal = PrincipalClaims(
            account, "i1", arn, "AIDA", "AKIA", False, 1, region, "kms", "t", 0, 60
        )
    return context


ALICE = call(account="123456789012")


def reason(error: pytest.ExceptionInfo[DomainError]) -> str:
    return error.value.reason_name


async def test_policies_are_asked_with_the_arn_and_the_context(keyring: Keyring, policies: Policies) -> None:
    access = Access(policies, "aws-cn")
    created = await KeyAdministration(keyring, access).create(ALICE, CUSTOMER, "d", "")
    arn = f"arn:aws-cn:kms:us-east-1:123456789012:key/{created.name.key_id}"
    keys = CustomerKeys(keyring, access)
    sealed = await keys.encrypt(ALICE, created.name, SECRET, {"tenant": "a"})
    await keys.decrypt(ALICE, sealed, {"tenant": "a"}, "")
    conditions = {
        "kms:CallerAccount": "123456789012",
        "kms:EncryptionContext:tenant": "a",
        "kms:EncryptionContextKeys": ("tenant",),
    }
    assert policies.asked == [
        ("kms:CreateKey", ANY_RESOURCE, {"kms:CallerAccount": "123456789012"}),
        ("kms:Encrypt", arn, conditions),
        ("kms:Decrypt", arn, conditions),
    ]


async def test_conditions_see_which_service_calls_for_the_principal(
    keyring: Keyring, policies: Policies
) -> None:
    access = Access(policies)
    created = await KeyAdministration(keyring, access).create(ALICE, CUSTOMER, "d", "")
    assert ALICE.principal is not None
    passed_on = call("service/runtime", account="123456789012")
    passed_on.principal = dataclasses.replace(ALICE.principal, via=("bedrock.amazonaws.com",))
    for served in (ALICE, passed_on):
        await CustomerKeys(keyring, access).encrypt(served, created.name, SECRET, {})
    direct, via = (asked[2] for asked in policies.asked[-2:])
    assert "kms:ViaService" not in direct
    assert via["kms:ViaService"] == "bedrock.us-east-1.amazonaws.com"


async def test_a_context_cannot_pose_as_the_callers_account(keyring: Keyring, policies: Policies) -> None:
    access = Access(policies)
    created = await KeyAdministration(keyring, access).create(ALICE, CUSTOMER, "d", "")
    await CustomerKeys(keyring, access).encrypt(ALICE, created.name, SECRET, {"CallerAccount": "2" * 12})
    conditions = policies.asked[-1][2]
    assert conditions["kms:CallerAccount"] == "123456789012"


async def test_a_refusal_happens_before_any_use(
    keyring: Keyring, policies: Policies, store: MemoryKeyStore
) -> None:
    admin = KeyAdministration(keyring, Access(policies))
    created = await admin.create(ALICE, CUSTOMER, "d", "")
    policies.allowed = False
    for refused in (
        admin.create(ALICE, CUSTOMER, "d", ""),
        admin.disable(ALICE, created.name),
        admin.enable(ALICE, created.name),
        admin.get(ALICE, created.name),
        admin.list(ALICE, CUSTOMER, 0, ""),
        CustomerKeys(keyring, Access(policies)).encrypt(ALICE, created.name, SECRET, {}),
        CustomerKeys(keyring, Access(policies)).generate_data_key(ALICE, created.name, {}),
    ):
        with pytest.raises(DomainError) as caught:
            await refused
        assert reason(caught) == "ACCESS_DENIED"
    assert [key.state for key in store.keys.values()] == [KeyState.ENABLED]


@pytest.mark.parametrize("caller", ["service/edge", "provider/sbert", "pool/craton", "witness/craton"])
async def test_who_does_not_manage_provider_keys(keyring: Keyring, policies: Policies, caller: str) -> None:
    admin = KeyAdministration(keyring, Access(policies))
    with pytest.raises(DomainError) as caught:
        await admin.create(call(caller, account="123456789012"), PROVIDER, "d", "")
    assert reason(caught) == "ACCESS_DENIED"
    assert not policies.asked


@pytest.mark.parametrize("caller", ["provider/craton", "operator/admin"])
async def test_who_manages_provider_keys(keyring: Keyring, policies: Policies, caller: str) -> None:
    admin = KeyAdministration(keyring, Access(policies))
    key = await admin.create(call(caller), PROVIDER, "d", "")
    assert (await admin.disable(call(caller), key.name)).state is KeyState.DISABLED
    assert [each.name for each in (await admin.list(call(caller), PROVIDER, 10, "")).keys] == [key.name]


async def test_nobody_manages_service_keys(keyring: Keyring, policies: Policies) -> None:
    await ServiceKeys(keyring).encrypt(workload("service/auth"), SECRET, {})
    name = KeyName.parse("services/auth/keys/default")
    admin = KeyAdministration(keyring, Access(policies))
    for context in (ALICE, call("service/auth", "123456789012"), call("operator/admin", "123456789012")):
        with pytest.raises(DomainError) as caught:
            await admin.disable(context, name)
        assert reason(caught) == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize("caller", ["pool/auth", "provider/auth", "operator/auth", "witness/auth"])
async def test_a_namesake_of_a_service_is_no_service(keyring: Keyring, caller: str) -> None:
    keys = ServiceKeys(keyring)
    sealed = await keys.encrypt(workload("service/auth"), SECRET, {})
    for refused in (keys.decrypt(workload(caller), sealed, {}), keys.decrypt(None, sealed, {})):
        with pytest.raises(DomainError) as caught:
            await refused
        assert reason(caught) == "ACCESS_DENIED"


async def test_a_pool_opens_what_its_provider_sealed_after_any_number_of_keys(keyring: Keyring) -> None:
    models = ModelKeys(keyring)
    sealed = []
    for _ in range(3):
        key = await keyring.create(PROVIDER, "", "d")
        sealed.append(await models.generate(workload("provider/craton"), key.name, WEIGHTS))
    for data_key in sealed:
        opened = await models.open(workload("pool/craton"), data_key.ciphertext, WEIGHTS)
        assert opened == data_key.plaintext


async def test_a_pool_opens_no_service_key_of_its_name(keyring: Keyring) -> None:
    blob = await ServiceKeys(keyring).encrypt(
        workload("service/craton"), SECRET, WEIGHTS.encryption_context()
    )
    with pytest.raises(DomainError) as caught:
        await ModelKeys(keyring).open(workload("pool/craton"), blob, WEIGHTS)
    assert reason(caught) == "INVALID_CIPHERTEXT"


async def test_wrapped_material_that_was_moved_is_not_used(keyring: Keyring, store: MemoryKeyStore) -> None:
    one, two = [await keyring.create(PROVIDER, "", "d") for _ in range(2)]
    sealed = await keyring.encrypt(one.name, "", SECRET, {})
    store.versions[two.name, 1] = store.versions[one.name, 1]
    # A key of the attacker's choice in the place of another's: neither encrypts nor decrypts.
    with pytest.raises(CustodyError):
        await keyring.encrypt(two.name, "", SECRET, {})
    store.versions[one.name, 1] = KeyVersion(1, b"\x01" + bytes(92), one.created)
    with pytest.raises(CustodyError):
        await keyring.decrypt(Ciphertext.parse(sealed), one.name, "", {})


async def test_a_ciphertext_names_the_key_that_made_it(keyring: Keyring) -> None:
    key = await keyring.create(PROVIDER, "", "d")
    ciphertext = Ciphertext.parse(await keyring.encrypt(key.name, "", SECRET, {}))
    assert named_key(ciphertext) == key.name
    assert ciphertext.header.key_version == 1
