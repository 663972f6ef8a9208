"""Purging: what a purge does once it is due, step by step.

Every step is written down before the next one begins, and can be repeated: after a crash of whichever service
it goes on where it was. Two replicas may do the same purge at once: a step that both have done counts once.
"""

import asyncio

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.auth.domain.ids import new_incarnation
from services.auth.domain.purges import AccountPurge, Deed, PurgeState
from services.auth.ports.purges import PurgeLog, Purgers, PurgeSigner, PurgeStore
from services.auth.ports.revocation import Revocations
from services.chassis.account_purge import Purge
from services.chassis.clock import Clock
from services.chassis.database import StorageFailedError
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.randomness import Randomness

AUTH = "auth"
"""Its name among the services: auth is the last one, so that whatever asks it meanwhile hears of a closed
account and not of one that is half there."""
_PAUSE_S = 5.0
"""Between two looks for what is due. Everything about it is counted in days."""
_RETRY_S = 0.5
_INDEX_S = 0.05
"""Between two questions whether the log has taken an event in: spools wait for a fifth of a second."""
_INDEX_TRIES = 200

_log = Log("purge")


class Purging:
    """Does what is due. A background task of auth."""

    def __init__(
        self,
        store: PurgeStore,
        purgers: Purgers,
        log: PurgeLog,
        signer: PurgeSigner,
        revocations: Revocations,
        workload: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Have `purgers` remove, and auth's own things from `store`, as `workload` ("service/auth")."""
        self._store = store
        self._purgers = purgers
        self._audit = log
        self._signer = signer
        self._revocations = revocations
        self._workload = workload
        self._clock = clock
        self._randomness = randomness
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def run(self) -> None:
        """Look for what is due, for ever."""
        while True:
            self._woken.clear()
            pause = _PAUSE_S
            try:
                if not await self.once():
                    pause = _RETRY_S
            except StorageFailedError:
                raise
            except Exception as error:
                # The database is away, or a defect: neither may end the service.
                _log.error("purges_not_looked_for", error=error)
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except TimeoutError:
                continue

    async def once(self) -> bool:
        """Bring every purge as far as it comes, and say whether nothing is left that could be tried again."""
        ended = [await self._advance_alone(purge) for purge in await self._store.to_do(self._clock.now())]
        return all(ended)

    async def _advance_alone(self, purge: AccountPurge) -> bool:
        """Do one purge, whose troubles are no other one's."""
        try:
            await self.advance(purge)
        except StorageFailedError:
            raise
        except DomainError as error:
            _log.warning("purge_waits", name=purge.purge_id, reason=error.reason_name)
        except Exception as error:
            _log.error("purge_failed", name=purge.purge_id, error=error)
        else:
            return True
        return False

    async def advance(self, purge: AccountPurge) -> AccountPurge:
        """Do a purge to its end. Raises DomainError where it has to be gone on with later."""
        if purge.state is PurgeState.WAITING:
            purge, _ = await self._store.close(purge.begun())
        if purge.state is PurgeState.PURGING:
            purge = await self._remove(purge)
        if purge.state is PurgeState.CERTIFYING:
            purge = await self._certify(purge)
        return purge

    async def _remove(self, purge: AccountPurge) -> AccountPurge:
        # Again after a crash: whether everybody knew is not written down.
        await self._revocations.publish(purge.account_id, await self._store.epoch(purge.account_id))
        asked = Purge(purge.purge_id, purge.account_id, purge.incarnation)
        for service, purger in self._purgers:
            if service in purge.removed:
                continue
            progress = await purger.purge(asked)
            while not progress.finished:
                progress = await purger.purge(asked)
            purge = await self._store.replace(purge.removing(service, progress.removed))
            _log.info("account_purged_at", name=purge.purge_id, upstream=service)
        if AUTH not in purge.removed:
            purge = await self._store.remove(purge)
        event_id = await self._audit.completed(purge)
        return await self._store.replace(purge.complete(Deed(self._workload, self._clock.now(), event_id)))

    async def _certify(self, purge: AccountPurge) -> AccountPurge:
        wanted = [deed.event_id for _, deed in purge.deeds]
        indexes = await self._audit.indexes(wanted)
        for _ in range(_INDEX_TRIES):
            if all(event_id in indexes for event_id in wanted):
                break
            await asyncio.sleep(_INDEX_S)
            indexes = await self._audit.indexes(wanted)
        else:
            # The log does not take in what it should; it says so itself.
            raise _not_in_the_log()
        entries = [(about, deed, indexes[deed.event_id]) for about, deed in purge.deeds]
        certificate, public_key = await self._signer.sign(purge, entries)
        incarnation = ""
        if purge.continues:
            await self._audit.proceed(purge.account_id, purge.incarnation)
            incarnation = new_incarnation(self._randomness)
        purge, epoch = await self._store.finish(
            purge.certified(indexes, certificate, public_key), incarnation
        )
        _log.info("account_purged", name=purge.purge_id)
        if incarnation:
            # Enforcement points may have leased that the account is closed.
            await self._revocations.publish(purge.account_id, epoch)
        return purge


def _not_in_the_log() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "The log has not taken in what was recorded."
    )
