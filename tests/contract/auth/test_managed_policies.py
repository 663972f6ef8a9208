"""The contract of stores of managed policies."""

from services.auth.domain.identity import (
    Entity,
    EntityKind,
    ManagedPolicy,
    PolicyFilter,
    PolicyReference,
    PolicyScope,
    PolicyVersion,
)
from services.auth.domain.pages import PageRequest
from tests.contract.auth.identity_stores import ADMINISTRATOR, ALLOW_ALL, ID, Stores
from tests.contract.auth.test_store import ALICE_ENTITY, NOW, OTHER, first, reason


async def test_versions_are_numbered_once_and_one_is_in_force(stores: Stores) -> None:
    made = await stores.managed_policy("P", "{1}")
    numbers = [await stores.version(made, f"{{{number}}}") for number in (2, 3, 4, 5)]
    assert numbers == [2, 3, 4, 5]
    assert await reason(stores.version(made, "{6}")) == "QUOTA_EXCEEDED"
    await stores.managed.delete_version(made, 5)
    assert await stores.version(made, "{6}", as_default=True) == 6
    found = await stores.managed.managed_policy(ID, made)
    assert (found.default_version, found.description) == (6, "what for")
    assert await reason(stores.managed.delete_version(made, 6)) == "RESOURCE_STATE"
    for call in (
        stores.managed.version(made, 5),
        stores.managed.delete_version(made, 5),
        stores.managed.set_default_version(made, 5),
        stores.managed.version(PolicyReference(ID, "p"), 1),
        stores.managed.managed_policy(ID, PolicyReference(OTHER.account_id, "P")),
        stores.managed.managed_policy(ID, PolicyReference("aws", "Nothing")),
    ):
        assert await reason(call) == "RESOURCE_NOT_FOUND"
    await stores.managed.set_default_version(made, 2)
    assert await stores.managed.version(made, 2) == PolicyVersion(2, " {2}", "{2}", True, NOW)
    page = await stores.managed.versions(made, first(3))
    assert [(each.number, each.is_default) for each in page.items] == [(6, False), (4, False), (3, False)]
    page = await stores.managed.versions(made, PageRequest.parse(3, page.next_token))
    assert [(each.number, each.is_default) for each in page.items] == [(2, True), (1, False)]
    assert page.next_token == ""


async def test_a_policy_is_deleted_when_nothing_uses_it(stores: Stores) -> None:
    made = await stores.managed_policy("P")
    await stores.version(made, "{2}")
    await stores.attachments.attach(ID, ALICE_ENTITY, made, 9)
    await stores.attachments.put_boundary(ID, Entity(EntityKind.USER, "bob"), made)
    for undo in (
        lambda: stores.attachments.detach(ID, ALICE_ENTITY, made),
        lambda: stores.attachments.delete_boundary(ID, Entity(EntityKind.USER, "bob")),
        lambda: stores.managed.delete_version(made, 2),
    ):
        assert await reason(stores.managed.delete_policy(made)) == "RESOURCE_STATE"
        await undo()
    await stores.managed.delete_policy(made)
    assert await reason(stores.managed.delete_policy(made)) == "RESOURCE_NOT_FOUND"
    # The next policy of the name is another one, with versions of its own.
    again = await stores.managed_policy("P", policy_id="ANPASECOND")
    assert await stores.version(again, "{}") == 2


async def test_policies_are_listed_by_scope_and_use(stores: Stores) -> None:
    names = [f"p{number}" for number in range(4)]
    made = [await stores.managed_policy(name) for name in reversed(names)]
    taken = stores.managed_policy("P1", policy_id="ANPA2")
    assert await reason(taken) == "RESOURCE_EXISTS"

    async def listed(scope: PolicyScope, *, only_attached: bool = False, size: int = 3) -> list[str]:
        found: list[str] = []
        request = first(size)
        while True:
            page = await stores.managed.managed_policies(ID, PolicyFilter(scope, only_attached), request)
            found += [each.reference.policy_name for each in page.items]
            if not page.next_token:
                return found
            request = PageRequest.parse(size, page.next_token)

    built_in = await listed(PolicyScope.AWS)
    assert built_in == [
        "AdministratorAccess",
        "AmazonBedrockFullAccess",
        "AmazonBedrockReadOnly",
        "ReadOnlyAccess",
    ]
    assert await listed(PolicyScope.LOCAL) == names
    for size in (1, 3, 4, 99):
        assert await listed(PolicyScope.ALL, size=size) == [*built_in, *names]
    assert await listed(PolicyScope.ALL, only_attached=True) == []
    for each in (made[0], ADMINISTRATOR):
        await stores.attachments.attach(ID, ALICE_ENTITY, each, 9)
    assert await listed(PolicyScope.ALL, only_attached=True) == ["AdministratorAccess", "p3"]
    last = PolicyReference(ID, "p9")
    late = PolicyVersion(1, " {}", "{}", is_default=True, created_at=NOW)
    full = stores.managed.create_policy(ManagedPolicy(last, "ANPA9", "", 1, NOW, NOW), late, 4)
    assert await reason(full) == "QUOTA_EXCEEDED"


async def test_built_in_policies_do_not_change(stores: Stores) -> None:
    found = await stores.managed.managed_policy(ID, ADMINISTRATOR)
    assert found.default_version == 1
    (version,) = (await stores.managed.versions(ADMINISTRATOR, first())).items
    assert version.canonical == ALLOW_ALL
    assert await stores.managed.version(ADMINISTRATOR, 1) == version
    assert await reason(stores.managed.version(ADMINISTRATOR, 2)) == "RESOURCE_NOT_FOUND"
    for call in (
        stores.managed.delete_policy(ADMINISTRATOR),
        stores.version(ADMINISTRATOR, "{}"),
        stores.managed.set_default_version(ADMINISTRATOR, 1),
        stores.managed.delete_version(ADMINISTRATOR, 1),
    ):
        assert await reason(call) == "ACCESS_DENIED"
