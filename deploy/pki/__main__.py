"""`python -m deploy.pki`: the renewal loop that the supervisor runs beside the services."""

import os
import time
from datetime import UTC, datetime

from deploy.local.stack import Stack
from deploy.pki.issue import renew_for_ever


def main() -> None:
    """Renew leaves until stopped."""
    os.umask(0o077)
    renew_for_ever(Stack.here(), lambda: datetime.now(UTC), time.sleep, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
