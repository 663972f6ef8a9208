"""The mark of the first boot: without it no custody makes keys.

An operator sets it, beside the custody file, for a new installation. It is never inferred from what is
missing: a custody that was lost would be taken for a new one, and every key would be lost with it.
"""

import os
from pathlib import Path

from services.kms.adapters.private_file import sync_folder
from services.kms.ports import CustodyError


def first_boot_mark(custody_file: Path) -> Path:
    """Where the mark lies: beside the custody file."""
    return custody_file.with_name(f"{custody_file.name}.first-boot")


def mark_first_boot(custody_file: Path) -> None:
    """Permit the next start to make keys: for whoever sets up a new installation.

    Raises CustodyError when custody exists already, because other keys would orphan all that hang on these.
    """
    if custody_file.exists():
        raise CustodyError("the custody file exists: this installation has had its first boot")
    custody_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = first_boot_mark(custody_file)
    os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    sync_folder(mark.parent)


class FirstBoot:
    """Whether a custody may still make its first keys."""

    def __init__(self, custody_file: Path) -> None:
        """Look for the mark of this file."""
        self._mark = first_boot_mark(custody_file)
        self._marked = self._mark.exists()

    @property
    def marked(self) -> bool:
        """True until the first boot is complete."""
        return self._marked

    def complete(self) -> None:
        """Remove the mark durably. Removing one that is gone is harmless."""
        self._mark.unlink(missing_ok=True)
        sync_folder(self._mark.parent)
        self._marked = False
