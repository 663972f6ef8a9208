"""A whole kms without its servers: all operations over a real database and a real custody.

It starts, is stopped and starts again, on one event loop, under a clock of the test's. Whoever calls is
permitted everything.
"""

from pathlib import Path

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.sql_installations import SqlInstallations
from services.kms.adapters.sql_records import SqlRecords
from services.kms.operations.custody import Seal
from services.kms.ports import EpochAnchor, RootCustody
from tests.fakes.anchor import MemoryAnchor
from tests.fakes.clock import ManualClock
from tests.fakes.custodies import Place
from tests.fakes.kms_stores import REVISIONS
from tests.unit.kms.world import World


class Installation:
    """One store and its custody; `world` is what serves from them, between `start` and `stop`."""

    def __init__(
        self,
        home: Path,
        kind: str = "file",
        *,
        clock: ManualClock | None = None,
        store_clock: Clock | None = None,
        randomness: Randomness | None = None,
        anchor: EpochAnchor | None = None,
    ) -> None:
        """Make a new one below `home`, with custody of this kind.

        `store_clock` times the store's cache and its anchoring, which is the real one's affair when work goes
        on while `clock` leaps.
        """
        (home / "state").mkdir(parents=True)
        self.place = Place(kind, home)
        self.database_file = home / "state" / "kms.sqlite"
        self.clock = clock or ManualClock()
        self.anchor = anchor or MemoryAnchor()
        self.randomness = randomness or SystemRandomness()
        self._store_clock = store_clock or self.clock
        self.place.mark()
        self.world: World

    async def start(self, custody: RootCustody | None = None, *, restored: bool = False) -> World:
        """Start as the process does, finishing what was interrupted. Raises what custody and store do."""
        self.custody = custody or self.place.open_sealed()
        self._database = Database(f"sqlite:///{self.database_file}")
        self._database.migrate(REVISIONS)
        self.records = SqlRecords(
            *(self._database, self.custody.store_id, self.anchor, self._store_clock, self.randomness),
            restored=restored,
        )
        installations = SqlInstallations(self._database.engine)
        self.seal = Seal(self.custody, installations, self.records, self.randomness)
        self.world = World(
            self.place.folder,
            clock=self.clock,
            randomness=self.randomness,
            custody=self.custody,
            stored=self.records,
        )
        self.seal.on_unseal(self.world.pages.open)
        self.seal.on_unseal(self.world.shredder.finish)
        self.seal.on_seal(self.world.pages.close)
        try:
            await self.seal.unseal(SecretBytes(self.place.secret.reveal()))
        except BaseException:
            await self.stop()
            raise
        return self.world

    async def stop(self) -> None:
        """End as the process does."""
        await self.seal.close()
        await self._database.close()
