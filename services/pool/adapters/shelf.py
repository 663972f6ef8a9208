"""The catalogue's manifests of one provider."""

from collections.abc import Sequence
from pathlib import Path

from services.chassis.catalog import read_catalog
from services.chassis.logs import Log
from services.chassis.manifest import ManifestError, ModelManifest

_log = Log("pool.catalogue")


class CatalogShelf:
    """Reads the catalogue directory again when something in it changed."""

    def __init__(self, catalog: Path, provider: str) -> None:
        """Read the manifests of `provider` below `catalog`."""
        self._catalog = catalog
        self._provider = provider
        self._seen: tuple[object, ...] | None = None
        self._manifests: tuple[ModelManifest, ...] = ()

    def read(self) -> Sequence[ModelManifest]:
        """Return the verified manifests, or the last ones when the catalogue is broken; log refusals once."""
        stamp = self._stamp()
        if stamp == self._seen:
            return self._manifests
        try:
            catalog = read_catalog(self._catalog)
        except (OSError, ManifestError) as error:
            _log.error("catalogue_unreadable", error=error)
            return self._manifests
        self._seen = stamp
        self._manifests = catalog.of_provider(self._provider)
        for name, _ in catalog.refused:
            if name.startswith(f"{self._provider}/"):
                _log.error("manifest_refused", name=name)
        return self._manifests

    def _stamp(self) -> tuple[object, ...]:
        files = [self._catalog / "providers.toml", *sorted((self._catalog / self._provider).glob("*/*.json"))]
        found = []
        for path in files:
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((path.name, str(path.parent), status.st_mtime_ns, status.st_ino, status.st_size))
        return tuple(found)
