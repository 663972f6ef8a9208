"""What trails are owed is delivered whole and once, whatever fails in between."""

import asyncio
import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_trails import SqlTrailStore
from services.audit.domain.selectors import BasicSelector, Selectors
from services.audit.domain.trail import Settings, Target, Trail, TrailName
from services.audit.errors import BucketError, TrailKeyError
from services.audit.operations import delivery as module
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.delivery import Delivery
from services.audit.operations.digests import Digests
from services.audit.operations.trail_files import TrailFiles
from services.audit.operations.trails import Trails
from services.audit.ports import DigestKey
from tests.unit.audit.conftest import ACCOUNT, AUTH, OTHER, Service, by_principal, event

SPOOL = "ab" * 16
NAME = TrailName(ACCOUNT, "us-east-1", "trail")
BUCKET = "bucket"
DIGEST_S = 3600
KEY = f"accounts/{ACCOUNT}/regions/us-east-1/keys/k"
SEALED = b"sealed:"


def policy(bucket: str = BUCKET, account: str = ACCOUNT) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{account}/*",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            },
        }
    )


def _opened(content: bytes) -> bytes:
    return gzip.decompress(content[len(SEALED) + 16 :]) if content.startswith(SEALED) else content


@dataclass
class Buckets:
    """An object store in memory that fails when it is told to."""

    policies: dict[str, str] = field(default_factory=lambda: {BUCKET: policy()})
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, str]] = field(default_factory=dict)
    puts: int = 0
    fails: str = ""
    """"before" or "after" the object is stored, once."""

    async def policy(self, bucket: str) -> str:
        if bucket not in self.policies:
            raise BucketError("NoSuchBucket")
        return self.policies[bucket]

    async def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        failing, self.fails = self.fails, ""
        if failing == "before":
            raise BucketError("SlowDown")
        name = f"{bucket}/{key}"
        assert self.objects.get(name, body) == body, "a file was put again with another content"
        self.objects[name] = body
        self.metadata[name] = metadata
        self.puts += 1
        if failing == "after":
            raise BucketError("RequestTimeout")

    def read(self, folder: str) -> dict[str, Any]:
        return {
            name: json.loads(_opened(gzip.decompress(body)))
            for name, body in sorted(self.objects.items())
            if f"/{folder}/" in name
        }

    @property
    def ids(self) -> list[str]:
        return [each["eventID"] for file in self.read("CloudTrail").values() for each in file["Records"]]


class Signer:
    """The key of digests, as kms holds it."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)

    async def public_key(self) -> DigestKey:
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
        return DigestKey(der, datetime(2026, 1, 1, tzinfo=UTC))

    async def sign(self, text: str) -> bytes:
        return self.key.sign(text.encode(), padding.PKCS1v15(), SHA256())


@dataclass
class Sealer:
    """A customer's key: other bytes each time, as long as its policy permits them."""

    refuses: str = ""
    uses: list[str] = field(default_factory=list)

    async def resolve(self, name: TrailName, key: str, place: str) -> str:
        await self._permitted()
        return key.replace("aliases/", "keys/")

    async def seal(self, name: TrailName, key: str, place: str, content: bytes) -> bytes:
        await self._permitted()
        self.uses.append(f"{name} {key} {place}")
        return SEALED + os.urandom(16) + content

    async def _permitted(self) -> None:
        if self.refuses:
            raise TrailKeyError(self.refuses)


class Anybody:
    """Permits everything."""

    async def authorize(self, *_: Any) -> None:
        """Permit."""


@dataclass
class World:
    service: Service
    trails: SqlTrailStore
    buckets: Buckets
    signer: Signer
    sealer: Sealer
    delivery: Delivery
    sent: int = 0

    async def record(self, *events: Any) -> None:
        await self.service.ingestor.append(AUTH, SPOOL, self.sent, events)
        self.sent += len(events)

    async def trail(self) -> Trail:
        trail = await self.trails.get(NAME)
        assert trail is not None
        return trail

    async def start(self, **settings: Any) -> None:
        now_us = int(self.service.clock.now().timestamp() * 1e6)
        made = Trail("t" * 32, NAME, Settings(Target(BUCKET), **settings), now_us)
        await self.trails.create(made)
        await self.trails.replace(replace(made, logging=True, started_us=now_us, chain_us=now_us))

    async def stop(self) -> None:
        newest = await SqlEventStore(self.service.database).newest()
        await self.trails.replace(replace(await self.trail(), logging=False, until=newest))

    async def serve(self) -> None:
        for trail in await self.trails.active():
            await self.delivery._serve(trail)


@pytest.fixture
def world(service: Service) -> World:
    trails, buckets, signer = SqlTrailStore(service.database), Buckets(), Signer()
    access = BucketAccess(buckets, service.clock, "aws")
    digests = Digests(trails, buckets, access, signer, service.clock, DIGEST_S)
    events = SqlEventStore(service.database)
    sealer = Sealer()
    files = TrailFiles(trails, events, service.lookup, sealer)
    delivery = Delivery(trails, events, files, buckets, access, digests, service.clock, 300)
    return World(service, trails, buckets, signer, sealer, delivery)


def record(number: int, account: str = ACCOUNT, region: str = "us-east-1", **changes: Any) -> Any:
    made = event(number, account, **{"event_source": "kms.amazonaws.com", **changes})
    made.audit_context.region = region
    return made


async def test_the_accounts_records_are_delivered_in_order(world: World) -> None:
    events = [record(number, (ACCOUNT, OTHER, "")[number % 3]) for number in range(9)]
    await world.start()
    await world.record(*events)
    await world.serve()
    assert world.buckets.ids == [each.event_id for each in events if each.account_id == ACCOUNT]
    await world.serve()
    assert world.buckets.puts == 1
    (name,) = world.buckets.objects
    folder = f"bucket/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/03/01"
    assert name.startswith(f"{folder}/{ACCOUNT}_CloudTrail_us-east-1_20260301T1200Z_")
    assert name.endswith(".json.gz")


async def test_what_no_selector_chooses_is_left_out(world: World) -> None:
    await world.start(selectors=Selectors((BasicSelector("ReadOnly"),)))
    await world.record(record(1), record(2, read_only=True))
    await world.serve()
    (file,) = world.buckets.read("CloudTrail").values()
    assert [each["readOnly"] for each in file["Records"]] == [True]


async def test_regions(world: World) -> None:
    await world.start()
    here, there = record(1), record(2, region="eu-west-1")
    roaming = record(3, event_source="iam.amazonaws.com")
    await world.record(here, there, roaming)
    await world.serve()
    assert world.buckets.ids == [here.event_id, roaming.event_id]
    trail = await world.trail()
    everywhere = replace(trail.settings, multi_region=True, global_events=False)
    await world.trails.replace(replace(trail, settings=everywhere, delivered=-1))
    world.buckets.objects.clear()
    await world.serve()
    names = sorted(name.split("/")[4] for name in world.buckets.objects)
    assert names == ["eu-west-1", "us-east-1"]
    assert sorted(world.buckets.ids) == sorted([here.event_id, there.event_id])


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_put_that_fails_is_made_again(world: World, fails: str) -> None:
    await world.start()
    await world.record(*(record(number) for number in range(3)))
    world.buckets.fails = fails
    await world.serve()
    status = (await world.trail()).status
    assert status.delivery_error in ("SlowDown", "RequestTimeout")
    # What comes meanwhile is in the next part: the part that was begun stays what it was.
    await world.record(*(record(number) for number in range(3, 5)))
    await world.serve()
    assert len(world.buckets.ids) == len(set(world.buckets.ids)) == 5
    status = (await world.trail()).status
    assert (status.delivery_error, status.delivered_us) == ("", status.attempted_us)


async def test_two_replicas_deliver_the_same_files(world: World) -> None:
    await world.start()
    await world.record(*(record(number) for number in range(5)))
    (trail,) = await world.trails.active()
    # Both have read the trail before either changed it.
    await world.delivery._serve(trail)
    await world.delivery._serve(trail)
    assert len(world.buckets.ids) == len(set(world.buckets.ids)) == 5


async def test_long_parts_are_delivered_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FILE_RECORDS", 2)
    await world.start()
    events = [record(number) for number in range(7)]
    await world.record(*events)
    await world.serve()
    assert len(world.buckets.objects) == 4
    assert sorted(world.buckets.ids) == sorted(each.event_id for each in events)


async def test_a_policy_that_is_withdrawn_ends_delivery(world: World) -> None:
    await world.start()
    await world.record(record(1))
    world.buckets.policies[BUCKET] = policy(account=OTHER)
    await world.serve()
    assert not world.buckets.objects
    assert (await world.trail()).status.delivery_error == "AccessDenied"
    world.buckets.policies[BUCKET] = policy()
    await world.serve()
    assert len(world.buckets.ids) == 1


async def test_what_came_during_a_pause_is_never_delivered(world: World) -> None:
    await world.start()
    before, during, after = record(1), record(2), record(3)
    await world.record(before)
    await world.stop()
    await world.record(during)
    trails = Trails(
        world.trails,
        SqlEventStore(world.service.database),
        *(None, world.sealer, Anybody(), world.service.clock, None, "aws"),
    )
    await trails.start(by_principal(), str(NAME))
    await world.record(after)
    await world.serve()
    assert set(world.buckets.ids) == {before.event_id, after.event_id}
    assert (await world.trail()).pauses == ()


async def test_a_part_that_was_begun_stays_what_it_was(world: World) -> None:
    """Its first attempt may have arrived although nobody heard of it: the second puts the same file."""
    await world.start()
    await world.record(record(1), record(2, read_only=True))
    world.buckets.fails = "after"
    await world.serve()
    trail = await world.trail()
    reads = replace(trail.settings, selectors=Selectors((BasicSelector("ReadOnly"),)))
    await world.trails.replace(replace(trail, settings=reads))
    await world.serve()
    (file,) = world.buckets.read("CloudTrail").values()
    assert len(file["Records"]) == 2


async def test_a_trail_that_cannot_be_served_is_no_other_ones_trouble(world: World) -> None:
    await world.start()
    await world.record(record(1, event_source="iam.amazonaws.com"))
    trail = await world.trail()
    broken = replace(trail, trail_id="0" * 32, name=TrailName(ACCOUNT, "ap-south-1", "broken"))
    await world.trails.create(replace(broken, settings=replace(trail.settings, target=Target("else"))))
    world.buckets.policies["else"] = 5
    task = asyncio.create_task(world.delivery.run())
    while not world.buckets.ids:
        await asyncio.sleep(0.01)
    task.cancel()
    status = (await world.trails.get(broken.name)).status
    assert status.delivery_error == "InternalError"


async def test_a_digest_whose_bucket_is_gone_holds_up_no_other(world: World) -> None:
    await world.start(validation=True)
    await world.record(record(1))
    await world.serve()
    world.service.clock.advance(DIGEST_S)
    world.buckets.fails = "before"
    await world.serve()
    del world.buckets.policies[BUCKET]
    world.buckets.policies["another"] = policy("another")
    trail = await world.trail()
    moved = replace(trail.settings, target=Target("another"))
    await world.trails.replace(replace(trail, settings=moved))
    world.service.clock.advance(DIGEST_S)
    await world.serve()
    digests = world.buckets.read("CloudTrail-Digest")
    assert [name.partition("/")[0] for name in digests] == ["another"]
    assert (await world.trail()).status.digest_error == "NoSuchBucket"


@pytest.mark.parametrize("prefix", ["AWSLogs", "x/AWSLogs/y"])
async def test_prefixes_that_look_like_the_rest_of_a_name(world: World, prefix: str) -> None:
    await world.start(validation=True)
    trail = await world.trail()
    settings = replace(trail.settings, target=Target(BUCKET, prefix))
    await world.trails.replace(replace(trail, settings=settings))
    world.buckets.policies[BUCKET] = policy().replace(f"{BUCKET}/AWSLogs", f"{BUCKET}/{prefix}/AWSLogs")
    await world.record(record(1))
    await world.serve()
    world.service.clock.advance(DIGEST_S)
    await world.serve()
    assert len(world.buckets.objects) == 2
    assert all(name.startswith(f"{BUCKET}/{prefix}/AWSLogs/{ACCOUNT}/") for name in world.buckets.objects)


async def test_a_stop_ends_delivery_where_it_was(world: World) -> None:
    await world.start()
    await world.record(record(1), record(2))
    await world.stop()
    await world.record(record(3))
    await world.serve()
    await world.serve()
    assert len(world.buckets.ids) == 2


def verify(world: World, name: str, previous: str | None) -> str:
    """Check a digest's signature as validate-logs does; return it."""
    body = gzip.decompress(world.buckets.objects[name])
    end = json.loads(body)["digestEndTime"]
    text = f"{end}\n{name}\n{hashlib.sha256(body).hexdigest()}\n{previous or 'null'}"
    signature = world.buckets.metadata[name]["signature"]
    world.signer.key.public_key().verify(
        bytes.fromhex(signature), text.encode(), padding.PKCS1v15(), SHA256()
    )
    return signature


async def test_digests_chain_every_file(world: World) -> None:
    await world.start(validation=True)
    for number in range(4):
        await world.record(record(number))
        await world.serve()
        world.service.clock.advance(DIGEST_S)
    await world.serve()
    digests = world.buckets.read("CloudTrail-Digest")
    assert len(digests) == 4
    previous, end = None, "2026-03-01T12:00:00Z"
    named = []
    for name, digest in digests.items():
        assert digest["digestStartTime"] == end
        assert digest["previousDigestSignature"] == previous
        previous, end = verify(world, name, previous), digest["digestEndTime"]
        named += [f"{each['s3Bucket']}/{each['s3Object']}" for each in digest["logFiles"]]
    assert sorted(named) == sorted(world.buckets.read("CloudTrail"))


async def test_an_hour_without_files_has_a_digest(world: World) -> None:
    await world.start(validation=True)
    world.service.clock.advance(DIGEST_S)
    await world.serve()
    (digest,) = world.buckets.read("CloudTrail-Digest").values()
    assert (digest["logFiles"], digest["newestEventTime"]) == ([], None)


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_digest_that_fails_is_made_again(world: World, fails: str) -> None:
    await world.start(validation=True)
    await world.record(record(1))
    await world.serve()
    world.service.clock.advance(DIGEST_S)
    world.buckets.fails = fails
    await world.serve()
    assert (await world.trail()).status.digest_error
    world.service.clock.advance(5)
    await world.serve()
    digests = world.buckets.read("CloudTrail-Digest")
    assert len(digests) == 1
    assert [len(digest["logFiles"]) for digest in digests.values()] == [1]
    assert (await world.trail()).status.digest_error == ""


async def test_a_stop_ends_the_chain_with_what_was_delivered(world: World) -> None:
    await world.start(validation=True)
    await world.record(record(1))
    world.service.clock.advance(60)
    await world.stop()
    for _ in range(3):
        await world.serve()
        world.service.clock.advance(DIGEST_S)
    (digest,) = world.buckets.read("CloudTrail-Digest").values()
    assert len(digest["logFiles"]) == 1


async def test_a_digest_that_failed_before_a_stop_and_a_start(world: World) -> None:
    """The files that it names are named by no digest of the next chain."""
    await world.start(validation=True)
    await world.record(record(1))
    await world.serve()
    world.service.clock.advance(DIGEST_S)
    world.buckets.fails = "before"
    await world.serve()
    trail = await world.trail()
    now_us = int(world.service.clock.now().timestamp() * 1e6)
    await world.trails.replace(replace(trail, started_us=now_us, chain_us=now_us))
    await world.serve()
    (digest,) = world.buckets.read("CloudTrail-Digest").values()
    assert len(digest["logFiles"]) == 1
    world.service.clock.advance(DIGEST_S)
    await world.serve()
    later = list(world.buckets.read("CloudTrail-Digest").values())[-1]
    assert (later["logFiles"], later["previousDigestSignature"]) == ([], None)


async def test_no_digests_without_validation(world: World) -> None:
    await world.start()
    await world.record(record(1))
    world.service.clock.advance(DIGEST_S)
    await world.serve()
    assert not world.buckets.read("CloudTrail-Digest")
    assert not await world.trails.undigested(await world.trail())
