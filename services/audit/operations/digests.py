"""Digests: each names the log files that were delivered since the one before it, and is signed.

One chain a trail and region, from the start of logging to its stop. A digest is held before it is delivered,
so that a chain has one digest of a time, whoever makes it.
"""

from dataclasses import replace
from hashlib import sha256

from services.audit.domain.delivery import SIGNATURE_ALGORITHM, Link, compressed, digest_of
from services.audit.domain.trail import Target, Trail
from services.audit.errors import BucketError
from services.audit.operations.bucket_access import BucketAccess
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
        try:
            # Held before a crash, a failure or a stop: the files that they name are named nowhere else.
            waiting = await self._trails.undelivered(trail)
            for digest in waiting:
                await self._deliver(trail, digest)
            delivered = bool(waiting)
            if trail.settings.validation:
                named = await self._trails.undigested(trail)
                regions = {trail.name.region, *named, *await self._trails.chained(trail)}
                for region in sorted(regions):
                    delivered |= await self._extend(trail, region)
        except (BucketError, DomainError) as error:
            code = error.code if isinstance(error, BucketError) else error.reason_name
            _log.warning("digest_not_delivered", reason=code)
            await self._note(trail, error=code)
            return
        if delivered:
            await self._note(trail, error="")

    async def _extend(self, trail: Trail, region: str) -> bool:
        made = await self._make(trail, region, await self._trails.last_digest(trail, region))
        if made is None:
            return False
        await self._deliver(trail, made)
        return True

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

    async def _deliver(self, trail: Trail, digest: StoredDigest) -> None:
        # Held since before the trail's bucket was changed, perhaps: it goes where its name says.
        prefix = digest.link.key.partition("AWSLogs/")[0].rstrip("/")
        await self._access.require(trail.name, Target(digest.link.bucket, prefix))
        metadata = {"signature": digest.link.signature, "signature-algorithm": SIGNATURE_ALGORITHM}
        await self._buckets.put(digest.link.bucket, digest.link.key, compressed(digest.body), metadata)
        await self._trails.delivered_digest(trail, digest)

    async def _note(self, trail: Trail, error: str) -> None:
        now = await self._trails.get(trail.name)
        if now is not None and now.trail_id == trail.trail_id:
            digest_us = now.status.digest_us if error else int(self._clock.now().timestamp() * _US)
            status = replace(now.status, digest_us=digest_us, digest_error=error)
            await self._trails.replace(replace(now, status=status))
