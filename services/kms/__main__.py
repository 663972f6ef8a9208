"""Starts kms: python -m services.kms --config deploy/config/kms.toml."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.chassis.hardening import HardeningError, forbid_inspection, keep_out_of_swap
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.chassis.server import run
from services.kms.adapters.custodies import adopt_custody, mark_custody
from services.kms.config import KmsConfig, Swap
from services.kms.ports import CustodyError, CustodyUnavailableError
from services.kms.wiring import build

_MAX_PASSPHRASE = 1024


def main() -> int:
    """Serve until a signal, or mark the first boot. Returns the exit status of the process."""
    arguments = _arguments()
    os.umask(0o077)
    try:
        # First of all: a core file, or whoever can read this memory, would have the root key.
        forbid_inspection()
        config = load(arguments.config, KmsConfig)
        passphrase = None if arguments.passphrase_fd is None else _read(arguments.passphrase_fd)
        if arguments.mark_first_boot or arguments.adopt_custody:
            if config.custody.kind == "passphrase" and passphrase is None:
                passphrase = _ask()
            if arguments.adopt_custody:
                adopt_custody(config.custody, arguments.adopt_custody, passphrase, SystemRandomness())
            else:
                mark_custody(config.custody, passphrase, SystemRandomness())
            return 0
        _keep_out_of_swap(Swap(config.swap))
        restored: bool = arguments.accept_restored_store
        return run(lambda: build(config, SystemClock(), passphrase=passphrase, restored=restored))
    except CustodyUnavailableError as error:
        sys.stderr.write(f"kms does not start: {error}\n")
        # EX_TEMPFAIL: a supervisor should try again.
        return os.EX_TEMPFAIL
    except (ConfigError, CustodyError, HardeningError) as error:
        sys.stderr.write(f"kms does not start: {error}\n")
        # EX_CONFIG of sysexits.h: a supervisor need not try again.
        return os.EX_CONFIG


def _keep_out_of_swap(policy: Swap) -> None:
    danger = keep_out_of_swap()
    if danger and policy is Swap.REFUSE:
        raise HardeningError(f"{danger}; where keys on a disk do no harm, swap = 'warn' permits it")
    if danger:
        sys.stderr.write(f"kms starts, but its keys may reach a disk: {danger}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.kms", description="Craton's key service.")
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    parser.add_argument(
        "--mark-first-boot",
        action="store_true",
        help="permit the next start to create a root key, then exit; refused when there is one. "
        "Asks for the passphrase of custody that is under one",
    )
    parser.add_argument(
        "--adopt-custody",
        type=Path,
        metavar="FILE",
        help="bring the keys of this custody of kind file into the custody that is configured, then exit",
    )
    parser.add_argument(
        "--passphrase-fd",
        type=int,
        metavar="N",
        help="unseal at start with the passphrase, or the device's PIN, that stands in this file descriptor; "
        "without it custody under a passphrase, or without a pin_file, starts sealed",
    )
    parser.add_argument(
        "--accept-restored-store",
        action="store_true",
        help="serve from a database that was restored from a backup, or beside an audit service that was: "
        "the store must be whole, but may be older than the newest state that the audit service knows of. "
        "Whatever was changed since then is undone: what was revoked is permitted again",
    )
    return parser.parse_args()


def _read(descriptor: int) -> SecretBytes:
    """Read a passphrase to its end, without the line end that editors and echo add."""
    try:
        with os.fdopen(descriptor, "rb") as stream:
            passphrase = stream.read(_MAX_PASSPHRASE + 3).rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"--passphrase-fd {descriptor}: {error.strerror}") from None
    if not 0 < len(passphrase) <= _MAX_PASSPHRASE:
        raise ConfigError(f"--passphrase-fd {descriptor}: 1 to {_MAX_PASSPHRASE} bytes are expected")
    return SecretBytes(passphrase)


def _ask() -> SecretBytes:
    if not sys.stdin.isatty():
        raise ConfigError("custody under a passphrase needs it now: on a terminal, or by --passphrase-fd")
    passphrase = getpass.getpass("Passphrase of the new custody: ")
    if passphrase != getpass.getpass("Again: "):
        raise ConfigError("the two passphrases differ")
    return SecretBytes(passphrase.encode())


if __name__ == "__main__":
    sys.exit(main())
