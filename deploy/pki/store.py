"""Certificates on disk: owners, modes, and replacement that a reader never sees half done."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

_CURRENT = "..current"
"""Symbolic link to the folder that holds the files in use; the visible names link through it."""


def write_private(path: Path, content: bytes, uid: int) -> None:
    """Write a 0600 file of `uid` atomically: it exists either as before or complete."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), uid, uid)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_files(directory: Path, files: Mapping[str, bytes], uid: int) -> None:
    """Put `files` into `directory` (0700 of `uid`) so that all of them change at one instant.

    A certificate and its key are two files, and a reader that caught the new one with the old other
    could serve nothing. So the files lie in a folder of their own, the visible names are links through
    one link, and that link is replaced by one rename.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    version = directory / f"..{secrets.token_hex(8)}"
    version.mkdir(mode=0o700)
    for name, content in files.items():
        write_private(version / name, content, uid)
    if os.geteuid() == 0:
        os.chown(directory, uid, uid)
        os.chown(version, uid, uid)
    current = directory / _CURRENT
    previous = current.resolve() if current.is_symlink() else None
    _link(current, version.name)
    for name in files:
        if not (directory / name).is_symlink():
            _link(directory / name, f"{_CURRENT}/{name}")
    if previous is not None and previous.parent == directory.resolve():
        shutil.rmtree(previous, ignore_errors=True)


def _link(path: Path, target: str) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    temporary.symlink_to(target)
    temporary.rename(path)
