"""Empty databases for contract suites: SQLite always, PostgreSQL where a test server is named.

CRATON_TEST_POSTGRESQL is the URL of a database whose schema "public" tests may drop, for example
"postgresql+psycopg://craton:secret@127.0.0.1:5432/craton_test".
"""

import os
from pathlib import Path

import sqlalchemy as sa

_SERVER = os.environ.get("CRATON_TEST_POSTGRESQL", "")
KINDS = ("SQLite", "PostgreSQL") if _SERVER else ("SQLite",)


def empty_database(kind: str, folder: Path) -> str:
    """Return the URL of an empty database."""
    if kind == "SQLite":
        return f"sqlite:///{folder}/contract.sqlite"
    engine = sa.create_engine(_SERVER)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return _SERVER
