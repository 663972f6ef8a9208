"""A process that delivers a sealed file, and is killed on the way: what stands on disk is all that is left.

    python -m tests.fault.audit.delivery_process HOME KILLED

KILLED says when: "sealing", "before" or "after" the object is stored; anything else, never.
"""

import asyncio
import gzip
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import services.audit
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.adapters.sql_trails import SqlTrailStore
from services.audit.domain.trail import Settings, Target, Trail, TrailName
from services.audit.operations.account_keys import AccountKeys
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.delivery import Delivery
from services.audit.operations.digests import Digests
from services.audit.operations.ingest import Ingestor
from services.audit.operations.lookup import Lookup
from services.audit.operations.trail_files import TrailFiles
from services.audit.ports import DataKey
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from tests.unit.audit.conftest import ACCOUNT, AUTH
from tests.unit.audit.test_delivery import policy, record

NAME = TrailName(ACCOUNT, "us-east-1", "trail")
_BUCKET = "bucket"


class LastingKeys:
    """A KeyService whose keys outlive the process."""

    async def generate(self, key_id: bytes, account_id: str) -> tuple[SecretBytes, bytes]:
        return _key(key_id), b"wrapped"

    async def open(self, key: DataKey) -> SecretBytes:
        return _key(key.key_id)


def _key(key_id: bytes) -> SecretBytes:
    return SecretBytes(hashlib.sha256(key_id).digest())


@dataclass
class Outside:
    """Sealer and bucket, where the process ends at the moment that it is told."""

    folder: Path
    killed: str

    async def seal(self, name: TrailName, key: str, place: str, content: bytes) -> bytes:
        self._reach("sealing")
        return os.urandom(32) + content

    async def policy(self, bucket: str) -> str:
        return policy(bucket)

    async def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        self._reach("before")
        file = self.folder / Path(key).name
        if file.exists() and file.read_bytes() != body:
            sys.exit("put again with another content")
        file.write_bytes(body)
        self._reach("after")

    def _reach(self, moment: str) -> None:
        if moment == self.killed:
            os.kill(os.getpid(), signal.SIGKILL)


async def store_at(home: Path) -> tuple[Database, SqlTrailStore]:
    """Open the database below `home`."""
    database = Database(f"sqlite:///{home}/audit.sqlite")
    database.migrate(Path(services.audit.__file__).parent / "adapters" / "migrations")
    return database, SqlTrailStore(database)


async def deliver(home: Path, killed: str) -> None:
    """Record something if nothing was, and deliver what is owed."""
    database, trails = await store_at(home)
    clock, outside = SystemClock(), Outside(home / "bucket", killed)
    events, keys = (
        SqlEventStore(database),
        AccountKeys(SqlDataKeyStore(database), LastingKeys(), clock, SystemRandomness()),
    )
    if await trails.get(NAME) is None:
        (home / "bucket").mkdir()
        made = Trail("t" * 32, NAME, Settings(Target(_BUCKET), key="k"), 1)
        await trails.create(made)
        await trails.replace(replace(made, logging=True, started_us=1))
        await Ingestor(events, keys, SystemRandomness()).append(AUTH, "ab" * 16, 0, [record(1), record(2)])
    anybody: Any = None
    access = BucketAccess(outside, clock, "aws")  # type: ignore[arg-type]
    digests = Digests(trails, outside, access, anybody, clock, 3600)  # type: ignore[arg-type]
    files = TrailFiles(trails, events, Lookup(events, keys, anybody), outside)  # type: ignore[arg-type]
    delivery = Delivery(trails, events, files, outside, access, digests, clock, 300)  # type: ignore[arg-type]
    for trail in await trails.active():
        await delivery.deliver(trail)
    await database.close()


def content(file: Path) -> bytes:
    """Return what a delivered file holds."""
    return gzip.decompress(gzip.decompress(file.read_bytes())[32:])


if __name__ == "__main__":
    asyncio.run(deliver(Path(sys.argv[1]), sys.argv[2]))
