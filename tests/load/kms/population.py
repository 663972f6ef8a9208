"""A store of kms with as many keys as a measurement wants, made by kms's own operations.

Keys are created a page at a time instead of one by one: a change is durable and anchored once for 128.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import services.kms
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.randomness import SystemRandomness, random_uuid
from services.chassis.secret import SecretBytes
from services.kms.adapters.audit_anchor import AuditAnchor
from services.kms.adapters.custodies import mark_custody, open_custody
from services.kms.adapters.log_witnesses import LogWitnesses
from services.kms.adapters.sql_installations import SqlInstallations
from services.kms.adapters.sql_records import SqlRecords
from services.kms.config import KmsConfig
from services.kms.domain import envelope
from services.kms.domain.keys import Key, KeyState, KeyVersion, wrapping_context
from services.kms.domain.material import Material, generate
from services.kms.domain.names import KeyParent
from services.kms.domain.pages import KEYS_OF_A_PAGE, wrap
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations.custody import Seal
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.pages import Pages
from services.kms.operations.unsealed_records import UnsealedRecords

_REVISIONS = Path(services.kms.__file__).parent / "adapters" / "migrations"
_OPENS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose keys they are, and who may use them."""

    parent: KeyParent
    incarnation: str
    policy: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What is encrypted under every symmetric key."""

    plaintext: bytes
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was made, and something to decrypt where it is symmetric."""

    name: str
    spec: KeySpec
    ciphertext: bytes = b""


async def populate(
    config: KmsConfig, wanted: Mapping[KeySpec, int], owner: Owner, sample: Sample
) -> list[MadeKey]:
    """Make a new store, with so many keys of each spec."""
    specs = [spec for spec, count in wanted.items() for _ in range(count)]
    made: list[MadeKey] = []
    async with _new_store(config) as (records, pages):
        remaining = iter(specs)
        while batch := list(islice(remaining, KEYS_OF_A_PAGE)):
            made += await _make(records, pages, batch, owner, sample)
    return made


@asynccontextmanager
async def _new_store(config: KmsConfig) -> AsyncIterator[tuple[KeyRecords, Pages]]:
    """Open a store for the first time, as kms does."""
    random, clock = SystemRandomness(), SystemClock()
    mark_custody(config.custody, None, random)
    custody = open_custody(config.custody, random)
    database = Database(config.database_url)
    database.migrate(_REVISIONS)
    audit = Channel(config.audit.service, config.tls, config.server.trust_domain, clock)
    stored = SqlRecords(database, custody.store_id, AuditAnchor(audit, LogWitnesses((), "")), clock, random)
    seal = Seal(custody, SqlInstallations(database.engine), stored, random)
    seal.check()
    pages = Pages(stored, custody, random)
    seal.on_unseal(pages.open)
    opening = asyncio.create_task(seal.run())
    try:
        async with asyncio.timeout(_OPENS_WITHIN_S):
            while not await seal.ready():
                await asyncio.sleep(0.05)
        yield KeyRecords(UnsealedRecords(seal), clock), pages
    finally:
        opening.cancel()
        await seal.close()
        await audit.close()
        await database.close()


async def _make(
    records: KeyRecords, pages: Pages, specs: Iterable[KeySpec], owner: Owner, sample: Sample
) -> list[MadeKey]:
    """Make keys that fill at most one page."""
    page = await pages.with_room()
    page_key = pages.key(page)
    random = SystemRandomness()
    fresh: list[tuple[Key, KeyVersion]] = []
    made: list[MadeKey] = []
    for spec in specs:
        key = _key(owner, spec, page)
        material = generate(spec, random)
        wrapped = wrap(material.secret, page_key.secret, wrapping_context(key, 1), random)
        fresh.append((key, KeyVersion(1, wrapped, key.created, public_key=material.public_key)))
        made.append(MadeKey(str(key.name), spec, _encrypted(key, material, sample)))

    def write(change: KeyChange) -> None:
        for key, version in fresh:
            pages.take(change, key.name, page, page_key.generation)
            change.put_key(key)
            change.put_version(key.name, version)

    await records.change(write)
    # The page is full, or the last one.
    await pages.changed(page)
    return made


def _key(owner: Owner, spec: KeySpec, page: int) -> Key:
    return Key(
        owner.parent.key(random_uuid(SystemRandomness())),
        owner.incarnation,
        KeyState.ENABLED,
        "measured",
        SystemClock().now(),
        primary_version=1,
        spec=spec,
        usage=spec.default_usage or KeyUsage.SIGN_VERIFY,
        page=page,
        policy=owner.policy,
    )


def _encrypted(key: Key, material: Material, sample: Sample) -> bytes:
    if key.spec is not KeySpec.SYMMETRIC_DEFAULT:
        return b""
    plaintext = SecretBytes(sample.plaintext)
    return envelope.encrypt(material.secret, str(key.name), 1, plaintext, sample.context, SystemRandomness())
