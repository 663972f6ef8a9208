"""Stores of identities on every kind of database that this machine has."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.database import Database
from tests.contract.auth.identity_stores import Stores, filled_stores
from tests.contract.auth.test_store import REVISIONS
from tests.fakes.databases import KINDS, empty_database, make_schema


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with the current schema."""
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    yield database
    await database.close()


@pytest.fixture
async def stores(database: Database) -> Stores:
    """Stores of an account with the users alice, who has a key, and bob, and the group Team."""
    return await filled_stores(database)
