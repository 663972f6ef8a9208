"""The active segment: appends chunks and makes them durable. Used by one thread at a time."""

import contextlib
import errno
from dataclasses import dataclass
from pathlib import Path

from services.chassis.audit.files import Files
from services.chassis.audit.segment import HEADER_BYTES, segment_header

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class ChunkRefusedError(Exception):
    """The chunk was not written and the segment is as before: the next chunk may succeed."""


class WriterStoppedError(Exception):
    """The device's state is unknown: nothing may be written through this writer any more."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A durable chunk: where it lies."""

    path: Path
    first_position: int
    """Of the segment."""
    size: int
    """Durable bytes of the segment."""


def segment_path(directory: Path, first_position: int) -> Path:
    """Return the name of the segment that begins at a position."""
    return directory / f"{first_position:020d}.seg"


class SegmentWriter:
    """Appends to the newest segment and begins another when it is full.

    After an error of fdatasync, or any error that leaves the file in a state we do not know, every
    further call raises WriterStoppedError: the kernel may have dropped the pages that it could not
    write and would report success the second time.
    """

    def __init__(self, directory: Path, spool_id: bytes, files: Files, segment_bytes: int) -> None:
        """Write below `directory`; `continue_at` resumes an existing segment."""
        self._directory = directory
        self._spool_id = spool_id
        self._files = files
        self._segment_bytes = segment_bytes
        self._descriptor: int | None = None
        self._path = directory
        self._first = 0
        self._size = 0
        self._stopped = False

    def continue_at(self, path: Path, first_position: int, size: int) -> None:
        """Resume a segment that holds `size` good bytes: cut the rest off and make it durable.

        Raises OSError when the file cannot be repaired.
        """
        self._descriptor = descriptor = self._files.reopen(path)
        try:
            self._files.truncate(descriptor, size)
            # After an fdatasync that failed, in a life before, the kernel may hold bytes that it takes for
            # written and the disk does not have. Written once more they are synced in truth.
            self._write(path.read_bytes(), 0)
            self._files.fdatasync(descriptor)
        except OSError:
            self._descriptor = None
            self._files.close(descriptor)
            raise
        self._path, self._first, self._size = path, first_position, size

    def append(self, chunk: bytes, position: int) -> Committed:
        """Make `chunk`, whose first record has `position`, durable.

        Raises ChunkRefusedError when there is no room, WriterStoppedError when writing has ended for ever.
        """
        if self._stopped:
            raise WriterStoppedError("the spool has stopped")
        if self._descriptor is None or self._is_full(len(chunk)):
            self._begin_segment(position)
        try:
            self._write(chunk, self._size)
        except OSError as error:
            self._cut_back()
            if error.errno in _NO_SPACE:
                # The next chunk may begin another segment, and only the newest may have a torn end after a
                # power cut: what was written of this one must be gone for good.
                self._sync()
                raise ChunkRefusedError(f"no room on the spool's device ({_name(error)})") from error
            raise self._stop("write", error) from error
        self._sync()
        self._size += len(chunk)
        return Committed(self._path, self._first, self._size)

    def write_ahead(self, chunk: bytes) -> int | None:
        """Write `chunk` where `append` would, and return the descriptor that must be synced next.

        None when `append` has to do it: a segment must be begun, or the file does not take the chunk
        whole. Nothing was acknowledged then, and `append` writes the same bytes to the same place. Once
        the descriptor was synced, `written_ahead` counts the chunk; `sync_failed` ends all writing.
        """
        if self._stopped or self._descriptor is None or self._is_full(len(chunk)):
            return None
        try:
            whole = self._files.write(self._descriptor, memoryview(chunk), self._size) == len(chunk)
        except OSError:
            return None
        return self._descriptor if whole else None

    def written_ahead(self, chunk: bytes) -> Committed:
        """Count a chunk that was written ahead and is durable now."""
        self._size += len(chunk)
        return Committed(self._path, self._first, self._size)

    def sync_failed(self, error: OSError) -> WriterStoppedError:
        """End all writing, because what was written ahead could not be synced."""
        assert self._descriptor is not None  # noqa: S101 - narrowing for the type checker
        # What was not synced was not acknowledged: cut it off, so that a next life of the spool
        # does not take records for durable that only the page cache holds.
        with contextlib.suppress(OSError):
            self._files.truncate(self._descriptor, self._size)
        return self._stop("fdatasync", error)

    def begin(self, position: int) -> Committed:
        """Begin an empty segment at `position`, so that the ones before it can be deleted.

        Raises as `append`.
        """
        if self._stopped:
            raise WriterStoppedError("the spool has stopped")
        self._begin_segment(position)
        return Committed(self._path, self._first, self._size)

    def close(self) -> None:
        """Close the active segment; what was committed is durable already."""
        if self._descriptor is not None:
            self._end_segment(self._descriptor, self._size)
            self._descriptor = None

    def _is_full(self, size: int) -> bool:
        # An empty segment takes any chunk: another one would have the same first position and name.
        return self._size > HEADER_BYTES and self._size + size > self._segment_bytes

    def _begin_segment(self, position: int) -> None:
        path = segment_path(self._directory, position)
        header = segment_header(self._spool_id, position)
        try:
            descriptor = self._files.create(path)
        except OSError as error:
            raise ChunkRefusedError(f"no new segment ({_name(error)})") from error
        previous, self._descriptor = self._descriptor, descriptor
        before = self._path, self._first, self._size
        self._path, self._first, self._size = path, position, 0
        # Writing into reserved room spares each commit a change of the file's length, a fifth of its time. A
        # device without room for a whole segment may still have some for a record.
        with contextlib.suppress(OSError):
            self._files.allocate(descriptor, self._segment_bytes)
        try:
            self._write(header, 0)
        except OSError as error:
            # An empty segment would bar this position's name: remove it, or stop when even that fails.
            try:
                self._files.close(descriptor)
                self._files.unlink(path)
                # The position goes to the segment before: after a power cut the name must not be back.
                self._files.sync_directory(self._directory)
            except OSError as second:
                raise self._stop("unlink", second) from error
            self._descriptor = previous
            self._path, self._first, self._size = before
            if error.errno in _NO_SPACE:
                raise ChunkRefusedError(f"no room on the spool's device ({_name(error)})") from error
            raise self._stop("write", error) from error
        self._sync()
        self._size = len(header)
        try:
            self._files.sync_directory(self._directory)
        except OSError as error:
            raise self._stop("fsync of the directory", error) from error
        if previous is not None:
            self._end_segment(previous, before[2])

    def _end_segment(self, descriptor: int, size: int) -> None:
        """Give reserved room back and close. All bytes are durable already: a failure loses nothing."""
        with contextlib.suppress(OSError):
            if not self._stopped:
                self._files.truncate(descriptor, size)
        with contextlib.suppress(OSError):
            self._files.close(descriptor)

    def _write(self, data: bytes, offset: int) -> None:
        assert self._descriptor is not None  # noqa: S101 - narrowing for the type checker
        view = memoryview(data)
        while view:
            written = self._files.write(self._descriptor, view, offset)
            if written <= 0:
                raise OSError(errno.EIO, "write took nothing")
            view, offset = view[written:], offset + written

    def _sync(self) -> None:
        assert self._descriptor is not None  # noqa: S101 - narrowing for the type checker
        try:
            self._files.fdatasync(self._descriptor)
        except OSError as error:
            raise self.sync_failed(error) from error

    def _cut_back(self) -> None:
        assert self._descriptor is not None  # noqa: S101 - narrowing for the type checker
        try:
            self._files.truncate(self._descriptor, self._size)
        except OSError as error:
            raise self._stop("ftruncate", error) from error

    def _stop(self, call: str, error: OSError) -> WriterStoppedError:
        self._stopped = True
        return WriterStoppedError(f"{call} failed on the spool's device ({_name(error)})")


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown error")
