"""Which tests run in one worker, one after the other, when `make test` runs several workers (pytest-xdist).

A group is handed to a worker as a whole. The tests of a file are always in one group: they share module
fixtures, and were written to follow each other. The groups below join files that would get into each
other's way, or would start the same costly thing twice. What only looks at itself (its process, its ports,
its folder) needs no entry.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.fakes import databases

_STACK = "stack"
"""Everything that uses the worker's whole stack and measures the memory of its edge, or takes it down. Also
what uses the collector of its traces."""
_KILLED = "killed"
"""What kills or stops parts of a whole stack, or searches all of it."""
_CLIENTS = "clients"
"""Clients of AWS and others that leave the whole stack as it is. These three have a stack each, beside one
another, because together they would take as long as all others."""
_STACKS = (_STACK, _CLIENTS, _KILLED)
_POOL = "pool"
"""Pools run their sandboxes under one test uid, in control groups below the same folder. A test of what a
hostile model can reach, of its caps, or of what is left in memory and /dev/shm afterwards must not meet the
sandbox of another test there. Each also starts a Triton, for which two cores have room once."""
_DATABASE = "database"
"""Contract suites on PostgreSQL drop the schema of the session's one server before each test, and that
server may be one that CRATON_TEST_POSTGRESQL names for all workers."""

_TOGETHER = {
    # The first entry that fits counts.
    "tests/fault/test_account_purge.py": _KILLED,
    "tests/fault/test_kill.py": _KILLED,
    "tests/fault/test_put_back.py": _KILLED,
    "tests/fault/test_replay.py": _KILLED,
    "tests/fault/test_revocation.py": _KILLED,
    "tests/security/test_callers.py": _KILLED,
    "tests/security/test_canary.py": _KILLED,
    "tests/security/test_coverage.py": _CLIENTS,
    "tests/security/test_listening.py": _CLIENTS,
    "tests/fault/pool/": _POOL,
    "tests/integration/pool/": _POOL,
    "tests/security/pool/": _POOL,
    "tests/contract/aws/": _CLIENTS,
    "tests/e2e/test_account_purge.py": _CLIENTS,
    "tests/e2e/test_kms.py": _CLIENTS,
    "tests/e2e/test_query.py": _CLIENTS,
    "tests/e2e/test_roles.py": _CLIENTS,
    "tests/e2e/trails/": _CLIENTS,
    "tests/e2e/": _STACK,
    "tests/contract/audit/": _DATABASE,
    "tests/contract/auth/": _DATABASE,
    "tests/contract/chassis/test_database.py": _DATABASE,
    "tests/contract/kms/": _DATABASE,
    "tests/fault/kms/test_store_kill.py": _DATABASE,
    "tests/contract/training/": _DATABASE,
    "tests/contract/witness/": _DATABASE,
    "tests/integration/auth/test_replicas.py": _DATABASE,
}

_COSTLY = (
    _STACK,
    _CLIENTS,
    _KILLED,
    _POOL,
    _DATABASE,
    "tests/fault/",
    "tests/integration/",
    "tests/security/",
)
_ORDER = (*_COSTLY, "tests/")
"""Workers take groups in this order: first those that take minutes, so that none of them is the last to run
while the other workers have nothing left; at last the short unit tests, which fill what is left over."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole groups, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return the name of a test's group: one of those above, or its file."""
    file = nodeid.split("::", 1)[0]
    return next((group for path, group in _TOGETHER.items() if file.startswith(path)), file)


def uses_stack(nodeid: str) -> bool:
    """Say whether a test is one of those that use their worker's whole stack."""
    return group_of(nodeid) in _STACKS


def arrange(items: list[Any]) -> None:
    """Sort by group; items of a group keep their order. Raises UsageError for a file that lacks its entry."""
    for item in items:
        needed = _needed(item)
        if needed and group_of(item.nodeid) not in needed:
            raise pytest.UsageError(f"{item.nodeid} belongs to the group {needed[0]!r} of {__name__}")
    items.sort(key=_rank)


def _needed(item: Any) -> tuple[str, ...]:
    """Return the groups in one of which a test must be; none for those that may be anywhere."""
    if "collector" in getattr(item, "fixturenames", ()):
        return _STACKS
    if databases.empty_database in vars(item.module).values():
        return (_DATABASE,)
    return ()


def _rank(item: Any) -> int:
    group = group_of(item.nodeid)
    return next((rank for rank, start in enumerate(_ORDER) if group.startswith(start)), len(_ORDER))
