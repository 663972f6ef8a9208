"""Keys are renewed and others deleted while everything encrypts and decrypts: nothing living is ever lost."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from services.chassis.clock import SystemClock
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.adapters import verified_store
from services.kms.domain.keys import Key
from services.kms.operations import pages, shredding
from services.kms.operations.encryption import Asked
from services.kms.ports import WrapKind
from tests.campaigns.campaign import Campaign, Finding
from tests.fakes.kms_installation import Installation
from tests.unit.kms.world import call

_ROTATIONS = 100
_KEYS = 8
_KEYS_OF_A_PAGE = 5
"""Instead of 128: a few keys fill several pages, and each deletion meets some of the living."""
_IN_FLIGHT = 8
_ON_DEMAND = 25
"""Renewals on demand in the life of a key: AWS's limit."""
_DAY = 86_400.0
_PERIOD_DAYS = 90
_WAITING_DAYS = 7


@dataclass(eq=False)
class _Tracked:
    """A key, and what must be true of it."""

    key: Key
    ending: bool = False
    """Whether its deletion was asked for: calls may be refused from then on."""
    deleted: bool = False
    """Whether its deletion was acknowledged: calls that begin now must be refused."""
    renewed: int = 0
    sealed: list[tuple[bytes, bytes, dict[str, str]]] = field(default_factory=list)
    """Every ciphertext ever made, its plaintext and context."""


class KmsRotationsCampaign(Campaign):
    """One case is the life of an installation: a hundred renewals, and whatever else happens to keys."""

    name = "kms-rotations"
    summary = (
        f"{_ROTATIONS} renewals of keys a case, on demand and due ones under a clock that leaps, while "
        f"{_IN_FLIGHT} calls at a time encrypt and decrypt, other keys of the same pages are deleted, their "
        "deletions called off, root keys changed, and kms restarted, over SQLite and a custody file. Every "
        "ciphertext ever made opens until its key's deletion is asked for, and none once it is acknowledged."
    )
    fault = "a deletion that wraps only the newest version of its neighbours again."
    sources = (
        "services/kms/operations",
        "services/kms/domain",
        "services/kms/adapters",
        "tests/campaigns/kms_rotations.py",
        "tests/fakes/kms_installation.py",
        "tests/unit/kms/world.py",
    )
    units = (_ROTATIONS, "renewals")
    planted_bound = 3

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()

    def case(self, seed: int, index: int) -> None:
        """Live through it."""
        home = Path(tempfile.mkdtemp(prefix="kms-rotations-"))
        try:
            # Half of the cases read the store for every call: records are older, then, when they are used.
            cached_s = self.random(seed, index).choice((0.0, verified_store.CACHED_S))
            with (
                patch.object(pages, "KEYS_OF_A_PAGE", _KEYS_OF_A_PAGE),
                patch.object(verified_store, "CACHED_S", cached_s),
            ):
                counted = asyncio.run(_Life(self.random(seed, index), home / "kms").live())
        finally:
            shutil.rmtree(home)
        self._counted.update(counted)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Forget the older versions of those that share a page with a deleted key."""
        original = shredding.Shredder._wrap_again

        def only_the_newest(self: Any, change: Any, name: Any, old: Any, new: Any) -> None:
            class Newest:
                key = change.key
                put_version = change.put_version

                @staticmethod
                def versions(name: Any) -> Any:
                    return change.versions(name)[-1:]

            original(self, Newest, name, old, new)  # type: ignore[arg-type]

        with patch.object(shredding.Shredder, "_wrap_again", only_the_newest):
            yield
        self._counted.clear()

    def measured(self) -> tuple[str, ...]:
        """Say what happened in the cases of this run."""
        if not self._counted:
            return ()
        return (", ".join(f"{count:,} {what}" for what, count in sorted(self._counted.items())),)


class _Life:
    """The life of one installation."""

    def __init__(self, random: Random, home: Path) -> None:
        self._random = random
        self._installation = Installation(home, store_clock=SystemClock())
        self._tracked: list[_Tracked] = []
        self._counted: Counter[str] = Counter()
        self._finding: Finding | None = None
        self._ending = False
        self._calls = asyncio.Condition()
        self._running = 0
        self._held = False

    async def live(self) -> Counter[str]:
        await self._installation.start()
        try:
            for _ in range(_KEYS):
                await self._create()
            load = [asyncio.create_task(self._load(Random(self._random.random()))) for _ in range(_IN_FLIGHT)]
            try:
                while self._rotations < _ROTATIONS and self._finding is None:
                    await self._step()
            finally:
                self._ending = True
                await asyncio.gather(*load)
            if self._finding is not None:
                raise self._finding
            await self._everything()
            await self._restart()
            await self._everything()
        finally:
            await self._installation.stop()
        return self._counted

    @property
    def _rotations(self) -> int:
        return self._counted["renewals on demand"] + self._counted["due renewals"]

    @property
    def _living(self) -> list[_Tracked]:
        return [each for each in self._tracked if not each.ending]

    async def _step(self) -> None:
        random = self._random
        steps = {self._rotate: 20, self._pass: 4, self._delete: 2, self._call_off: 1, self._change_root: 1}
        step = random.choices([*steps, self._restart], [*steps.values(), 0.3])[0]
        await step()
        await asyncio.sleep(random.random() * 0.01)

    async def _create(self) -> None:
        world = self._installation.world
        made = _Tracked(await world.key())
        if self._random.random() < 0.5:
            await world.rotation.enable(call(), made.key.name, _PERIOD_DAYS)
        self._tracked.append(made)
        self._counted["keys made"] += 1

    async def _rotate(self) -> None:
        able = [each for each in self._living if each.renewed < _ON_DEMAND]
        some = self._random.sample(able, min(len(able), self._random.choice((1, 1, 3))))
        # At the same moment, twice the same one among them: whoever is later renews what the other one made.
        await asyncio.gather(
            *(self._installation.world.rotation.rotate(call(), each.key.name) for each in some)
        )
        for each in some:
            each.renewed += 1
        self._counted["renewals on demand"] += len(some)

    async def _pass(self) -> None:
        """Let a quarter of a year pass."""
        self._installation.clock.advance(_PERIOD_DAYS * _DAY + 1)
        self._counted["due renewals"] += await self._installation.world.rotation.renew_due()

    async def _delete(self) -> None:
        """Delete one or two keys for good, and make others in their place."""
        world = self._installation.world
        dying = self._random.sample(self._living, self._random.choice((1, 2)))
        for each in dying:
            each.ending = True
            await world.deletion.schedule(call(), each.key.name, _WAITING_DAYS)
        self._installation.clock.advance(_WAITING_DAYS * _DAY + 1)
        gone, _ = await asyncio.gather(world.shredder.delete_due(), self._create())
        if sorted(map(str, gone)) != sorted(str(each.key.name) for each in dying):
            raise Finding(f"{len(dying)} keys were due, {len(gone)} are said to be deleted")
        for each in dying:
            each.deleted = True
            self._counted["keys deleted"] += 1
        if len(dying) > 1:
            await self._create()
        if len(world.custody.generations(WrapKind.SHRED)) != 1:
            raise Finding("a shred key outlived the deletion that replaced it")

    async def _call_off(self) -> None:
        spared = self._random.choice(self._living)
        world = self._installation.world
        spared.ending = True
        await world.deletion.schedule(call(), spared.key.name, _WAITING_DAYS)
        self._installation.clock.advance(self._random.random() * _WAITING_DAYS * _DAY)
        await world.deletion.cancel(call(), spared.key.name)
        await world.admin.enable(call(), spared.key.name)
        spared.ending = False
        self._counted["deletions called off"] += 1

    async def _change_root(self) -> None:
        await self._installation.seal.rotate_root()
        self._counted["changes of the root key"] += 1

    async def _restart(self) -> None:
        """Stop when no call is under way, and start again."""
        async with self._calls:
            self._held = True
            await self._calls.wait_for(lambda: self._running == 0)
        await self._installation.stop()
        await self._installation.start()
        self._counted["restarts"] += 1
        async with self._calls:
            self._held = False
            self._calls.notify_all()

    async def _load(self, random: Random) -> None:
        while not self._ending and self._finding is None:
            async with self._calls:
                await self._calls.wait_for(lambda: not self._held)
                self._running += 1
            try:
                each = random.choice(self._tracked)
                if each.sealed and random.random() < 0.7:
                    await self._decrypt(each, *random.choice(each.sealed))
                else:
                    await self._encrypt(each, random)
                self._counted["calls under way meanwhile"] += 1
            except Finding as finding:
                self._finding = finding
            finally:
                async with self._calls:
                    self._running -= 1
                    self._calls.notify_all()
            await asyncio.sleep(0)

    async def _encrypt(self, each: _Tracked, random: Random) -> None:
        plaintext, context = random.randbytes(random.choice((1, 32, 200))), {"n": str(random.randrange(3))}
        ending, deleted = each.ending, each.deleted
        try:
            blob, _ = await self._installation.world.encryption.encrypt(
                call(), Asked(str(each.key.name), context), SecretBytes(plaintext)
            )
        except Exception as error:
            self._judge(each, "an encryption", ending, error)
            return
        if deleted:
            raise Finding("a deleted key encrypts")
        each.sealed.append((blob, plaintext, context))
        self._counted["ciphertexts"] += 1

    async def _decrypt(self, each: _Tracked, blob: bytes, plaintext: bytes, context: dict[str, str]) -> None:
        ending, deleted = each.ending, each.deleted
        try:
            opened, _ = await self._installation.world.encryption.decrypt(call(), blob, Asked("", context))
        except Exception as error:
            self._judge(each, "a decryption", ending, error)
            return
        if deleted:
            raise Finding("a ciphertext of a deleted key was opened")
        if opened.reveal() != plaintext:
            raise Finding("a ciphertext opened to something else")

    def _judge(self, each: _Tracked, what: str, ending: bool, error: Exception) -> None:
        """A call may be refused when its key's end was asked for, before it or while it was under way."""
        if (ending or each.ending) and isinstance(error, DomainError):
            return
        reason = error.reason_name if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        raise Finding(f"{what} under a living key failed: {reason}")

    async def _everything(self) -> None:
        """Open every ciphertext there is."""
        for each in self._tracked:
            for blob, plaintext, context in each.sealed:
                await self._decrypt(each, blob, plaintext, context)
                self._counted["ciphertexts opened or refused afterwards"] += 1
