"""`python -m deploy.pki`: the renewal loop that the supervisor runs beside the services."""

import os
import time
from datetime import UTC, datetime

import redis

from deploy.local.redis import reload_certificate
from deploy.local.stack import Stack
from deploy.pki.issue import renew_for_ever


def main() -> None:
    """Renew leaves until stopped."""
    os.umask(0o077)
    stack = Stack.here()

    def reload_redis() -> None:
        try:
            reload_certificate(stack)
        except redis.RedisError as error:
            raise OSError(str(error)) from error

    renew_for_ever(
        stack,
        lambda: datetime.now(UTC),
        time.sleep,
        lambda line: print(line, flush=True),
        {"redis": reload_redis},
    )


if __name__ == "__main__":
    main()
