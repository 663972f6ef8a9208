"""A process that holds a data key and opens it without a pause, telling when.

Started by tests that stop it: `python -m tests.fakes.key_holder` with a JSON object on its standard input.
Each line that it writes is the boot times between which it opened the key, and whether it did.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from services.chassis.settings import RedisSettings, TlsSettings
from tests.fakes.leasing_kms import DataKeyHolder


class Files:
    """The certificates of the one workload that this process is."""

    def __init__(self, tls: dict[str, str]) -> None:
        self._tls = TlsSettings(**{name: Path(path) for name, path in tls.items()})

    def tls(self, _path: str) -> TlsSettings:
        """Return them."""
        return self._tls


async def hold(told: dict[str, object]) -> None:
    """Open the data key until killed."""
    redis = dict(told["redis"])  # type: ignore[call-overload]
    for name in ("password_file", "ca"):
        redis[name] = Path(redis[name])
    files = Files(told["tls"])  # type: ignore[arg-type]
    holder = DataKeyHolder("audit", str(told["target"]), files, RedisSettings(**redis))  # type: ignore[arg-type]
    ciphertext = bytes.fromhex(str(told["ciphertext"]))
    while True:
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
        ok = await holder.opens(ciphertext)
        print(json.dumps([began, time.clock_gettime(time.CLOCK_BOOTTIME), ok]), flush=True)
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(hold(json.load(sys.stdin)))
