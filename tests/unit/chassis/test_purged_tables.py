"""No service keeps anything of accounts that a purge forgets: every table, and every collection of kms."""

import importlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

import services
from services.audit.adapters import sql_purge as of_audit
from services.auth.adapters import account_removal as of_auth
from services.kms.operations import account_purge as of_kms
from services.training.adapters import sql_purge as of_training

ROOT = Path(services.__file__).parent
OF_ACCOUNTS = {"account_id", "management_account_id", "entity_id", "target_id"}
"""Columns that say whose a row is."""
PURGED: Mapping[str, tuple[Collection[str], Mapping[str, str]]] = {
    "audit": (of_audit.EMPTIED, of_audit.KEPT),
    "auth": ({each.name for each in {**of_auth.RESOURCES, **of_auth.PRINCIPALS}}, of_auth.KEPT),
    "training": (of_training.PURGED, of_training.KEPT),
    # Its records are judged by their collections, below.
    "kms": ((), {"installation": "The store's own.", "records": "See the collections."}),
}


def metadata(service: str) -> sa.MetaData:
    """All tables of a service: its wiring names every adapter."""
    importlib.import_module(f"services.{service}.wiring")
    tables: sa.MetaData = importlib.import_module(f"services.{service}.adapters.tables").METADATA
    return tables


def with_accounts(tables: sa.MetaData) -> set[str]:
    """Names of the tables that say whose a row is, or refer to one that does."""
    found = {each.name for each in tables.tables.values() if OF_ACCOUNTS & set(each.columns.keys())}
    while True:
        more = {
            each.name
            for each in tables.tables.values()
            if any(key.column.table.name in found for key in each.foreign_keys)
        }
        if more <= found:
            return found
        found |= more


def test_every_service_with_tables_is_looked_at() -> None:
    assert set(PURGED) == {path.parent.parent.name for path in ROOT.glob("*/adapters/tables.py")}


@pytest.mark.parametrize("service", PURGED)
def test_every_table_with_accounts_is_purged_or_says_why_not(service: str) -> None:
    purged, kept = PURGED[service]
    assert with_accounts(metadata(service)) <= {*purged, *kept}
    assert not set(purged) & set(kept)
    assert {*purged, *kept} <= set(metadata(service).tables)
    assert all(kept.values())


def test_a_table_that_somebody_adds_would_be_noticed() -> None:
    tables = sa.MetaData()
    sa.Table("guardrails", tables, sa.Column("id", sa.Integer, primary_key=True), sa.Column("account_id"))
    sa.Table("versions", tables, sa.Column("of", sa.ForeignKey("guardrails.id")))
    sa.Table("pools", tables, sa.Column("id", sa.Integer))
    assert with_accounts(tables) == {"guardrails", "versions"}


def collections_of_kms() -> set[str]:
    """Names of the collections that kms makes records in, from its code."""
    found = set()
    for path in (ROOT / "kms" / "operations").glob("*.py"):
        module = importlib.import_module(f"services.kms.operations.{path.stem}")
        for name in re.findall(r"RecordId\(\s*(\"[^\"]+\"|_[A-Z_]+)", path.read_text()):
            found.add(name.strip('"') if name.startswith('"') else getattr(module, name))
    return found


def test_every_collection_of_kms_is_purged_or_says_why_not() -> None:
    assert collections_of_kms() == of_kms.PURGED | set(of_kms.KEPT)
