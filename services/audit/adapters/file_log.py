"""The log's files in a folder: written beside their place, synced, and renamed."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

_PARTIAL = ".p"


class FileLog:
    """See the port LogFiles. One process writes; whoever may read the folder may read at any time."""

    def __init__(self, folder: Path) -> None:
        """Keep files below `folder`, which is made when it is missing. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    async def put(self, files: Mapping[str, bytes]) -> None:
        """Sync contents before names, so that no name ever leads to a part."""
        await asyncio.to_thread(self._put, files)

    async def get(self, path: str) -> bytes | None:
        """Read a file."""
        return await asyncio.to_thread(self._get, path)

    async def remove_partial(self, path: str) -> None:
        """Remove the folder that holds them. A power cut may bring it back, which does no harm."""
        await asyncio.to_thread(shutil.rmtree, f"{self._folder / path}{_PARTIAL}", ignore_errors=True)

    def _put(self, files: Mapping[str, bytes]) -> None:
        folders: set[Path] = set()
        for path, content in files.items():
            target = self._folder / path
            folders.update(self._make(target.parent))
            temporary = target.with_name(f".{target.name}.new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb", closefd=False) as stream:
                    stream.write(content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.rename(target)
        for folder in folders:
            _sync(folder)

    def _make(self, folder: Path) -> set[Path]:
        """Return the folders whose names or contents change when a file is written into `folder`."""
        changed = {folder}
        while not folder.exists():
            folder = folder.parent
            changed.add(folder)
        for missing in sorted(changed - {folder}):
            missing.mkdir(mode=0o700, exist_ok=True)
        return changed

    def _get(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
