"""Sealed files from the object store, checked while they are read."""

import asyncio
import hashlib
import os
from collections.abc import Iterator, Sequence

import obstore
from obstore.store import from_url

from services.chassis.manifest import ManifestFile, ModelManifest
from services.pool.errors import WeightsError
from services.pool.handover import sealed_memory
from services.pool.ports import Ciphertext

_CHUNK = 8 * 1024 * 1024


class ObjectStoreFiles:
    """SealedFiles by URL: file://, s3:// and what else obstore knows."""

    def __init__(self, url: str) -> None:
        """Read from the store at `url`."""
        self._store = from_url(url)

    async def fetch(self, manifest: ModelManifest) -> Sequence[Ciphertext]:
        """Fetch all files into sealed memory, one after the other."""
        if manifest.artifact is None:
            return ()
        return await asyncio.to_thread(self._fetch, manifest.artifact.files)

    def _fetch(self, files: Sequence[ManifestFile]) -> Sequence[Ciphertext]:
        fetched: list[Ciphertext] = []
        try:
            for file in files:
                descriptor = sealed_memory("sealed", self._checked(file))
                fetched.append(Ciphertext(file.path, descriptor, file.sealed_size))
        except BaseException as error:
            for each in fetched:
                os.close(each.descriptor)
            if isinstance(error, WeightsError):
                raise
            if isinstance(error, (OSError, obstore.exceptions.BaseError)):
                raise WeightsError("sealed_file_missing") from error
            raise
        return fetched

    def _checked(self, file: ManifestFile) -> Iterator[bytes]:
        """Yield the file's chunks; the last one only counts if size and hash were right."""
        digest, size = hashlib.sha256(), 0
        for chunk in obstore.get(self._store, file.sealed_path).stream(min_chunk_size=_CHUNK):
            data = bytes(chunk)
            size += len(data)
            if size > file.sealed_size:
                break
            digest.update(data)
            yield data
        if size != file.sealed_size or digest.hexdigest() != file.sealed_sha256:
            raise WeightsError("sealed_file_altered")
