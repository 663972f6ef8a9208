"""The log's files in a folder: written beside their place, synced, and renamed."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services.chassis.audit.files import OsFiles

_PARTIAL, _NEW = ".p", ".new"
_FILES = OsFiles()


class FileLog:
    """See the port LogFiles. Replicas may share the folder; whoever may read it may do so at any time."""

    def __init__(self, folder: Path) -> None:
        """Keep files below `folder`, which is made when it is missing. Raises OSError."""
        made = [each for each in folder.parents if not each.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Also when it was there: a life that ended while it made the folder has left a name that only the
        # page cache may hold, and a power cut would take it with all that is in it.
        for each in (folder, *made):
            _FILES.sync_directory(each.parent)
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
            # A name of its own: two replicas write the same file at the same time.
            descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=_NEW, dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                Path(temporary).rename(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        for folder in folders:
            _FILES.sync_directory(folder)

    def _make(self, folder: Path) -> set[Path]:
        """Make a folder, and return all from the log's own down to it: a name above may be new as well."""
        parts = folder.relative_to(self._folder).parts
        changed = [self._folder]
        for part in parts:
            changed.append(changed[-1] / part)
            changed[-1].mkdir(mode=0o700, exist_ok=True)
        return set(changed)

    def _get(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
