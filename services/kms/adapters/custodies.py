"""Which custody the configuration asks for."""

from pathlib import Path

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.file_custody import FileCustody, read_keys
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.adapters.passphrase_custody import (
    PassphraseCustody,
    adopt_under_passphrase,
    mark_passphrase_boot,
)
from services.kms.config import CustodySettings
from services.kms.ports import CustodyError, RootCustody


def open_custody(settings: CustodySettings, randomness: Randomness) -> RootCustody:
    """Open root custody, sealed where it waits for a passphrase or a PIN. Raises CustodyError."""
    if settings.kind == "passphrase":
        return PassphraseCustody(settings.file, randomness)
    if settings.kind == "pkcs11" and settings.module is not None:
        # Here, so that only who has a device loads foreign code.
        from services.kms.adapters.pkcs11_custody import Device, Pkcs11Custody

        device = Device(settings.module, settings.token_label, settings.pin_file)
        return Pkcs11Custody(settings.file, device, randomness)
    return FileCustody(settings.file, randomness)


def mark_custody(settings: CustodySettings, passphrase: SecretBytes | None, randomness: Randomness) -> None:
    """Mark the first boot of an installation. Raises CustodyError when it has had it.

    Custody under a passphrase needs it now: the file is made here, so that the first unsealing verifies it.
    """
    if settings.kind == "passphrase":
        mark_passphrase_boot(settings.file, passphrase or SecretBytes(b""), randomness)
    else:
        mark_first_boot(settings.file)


def adopt_custody(
    settings: CustodySettings, source: Path, passphrase: SecretBytes | None, randomness: Randomness
) -> None:
    """Bring the keys of a custody of kind "file" into the one that is configured, while kms does not run.

    The file is left as it is. Raises CustodyError.
    """
    secret = passphrase or SecretBytes(b"")
    if settings.kind == "passphrase":
        adopt_under_passphrase(settings.file, read_keys(source), secret, randomness)
    elif settings.kind == "pkcs11" and settings.module is not None:
        from services.kms.adapters.pkcs11_custody import Device, adopt_into_device

        device = Device(settings.module, settings.token_label, settings.pin_file)
        adopt_into_device(settings.file, device, read_keys(source), secret, randomness)
    else:
        raise CustodyError("custody of kind file needs no adoption: move the file")
