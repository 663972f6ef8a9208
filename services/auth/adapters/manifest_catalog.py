"""The catalogue from a folder of signed manifests, read again when it has changed."""

import asyncio
from pathlib import Path

from services.chassis.catalog import MANIFEST_FILE, PROVIDERS_FILE, read_catalog
from services.chassis.logs import Log
from services.chassis.manifest import ManifestError, ModelManifest

_PERIOD_S = 1.0

_log = Log("catalog")

_Stamp = tuple[tuple[str, int, int], ...]


class ManifestCatalog:
    """A ModelCatalog."""

    def __init__(self, folder: Path) -> None:
        """Offer what is below `folder` once `refresh` has read it."""
        self._folder = folder
        self._models: dict[str, ModelManifest] = {}
        self._stamp: _Stamp | None = None

    def find(self, model_id: str) -> ModelManifest | None:
        """Return a verified manifest."""
        return self._models.get(model_id)

    async def refresh(self) -> bool:
        """Read the folder if it has changed; always True, an empty catalogue is one. For readiness."""
        await asyncio.to_thread(self._refresh)
        return True

    async def run(self) -> None:
        """Follow the folder while the service lives."""
        while True:
            await self.refresh()
            await asyncio.sleep(_PERIOD_S)

    def _refresh(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        try:
            catalog = read_catalog(self._folder)
        except ManifestError:
            # The operator's own file is broken: what was read before stays, and it is tried again.
            _log.error("providers_file_malformed")
            self._stamp = None
            return
        for model, _reason in catalog.refused:
            _log.warning("manifest_refused", model_id=model.rsplit("/", 1)[-1])
        self._models = {manifest.model_id: manifest for manifest in catalog.manifests}
        self._stamp = stamp

    def _look(self) -> _Stamp:
        found = []
        for path in [self._folder / PROVIDERS_FILE, *sorted(self._folder.glob(f"*/*/{MANIFEST_FILE}"))]:
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_mtime_ns, status.st_ino))
        return tuple(found)
