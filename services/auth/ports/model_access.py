"""Offered models, and the agreements about them."""

from typing import Protocol

from services.auth.domain.records import (
    Agreement,
)
from services.chassis.manifest import ModelManifest


class ModelCatalog(Protocol):
    """The signed manifests that this installation offers."""

    def find(self, model_id: str) -> ModelManifest | None:
        """Return the verified manifest of a model."""


class AgreementStore(Protocol):
    """Model agreements and use-case forms. Durability and errors as in DirectoryStore."""

    async def put_agreement(self, agreement: Agreement) -> int:
        """Record an agreement; the same one again changes nothing but is no error."""

    async def agreement(self, account_id: str, region: str, model_id: str) -> Agreement | None:
        """Return the account's agreement, whatever EULA it is about."""

    async def delete_agreement(self, account_id: str, region: str, model_id: str) -> int | None:
        """Delete an agreement; None when there was none."""

    async def put_use_case(self, account_id: str, sealed: bytes) -> None:
        """Store the sealed use-case form."""

    async def use_case(self, account_id: str) -> bytes | None:
        """Return the sealed use-case form."""
