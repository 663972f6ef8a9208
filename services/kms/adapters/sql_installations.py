"""The installation record in SQL. It holds nothing that needs hiding: its store key is wrapped by custody."""

import sqlalchemy as sa

from services.kms.adapters.tables import HEAD, INSTALLATION, RECORDS
from services.kms.ports import CustodyError, Installation


class SqlInstallations:
    """See the port. Blocks: for the boot, and for a change of the root key."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use the database of `engine`, whose schema is current."""
        self._engine = engine

    def load(self) -> Installation | None:
        """Return the record, None when there is none."""
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(INSTALLATION)).one_or_none()
        return None if row is None else Installation(row.store_id, row.root_generation, row.store_key)

    def save(self, installation: Installation) -> None:
        """Write the record of an empty store, or replace it. Raises CustodyError."""
        wrapped = {
            "root_generation": installation.root_generation,
            "store_key": installation.store_key,
        }
        with self._engine.begin() as connection:
            held = connection.execute(sa.select(INSTALLATION.c.store_id)).scalar_one_or_none()
            if held is None:
                if _holds_records(connection):
                    raise CustodyError("the store holds records of an installation that it has no record of")
                connection.execute(
                    sa.insert(INSTALLATION).values(id=1, store_id=installation.store_id, **wrapped)
                )
            elif held != installation.store_id:
                raise CustodyError("the store belongs to another installation")
            else:
                connection.execute(sa.update(INSTALLATION).values(**wrapped))


def _holds_records(connection: sa.Connection) -> bool:
    # A head without records is a store that was emptied by its owner, or by somebody else.
    tables = (HEAD, RECORDS)
    return any(connection.execute(sa.select(sa.literal(1)).select_from(t).limit(1)).first() for t in tables)
