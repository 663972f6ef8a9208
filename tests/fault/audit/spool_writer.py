"""A process that appends to a spool and says on standard output what was acknowledged, until it is killed."""

import asyncio
import os
import sys
from pathlib import Path

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.segment import Lane
from services.chassis.audit.spool import Spool
from services.chassis.randomness import SystemRandomness

WRITERS = 32


async def main(directory: Path, life: int) -> None:
    """Append numbered records from many tasks; one line a record, written after its acknowledgement."""
    limits = SpoolLimits(segment_bytes=64 * 1024, commit_timeout_s=30.0)
    spool = Spool(directory, randomness=SystemRandomness(), limits=limits)

    async def write(writer: int) -> None:
        for number in range(1_000_000):
            payload = f"{life}.{writer}.{number}"
            await spool.append(payload.encode().ljust(200, b"."), Lane.EVENT)
            os.write(1, f"{payload}\n".encode())

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
