"""Digests: each names the log files that were delivered since the one before it, and is signed.

One chain a trail and region, from the start of logging to its stop. A digest is held before it is delivered,
so that a chain has one digest of a time, whoever makes it.
"""

from functools import partial
from hashlib import sha256

from services.audit.domain.delivery import SIGNATURE_ALGORITHM, Link, compressed, digest_of
from services.audit.domain.trail import Trail
from services.audit.errors import BucketError, code_of
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.trail_status import note
from services.audit.ports import Buckets, DigestSigner, StoredDigest, TrailStore
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log

_US = 1_000_000

_log = Log("digests")


class Digests:
    """Extends the chains of a trail."""

    def __init__(
        self,
        trails: TrailStore,
        buckets: Buckets,
        access: BucketAccess,
        signer: DigestSigner,
        clock: Clock,
        interval_s: float,
    ) -> None:
        """Make a digest every `interval_s` seconds."""
        self._trails = trails
        self._buckets = buckets
        self._access = access
        self._signer = signer
        self._clock = clock
        self._interval_us = int(interval_s * _US)

    async def extend(self, trail: Trail) -> None:
        """Deliver the digests that are due; the trail's status says how it went."""
        if trail.chain_us is None:
            return
        # Held before a crash, a failure or a stop: the files that they name are named nowhere else.
        attempts = [partial(self._deliver, trail, each) for each in await self._trails.undelivered(trail)]
        if trail.settings.validation:
            named = await self._trails.undigested(trail)
            regions = {trail.name.region, *named, *await self._trails.chained(trail)}
            attempts += [partial(self._extend, trail, region) for region in sorted(regions)]
        delivered, failed = False, ""
        for attempt in attempts:
            # One that fails (its bucket is gone, say) is no reason to leave out the others.
            try:
                delivered |= await attempt()
            except (BucketError, DomainError) as error:
                failed = code_of(error)
                _log.warning("digest_not_delivered", reason=failed)
        if delivered:
            now_us = int(self._clock.now().timestamp() * _US)
            await note(self._trails, trail, digest_us=now_us, digest_error=failed)
        elif failed:
            await note(self._trails, trail, digest_error=failed)

    async def _extend(self, trail: Trail, region: str) -> bool:
        made = await self._make(trail, region, await self._trails.last_digest(trail, region))
        if made is None:
            return False
        return await self._deliver(trail, made)

    async def _make(self, trail: Trail, region: str, last: StoredDigest | None) -> StoredDigest | None:
        """Make the next digest of a chain and hold it; None when it is not due."""
        chain_us = trail.chain_us or 0
        start_us = chain_us // _US * _US if last is None else last.end_us
        end_us = int(self._clock.now().timestamp()) * _US
        waiting = (await self._trails.undigested(trail)).get(region, ())
        # The last one of a chain, after a stop, comes as soon as everything is delivered.
        final = not trail.logging and (last is None or bool(waiting))
        if end_us <= start_us or not (final or (trail.logging and end_us - start_us >= self._interval_us)):
            return None
        key = await self._signer.public_key()
        files = [file for _, file in waiting]
        previous = None if last is None else last.link
        digest = digest_of(trail, region, (start_us, end_us), sha256(key.der).hexdigest(), files, previous)
        signature = (await self._signer.sign(digest.text())).hex()
        link = Link(digest.target.bucket, digest.key, digest.sha256, signature)
        made = StoredDigest(region, chain_us, start_us, end_us, link, digest.body, delivered=False)
        added = await self._trails.add_digest(trail, made, [number for number, _ in waiting])
        return made if added else None

    async def _deliver(self, trail: Trail, digest: StoredDigest) -> bool:
        # Held since before the trail's bucket was changed, perhaps: it goes where its name says.
        link = digest.link
        await self._access.require(trail.name, link.bucket, (link.key,))
        metadata = {"signature": link.signature, "signature-algorithm": SIGNATURE_ALGORITHM}
        await self._buckets.put(link.bucket, link.key, compressed(digest.body), metadata)
        await self._trails.delivered_digest(trail, digest)
        return True
