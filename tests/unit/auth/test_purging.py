"""Purging: step by step, and on from wherever it was interrupted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.adapters.sql_purges import SqlPurges
from services.auth.domain.pages import PageRequest
from services.auth.domain.purges import AccountPurge, Profile, PurgeState
from services.auth.domain.records import Account, User
from services.auth.operations.account_purges import AccountPurges
from services.auth.operations.purging import Purging
from services.chassis.account_purge import Progress, Purge
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from tests.unit.auth.conftest import Auth

ID, OLD = "210987654321", "0" * 32


class Crash(Exception):  # noqa: N818
    """The process ends here."""


@dataclass
class Fuse:
    """Lets so many calls through; the next one crashes, before or after what it does."""

    left: int = 10_000
    after: bool = False
    done: list[str] = field(default_factory=list)

    async def around(self, name: str, work: Any) -> Any:
        self.left -= 1
        if self.left < 0 and not self.after:
            raise Crash
        result = await work
        self.done.append(name)
        if self.left < 0:
            raise Crash
        return result


class Fused:
    """A port whose calls go through a fuse."""

    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def call(*arguments: Any) -> Any:
            work = method(*arguments)
            try:
                return await self._fuse.around(name, work)
            finally:
                work.close()

        return call


class Service:
    """An AccountPurger that has some things, and removes two at a time."""

    def __init__(self, things: int, world: "World") -> None:
        self.things, self.removed, self.world = things, 0, world

    async def purge(self, purge: Purge) -> Progress:
        assert (purge.account_id, purge.incarnation) == (ID, OLD)
        # Nothing is removed before everybody knows that nobody acts for the account.
        assert self.world.published
        now = min(2, self.things)
        self.things -= now
        self.removed += now
        return Progress({"things": self.removed}, self.things == 0)


class AuditLog:
    """A PurgeLog that takes events in when it is asked the second time."""

    def __init__(self) -> None:
        self.events = {"asked": 1, "approved": 2}
        self.late: list[str] = []
        self.proceeded: list[tuple[str, str]] = []

    async def completed(self, purge: AccountPurge) -> str:
        self.late.append(f"completed-{len(self.late)}")
        return self.late[-1]

    async def indexes(self, event_ids: Sequence[str]) -> Mapping[str, int]:
        found = {each: self.events[each] for each in event_ids if each in self.events}
        self.events |= {each: 3 + number for number, each in enumerate(self.late)}
        return found

    async def proceed(self, account_id: str, incarnation: str) -> None:
        self.proceeded.append((account_id, incarnation))


class Signer:
    """A PurgeSigner."""

    async def sign(self, purge: AccountPurge, entries: Sequence[Any]) -> tuple[bytes, bytes]:
        said = " ".join(f"{about}:{index}" for about, _, index in entries)
        return f"{purge.account_id} {said}".encode(), b"k" * 32


class World:
    """An account that is to be purged, and everybody who takes part."""

    def __init__(self, auth: Auth, profile: Profile = Profile.DEVELOPMENT) -> None:
        self.auth, self.profile = auth, profile
        self.store = SqlPurges(auth.directory._database)
        self.audit, self.signer = AuditLog(), Signer()
        self.services = {"audit": Service(3, self), "kms": Service(1, self)}
        self.published: list[tuple[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.published.append((account_id, epoch))

    async def filled(self) -> "World":
        now = self.auth.clock.now()
        await self.auth.directory.create_account(Account(ID, OLD, "small", now), None, None)
        self.user = User(ID, "bob", "AIDABOBBOBBOBBOBBOBBO", now)
        await self.auth.directory.create_user(self.user, 9)
        self.key = await self.auth.keys.make(ID, self.user)
        await self.auth.directory.create_access_key(self.key.key, 2)
        return self

    def purges(self) -> AccountPurges:
        parts = self.store, self.auth.directory, self.auth.keys, self, self.profile
        return AccountPurges(*parts, self.auth.clock, self.auth.randomness, lambda: None)

    def purging(self, fuse: Fuse) -> Purging:
        """A coordinator, as one has it after a start."""
        return Purging(
            Fused(self.store, fuse),
            [(name, Fused(service, fuse)) for name, service in self.services.items()],
            Fused(self.audit, fuse),
            Fused(self.signer, fuse),
            Fused(self, fuse),
            "service/auth",
            self.auth.clock,
            self.auth.randomness,
        )

    async def alive(self) -> bool:
        return await self.auth.credentials.principal_state(self.key.key.access_key_id) is not None


def call(operator: str = "admin", event: str = "asked") -> CallContext:
    made = CallContext("/m", "r", "c", WorkloadId("craton.local", "operator", operator))
    made.intent_id = event
    return made


async def assert_done(world: World, purge_id: str) -> AccountPurge:
    purge = await world.store.get(purge_id)
    assert purge.state is PurgeState.DONE
    assert {name: purge.removed[name]["things"] for name in world.services} == {"audit": 3, "kms": 1}
    assert (purge.removed["auth"]["users"], purge.removed["auth"]["access keys"]) == (1, 1)
    assert purge.certificate.startswith(f"{ID} requested:1".encode())
    assert not await world.alive()
    return purge


async def test_in_development_one_operator_purges_at_once(auth: Auth) -> None:
    world = await World(auth).filled()
    purge = await world.purges().request(call(), ID, keep=False)
    assert await world.alive()
    assert await world.purging(Fuse()).once()
    done = await assert_done(world, purge.purge_id)
    account = await auth.directory.account(ID)
    assert not account.closed
    assert account.incarnation not in (OLD, "")
    assert world.audit.proceeded == [(ID, OLD)]
    assert done.indexes == {"asked": 1, done.completed.event_id: 3}  # type: ignore[union-attr]


async def test_wherever_it_is_interrupted_it_goes_on(auth: Auth) -> None:
    """Every call of every port is the last one of a process once, before its effect and after it."""
    steps = 0
    for after in (False, True):
        left = 0
        while True:
            world = World(auth)
            # Each round purges the same id, in another incarnation.
            if steps == 0:
                await world.filled()
            else:
                await restore(world)
            purge = await world.purges().request(call(), ID, keep=False)
            fuse = Fuse(left, after)
            try:
                await world.purging(fuse).advance(purge)
            except Crash:
                steps += 1
                await world.purging(Fuse()).once()
                await assert_done(world, purge.purge_id)
                left += 1
                continue
            break
        assert left >= 13
    assert steps >= 26


async def restore(world: World) -> None:
    """Fill the account again that was purged, as if it had not been."""
    import sqlalchemy as sa

    from services.auth.adapters.tables import ACCOUNTS

    again = sa.update(ACCOUNTS).where(ACCOUNTS.c.account_id == ID).values(incarnation=OLD, closed=False)
    await world.auth.directory._database.run(lambda connection: connection.execute(again))
    now = world.auth.clock.now()
    world.user = User(ID, "bob", "AIDABOBBOBBOBBOBBOBBO", now)
    await world.auth.directory.create_user(world.user, 9)
    world.key = await world.auth.keys.make(ID, world.user)
    await world.auth.directory.create_access_key(world.key.key, 2)


async def test_in_production_another_operator_approves_and_it_waits_for_a_week(auth: Auth) -> None:
    world = await World(auth, Profile.PRODUCTION).filled()
    purges, purging = world.purges(), world.purging(Fuse())
    purge = await purges.request(call(), ID, keep=False)
    auth.clock.advance(timedelta(days=30).total_seconds())
    await purging.once()
    assert await world.alive()
    with pytest.raises(DomainError) as refused:
        await purges.approve(call(), purge.purge_id)
    assert refused.value.reason_name == "ACCESS_DENIED"
    await purges.approve(call("approver", "approved"), purge.purge_id)
    auth.clock.advance(timedelta(days=7).total_seconds() - 1)
    await purging.once()
    assert await world.alive()
    auth.clock.advance(1)
    await purging.once()
    done = await assert_done(world, purge.purge_id)
    assert b"approved:2" in done.certificate
    # The id stays taken, for ever.
    assert (await auth.directory.account(ID)).closed
    assert world.audit.proceeded == []
    for refused_call in (
        auth.directory.create_account(Account(ID, "1" * 32, "again", auth.clock.now()), None, None),
        purges.create_key(call(), purge.purge_id),
        purges.request(call(), ID, keep=False),
        auth.directory.create_user(User(ID, "eve", "AIDAEVE", auth.clock.now()), 9),
    ):
        with pytest.raises(DomainError):
            await refused_call


async def test_a_purge_that_is_called_off_changes_nothing(auth: Auth) -> None:
    world = await World(auth, Profile.PRODUCTION).filled()
    purges = world.purges()
    purge = await purges.request(call(), ID, keep=False)
    with pytest.raises(DomainError) as refused:
        await purges.request(call("approver"), ID, keep=False)
    assert refused.value.reason_name == "RESOURCE_EXISTS"
    await purges.approve(call("approver", "approved"), purge.purge_id)
    await purges.cancel(call(), purge.purge_id)
    auth.clock.advance(timedelta(days=8).total_seconds())
    assert await world.purging(Fuse()).once()
    assert await world.alive()
    assert (await purges.request(call(), ID, keep=False)).purge_id != purge.purge_id
    assert len((await purges.list(ID, PageRequest(10, ""))).items) == 2


async def test_principals_that_are_kept_act_again_when_it_is_done(auth: Auth) -> None:
    world = await World(auth, Profile.DEVELOPMENT).filled()
    purge = await world.purges().request(call(), ID, keep=True)
    fuse = Fuse(4)
    with pytest.raises(Crash):
        await world.purging(fuse).advance(purge)
    # From the first step on nobody acts for the account.
    assert not await world.alive()
    await world.purging(Fuse()).once()
    assert await world.alive()
    assert "users" not in (await world.store.get(purge.purge_id)).removed["auth"]
    with pytest.raises(DomainError):
        await world.purges().create_key(call(), purge.purge_id)


async def test_the_first_key_is_for_an_account_without_any(auth: Auth) -> None:
    world = await World(auth).filled()
    purges = world.purges()
    purge = await purges.request(call(), ID, keep=False)
    with pytest.raises(DomainError):
        await purges.create_key(call(), purge.purge_id)
    await world.purging(Fuse()).once()
    new = await purges.create_key(call(), purge.purge_id)
    state = await auth.credentials.principal_state(new.key.access_key_id)
    assert state is not None
    assert state.root
    with pytest.raises(DomainError) as refused:
        await purges.create_key(call(), purge.purge_id)
    assert refused.value.reason_name == "RESOURCE_STATE"


async def test_only_operators_ask(auth: Auth) -> None:
    world = await World(auth).filled()
    edge = CallContext("/m", "r", "c", WorkloadId("craton.local", "service", "edge"))
    for nobody in (edge, CallContext("/m", "r", "c", None)):
        with pytest.raises(DomainError) as refused:
            await world.purges().request(nobody, ID, keep=False)
        assert refused.value.reason_name == "ACCESS_DENIED"


async def test_a_service_that_is_away_is_asked_again(auth: Auth) -> None:
    world = await World(auth).filled()
    purge = await world.purges().request(call(), ID, keep=False)
    kms = world.services["kms"]

    class Away:
        async def purge(self, purge: Purge) -> Progress:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "away")

    world.services["kms"] = Away()  # type: ignore[assignment]
    assert not await world.purging(Fuse()).once()
    assert set((await world.store.get(purge.purge_id)).removed) == {"audit"}
    world.services["kms"] = kms
    assert await world.purging(Fuse()).once()
    await assert_done(world, purge.purge_id)
