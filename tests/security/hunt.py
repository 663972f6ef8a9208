"""The canary hunt: looks for a marked text wherever a leak would leave it, in every form it could take."""

import base64
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class Hit:
    """A place where the canary was found, and in which form."""

    place: str
    form: str


class Hunter:
    """Searches bytes, files, mount namespaces and memory for one canary."""

    def __init__(self, canary: str) -> None:
        """Look for `canary`: ASCII letters and digits, so that URL and JSON forms are the plain one."""
        plain = canary.encode()
        needles = {
            "plain": plain,
            "reversed": plain[::-1],
            "upper": plain.upper(),
            # Without the last zero bytes, so that both byte orders are found.
            "utf-16": canary.encode("utf-16-le")[:-1],
            "utf-32": canary.encode("utf-32-le")[:-3],
            "hex": plain.hex().encode(),
            "HEX": plain.hex().upper().encode(),
        }
        for offset in range(3):
            # The characters whose bits come from neighbours of the canary are cut off.
            encoded = base64.b64encode(b"\0" * offset + plain).rstrip(b"=")
            needles[f"base64/{offset}"] = encoded[(0, 2, 3)[offset] : -1]
        self._needles = needles
        self._longest = max(len(needle) for needle in needles.values())

    def in_bytes(self, data: bytes, place: str) -> list[Hit]:
        """Search bytes; gzip and zlib content is opened first."""
        hits = self._search(data, place)
        for name, opened in (("gzip", gzip.decompress), ("zlib", zlib.decompress)):
            if data[:2] in (b"\x1f\x8b", b"\x78\x9c", b"\x78\xda"):
                try:
                    hits += self._search(opened(data), f"{place} ({name})")
                except (OSError, zlib.error, EOFError):
                    continue
        return hits

    def in_tree(self, root: Path, place: str = "") -> list[Hit]:
        """Search every regular file below `root`, names included; links are not followed."""
        hits = []
        for path in _files(root):
            shown = f"{place}{path}"
            hits += self._search(os.fsencode(str(path)), f"name of {shown}")
            try:
                hits += self._in_file(path, shown)
            except (FileNotFoundError, PermissionError, OSError):
                continue
        return hits

    def in_mounts_of(self, pid: int) -> list[Hit]:
        """Search what a process sees as /dev/shm, /tmp, /run and /var/tmp, in its own mount namespace."""
        root = Path(f"/proc/{pid}/root")
        hits = []
        for name in ("dev/shm", "tmp", "run", "var/tmp"):
            hits += self.in_tree(root / name, f"pid {pid}: ")
        return hits

    def in_memory(self, pid: int) -> list[Hit]:
        """Search the readable private and shared memory of a process."""
        hits = []
        try:
            maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
            memory = Path(f"/proc/{pid}/mem").open("rb", buffering=0)  # noqa: SIM115 - closed below
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            return []
        with memory:
            for line in maps:
                span, mode, *rest = line.split(maxsplit=5)
                if not mode.startswith("r") or (rest and rest[-1] in ("[vvar]", "[vsyscall]")):
                    continue
                start, end = (int(number, 16) for number in span.split("-"))
                hits += self._in_span(memory, start, end, f"memory of pid {pid}")
        return hits

    def _in_span(self, memory: object, start: int, end: int, place: str) -> list[Hit]:
        position, tail, hits = start, b"", []
        while position < end:
            try:
                memory.seek(position)  # type: ignore[attr-defined]
                data = memory.read(min(_CHUNK, end - position))  # type: ignore[attr-defined]
            except (OSError, ValueError):
                break
            if not data:
                break
            hits += self._search(tail + data, place)
            tail = data[-self._longest :]
            position += len(data)
        return hits

    def _in_file(self, path: Path, place: str) -> list[Hit]:
        hits, tail, first = [], b"", True
        with path.open("rb") as file:
            while data := file.read(_CHUNK):
                if first and len(data) < _CHUNK:
                    return self.in_bytes(data, place)
                hits += self._search(tail + data, place)
                tail, first = data[-self._longest :], False
        return hits

    def _search(self, data: bytes, place: str) -> list[Hit]:
        # One fast search a needle: an alternation in a regular expression is slower by far.
        return [Hit(place, form) for form, needle in self._needles.items() if needle in data]


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root, followlinks=False):
        for name in names:
            path = Path(folder) / name
            try:
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
            except OSError:
                continue
