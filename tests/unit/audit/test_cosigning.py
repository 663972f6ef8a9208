"""Witnesses of the log: real ones judge, in this process; some are away, some have seen another log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.witness
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.tables import ENTRIES, HEADS, RESOURCES, SPOOLS
from services.audit.errors import LogDamagedError
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.witness.adapters.key_file import KeyFile
from services.witness.adapters.sql_logs import SqlKnownLogs
from services.witness.operations.witnessing import Witnessing
from tests.fakes.databases import make_schema
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import Service
from tests.unit.audit.log_world import World
from tests.unit.tlog.keys import LOG
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.note import Note, Signature, VerifierKey, parse_signature
from tlog.tiles import CHECKPOINT_PATH

REVISIONS = Path(services.witness.__file__).parent / "adapters" / "migrations"


class LocalWitness:
    """The witness' own operations, without a network; its disk is its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        folder.mkdir(exist_ok=True)
        self._database = Database("sqlite://")
        make_schema(self._database, REVISIONS)
        self._witnessing = Witnessing(
            SqlKnownLogs(self._database), KeyFile(folder / name, f"witness.example/{name}"), SystemClock(), ()
        )
        self.hangs = False
        self.asked = 0

    async def key(self) -> VerifierKey:
        return self._witnessing.key

    async def cosign(
        self, log_key: VerifierKey, old_size: int, proof: Sequence[bytes], checkpoint: bytes
    ) -> Signature:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        return parse_signature(await self._witnessing.add(str(log_key), old_size, proof, checkpoint))

    async def close(self) -> None:
        await self._database.close()


@pytest.fixture
async def witnesses(tmp_path: Path):
    made = (LocalWitness(tmp_path / "w", "one"), LocalWitness(tmp_path / "w", "two"))
    yield made
    for witness in made:
        await witness.close()


@pytest.fixture
async def world(service: Service, tmp_path: Path, witnesses) -> World:
    return World(service, tmp_path / "log", InMemoryLogSigner(), witnesses)


async def cosigned(world: World, witnesses, quorum: int = 2) -> int:
    """The size of the published checkpoint, believed with so many cosignatures."""
    keys = tuple([await witness.key() for witness in witnesses])
    content = await world.files.get(CHECKPOINT_PATH)
    assert content is not None
    return Trust(LOG.key, keys, quorum).checkpoint(Note.parse(content)).size


async def test_every_checkpoint_is_cosigned(world: World, witnesses) -> None:
    total = 0
    for count in (1, 300, 7, 256):
        await world.take_in(count)
        await world.log.extend()
        total += count
        assert await cosigned(world, witnesses) == total
    assert [witness.asked for witness in witnesses] == [4, 4]
    assert [key.name for key in await world.proofs.witness_keys()] == [
        "witness.example/one",
        "witness.example/two",
    ]


async def test_after_a_restart_a_witness_says_where_it_stands(world: World, witnesses) -> None:
    await world.take_in(300)
    await world.log.extend()
    world.restart()
    await world.take_in(10)
    await world.log.extend()
    assert await cosigned(world, witnesses) == 310
    assert [witness.asked for witness in witnesses] == [3, 3]


async def test_one_that_is_away_is_not_waited_for_twice(world: World, witnesses) -> None:
    witnesses[0].hangs = True
    for _ in range(3):
        await world.take_in(10)
        await world.log.extend()
    assert [witness.asked for witness in witnesses] == [1, 3]
    assert await cosigned(world, witnesses, quorum=1) == 30
    with pytest.raises(TlogError):
        await cosigned(world, witnesses)
    witnesses[0].hangs = False
    world.service.clock.advance(6)
    await world.take_in(10)
    await world.log.extend()
    assert await cosigned(world, witnesses) == 40


async def put_back(world: World, size: int, head) -> None:
    """Everything of this service as it was: database, head and files."""
    await world.run(sa.delete(RESOURCES).where(RESOURCES.c.sequence >= size))
    await world.run(sa.delete(ENTRIES).where(ENTRIES.c.sequence >= size))
    await world.run(sa.update(HEADS).values(size=head.size, root=head.root, note=head.note))
    (world.folder / CHECKPOINT_PATH).write_bytes(head.note)
    world.taken = size
    await world.run(sa.update(SPOOLS).values(next_position=size))
    world.restart()


async def test_a_log_that_was_put_back_as_a_whole_is_noticed(world: World, witnesses) -> None:
    """Files, database and its newest checkpoint fit each other; only the witnesses remember."""
    await world.take_in(100)
    await world.log.extend()
    head = await SqlHeadStore(world.service.database).newest()
    await world.take_in(100)
    await world.log.extend()
    await put_back(world, 100, head)
    await world.take_in(10)
    with pytest.raises(LogDamagedError, match="a witness has seen entry 199, and the database has not"):
        await world.log.extend()
    # As long again as it was, with other events: it is another log now, and its own key has signed both.
    await world.take_in(190)
    with pytest.raises(LogDamagedError, match=r"the witness (one|two) has seen another log"):
        await world.log.extend()
    assert await cosigned(world, witnesses) == 100


async def test_a_crash_between_cosignature_and_head_is_no_such_thing(world: World, witnesses) -> None:
    await world.take_in(100)
    await world.log.extend()
    await world.take_in(100)
    advance = SqlHeadStore.advance

    async def crash(*_: object) -> bool:
        raise DomainError(1, "crash")

    SqlHeadStore.advance = crash  # type: ignore[method-assign]
    try:
        with pytest.raises(DomainError):
            await world.log.extend()
    finally:
        SqlHeadStore.advance = advance  # type: ignore[method-assign]
    world.restart()
    await world.log.extend()
    assert await cosigned(world, witnesses) == 200
    await world.take_in(10)
    await world.log.extend()
    assert await cosigned(world, witnesses) == 210
