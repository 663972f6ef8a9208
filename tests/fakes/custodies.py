"""Every custody there is, in a folder of its own: with a SoftHSM token where the device would be.

As a program it is another process that uses the same custody:

    python -m tests.fakes.custodies KIND FOLDER GENERATIONS

adds so many generations of the root key and wraps something under each.
"""

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.custodies import open_custody
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.adapters.passphrase_custody import Argon2Costs, mark_passphrase_boot
from services.kms.config import CustodySettings
from services.kms.ports import RootCustody, WrapKind

KINDS = ("file", "passphrase", "pkcs11")
SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
PASSPHRASE = SecretBytes(b"correct horse battery staple")
PIN = SecretBytes(b"73911374")
CHEAP = Argon2Costs(memory_kib=64, iterations=1, lanes=1)
"""Of a passphrase that protects nothing."""
MATERIAL = SecretBytes(b"what custody wraps, 32 bytes ...")
BOUND = b"what it is bound to"
_TOKEN = "craton-test"
_RANDOM = SystemRandomness()


@dataclass(frozen=True)
class Place:
    """A custody of one kind below a folder."""

    kind: str
    folder: Path

    @property
    def file(self) -> Path:
        """The custody file."""
        return self.folder / "custody" / "root.key"

    @property
    def secret(self) -> SecretBytes:
        """What unseals it."""
        return {"file": SecretBytes(b""), "passphrase": PASSPHRASE, "pkcs11": PIN}[self.kind]

    def settings(self) -> CustodySettings:
        """Configuration of kms; a device's PIN is not in it."""
        if self.kind == "pkcs11":
            return CustodySettings(self.file, "pkcs11", SOFTHSM, _TOKEN)
        return CustodySettings(self.file, self.kind)

    def mark(self) -> None:
        """Set up a new installation: the token of a device, and the mark of the first boot."""
        if self.kind == "pkcs11":
            self.make_token()
        if self.kind == "passphrase":
            mark_passphrase_boot(self.file, PASSPHRASE, _RANDOM, CHEAP)
        else:
            mark_first_boot(self.file)

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find the token."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    def open_sealed(self) -> RootCustody:
        """Open it as kms does at start."""
        return open_custody(self.settings(), _RANDOM)

    def open(self) -> RootCustody:
        """Open it and unseal it."""
        custody = self.open_sealed()
        custody.unseal(self.secret)
        return custody

    def write_configuration(self) -> None:
        """Write SoftHSM's configuration; there is no token yet."""
        tokens = self.folder / "tokens"
        tokens.mkdir(parents=True)
        (self.folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )

    def make_token(self) -> None:
        """Initialise the token."""
        self.write_configuration()
        pin = PIN.reveal().decode()
        command = [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            _TOKEN,
            "--so-pin",
            pin,
            "--pin",
            pin,
        ]
        subprocess.run(
            command, env=os.environ | self.environment(), check=True, capture_output=True, timeout=30
        )


def main() -> None:
    """Add generations and print what was wrapped under them."""
    kind, folder, count = sys.argv[1:]
    custody = Place(kind, Path(folder)).open()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(count)):
        generation = custody.add_generation(WrapKind.ROOT)
        wrapped = custody.wrap(WrapKind.ROOT, generation, MATERIAL, BOUND)
        print(json.dumps([generation, base64.b64encode(wrapped).decode()]), flush=True)
    custody.seal()


if __name__ == "__main__":
    main()
