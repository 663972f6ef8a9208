"""Empty databases for contract suites: SQLite always, PostgreSQL where a test server is named.

CRATON_TEST_POSTGRESQL is the URL of a database whose schema "public" tests may drop, for example
"postgresql+psycopg://craton:secret@127.0.0.1:5432/craton_test".
"""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

KINDS = ("SQLite", "PostgreSQL")


def empty_database(kind: str, folder: Path) -> str:
    """Return the URL of an empty database; skips the test when there is no server of this kind."""
    if kind == "SQLite":
        return f"sqlite:///{folder}/contract.sqlite"
    url = os.environ.get("CRATON_TEST_POSTGRESQL", "")
    if not url:
        pytest.skip("CRATON_TEST_POSTGRESQL names no server")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url
