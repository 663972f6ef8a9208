"""The catalogue directory, read again when it changes."""

import asyncio
from pathlib import Path

from services.chassis.catalog import read_catalog
from services.chassis.logs import Log
from services.chassis.manifest import ManifestError
from services.runtime.domain.catalogue import Catalogue

_PERIOD_S = 2.0
_log = Log("catalogue")


class CatalogueFiles:
    """A CatalogueSource over signed manifests on disk."""

    def __init__(self, directory: Path, regions: frozenset[str]) -> None:
        """Read manifests below `directory`; none until `refresh` ran."""
        self._directory = directory
        self._regions = regions
        self._catalogue = Catalogue((), regions, {})
        self._stamp: tuple[tuple[str, int, int], ...] | None = None

    def current(self) -> Catalogue:
        """Return what was read last."""
        return self._catalogue

    async def refresh(self) -> bool:
        """Read the directory if it has changed; True, for readiness."""
        await asyncio.to_thread(self._read)
        return True

    async def run(self) -> None:
        """Keep the catalogue current."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            await self.refresh()

    def _read(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        try:
            found = read_catalog(self._directory)
        except ManifestError:
            # The operator's file of provider keys is broken: keep what was verified with the last good one.
            _log.error("catalogue_unreadable")
            return
        for model_id, _reason in found.refused:
            _log.warning("manifest_refused", model_id=model_id)
        self._catalogue = Catalogue(found.manifests, self._regions, found.sha256)
        self._stamp = stamp
        _log.info("catalogue_read", count=len(found.manifests))

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        files = sorted(self._directory.glob("*/*/*.json")) + sorted(self._directory.glob("*.toml"))
        stats = [(str(path), path.stat()) for path in files]
        return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)
